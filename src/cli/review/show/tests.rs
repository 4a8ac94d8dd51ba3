//! What `review show` prints, compared with `tests/golden/review-show.txt`.
//!
//! `UPDATE_GOLDEN=1 cargo test review` writes it anew; the change is then read, not believed.
#![expect(clippy::inconsistent_digit_grouping, reason = "100_00 reads as 100.00")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::super::typed;
use super::*;
use crate::config::Config;
use crate::domain::bank::BankStatus;
use crate::domain::event::EventKind;
use crate::domain::lifecycle::Contradiction;
use crate::domain::order::State;
use crate::domain::reconciliation::Candidate;
use crate::domain::reconciliation::fixtures::{NOW, ago, order};
use crate::domain::review::proposal::{Proposed, basis};

const SHOP: &str = r#"database = "db"
reports = "reports"
[[merchant]]
name = "shop"
gateway = "http://127.0.0.1:1/rest/"
user_name = "shop"
password = { public = "p" }
"#;

/// A completion in doubt, a price that differs and waits for a second person, and an end that differs.
fn reviews() -> Vec<(Candidate, Option<&'static str>)> {
    let doubt = Contradiction::StillHeldAfterSend { attempts: 1 };
    let price = Contradiction::AmountDiffers { ours: 100_00, theirs: 90_00 };
    let end = Contradiction::AnotherEnd { ours: State::Declined, theirs: BankStatus::Deposited };
    let held = |number| order(number, State::Review).id("8f14e45f").lapses_in(20);
    let at_90 = held("A-1").bank(BankStatus::Held, [90_00, 0, 0]).but(|view| view.amount = Some(90_00));
    vec![
        (
            because(held("заказ №17").bank(BankStatus::Held, [100_00, 0, 0]), &doubt, State::Held).completion(
                OperationState::InDoubt,
                100_00,
                1,
            ),
            None,
        ),
        (because(at_90, &price, State::Held).with(|order| order.released_at = Some(ago(3))), Some("ann")),
        (
            because(
                order("B-2", State::Review).bank(BankStatus::Deposited, [100_00, 100_00, 0]),
                &end,
                State::Declined,
            ),
            None,
        ),
    ]
}

fn because(candidate: Candidate, found: &Contradiction, before: State) -> Candidate {
    candidate.with(|order| {
        order.review = Some(found.reason(order));
        order.before_review = Some(before);
    })
}

fn events(order: &Order) -> Vec<Event> {
    let event = |seq, hours, kind, cause: &str, before, after, detail: &str| Event {
        seq,
        at: ago(hours),
        merchant: order.merchant.clone(),
        number: order.number.clone(),
        kind,
        cause: cause.to_owned(),
        before,
        after,
        detail: detail.to_owned(),
    };
    let before = order.before_review.unwrap();
    let sentence = &order.review.as_ref().unwrap().sentence;
    vec![
        event(1, 24, EventKind::Added, "operator:ivan", State::Pending, State::Pending, "entered the queue"),
        event(2, 2, EventKind::ReviewOpened, "look", before, State::Review, sentence),
    ]
}

fn printed() -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reconciled.toml");
    fs::write(&path, SHOP).unwrap();
    let config = Config::load_with(&path, &|_| None).unwrap();
    let merchant = &config.merchants[0];
    let mut text = String::new();
    for (Candidate { order, operation }, proposed_by) in reviews() {
        let found = OrderWithOperation { order, operation };
        let proposal = proposed_by.map(|by| Proposal {
            what: Proposed::Way(Way::Bank),
            reason: "the shop agrees to 90, ticket 17".to_owned(),
            by: by.to_owned(),
            at: ago(1),
            version: 1,
            basis: basis(&found.order, open(&found)),
        });
        let events = events(&found.order);
        let review = Review { found: &found, merchant, policy: merchant.policy(), events, proposal, now: NOW };
        for part in parts(&review, |what| typed(found.order.number.as_str(), "", what)) {
            match part {
                Part::Heading(words) | Part::Line(words) => writeln!(text, "{words}").unwrap(),
                Part::Table(table) => writeln!(text, "{}", table.render(false)).unwrap(),
            }
        }
        writeln!(text, "\n{}\n", "=".repeat(80)).unwrap();
    }
    text
}

#[test]
fn what_is_shown_of_a_review() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/review-show.txt");
    let text = printed();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap());
}
