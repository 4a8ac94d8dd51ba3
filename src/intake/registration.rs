//! Reading a registration: one JSON object, whose it is, and every problem at once.

use std::fmt;

use crate::config::{Config, MerchantConfig, Protocol};
use crate::domain::order::MerchantId;
use crate::domain::registration::{self, Flaw, Problem, Request, Table, Terms, Tree};
use crate::domain::time::Timestamp;

/// Why a registration is refused before anything is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not JSON.
    NotJson(String),
    /// At least one.
    Problems(Vec<Problem>),
}

impl Refused {
    /// What is wrong with it, by field; nothing where no field could be read.
    pub fn into_problems(self) -> Vec<Problem> {
        match self {
            Self::NotJson(_) => Vec::new(),
            Self::Problems(problems) => problems,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(words) => f.write_str(words),
            Self::Problems(problems) => {
                for (position, problem) in problems.iter().enumerate() {
                    write!(f, "{}{problem}", if position == 0 { "" } else { " | " })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Refused {}

/// Reads a registration written as a JSON object and checks it.
pub fn from_json<'a>(text: &str, config: &'a Config, now: Timestamp) -> Result<(&'a MerchantConfig, Request), Refused> {
    let tree = Tree::from_json(text).map_err(Refused::NotJson)?;
    check(&tree, config, now)
}

/// Checks a registration against the settings of its merchant. A refusal names everything that is wrong with it.
pub fn check<'a>(tree: &Tree, config: &'a Config, now: Timestamp) -> Result<(&'a MerchantConfig, Request), Refused> {
    let merchant = merchant(tree, config);
    // Without a merchant it is refused anyway; the strictest terms find what else is wrong.
    let terms = match &merchant {
        Ok(merchant) => Terms {
            table: match merchant.gateway.protocol {
                Protocol::Rest => Table::RegisterDo,
                Protocol::Soap { .. } => Table::RegisterOrder,
            },
            number_max: merchant.order_number_max,
            currency: merchant.currency,
            now: Some(now),
        },
        Err(_) => Terms {
            table: Table::RegisterDo,
            number_max: crate::domain::order::ORDER_NUMBER_MAX,
            currency: crate::domain::money::Currency::RUB,
            now: Some(now),
        },
    };
    match (merchant, registration::read(tree, &terms)) {
        (Ok(merchant), Ok(request)) => Ok((merchant, request)),
        (Ok(_), Err(problems)) => Err(Refused::Problems(problems)),
        (Err(problem), read) => {
            let mut problems = vec![problem];
            problems.extend(read.err().unwrap_or_default());
            Err(Refused::Problems(problems))
        }
    }
}

fn merchant<'a>(tree: &Tree, config: &'a Config) -> Result<&'a MerchantConfig, Problem> {
    let names = || config.merchants.iter().map(|merchant| merchant.id.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = |flaw, sentence| Problem { flaw, path: "merchant".to_owned(), sentence };
    let entries = if let Tree::Object(entries) = tree { entries.as_slice() } else { &[] };
    let mut named = entries.iter().filter(|(name, value)| name == "merchant" && *value != Tree::Null);
    match (named.next(), config.merchants.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(wrong(Flaw::Missing, format!("there are several; name one of: {}", names()))),
        (Some((_, Tree::Text(name))), _) => {
            let found = MerchantId::new(name).ok().and_then(|id| config.merchant(&id));
            found.ok_or_else(|| {
                let shown: String = name.chars().take(32).collect();
                let sentence = format!("{shown:?} is not in the configuration; it has: {}", names());
                wrong(Flaw::OutOfRange, sentence)
            })
        }
        (Some(_), _) => Err(wrong(Flaw::WrongType, format!("write a merchant's name in quotes: {}", names()))),
    }
}
