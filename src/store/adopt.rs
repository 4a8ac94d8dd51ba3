//! Adopting a database: a person vouches for it, and money may move again.
//!
//! Every send that the witness has and the database has not comes back as a completion in doubt of an order in review:
//! it is asked about, and nothing of it is sent once more without a person's word. What it has of orders that are not
//! in the queue is remembered until they are added. All that is in one transaction with the new home and the end of the
//! freeze. A crash on the way leaves money frozen, and adopting once more is safe.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::event::Cause;
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::doubt::{self, Outside};
use super::loaded::Loaded;
use super::meta::{self, Meta};
use super::standing::{self, Examined};
use super::witness::{self, Sent, Witness};
use super::witnessed::{self, REMEMBERED_MAX};
use super::{Freeze, Store, StoreError, orders};

/// What there is to adopt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// Why money is frozen; `None` when it is not.
    pub freeze: Option<Freeze>,
    /// What is wrong now, in sentences; empty when all agrees by now.
    pub findings: Vec<String>,
    /// Sends that the witness has and the database has not, in their order.
    pub sends: Vec<UnknownSend>,
    /// Whether the witness is begun anew, and the present one kept aside.
    pub begins_anew: bool,
}

/// A send that the witness has and the database has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSend {
    /// As the witness has it.
    pub sent: Sent,
    /// What adopting makes of its order.
    pub becomes: Becomes,
}

/// What adopting makes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// It goes to review.
    Review,
    /// The queue does not know it; it is remembered, and goes to review should it be added.
    NotKnown,
}

impl Store {
    /// What there is to adopt; only whoever opened the database under its lock can say.
    pub async fn adoption(&self) -> Result<Adoption, StoreError> {
        let examined = self.examined()?;
        let freeze = self.freeze().await?;
        let sends = self
            .readers
            .read(move |connection| {
                let becomes = |sent: &Sent| Ok(UnknownSend { sent: sent.clone(), becomes: becomes(connection, sent)? });
                examined.beyond.iter().map(becomes).collect::<Result<Vec<_>, StoreError>>()
            })
            .await?;
        let examined = self.examined()?;
        Ok(Adoption {
            freeze,
            findings: examined.findings.iter().map(ToString::to_string).collect(),
            sends,
            begins_anew: !examined.goes_on,
        })
    }

    /// Vouches for the database in the name of `who`, for `reason`.
    pub async fn adopt(&self, who: &str, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let examined = self.examined()?;
        let (found, remembered) = self.to_remember(&examined, now).await?;
        let counter = self.readers.read(|connection| Ok(standing::known(connection)?)).await?.counter;
        let counter = examined.beyond.iter().map(|sent| sent.seq).fold(counter, i64::max);
        let unwritten =
            |error: std::io::Error| StoreError::Unwitnessed(format!("{}: {error}", examined.witness.display()));
        let witness = match &self.witness {
            Some(witness) => witness.clone(),
            None => Witness::begin_aside(&examined.witness, counter, now).map_err(unwritten)?,
        };
        witness.adopt(counter, who.to_owned(), reason.to_owned(), now).map_err(unwritten)?;
        let (here, cause) = (examined.here.to_text(), Cause::Operator(who.to_owned()));
        let (last, instance) = (witness.last(), self.instance.clone());
        self.writer
            .write(move |connection| {
                for outside in &found {
                    if let Some(order) = find(connection, &outside.sent)? {
                        doubt::contest(connection, order, outside, &cause, &instance, now)?;
                    } else if remembered.contains(&(outside.sent.merchant.clone(), outside.sent.order_number.clone())) {
                        witnessed::remember(connection, outside)?;
                    }
                }
                // What waited for this need not wait longer; the bank is asked before anything is sent.
                connection.execute(
                    "UPDATE operations SET next_step_at_ms = min(next_step_at_ms, ?1) WHERE settled_at_ms IS NULL",
                    [now.as_millis()],
                )?;
                meta::set(connection, Meta::Counter, &counter.to_string())?;
                meta::set(connection, Meta::Witnessed, last.as_str())?;
                meta::set(connection, Meta::Home, &here)?;
                meta::remove(connection, Meta::Frozen)?;
                Ok(meta::remove(connection, Meta::FrozenSince)?)
            })
            .await?;
        // Until the new file is in its place the database knows of a line that the old one lacks, so money stays
        // frozen.
        if self.witness.is_none() {
            let mut kept = examined.witness.clone().into_os_string();
            kept.push(format!(".until-{}", now.to_string().replace(':', "-")));
            witness::replace(&examined.witness, kept.as_ref()).map_err(unwritten)?;
        }
        self.ring();
        Ok(())
    }

