//! Queries about what the shop's endpoint heard: all of it, each order's in its order, and each under one id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::daemon::Message;

use super::super::endpoint::Heard;
use super::super::evidence::Evidence;
use super::{OfAll, Rows, Terms};

/// Queries about what the shop heard.
pub(super) const QUERIES: [(&str, OfAll); 3] =
    [("event_not_told", event_not_told), ("told_out_of_order", told_out_of_order), ("two_ids", two_ids)];

/// Once the endpoint is there, what waited has gone after so long: it may have asked for an hour just before.
const TOLD_WITHIN: Duration = Duration::from_secs(3 * 3_600);

/// The ids of the journal's events, each with its order's number, oldest first.
fn journal(evidence: &Evidence) -> Vec<(String, &str, i64)> {
    let events = evidence.events.iter();
    let id = |seen: &super::SeenEvent| Message::of_event(&seen.event, &serde_json::Value::Null).id;
    events.map(|seen| (id(seen), seen.event.number.as_str(), seen.at_ms)).collect()
}

/// Every event is told, and so every order's end.
fn event_not_told(evidence: &Evidence, terms: &Terms<'_>) -> Rows {
    let Some(heard) = evidence.heard.as_ref().filter(|_| terms.calm >= TOLD_WITHIN) else { return Vec::new() };
    let taken: BTreeSet<&str> = taken(heard).map(|heard| heard.id.as_str()).collect();
    let until_ms = terms.now_ms.saturating_sub(i64::try_from(TOLD_WITHIN.as_millis()).unwrap_or(i64::MAX));
    let missing =
        journal(evidence).into_iter().filter(|(id, _, at_ms)| *at_ms <= until_ms && !taken.contains(id.as_str()));
    missing.map(|(id, number, at_ms)| format!("{id} of {number}, which happened at {at_ms}")).collect()
}

/// A shop that throws away what it took before, by its id, has each order's events in the journal's order. What an older
/// copy of the database took the place of is in no journal any more.
fn told_out_of_order(evidence: &Evidence, _: &Terms<'_>) -> Rows {
    let Some(heard) = &evidence.heard else { return Vec::new() };
    let journal = journal(evidence);
    let places: BTreeMap<&str, usize> = journal.iter().zip(0..).map(|((id, ..), place)| (id.as_str(), place)).collect();
    let (mut rows, mut latest) = (Vec::new(), BTreeMap::<&str, usize>::new());
    let mut seen = BTreeSet::new();
    for heard in taken(heard).filter(|heard| seen.insert(heard.id.as_str())) {
        let Some(place) = places.get(heard.id.as_str()) else { continue };
        let before = latest.insert(&heard.number, *place);
        if before.is_some_and(|before| before > *place) {
            rows.push(format!("{} of {} after a later one", heard.id, heard.number));
        }
    }
    rows
}

/// What is told again has the id that it had, and nothing else has it.
fn two_ids(evidence: &Evidence, _: &Terms<'_>) -> Rows {
    let heard = evidence.heard.iter().flatten();
    let (mut ids, mut bodies) = (BTreeMap::<&[u8], &str>::new(), BTreeMap::<&str, &[u8]>::new());
    let mut rows = Vec::new();
    for Heard { id, body, .. } in heard {
        let (id_before, body_before) = (ids.insert(body, id), bodies.insert(id, body));
        if id_before.is_some_and(|before| before != id) || body_before.is_some_and(|before| before != body) {
            rows.push(format!("{id} before {id_before:?}"));
        }
    }
    rows
}

fn taken(heard: &[Heard]) -> impl Iterator<Item = &Heard> {
    heard.iter().filter(|heard| heard.is_taken)
}
