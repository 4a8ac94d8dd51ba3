//! What is told of a send that waits, because the money does not allow it now.

use super::*;

/// The bug: a send was promised while nothing could be sent. It is said that it waits, for what, and what ends the
/// wait.
#[test]
fn regression_nothing_is_promised_that_the_money_does_not_allow() {
    let stop = |by: &str, reason: &str| Stop {
        key: StopKey(1),
        scope: Scope::Merchant(MerchantId::new("shop").unwrap()),
        since: at(0),
        by: by.to_owned(),
        reason: reason.to_owned(),
        lifted: None,
    };
    let free = Standing::default();
    let table = [
        (
            Standing { stops: vec![stop("operator:ivan", "odd sums")], ..free.clone() },
            "ivan stopped the money of shop (odd sums); `reconciled money start --merchant shop` lifts it.",
        ),
        (
            Standing { stops: vec![stop("brake", "after a send for order A-0: it differs")], ..free.clone() },
            "the brake stopped the money of shop (after a send for order A-0: it differs); `reconciled money start --merchant shop` lifts it.",
        ),
        (
            Standing { frozen: Some("this database is older than its witness".to_owned()), ..free.clone() },
            "money is frozen (this database is older than its witness); `reconciled adopt` lifts it.",
        ),
        (
            Standing { clock: Some(Doubt::BehindJournal(3_600_000)), ..free.clone() },
            "the host's clock is 1h behind the journal's latest entry; it goes once the two clocks agree.",
        ),
        (
            Standing { in_doubt: 3, ..free.clone() },
            "3 other operations are in doubt, and 3 may be; it goes once fewer are.",
        ),
        (
            Standing { sent_minor: 100_000_000, ..free.clone() },
            "with 1 000 000.00 RUB sent in the last 24 hours, 1 234.50 RUB more would be above 1 000 000.00 RUB; it goes \
             once there is room, or money.daily_sum allows it.",
        ),
    ];
    let (due, later) = (Order { complete_at: Some(at(4)), ..held() }, Order { complete_at: Some(at(9)), ..held() });
    let (unsent, sent) = (operation(OperationState::Intended, 0), operation(OperationState::InDoubt, 1));
    let words = |story: &Story| -> (String, String) {
        let next: Vec<_> = story.next.iter().map(|moment| moment.words.as_str()).collect();
        (story.present.join("\n"), next.join("\n"))
    };
    let tell = |order: &Order, open: Option<&Operation>, standing: &Standing| {
        words(&tell(order, open, &[], &policy(), standing, at(5)))
    };
    for (standing, why) in table {
        let (present, next) = tell(&due, None, &standing);
        assert!(present.contains(&format!("A completion of the whole hold is due. It waits: {why}")), "{present}");
        assert!(next.contains(&format!("A completion of the whole hold is due. It waits: {why}")), "{next}");
        let (_, next) = tell(&later, None, &standing);
        assert!(next.contains(&format!("As the money stands now, it would wait: {why}")), "{next}");
        let (present, next) = tell(&due, Some(&unsent), &standing);
        assert!(present.contains(&format!("due and not sent yet. Latest: not sent: {why}")), "{present}");
        assert!(next.contains(&format!("It is seen whether the completion may go. It waits: {why}")), "{next}");
        let (present, next) = tell(&due, Some(&sent), &standing);
        assert!(present.contains("The bank is asked until it shows. Latest: outcome unknown"), "{present}");
        assert!(next.contains(&format!("sent again. As the money stands now, it would wait: {why}")), "{next}");
    }
    for (order, open) in [(&due, None), (&later, None), (&due, Some(&unsent)), (&due, Some(&sent))] {
        let (present, next) = tell(order, open, &free);
        assert!(!present.contains("wait: ") && !next.contains("wait"), "{present}\n{next}");
    }
    // A daemon's clock is known to that daemon alone: what it wrote down counts.
    let held_back = Held::Clock(Doubt::Jumped(3_600_000)).to_string();
    let (_, next) = tell(&due, Some(&Operation { note: Some(held_back.clone()), ..unsent }), &free);
    let why = held_back.strip_prefix(NOT_SENT).unwrap();
    assert!(
        next.contains(&format!("what held the completion back is over, it is sent. The last time: {why}.")),
        "{next}"
    );
}

/// A reversal takes nothing, so the day's sum does not hold it back; a stop does.
#[test]
fn a_reversal_at_its_deadline_waits_too() {
    let mut reversing = policy();
    reversing.holds.at_deadline = AtDeadline::Reverse;
    let order = Order { deadline_at: Some(at(9)), ..held() };
    let told = |standing: &Standing| {
        let story = tell(&order, None, &[], &reversing, standing, at(5));
        story.next.into_iter().find(|moment| moment.at == at(9)).unwrap().words
    };
    let (full, doubt) = (100_000_000, 3);
    let promised = "If nothing completes it by then, it is reversed; the bank is asked before.";
    assert_eq!(told(&Standing { sent_minor: full, ..Standing::default() }), promised);
    let waits = told(&Standing { in_doubt: doubt, ..Standing::default() });
    assert!(waits.starts_with(promised) && waits.contains("it would wait: 3 other operations"), "{waits}");
}
