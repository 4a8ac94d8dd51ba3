//! Tokens of the HTTP face: a name, and what whoever shows one may do.

use std::fmt;

use super::order::{MerchantId, NameError};
use super::time::Timestamp;

/// A token by the name it was given, by which it is revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenName(MerchantId);

impl TokenName {
    /// As a merchant's name: it stands in the log and in lists.
    pub fn new(text: &str) -> Result<Self, NameError> {
        MerchantId::new(text).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was granted, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To whom.
    pub name: TokenName,
    /// For what; at least one.
    pub scopes: Vec<Scope>,
    /// Until when, unless it is revoked before.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it has not run out.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|until| now < until)
    }
}

/// What a token lets do. Each route of the HTTP face wants one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Hand in orders, and have them registered.
    OrdersWrite,
    /// Ask after orders, events and reviews.
    OrdersRead,
    /// Decide about money.
    Money,
    /// Scrape the metrics, where they are closed.
    Metrics,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::OrdersWrite, Self::OrdersRead, Self::Money, Self::Metrics];

    /// The word for it: on the command line, in the database, and in a refusal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrdersWrite => "orders:write",
            Self::OrdersRead => "orders:read",
            Self::Money => "money",
            Self::Metrics => "metrics",
        }
    }

    /// What it lets do, for whoever grants it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::OrdersWrite => "hand in orders, and have them registered at the bank",
            Self::OrdersRead => "ask after orders, registrations, events, reviews and logins",
            Self::Money => "release, park, reverse, refund and decline, decide reviews, and see how money stands",
            Self::Metrics => "scrape the metrics, where the configuration closes them",
        }
    }

    /// The scope of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_ends_at_its_moment() {
        let grant = |expires_at: Option<i64>| Grant {
            name: TokenName::new("till").unwrap(),
            scopes: vec![Scope::OrdersRead],
            expires_at: expires_at.map(Timestamp::from_millis),
        };
        for (expires_at, now, expected) in [(None, i64::MAX, true), (Some(10), 9, true), (Some(10), 10, false)] {
            assert_eq!(grant(expires_at).is_in_force(Timestamp::from_millis(now)), expected, "{expires_at:?} {now}");
        }
    }

    #[test]
    fn scopes_are_known_by_their_words() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("orders"), None);
    }
}
