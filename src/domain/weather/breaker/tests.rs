use super::Weather::{Denied, Faulty, Known, Maintenance, Refused, Slow, Throttled, Tls, Unreachable};
use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Answers to questions that took no time, each so many milliseconds after the one before; when it opened, if it did.
fn opened(answers: &[(u64, Weather)]) -> Option<u64> {
    let (mut breaker, mut now) = (Breaker::default(), 0);
    for (after, weather) in answers {
        now += after;
        if matches!(breaker.heard(*weather, ms(now), ms(now)), Turn::Opened(_)) {
            return Some(now);
        }
    }
    None
}

/// A name, answers, and when it opens.
type Row<'a> = (&'a str, Vec<(u64, Weather)>, Option<u64>);

#[test]
fn it_opens_when_nothing_tells_anything_and_for_nothing_less() {
    let mix = |one: &[(u64, Weather)], times: usize| one.repeat(times);
    let table: [Row<'_>; 16] = [
        ("five a second apart", mix(&[(1_000, Unreachable)], 5), Some(5_000)),
        ("five at once", mix(&[(0, Slow)], 5), Some(0)),
        ("four", mix(&[(500, Unreachable)], 4), None),
        ("of every class", vec![(1, Tls), (1, Slow), (1, Maintenance), (1, Denied), (1, Unreachable)], Some(5)),
        ("three over a while", vec![(0, Slow), (5_000, Slow), (10_000, Slow)], Some(15_000)),
        ("three over a moment", vec![(0, Slow), (4_000, Slow), (5_000, Slow)], None),
        ("further apart than a row", mix(&[(121_000, Unreachable)], 20), None),
        ("every other answer tells something", mix(&[(100, Unreachable), (100, Known)], 1_000), None),
        ("every fifth one does", mix(&[(1, Slow), (1, Slow), (1, Slow), (1, Slow), (1, Known)], 1_000), None),
        ("one that fails in many", mix(&[(100, Known), (100, Known), (100, Slow)], 1_000), None),
        ("refusals and unknown orders", mix(&[(100, Refused)], 1_000), None),
        ("nothing but throttling", mix(&[(100, Throttled)], 1_000), None),
        (
            "one order at fault, backing off",
            vec![(0, Faulty), (5_000, Faulty), (10_000, Faulty), (20_000, Faulty)],
            None,
        ),
        ("twelve at fault over a while", mix(&[(1_000, Faulty)], 12), Some(12_000)),
        ("twenty at once", mix(&[(10, Faulty)], 20), Some(200)),
        ("nineteen, then one that tells", [mix(&[(10, Faulty)], 19), mix(&[(10, Known)], 1)].concat(), None),
    ];
    for (name, answers, expected) in table {
        assert_eq!(opened(&answers), expected, "{name}");
    }
}

fn open_at_zero() -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..5 {
        breaker.heard(Unreachable, ms(0), ms(0));
    }
    assert!(breaker.is_open());
    breaker
}

#[test]
fn probes_come_at_doubling_intervals_up_to_the_longest_and_one_at_a_time() {
    let mut breaker = open_at_zero();
    let mut probes = Vec::new();
    for second in 0..200_u64 {
        let now = ms(second * 1_000);
        if breaker.leave(Prober::Money, now) == Leave::Probe || breaker.leave(Prober::Look, now) == Leave::Probe {
            assert!(matches!(breaker.leave(Prober::Money, now), Leave::Wait(_)), "two at once");
            assert_eq!(breaker.heard(Slow, now, now), Turn::Nothing);
            probes.push(second);
        }
    }
    assert_eq!(probes, [1, 3, 7, 15, 31, 61, 91, 121, 151, 181]);
    assert_eq!(breaker.heard(Known, ms(200_000), ms(200_500)), Turn::Closed(ms(200_500)));
    assert_eq!(breaker.leave(Prober::Look, ms(200_501)), Leave::Free);
}

#[test]
fn money_probes_first_and_then_by_turns() {
    let mut breaker = open_at_zero();
    assert_eq!(breaker.leave(Prober::Look, ms(1_000)), Leave::Wait(AFTER_YOU));
    assert_eq!(breaker.leave(Prober::Money, ms(1_000)), Leave::Probe);
    breaker.heard(Slow, ms(1_000), ms(1_000));
    assert_eq!(breaker.leave(Prober::Money, ms(3_000)), Leave::Wait(AFTER_YOU));
    assert_eq!(breaker.leave(Prober::Look, ms(3_000)), Leave::Probe);
    breaker.heard(Slow, ms(3_000), ms(3_000));
    // Nobody else wants to.
    assert_eq!(breaker.leave(Prober::Look, ms(7_200)), Leave::Probe);
}

#[test]
fn only_the_probes_own_answer_fails_it_and_whatever_tells_something_closes() {
    let mut breaker = open_at_zero();
    assert_eq!(breaker.leave(Prober::Money, ms(2_000)), Leave::Probe);
    // Asked before it opened, and given up only now.
    assert_eq!(breaker.heard(Slow, ms(0), ms(2_500)), Turn::Nothing);
    assert!(breaker.is_probing());
    // Never asked: due again at once, for another.
    breaker.probe_over();
    assert_eq!(breaker.leave(Prober::Look, ms(2_500)), Leave::Probe);
    for late in [Refused, Known] {
        let mut breaker = breaker.clone();
        assert_eq!(breaker.heard(late, ms(0), ms(3_000)), Turn::Closed(ms(3_000)));
        // Begins anew: one failure is none.
        assert_eq!(breaker.heard(Slow, ms(3_000), ms(3_000)), Turn::Nothing);
        assert_eq!(breaker.leave(Prober::Look, ms(3_000)), Leave::Free);
    }
    // A bank that throttles its probes is still not told to be well.
    assert_eq!(breaker.heard(Throttled, ms(2_500), ms(2_600)), Turn::Nothing);
    assert_eq!(breaker.leave(Prober::Money, ms(2_600)), Leave::Wait(ms(2_000)));
}
