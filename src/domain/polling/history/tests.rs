//! What is learned, how soon, and that it survives being written down.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_772_323_200_000);

/// How many of those still open at `from` come to their outcome by `to`, as expected.
fn share(history: &History, from: f64, to: f64) -> f64 {
    let hazard = history.hazard();
    let sum: f64 =
        hazard.young.iter().map(|(lower, upper, hazard)| hazard * (upper.min(to) - lower.max(from)).max(0.0)).sum();
    1.0 - (-sum).exp()
}

fn outcome(age: f64) -> Lesson {
    Lesson::Outcome { open: 0.0, after: age, by: age }
}

/// Six in ten pay after `age`, the others never.
fn hundred(history: &mut History, age: f64, now: Timestamp) {
    for nth in 0..100 {
        let spread = age * (0.8 + 0.4 * f64::from(nth) / 100.0);
        let lesson =
            if nth % 10 < 6 { outcome(spread) } else { Lesson::Closed { at: 1_200.0, open: 0.0, after: 0.0, by: 1.0 } };
        history.learn(lesson, now);
    }
}

#[test]
fn what_happens_is_expected() {
    let mut history = History::new(NOW);
    for _ in 0..20 {
        hundred(&mut history, 100.0, NOW);
    }
    let (early, then, late) =
        (share(&history, 0.0, 60.0), share(&history, 60.0, 150.0), share(&history, 150.0, 1_100.0));
    assert!(early < 0.05 && (0.5..0.65).contains(&then) && late < 0.1, "{early} {then} {late}");
}

#[test]
fn a_shift_at_noon_is_followed_by_the_evening() {
    let mut history = History::new(NOW);
    let mut now = NOW;
    for _ in 0..14 * 24 {
        now = now.plus(Duration::from_secs(3_600));
        hundred(&mut history, 50.0, now);
    }
    assert!(share(&history, 0.0, 80.0) > 0.5);
    for _ in 0..8 {
        now = now.plus(Duration::from_secs(3_600));
        hundred(&mut history, 500.0, now);
    }
    let (early, late) = (share(&history, 0.0, 80.0), share(&history, 350.0, 650.0));
    assert!(early < 0.2 && late > 0.4, "{early} {late}");
}

/// A shop with an order a day is not led astray by its last one.
#[test]
fn one_order_teaches_little() {
    let mut history = History::new(NOW);
    let before = share(&history, 0.0, 600.0);
    history.learn(outcome(1_000.0), NOW);
    let after = share(&history, 0.0, 600.0);
    assert!((before - after).abs() < 0.1, "{before} {after}");
}

#[test]
fn what_is_written_down_is_read_again() {
    let mut history = History::new(NOW);
    hundred(&mut history, 75.0, NOW);
    let (at, numbers) = history.stored();
    assert_eq!(History::restored(at, numbers.clone()), Some(history));
    let mut table = vec![("one list less", numbers[1..].to_vec())];
    table.push(("one more", [numbers.clone(), vec![vec![1.0]]].concat()));
    table.push(("shorter lists", numbers.iter().map(|list| list[1..].to_vec()).collect()));
    let odd = |value: f64| numbers.iter().map(|list| vec![value; list.len()]).collect();
    table.extend([("no number", odd(f64::NAN)), ("without end", odd(f64::INFINITY)), ("less than nothing", odd(-1.0))]);
    for (case, numbers) in table {
        assert_eq!(History::restored(NOW, numbers), None, "{case}");
    }
}

/// A bank that closes orders by a job a minute later is not asked right after the page closed for ever.
#[test]
fn when_a_bank_closes_orders_is_learned() {
    let mut history = History::new(NOW);
    for _ in 0..500 {
        history.learn(Lesson::Closed { at: 1_200.0, open: 0.0, after: 55.0, by: 62.0 }, NOW);
    }
    let hazard = history.hazard();
    let chance = |from: f64, to: f64| {
        let sum: f64 = hazard
            .closed
            .iter()
            .map(|(lower, upper, hazard)| hazard * (upper.min(to) - lower.max(from)).max(0.0))
            .sum();
        1.0 - (-sum).exp()
    };
    assert!(chance(0.0, 30.0) < 0.2, "{}", chance(0.0, 30.0));
    assert!(chance(30.0, 90.0) > 0.8, "{}", chance(30.0, 90.0));
}

/// A clock that was set back neither forgets nor learns twice.
#[test]
fn a_clock_that_goes_back_forgets_nothing() {
    let mut history = History::new(NOW);
    hundred(&mut history, 75.0, NOW);
    let before = share(&history, 0.0, 120.0);
    history.fade(NOW.minus(Duration::from_secs(86_400)));
    assert!((share(&history, 0.0, 120.0) - before).abs() < 1e-9);
}

/// However many orders closed at one moment, what is expected is a number; plans are made of it.
#[test]
fn what_is_sure_is_still_a_number() {
    let mut history = History::new(NOW);
    for _ in 0..50_000 {
        history.learn(Lesson::Closed { at: 1_200.0, open: 1_190.0, after: 0.0, by: 0.1 }, NOW);
    }
    let hazard = history.hazard();
    for (from, to, sure) in hazard.young.iter().chain(hazard.closed.iter()) {
        assert!((0.0..=SUREST).contains(&(sure * (to - from))), "{from} to {to}: {sure}");
    }
}

/// A page is open for a day: that most do not pay is known long before it closes.
#[test]
fn those_who_do_not_pay_teach_while_their_pages_are_open() {
    let mut history = History::new(NOW);
    for nth in 0..1_000 {
        let lesson = match nth % 10 {
            0 => outcome(60.0),
            _ => Lesson::Open { closes: 86_400.0, from: 0.0, to: 3_600.0 },
        };
        history.learn(lesson, NOW);
    }
    assert!(share(&history, 0.0, 3_600.0) < 0.2, "{}", share(&history, 0.0, 3_600.0));
}

/// Nothing counts twice: looks between make no difference to what an order has taught at its end.
#[test]
fn looks_between_teach_no_more_than_the_end() {
    let (mut at_once, mut by_steps) = (History::new(NOW), History::new(NOW));
    at_once.learn(Lesson::Closed { at: 1_200.0, open: 0.0, after: 0.0, by: 1.0 }, NOW);
    for step in 0..4 {
        let from = 300.0 * f64::from(step);
        by_steps.learn(Lesson::Open { closes: 1_200.0, from, to: (from + 300.0).min(1_100.0) }, NOW);
    }
    by_steps.learn(Lesson::Closed { at: 1_200.0, open: 1_100.0, after: 0.0, by: 1.0 }, NOW);
    for until in [100.0, 1_000.0, 1_200.0] {
        assert!((share(&at_once, 0.0, until) - share(&by_steps, 0.0, until)).abs() < 1e-9, "{until}");
    }
}
