//! What holds a send back, and what trips the brake.

use super::super::bank::BankStatus;
use super::super::fixtures::{NOW, guard, order};
use super::super::order::State;
use super::*;

fn stop(scope: Scope, by: &str) -> Stop {
    let reason = "the sums are odd".to_owned();
    Stop { key: StopKey(1), scope, since: NOW, by: by.to_owned(), reason, lifted: None }
}

fn shop() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

fn standing(in_doubt: u64, sent_minor: i64) -> Standing {
    Standing { in_doubt, sent_minor, ..Standing::default() }
}

/// How the money stands, what is asked for, and the word for what holds it; three may be in doubt, 1 000.00 a day.
#[test]
fn a_send_is_held_back_by_the_first_of_what_speaks_against_it() {
    let stopped = |scope| Standing { stops: vec![stop(scope, "operator:ivan")], ..standing(9, 900_000) };
    let table = [
        (standing(0, 0), 10_000, None),
        (standing(2, 0), 10_000, None),
        (standing(3, 0), 10_000, Some("in_doubt_full")),
        (standing(4, 0), 10_000, Some("in_doubt_full")),
        (standing(0, 90_000), 10_000, None),
        (standing(0, 90_001), 10_000, Some("daily_sum")),
        (standing(0, 0), 100_000, None),
        (standing(0, 0), 100_001, Some("daily_sum")),
        (standing(0, i64::MAX), 1, Some("daily_sum")),
        (standing(0, i64::MAX), 0, None),
        (standing(3, i64::MAX), 1, Some("in_doubt_full")),
        (Standing { clock: Some(Doubt::Jumped(1)), ..standing(3, 0) }, 1, Some("clock")),
        (Standing { clock: Some(Doubt::Jumped(1)), ..stopped(Scope::All) }, 1, Some("stopped")),
        (Standing { frozen: Some("a copy".to_owned()), ..stopped(Scope::All) }, 1, Some("frozen")),
        (stopped(Scope::All), 1, Some("stopped")),
        (stopped(Scope::Merchant(shop())), 1, Some("stopped")),
        (stopped(Scope::of_order(&order(State::Held))), 1, Some("stopped")),
    ];
    for (standing, asked_minor, held) in table {
        let found = may_send(&guard(), &standing, asked_minor, Currency::RUB).err();
        assert_eq!(found.as_ref().map(Held::as_str), held, "{standing:?}, {asked_minor}");
        assert!(found.is_none_or(|found| Held::WORDS.contains(&found.as_str())));
    }
}

#[test]
fn what_holds_a_send_back_is_a_sentence_with_its_way_out() {
    let order_scope = Scope::of_order(&order(State::Held));
    let table = [
        (
            Held::by_stop(&stop(Scope::All, "operator:ivan")),
            "not sent: ivan stopped all money (the sums are odd); `reconciled money start` lifts it",
        ),
        (
            Held::by_stop(&stop(Scope::Merchant(shop()), BRAKE)),
            "not sent: the brake stopped the money of shop (the sums are odd); `reconciled money start --merchant shop` lifts it",
        ),
        (
            Held::by_stop(&stop(order_scope, "operator:ivan")),
            "not sent: ivan stopped the money of order A-1 of shop (the sums are odd); `reconciled money start --merchant \
             shop --order A-1` lifts it",
        ),
        (
            Held::InDoubtFull { in_doubt: 3, max: 3 },
            "not sent: 3 other operations are in doubt, and 3 may be; it goes once fewer are",
        ),
        (
            Held::DailySum { sent_minor: 95_000, asked_minor: 10_000, max_minor: 100_000, currency: Currency::RUB },
            "not sent: with 950.00 RUB sent in the last 24 hours, 100.00 RUB more would be above 1 000.00 RUB; it goes \
             once there is room, or money.daily_sum allows it",
        ),
    ];
    for (held, words) in table {
        assert_eq!(held.to_string(), words);
    }
}

#[test]
fn a_stop_covers_whom_it_names_and_concerns_whom_it_touches() {
    let other = MerchantId::new("other").unwrap();
    let table = [
        (Scope::All, [true, true], [true, true]),
        (Scope::Merchant(shop()), [true, false], [true, false]),
        (Scope::of_order(&order(State::Held)), [false, false], [true, false]),
    ];
    for (scope, covers, concerns) in table {
        assert_eq!([scope.covers(&shop()), scope.covers(&other)], covers, "{scope}");
        assert_eq!([scope.concerns(&shop()), scope.concerns(&other)], concerns, "{scope}");
    }
}

#[test]
fn the_brake_is_tripped_by_money_that_contradicts_itself_and_by_nothing_else() {
    use Contradiction as Found;
    let text = || "other".to_owned();
    let table = [
        (Found::AnotherOrderNumber { theirs: text() }, true),
        (Found::AnotherOrderId { theirs: text() }, true),
        (Found::OrderIdTaken { by: text() }, true),
        (Found::AmountDiffers { ours: 1, theirs: 2 }, true),
        (Found::CurrencyDiffers { ours: 643, theirs: 840 }, true),
        (Found::ApprovedDiffers { ours: 1, approved: 2 }, true),
        (Found::DepositedImpossible { ours: 1, deposited: 2 }, true),
        (Found::DepositedWhileHeld { deposited: 1 }, true),
        (Found::CompletedWithAnotherAmount { intended: 1, deposited: 2 }, true),
        (Found::StillHeldAfterSend { attempts: 1 }, false),
        (Found::CompletionRefused { why: text() }, false),
        (Found::AnotherEnd { ours: State::Held, theirs: BankStatus::Declined }, false),
    ];
    let off = GuardPolicy { brake: false, ..guard() };
    for (found, trips) in table {
        let tripped = brake(&guard(), &order(State::Held), OperationKey(7), &found);
        assert_eq!(tripped.is_some(), trips, "{found:?}");
        assert_eq!(brake(&off, &order(State::Held), OperationKey(7), &found), None);
    }
    let found = Found::CompletedWithAnotherAmount { intended: 6_000, deposited: 10_000 };
    let stop = brake(&guard(), &order(State::Held), OperationKey(7), &found).unwrap();
    assert_eq!((stop.scope, stop.by.as_str()), (Scope::Merchant(shop()), BRAKE));
    assert_eq!(stop.tripped_by, Some(OperationKey(7)));
    assert_eq!(stop.reason, "after a send for order A-1: we completed 60.00 RUB, and the bank deposited 100.00 RUB");
}

#[test]
fn the_share_of_the_daily_sum_is_told_whatever_was_sent() {
    let table = [(-1, 0), (0, 0), (25_000, 250), (99_999, 999), (150_000, 1_500), (i64::MAX, 92_233_720_368_547_758)];
    for (sent, per_mille) in table {
        assert_eq!(guard().daily_used_per_mille(sent), per_mille, "{sent}");
    }
}
