//! Adopting a database: a person vouches for it, and money may move again.
//!
//! Every send that the witness has and the database has not comes back as a completion in doubt of an order in review: it
//! is asked about, and nothing of it is sent once more without a person's word. All that is in one transaction with the new home and the end of the freeze. A crash
//! on the way leaves money frozen, and adopting once more is safe.

use std::collections::BTreeMap;

use crate::domain::contested;
use crate::domain::event::Cause;
use crate::domain::lifecycle::Contradiction;
use crate::domain::operation::OperationState;
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;

use super::connection::Connection;
use super::loaded::{self, Loaded};
use super::meta::{self, Meta};
use super::quarantine;
use super::standing::{self, Examined};
use super::witness::{self, Sent, Witness};
use super::{Freeze, Store, StoreError, doubt, events, orders, rows};

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
    /// The queue does not know it; a person has to add it.
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
        let counter = self.readers.read(|connection| Ok(standing::known(connection)?)).await?.counter;
        let counter = examined.beyond.iter().map(|sent| sent.seq).fold(counter, i64::max);
        let unwritten =
            |error: std::io::Error| StoreError::Unwitnessed(format!("{}: {error}", examined.witness.display()));
        let witness = match &self.witness {
            Some(witness) => witness.clone(),
            None => Witness::begin_aside(&examined.witness, counter, now).map_err(unwritten)?,
        };
        witness.adopt(counter, who.to_owned(), reason.to_owned(), now).map_err(unwritten)?;
        let (written, cause) = (examined.clone(), Cause::Operator(who.to_owned()));
        let (last, instance) = (witness.last(), self.instance.clone());
        self.writer
            .write(move |connection| {
                for (sent, sends) in latest_of_each(&written.beyond) {
                    contest(connection, sent, sends, &cause, &instance, now)?;
                }
                // What waited for this need not wait longer; the bank is asked before anything is sent.
                connection.execute(
                    "UPDATE operations SET next_step_at_ms = min(next_step_at_ms, ?1) WHERE settled_at_ms IS NULL",
                    [now.as_millis()],
                )?;
                meta::set(connection, Meta::Counter, &counter.to_string())?;
                meta::set(connection, Meta::Witnessed, last.as_str())?;
                meta::set(connection, Meta::Home, &written.here.to_text())?;
                meta::remove(connection, Meta::Frozen)?;
                Ok(meta::remove(connection, Meta::FrozenSince)?)
            })
            .await?;
        // Until the new file is in its place the database knows of a line that the old one lacks, so money stays frozen.
        if self.witness.is_none() {
            let mut kept = examined.witness.clone().into_os_string();
            kept.push(format!(".until-{}", now.to_string().replace(':', "-")));
            witness::replace(&examined.witness, kept.as_ref()).map_err(unwritten)?;
        }
        self.ring();
        Ok(())
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

/// One of each order, and how many it has: several attempts of one are one completion.
fn latest_of_each(sends: &[Sent]) -> impl Iterator<Item = (&Sent, u32)> {
    let mut latest: BTreeMap<(&str, &str), (&Sent, u32)> = BTreeMap::new();
    for sent in sends {
        let found = latest.entry((sent.merchant.as_str(), sent.order_number.as_str())).or_insert((sent, 0));
        if found.0.seq <= sent.seq {
            found.0 = sent;
        }
        found.1 = found.1.saturating_add(1);
    }
    latest.into_values()
}

fn contest(
    connection: &Connection,
    sent: &Sent,
    sends: u32,
    cause: &Cause,
    instance: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut found) = find(connection, sent)? else {
        return Ok(());
    };
    if found.altered.is_some() {
        // Written below, it would be sealed as if nobody had touched it.
        quarantine::quarantine(connection, found.order.key, now)?;
        found = loaded::load(connection, found.order.key)?;
    }
    let open = found.operation.as_ref().filter(|operation| operation.state.is_open());
    let why = Contradiction::SentOutsideBook { expected: sent.expected_minor };
    let contested = contested::put_before_a_person(&found.order, open, &why, cause.clone(), now);
    if let Some(operation) = &contested.operation {
        rows::withdraw_operation(connection, operation, now)?;
    }
    let in_doubt = open.filter(|open| open.state == OperationState::InDoubt);
    doubt::take_in(connection, &contested.order, in_doubt, sent, sends, instance, now)?;
    rows::update_order(connection, &contested.order)?;
    events::append(connection, found.order.key, now, &contested.events)
}