    /// What the witness has of each order, and the orders whose sends the queue has to be told of when they are added.
    /// More of these than can be kept is known before anything is written.
    async fn to_remember(
        &self,
        examined: &Examined,
        now: Timestamp,
    ) -> Result<(Vec<Outside>, BTreeSet<(String, String)>), StoreError> {
        let found = of_each_order(&examined.beyond, now);
        let (found, unknown, before) = self
            .readers
            .read(move |connection| {
                let (unknown, before) = (unknown(connection, &found)?, witnessed::count(connection)?);
                Ok((found, unknown, before))
            })
            .await?;
        match unknown.len().saturating_add(before) {
            0..=REMEMBERED_MAX => Ok((found, unknown)),
            many => Err(StoreError::TooManyUnknown { many, max: REMEMBERED_MAX }),
        }
    }

    fn examined(&self) -> Result<std::sync::Arc<Examined>, StoreError> {
        let without = || StoreError::Refused("the database was opened without its lock".to_owned());
        self.examined.clone().ok_or_else(without)
    }
}

fn becomes(connection: &Connection, sent: &Sent) -> Result<Becomes, StoreError> {
    let known = find(connection, sent)?.is_some();
    Ok(if known { Becomes::Review } else { Becomes::NotKnown })
}

fn find(connection: &Connection, sent: &Sent) -> Result<Option<Loaded>, StoreError> {
    match MerchantId::new(&sent.merchant) {
        Ok(merchant) => match orders::find_order(connection, &merchant, &sent.order_number) {
            // Nothing is sent for a row that cannot be read.
            Err(StoreError::Unreadable { .. }) => Ok(None),
            found => found,
        },
        Err(_) => Ok(None),
    }
}

/// The latest of each order, and how many it has: several attempts of one are one completion.
fn of_each_order(sends: &[Sent], gone_at: Timestamp) -> Vec<Outside> {
    let mut found: BTreeMap<(&str, &str), Outside> = BTreeMap::new();
    for sent in sends {
        let next = Outside { sent: sent.clone(), sends: 1, gone_at };
        let key = (sent.merchant.as_str(), sent.order_number.as_str());
        let next = match found.remove(&key) {
            Some(before) => before.and(next),
            None => next,
        };
        found.insert(key, next);
    }
    found.into_values().collect()
}

/// Orders whose sends have to be remembered, since the queue does not have them. Left out are sends so much older than
/// the latest of their merchant that their hold cannot stand any more.
fn unknown(connection: &Connection, found: &[Outside]) -> Result<BTreeSet<(String, String)>, StoreError> {
    let mut latest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for outside in found {
        let at = latest.entry(outside.sent.merchant.as_str()).or_insert_with(|| outside.sent_at());
        *at = outside.sent_at().max(*at);
    }
    let mut unknown = BTreeSet::new();
    for outside in found {
        let sent = &outside.sent;
        let merchant = sent.merchant.as_str();
        let stands = latest.get(merchant).is_none_or(|latest| witnessed::may_stand(outside.sent_at(), *latest));
        // Under another name no order can ever be added.
        if stands && MerchantId::new(merchant).is_ok() && find(connection, sent)?.is_none() {
            unknown.insert((sent.merchant.clone(), sent.order_number.clone()));
        }
    }
    Ok(unknown)
}
