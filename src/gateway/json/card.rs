//! `cardAuthInfo`: card data, of which the payment system's name alone is read. Everything else in it is skipped where it
//! stands and never held.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// `paymentSystem`, where there is one.
#[derive(Debug, Default)]
pub(in super::super) struct CardSystem(pub(in super::super) Option<String>);

impl<'de> Deserialize<'de> for CardSystem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Card)
    }
}

/// Takes whatever comes: an answer is not unreadable because of what no decision rests on.
struct Card;

impl<'de> Visitor<'de> for Card {
    type Value = CardSystem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cardAuthInfo")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<CardSystem, A::Error> {
        let mut found = CardSystem::default();
        while let Some(name) = entries.next_key::<String>()? {
            if name == "paymentSystem" {
                found.0 = entries.next_value::<Value>()?.as_str().map(str::to_owned);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<CardSystem, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(CardSystem::default())
    }

    fn visit_unit<E>(self) -> Result<CardSystem, E> {
        Ok(CardSystem::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<CardSystem, E> {
        Ok(CardSystem::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<CardSystem, E> {
        Ok(CardSystem::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<CardSystem, E> {
        Ok(CardSystem::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<CardSystem, E> {
        Ok(CardSystem::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<CardSystem, E> {
        Ok(CardSystem::default())
    }
}
