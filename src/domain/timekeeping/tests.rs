use super::*;

const START: i64 = 1_700_000_000_000;
const TOLERANCE: Duration = Duration::from_secs(120);
const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

fn at(wall_ms: i64, ran_s: u64) -> Moment {
    Moment { wall: Timestamp::from_millis(wall_ms), running: Duration::from_secs(ran_s) }
}

fn merchant(name: &str) -> MerchantId {
    MerchantId::new(name).unwrap()
}

fn watching() -> Timekeeping {
    Timekeeping::begin(TOLERANCE, None, at(START, 0))
}

/// What a host's clock can do while the process runs `ran` seconds, and whether money still moves.
#[test]
fn a_jump_stops_sends_and_a_drift_does_not() {
    let table: [(&str, u64, i64, bool); 13] = [
        ("a clock that goes as it should", 10, 10_000, true),
        ("SIGSTOP for ten minutes: both clocks went on", 600, 600_000, true),
        ("slewed by a time daemon for an hour", 3_600, 3_600_000 + 1_800, true),
        ("a second set back by hand", 10, 9_000, true),
        ("three seconds set back", 10, 7_000, false),
        ("an hour ahead", 10, 10_000 + HOUR, false),
        ("an hour back", 10, 10_000 - HOUR, false),
        ("a year ahead", 10, 10_000 + YEAR, false),
        ("a year back", 10, 10_000 - YEAR, false),
        ("1970", 10, -START, false),
        ("2038", 10, 2_147_483_648_000 - START, false),
        ("eight hours of suspend: the process did not run", 1, 8 * HOUR, false),
        ("the end of time", 10, i64::MAX - START, false),
    ];
    for (what, ran, walked, sends) in table {
        let mut clock = watching();
        let verdict = clock.may_send(&merchant("shop"), at(START + walked, ran));
        assert_eq!(verdict.is_ok(), sends, "{what}: {verdict:?}");
    }
}

#[test]
fn after_a_jump_only_the_banks_own_clock_vouches_for_ours() {
    let shop = merchant("shop");
    let mut clock = watching();
    let asked_before = at(START + 9_000, 9);
    let after = |s: u64| at(START + HOUR + i64::try_from(s).unwrap() * 1_000, s);
    assert!(clock.compare(after(10)).is_some());
    // The answer to a question from before the jump was on its way while the clock was set.
    clock.heard(&shop, after(11).wall, asked_before, after(11));
    assert!(clock.may_send(&shop, after(11)).is_err());
    clock.heard(&shop, after(13).wall, after(12), after(13));
    assert_eq!(clock.may_send(&shop, after(13)), Ok(()));
}

#[test]
fn a_jump_that_no_bank_can_vouch_for_ends_after_a_calm() {
    let shop = merchant("shop");
    let mut clock = watching();
    let later = |s: u64| at(START - HOUR + i64::try_from(s).unwrap() * 1_000, s);
    assert!(clock.compare(later(1)).is_some());
    for s in 2..=900 {
        assert!(clock.may_send(&shop, later(s)).is_err(), "after {s} s");
    }
    assert_eq!(clock.may_send(&shop, later(901)), Ok(()));
}

#[test]
fn a_bank_whose_clock_disagrees_stops_its_own_money_only() {
    let (ours, other) = (merchant("ours"), merchant("other"));
    let table: [(&str, i64, bool); 7] = [
        ("to the second", 0, true),
        ("the second it was cut to", -999, true),
        ("a minute behind", -60_000, true),
        ("two minutes ahead", 120_000, true),
        ("three minutes ahead", 180_000, false),
        ("an hour behind", -HOUR, false),
        ("an hour ahead", HOUR, false),
    ];
    for (what, off, sends) in table {
        let mut clock = watching();
        let (asked, now) = (at(START + 1_000, 1), at(START + 2_000, 2));
        clock.heard(&ours, Timestamp::from_millis(START + 2_000 + off), asked, now);
        assert_eq!(clock.may_send(&ours, now).is_ok(), sends, "{what}");
        assert_eq!(clock.may_send(&other, now), Ok(()), "{what}, the other merchant");
        clock.heard(&ours, now.wall, asked, now);
        assert_eq!(clock.may_send(&ours, now), Ok(()), "{what}, and agreeing again");
    }
}

#[test]
fn a_clock_set_back_while_the_daemon_was_down_is_noticed_at_the_start() {
    let shop = merchant("shop");
    let journal = |ahead| Some(Timestamp::from_millis(START + ahead));
    let begin = |until| Timekeeping::begin(TOLERANCE, until, at(START, 0)).may_send(&shop, at(START + 1_000, 1));
    assert_eq!(begin(None), Ok(()));
    assert_eq!(begin(journal(-YEAR)), Ok(()));
    assert_eq!(begin(journal(1_000)), Ok(()));
    assert_eq!(begin(journal(HOUR)), Err(Doubt::BehindJournal(HOUR)));
}

#[test]
fn each_doubt_is_told_once() {
    let shop = merchant("shop");
    let mut clock = watching();
    let off = |s: i64| Timestamp::from_millis(START + s * 1_000 + HOUR);
    assert_eq!(clock.heard(&shop, off(1), at(START, 0), at(START + 1_000, 1)), Some(Doubt::Disagrees(HOUR)));
    assert_eq!(clock.heard(&shop, off(2), at(START + 1_000, 1), at(START + 2_000, 2)), None);
    assert_eq!(clock.doubt(), Some(Doubt::Disagrees(HOUR)));
    clock.forget(&shop);
    assert_eq!(clock.doubt(), None);
}

/// However many completions wait for the clock, the bank is asked for its time as often as one would ask.
#[test]
fn a_bank_is_asked_the_time_every_five_minutes_however_much_waits() {
    let (shop, other) = (merchant("shop"), merchant("other"));
    let mut clock = watching();
    let table = [(0, true), (0, false), (299, false), (300, true), (301, false), (630, true)];
    for (ran_s, expected) in table {
        let now = at(START, ran_s);
        assert_eq!(clock.take_turn(&shop, now), expected, "after {ran_s} s");
    }
    assert!(clock.take_turn(&other, at(START, 630)), "each merchant's bank by itself");
    clock.forget(&shop);
    assert!(clock.take_turn(&shop, at(START, 630)), "served anew");
}

/// What an earlier process noted against the clock is taken back by a bank that agrees, or a calm quarter of an hour.
#[test]
fn a_clock_is_vouched_for_by_a_bank_or_by_a_calm() {
    let shop = merchant("shop");
    let mut clock = watching();
    let quarter = 15 * 60;
    assert!(!clock.is_vouched(at(START, 0)), "nobody has said anything yet");
    assert!(clock.is_vouched(at(START + i64::from(quarter) * 1_000, u64::try_from(quarter).unwrap())));
    let (asked, now) = (at(START, 0), at(START + 1_000, 1));
    clock.heard(&shop, Timestamp::from_millis(START + 1_000 + HOUR), asked, now);
    assert!(!clock.is_vouched(at(START + 1_000, 1)), "it disagrees");
    clock.heard(&shop, now.wall, asked, now);
    assert!(clock.is_vouched(now));
}
