//! The books of a day: what the database counts is what the bank shows.

use crate::domain::bank::{BankAmounts, BankStatus, BankView};
use crate::domain::calendar::BusinessDay;
use crate::domain::order::SeenView;

use super::*;

/// The price is no deposit: what was let go was never taken, and what was given back had been.
#[tokio::test]
async fn a_total_has_the_sums_that_the_bank_shows() {
    let file = File::new();
    let store = file.open();
    // The bank's status and its sums: held, taken, given back.
    let table = [
        ("taken", State::Deposited, BankStatus::Deposited, [10_000, 7_000, 0]),
        ("given-back", State::Refunded, BankStatus::Refunded, [10_000, 10_000, 4_000]),
        ("let-go", State::Reversed, BankStatus::Reversed, [10_000, 0, 0]),
        ("refused", State::Declined, BankStatus::Declined, [0, 0, 0]),
    ];
    for (text, state, status, [approved, deposited, refunded]) in table {
        let fresh = added(&store, text).await;
        let view = BankView {
            order_number: None,
            order_id: None,
            status,
            action_code: None,
            amount: Some(10_000),
            currency: Some(Currency::RUB),
            amounts: Some(BankAmounts { approved, deposited, refunded }),
            points: None,
            counted_points: None,
            authorised_at: None,
            payment_system: None,
            chargeback: None,
            autocompletion_at: None,
        };
        change(&store, &fresh, move |order| {
            order.state = state;
            order.view = Some(SeenView { view, seen_at: NOW });
        })
        .await;
    }
    let date = jiff::civil::date(2026, 11, 20);
    let day = BusinessDay { date, from: NOW.minus(MINUTE), until: NOW.plus(MINUTE) };
    let ended = store.day_books(&shop(), &day).await.unwrap().ended;
    let mut told: Vec<_> = ended
        .iter()
        .map(|total| (total.state, total.count, total.amount_minor, total.deposited_minor, total.refunded_minor))
        .collect();
    told.sort_unstable();
    let mut shown = table.map(|(_, state, _, [_, deposited, refunded])| (state, 1, 10_000, deposited, refunded));
    shown.sort_unstable();
    assert_eq!(told, shown);
}
