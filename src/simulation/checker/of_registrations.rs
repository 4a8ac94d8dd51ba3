//! Queries about what shops handed in to be registered: that nothing of it is lost between them, us and the bank.

use crate::domain::registration::journey::{Registration, State, TRIED_FOR};
use crate::sandbox::Effect;

use super::{BankEffect, Case, OfOrder, Rows, Terms};

/// Queries about registrations.
pub(super) const QUERIES: [(&str, OfOrder); 4] = [
    ("handed_in_and_lost", handed_in_and_lost),
    ("registered_and_lost", registered_and_lost),
    ("registered_unasked", registered_unasked),
    ("registration_unsettled", registration_unsettled),
];

/// For so long after all faults a registration may still be on its way.
const SETTLED_WITHIN: std::time::Duration = std::time::Duration::from_secs(2 * 3_600);

fn registered_by_us<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a &'a BankEffect> {
    case.effects.iter().filter(|effect| effect.is_ours() && effect.effect == Effect::Registered)
}

/// What was acknowledged stands in the book, with the price it was acknowledged with.
fn handed_in_and_lost(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    let Some(told) = case.handed_in else { return Vec::new() };
    match (case.registration, case.order) {
        (None, None) => vec![format!("acknowledged at {}, and unknown", told.at_ms)],
        (Some(row), _) if row.amount.minor() != told.amount_minor => {
            vec![format!("acknowledged with {}, kept with {}", told.amount_minor, row.amount.minor())]
        }
        _ => Vec::new(),
    }
}

/// What the bank registered for us is in the queue, or open here, with a person once nothing helps; or it came there so
/// late that it had been given up, and nobody has its payment page.
fn registered_and_lost(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    if case.order.is_some() || case.handed_in.is_none() {
        return Vec::new();
    }
    let is_kept = |effect: &BankEffect| match case.registration {
        None => false,
        Some(row) => match row.state {
            State::Intended | State::InDoubt => true,
            State::Registered => false,
            // An amount that the bank invented makes it another order.
            State::Refused => case.is_misled || terms.clock_is_set || is_anothers(effect, row),
        },
    };
    let lost = registered_by_us(case).filter(|effect| !is_kept(effect));
    lost.map(|effect| {
        let ours = case.registration.map_or("unknown", |row| row.state.as_str());
        format!("the bank registered it at {}, and here it is {ours}", effect.at_ms)
    })
    .collect()
}

/// It came once this row had been given up, or before it was handed in: to a database that an older copy took the place
/// of, or late for a row that was handed in before.
fn is_anothers(effect: &BankEffect, row: &Registration) -> bool {
    let tried = row.created_at.as_millis()..row.created_at.plus(TRIED_FOR).as_millis();
    !tried.contains(&effect.at_ms)
}

/// The bank registers for us only what was handed in.
fn registered_unasked(case: &Case<'_>, _: &Terms<'_>) -> Rows {
    if case.handed_in.is_some() || case.is_forgotten {
        return Vec::new();
    }
    registered_by_us(case).map(|effect| format!("registered at {}, and nobody asked for it", effect.at_ms)).collect()
}

/// Once nothing goes wrong any more, every registration comes to an end.
fn registration_unsettled(case: &Case<'_>, terms: &Terms<'_>) -> Rows {
    let open = case.registration.filter(|row| !row.state.is_settled() && terms.calm >= SETTLED_WITHIN);
    let rows = open.map(|row| format!("{} since {}, attempt {}", row.state, row.created_at, row.attempt));
    rows.into_iter().collect()
}
