//! What the files look like, compared with `tests/golden/`: one day with every kind of line, one with none.
//!
//! `UPDATE_GOLDEN=1 cargo test report` writes them anew; the change is then read, not believed.
#![expect(clippy::inconsistent_digit_grouping, reason = "100_00 reads as 100.00")]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::bank::BankStatus as Bank;
use crate::domain::calendar::{BusinessDay, Zone};
use crate::domain::chain::{EventHash, Head};
use crate::domain::guard::{self, Scope, Stop, StopKey};
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::OperationState as Op;
use crate::domain::order::{MerchantId, OrderKey, State};
use crate::domain::reconciliation::fixtures::{NOW, ago, order, with_yardstick};
use crate::domain::reconciliation::{Candidate, FindingKind, Total, findings, holds_left};
use crate::domain::time::Timestamp;

/// A day in Moscow on which nothing happened.
fn empty_day() -> Report {
    let zone = Zone::parse("Europe/Moscow").unwrap();
    Report {
        merchant: MerchantId::new("shop").unwrap(),
        day: BusinessDay::of_date("2026-11-20".parse().unwrap(), &zone, "00:00".parse().unwrap()).unwrap(),
        zone,
        drawn_at: NOW,
        stops: Vec::new(),
        entered: Vec::new(),
        ended: Vec::new(),
        standing: Vec::new(),
        holds: Vec::new(),
        findings: Vec::new(),
        head: None,
    }
}

/// A day with everything in it, names that mean harm included.
fn full_day() -> Report {
    let candidates = [in_review(), in_doubt(), differing(), stuck(), held()].concat();
    let (findings, holds) = with_yardstick(|yardstick| {
        (findings(&candidates, yardstick, NOW), holds_left(&candidates, yardstick.holds, NOW))
    });
    Report {
        entered: vec![
            total(State::Declined, "RUB", 41, [318_442_50, 0, 0]),
            total(State::Deposited, "RUB", 1_208, [4_912_700_00, 4_906_340_00, 0]),
            total(State::Pending, "RUB", 17, [88_120_00, 0, 0]),
            total(State::Deposited, "EUR", 3, [412_00, 412_00, 0]),
            total(State::Held, "RUB", 96, [1_204_000_00, 0, 0]),
        ],
        ended: vec![
            total(State::Refunded, "RUB", 9, [61_300_00, 61_300_00, 24_450_00]),
            total(State::Deposited, "RUB", 1_302, [5_230_915_90, 5_224_555_90, 0]),
        ],
        standing: vec![total(State::Review, "RUB", 4, [12_900_00, 0, 0])],
        stops: stops(),
        holds,
        findings,
        head: Some(Head { seq: 48_211, hash: EventHash::new([0x9f; 32]) }),
        ..empty_day()
    }
}

fn stops() -> Vec<Stop> {
    let shop = MerchantId::new("shop").unwrap();
    let number = order("A-\u{202e}1002", State::Review).order.number;
    let stop = |key, scope, hours, by: &str, reason: &str| Stop {
        key: StopKey(key),
        scope,
        since: ago(hours),
        by: by.to_owned(),
        reason: reason.to_owned(),
        lifted: None,
    };
    vec![
        stop(
            2,
            Scope::Merchant(shop.clone()),
            3,
            guard::BRAKE,
            "after a send for order A-\u{202e}1002: we completed 60.00 RUB, and the bank deposited 100.00 RUB",
        ),
        stop(
            1,
            Scope::Order { key: OrderKey(7), merchant: shop, number },
            30,
            "operator:maria",
            "<b>the buyer</b> disputes it",
        ),
    ]
}

fn total(state: State, currency: &str, count: u64, [amount, deposited, refunded]: [i64; 3]) -> Total {
    Total {
        state,
        currency: Currency::parse(currency).unwrap(),
        count,
        amount_minor: amount,
        deposited_minor: deposited,
        refunded_minor: refunded,
    }
}

fn priced(candidate: Candidate, minor: i64) -> Candidate {
    candidate.with(|order| order.amount = Amount::new(minor).unwrap())
}

fn in_review() -> Vec<Candidate> {
    let held = |number| order(number, State::Review).id("0f1e7a52-93c4-7c1d-b1f0-5a4c04b1d0aa");
    vec![
        held("<script>alert(1)</script>")
            .because("the order is for 100.00 RUB, and the bank holds 90.00 RUB")
            .bank(Bank::Held, [90_00, 0, 0])
            .lapses_in(96),
        held("=cmd|' /C calc'!A0")
            .because("the bank refused to complete the hold: errorCode 7: Платёж должен быть в корректном состоянии")
            .bank(Bank::Held, [100_00, 0, 0])
            .lapses_in(9),
        order("A-\u{202e}1002", State::Review)
            .because("we completed 60.00 RUB, and the bank deposited 100.00 RUB")
            .bank(Bank::Deposited, [100_00, 100_00, 0])
            .completion(Op::Contradicted, 60_00, 1),
    ]
}

fn in_doubt() -> Vec<Candidate> {
    let sent = priced(order("2026-11-20/004417", State::Held), 1_249_900_00)
        .id("7b6c2f1e-08d9-7e33-a2a7-94e104b1d0aa")
        .bank(Bank::Held, [1_249_900_00, 0, 0])
        .completion(Op::InDoubt, 1_249_900_00, 2)
        .lapses_in(140);
    vec![sent]
}

