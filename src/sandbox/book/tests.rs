//! The book, driven by hand with explicit moments.

use super::super::contract::Contracts;
use super::*;

pub(in super::super) const TERMS: Terms = Terms {
    session_ms: 1_200_000,
    hold_ms: 600_000,
    order_number_max: 32,
    part_after_part: false,
    attempts_max: 3,
    called_off_is_reversed: true,
};

/// An empty book of a bank that calls nobody back.
pub(in super::super) fn empty() -> Book {
    Book::new(TERMS, Post::new(Contracts::default(), 1_000), 1)
}

fn book_with(number: &str) -> (Book, String) {
    let mut book = empty();
    let registration = Registration::new("shop", number, 900).two_phase();
    let id = book.register(registration, 1_000, None).unwrap().id.clone();
    (book, id)
}

fn effects(book: &Book) -> Vec<(Effect, i64, i64)> {
    let lines = book.ledger.after(0, usize::MAX).into_iter();
    lines
        .map(|line| match line.entry {
            Entry::Effect(effect) => (effect.effect, effect.amount_minor, line.at_ms),
            Entry::Request(_) => panic!("no request was made"),
        })
        .collect()
}

#[test]
fn a_session_expires_at_its_exact_moment_however_late_anybody_looks() {
    let (mut book, id) = book_with("A-1");
    assert_eq!(book.find(Key::Id(&id), 1_200_999).unwrap().state.status(), 0);
    assert_eq!(book.orders(9_999_999)[0].state.status(), 6);
    assert_eq!(book.pay(Key::Id(&id), Card::default(), 9_999_999).unwrap_err(), errors::WRONG_STATE);
    assert_eq!(effects(&book), [(Effect::Registered, 900, 1_000), (Effect::Expired, 900, 1_201_000)]);
}

#[test]
fn a_hold_lapses_and_can_then_not_be_completed() {
    let (mut book, id) = book_with("A-1");
    book.pay(Key::Id(&id), Card::default(), 2_000).unwrap();
    assert_eq!(book.complete(Key::Id(&id), 0, 602_000, None).unwrap_err(), errors::WRONG_STATE);
    let order = book.find(Key::Id(&id), 602_000).unwrap();
    assert_eq!((order.state.status(), order.deposits, order.approved_minor()), (3, 0, 0));
    assert_eq!(effects(&book)[2], (Effect::Lapsed, 900, 602_000));
}

#[test]
fn a_completion_takes_effect_once() {
    let (mut book, id) = book_with("A-1");
    book.pay(Key::Id(&id), Card::default(), 2_000).unwrap();
    book.complete(Key::Id(&id), 500, 3_000, None).unwrap();
    assert_eq!(book.complete(Key::Id(&id), 500, 3_001, None).unwrap_err(), errors::WRONG_STATE);
    let order = book.find(Key::Id(&id), 999_999_999).unwrap();
    assert_eq!(order.state.status(), 2, "a completed hold no longer lapses");
    assert_eq!((order.deposits, order.approved_minor(), order.deposited_minor()), (1, 900, 500));
    assert_eq!(effects(&book)[2], (Effect::Completed, 500, 3_000));
}

#[test]
fn numbers_are_unique_per_store_and_stores_do_not_see_each_other() {
    let (mut book, id) = book_with("A-1");
    let again = book.register(Registration::new("shop", "A-1", 1), 2_000, None);
    assert_eq!(again.unwrap_err(), errors::DUPLICATE);
    let theirs = book.register(Registration::new("kiosk", "A-1", 1), 2_000, None).unwrap().id.clone();
    assert_ne!(theirs, id);
    let by_number = book.find(Key::Number { login: "kiosk", number: "A-1" }, 2_000).unwrap();
    assert_eq!(by_number.id, theirs);
    let foreign = Key::StoreId { login: "kiosk", id: &id };
    assert_eq!(book.find(foreign, 2_000).unwrap_err(), errors::UNKNOWN_ORDER);
}

#[test]
fn a_buyer_visits_the_oldest_order_still_waiting_and_each_once() {
    let (mut book, first) = book_with("A-1");
    let second = book.register(Registration::new("shop", "A-2", 1), 1_001, None).unwrap().id.clone();
    let third = book.register(Registration::new("shop", "A-3", 1), 1_002, None).unwrap().id.clone();
    book.pay(Key::Id(&first), Card::default(), 1_003).unwrap();
    book.walk_away(Key::Id(&second), 1_003).unwrap();
    assert_eq!(book.visit(1_004).unwrap().id, third);
    assert!(book.visit(1_004).is_none());
}

#[test]
fn the_bank_completes_a_hold_on_the_day_it_was_told() {
    let mut book = empty();
    let mut registration = Registration::new("shop", "A-1", 900).two_phase().with_points("p", 10);
    registration.autocompletion_at_ms = Some(50_000);
    let id = book.register(registration, 1_000, None).unwrap().id.clone();
    book.pay(Key::Id(&id), Card::default(), 2_000).unwrap();
    assert_eq!(book.find(Key::Id(&id), 49_999).unwrap().state.status(), 1);
    let order = book.find(Key::Id(&id), 9_999_999).unwrap();
    assert_eq!((order.state.status(), order.deposits, order.deposited_minor()), (2, 1, 900));
    assert_eq!(order.state.payment().unwrap().points_deposited(), 10);
    assert_eq!(effects(&book)[2], (Effect::Completed, 900, 50_000));
}

#[test]
fn a_session_ends_although_the_issuer_still_waits_for_a_code() {
    let (mut book, id) = book_with("A-1");
    book.challenge(Key::Id(&id), 2_000).unwrap();
    assert_eq!(book.find(Key::Id(&id), 1_200_999).unwrap().state.status(), 5);
    assert_eq!(book.find(Key::Id(&id), 1_201_000).unwrap().state.status(), 6);
    assert_eq!(effects(&book)[2], (Effect::Expired, 900, 1_201_000));
}