fn differing() -> Vec<Candidate> {
    let dollars = |view: &mut crate::domain::bank::BankView| view.currency = Currency::parse("USD").ok();
    vec![
        priced(order("2026-11-20/004290", State::Deposited), 18_450_00)
            .id("51e90ac7-3f18-7a90-8c52-6d2104b1d0aa")
            .bank(Bank::Deposited, [18_450_00, 12_090_00, 0]),
        order("заказ №1", State::Refunded).bank(Bank::Refunded, [100_00, 100_00, 120_00]),
        order("@SUM(A1)", State::Deposited).bank(Bank::Deposited, [100_00, 100_00, 0]).but(dollars),
    ]
}

fn stuck() -> Vec<Candidate> {
    let of_yesterday = |number| order(number, State::Pending).with(|order| order.created_at = ago(31));
    vec![
        of_yesterday("2026-11-19/003982").bank(Bank::InAuthentication, [0, 0, 0]),
        of_yesterday("2026-11-19/003990").with(|order| order.unknown_in_a_row = 14),
    ]
}

fn held() -> Vec<Candidate> {
    let held = |number, minor| priced(order(number, State::Held), minor).bank(Bank::Held, [minor, 0, 0]);
    vec![
        held("2026-11-20/004401", 3_990_00).lapses_in(150).with(|order| order.complete_at = Some(ago(-14))),
        held("2026-11-14/001177", 27_800_00).lapses_in(11).with(|order| order.parked = true),
        held("2026-11-20/004402", 640_00).lapses_in(151),
        held("2026-11-18/000730", 1_150_00).lapses_in(96).with(|order| order.autocompletion_at = Some(ago(-30))),
        held("2026-11-13/000071", 990_00).lapses_in(4),
    ]
}

fn golden(name: &str, actual: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name} is not as it was; UPDATE_GOLDEN=1 writes it anew");
}

fn all_golden(report: &Report, name: &str) {
    golden(&format!("{name}.html"), &html(report).unwrap());
    golden(&format!("{name}.csv"), &csv(report).unwrap());
    golden(&format!("{name}-totals.csv"), &totals_csv(report).unwrap());
    golden(&format!("{name}.json"), &json(report).unwrap());
}

#[test]
fn a_day_with_everything_is_rendered_as_before() {
    let report = full_day();
    for kind in FindingKind::ALL {
        assert!(report.findings_of(kind).count() > 0, "{kind:?}");
    }
    all_golden(&report, "report");
}

#[test]
fn an_empty_day_is_rendered_as_before() {
    all_golden(&empty_day(), "report-empty");
}

#[test]
fn hostile_names_are_inert_in_every_format() {
    let report = full_day();
    let (page, sheet, document) = (html(&report).unwrap(), csv(&report).unwrap(), json(&report).unwrap());
    assert!(!page.contains("<script"));
    for text in [&page, &sheet, &document] {
        assert!(!text.contains('\u{202e}'));
    }
    let mut cells = ::csv::Reader::from_reader(sheet.as_bytes());
    let numbers: Vec<_> = cells.records().map(|row| row.unwrap()[3].to_owned()).collect();
    assert!(numbers.iter().any(|number| number == "'=cmd|' /C calc'!A0"), "{numbers:?}");
    assert!(numbers.iter().any(|number| number == "'@SUM(A1)"), "{numbers:?}");
    let read: serde_json::Value = serde_json::from_str(&document).unwrap();
    let exact = |line: &serde_json::Value| line["order_number"] == "A-\u{202e}1002";
    assert!(read["findings"].as_array().unwrap().iter().any(exact));
}

#[test]
fn a_section_of_the_page_is_bounded_and_says_where_the_rest_is() {
    let line = full_day().findings_of(FindingKind::Stuck).next().unwrap().clone();
    let of = |count| Report { findings: vec![line.clone(); count], ..empty_day() };
    assert!(!html(&of(1000)).unwrap().contains("not shown here"));
    let page = html(&of(2234)).unwrap();
    assert_eq!(page.matches("2026-11-19/003982").count(), 1000);
    assert!(page.contains("1\u{a0}234 more are not shown here"));
    assert_eq!(csv(&of(2234)).unwrap().lines().count(), 2235);
}

#[test]
fn a_day_on_which_the_clocks_change_says_how_long_it_was() {
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let day = BusinessDay::of_date("2026-10-25".parse().unwrap(), &zone, "00:00".parse().unwrap()).unwrap();
    let page = html(&Report { day, zone, ..empty_day() }).unwrap();
    assert!(page.contains("(1d 1h: the clocks changed)"), "{page}");
}

#[test]
fn a_report_is_written_under_its_merchant_and_day_and_again_in_its_own_place() {
    let root = tempfile::tempdir().unwrap();
    write(&full_day(), root.path()).unwrap();
    let later = Report { drawn_at: Timestamp::from_millis(NOW.as_millis() + 1), ..full_day() };
    let written = write(&later, root.path()).unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!(written.html, root.path().join("shop/2026-11-20.html"));
    assert_eq!(read(&written.html), html(&later).unwrap());
    assert_eq!(read(&written.csv), csv(&later).unwrap());
    assert_eq!(read(&written.totals_csv), totals_csv(&later).unwrap());
    assert_eq!(read(&written.json), json(&later).unwrap());
    assert_eq!(fs::read_dir(root.path().join("shop")).unwrap().count(), 4);
}
