//! Trust is slow to come and quick to go; and what it makes of a look's price.

use proptest::prelude::*;

use super::super::super::fixtures::{DAY, HOUR, MINUTE, NOW, looks, order};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// What happens to one merchant, a payment every ten seconds.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many payments, each with its callback a second before the look.
    Told(u32),
    /// Likewise, the callback half a minute after the look that found it.
    ToldLate(u32),
    /// So many payments that looks find and nobody told of.
    Untold(u32),
    /// Refusals that nobody told of.
    RefusedUntold(u32),
    /// Callbacks whose looks show no change.
    False(u32),
    /// Callbacks of orders that no look is made at.
    Unanswered(u32),
    /// Nothing.
    Silence(Duration),
    /// The daemon is started anew.
    Restart,
    /// As after a restart, of payments that came before it.
    UntoldFromBefore(u32),
}

struct Life {
    callbacks: Callbacks,
    now: Timestamp,
    next: i64,
    turns: Vec<Standing>,
}

impl Life {
    fn new() -> Self {
        Self { callbacks: Callbacks::new(NOW), now: NOW, next: 0, turns: Vec::new() }
    }

    fn pass(&mut self, wait: Duration) {
        let until = self.now.plus(wait);
        while self.now < until {
            self.now = self.now.plus(SECOND);
            self.callbacks.settle(self.now);
            self.turns.extend(self.callbacks.turn().map(|(_, after)| after));
        }
    }

    fn one(&mut self, is_told: bool, found: Found) {
        let key = OrderKey(self.next);
        self.next += 1;
        if is_told {
            self.callbacks.came(key, self.now.minus(SECOND));
        }
        self.callbacks.looked(key, found, self.now, self.now);
        self.turns.extend(self.callbacks.turn().map(|(_, after)| after));
    }

    fn live(&mut self, step: Step) {
        let payment = |life: &Self| Found::Outcome { is_paid: true, after: life.now };
        let times = |count| (0..count).map(|_| SECOND * 10);
        match step {
            Step::Told(count) => times(count).for_each(|wait| {
                self.one(true, payment(self));
                self.pass(wait);
            }),
            Step::ToldLate(count) => times(count).for_each(|wait| {
                self.one(false, payment(self));
                self.pass(SECOND * 30);
                self.callbacks.came(OrderKey(self.next - 1), self.now);
                self.pass(wait);
            }),
            Step::Untold(count) => times(count).for_each(|wait| {
                self.one(false, payment(self));
                self.pass(wait);
            }),
            Step::RefusedUntold(count) => times(count).for_each(|wait| {
                self.one(false, Found::Outcome { is_paid: false, after: self.now });
                self.pass(wait);
            }),
            Step::False(count) => times(count).for_each(|wait| {
                self.one(true, Found::Nothing);
                self.pass(wait);
            }),
            Step::Unanswered(count) => (0..count).for_each(|_| {
                self.callbacks.came(OrderKey(self.next), self.now);
                self.next += 1;
            }),
            Step::Silence(wait) => self.pass(wait),
            Step::Restart => {
                self.callbacks = Callbacks::restored(&self.callbacks.stored(), self.now).unwrap();
            }
            Step::UntoldFromBefore(count) => times(count).for_each(|wait| {
                self.one(false, Found::Outcome { is_paid: true, after: NOW });
                self.pass(wait);
            }),
        }
    }
}

/// What happens, and what callbacks are taken for meanwhile and at last.
#[test]
fn trust_is_earned_by_ten_payments_and_lost_by_one() {
    use Standing::{Doubted, Stopped, Trusted};
    use Step::{False, RefusedUntold, Restart, Silence, Told, ToldLate, Unanswered, Untold, UntoldFromBefore};
    let table: [(&str, Vec<Step>, &[Standing]); 18] = [
        ("nine told are too few", vec![Told(9)], &[]),
        ("ten are enough", vec![Told(10)], &[Trusted]),
        ("one that was not begins the count anew", vec![Told(9), Untold(1), Silence(MINUTE), Told(9)], &[]),
        ("a callback may come after the look", vec![ToldLate(10)], &[Trusted]),
        ("a callback whose look shows nothing earns nothing", vec![False(1_000)], &[]),
        ("nor does one about an order that is not looked at", vec![Unanswered(20_000), Silence(HOUR * 2)], &[]),
        ("which does not crowd out the true ones", vec![Unanswered(20_000), Silence(HOUR * 2), Told(10)], &[Trusted]),
        ("false ones do not take trust either", vec![Told(10), False(3)], &[Trusted]),
        ("never told: nothing to alert of", vec![Untold(100), Silence(HOUR)], &[]),
        ("one untold is doubted at once", vec![Told(10), Untold(1)], &[Trusted, Doubted]),
        ("and a mishap if the next is told", vec![Told(10), Untold(1), Told(1)], &[Trusted, Doubted, Trusted]),
        ("whatever becomes of it later", vec![Told(10), Untold(1), Told(9)], &[Trusted, Doubted, Trusted]),
        ("told in time after all", vec![Told(10), ToldLate(1)], &[Trusted, Doubted, Trusted]),
        ("three untold: stopped, once", vec![Told(10), Untold(50)], &[Trusted, Doubted, Stopped]),
        (
            "which ten in a row put right",
            vec![Told(10), Untold(5), Silence(MINUTE), Told(9), Untold(1), Silence(MINUTE), Told(10)],
            &[Trusted, Doubted, Stopped, Trusted],
        ),
        ("a silence is doubted, and no alert", vec![Told(20), Silence(DAY)], &[Trusted, Doubted]),
        (
            "refusals are not told by every bank",
            vec![Told(10), RefusedUntold(3), Told(1), RefusedUntold(3), Silence(SECOND), Told(1)],
            &[Trusted],
        ),
        ("what was paid while nobody listened says nothing", vec![Told(20), Restart, UntoldFromBefore(3)], &[Trusted]),
    ];
    for (case, steps, turns) in table {
        let mut life = Life::new();
        for step in steps {
            life.live(step);
        }
        assert_eq!(life.turns, turns, "{case}");
    }
}

/// Payments come every so many seconds; after so long without a callback there is doubt.
#[test]
fn a_silence_is_doubted_when_five_payments_were_to_be_expected() {
    for (every, doubted_within) in [(1, 30), (10, 60), (60, 310), (600, 3_100)] {
        let mut life = Life::new();
        for _ in 0..200 {
            life.one(true, Found::Outcome { is_paid: true, after: life.now });
            life.pass(SECOND * every);
        }
        assert_eq!(life.callbacks.standing(), Standing::Trusted, "every {every} s");
        let begun = life.now;
        while life.callbacks.standing() == Standing::Trusted {
            life.pass(SECOND);
        }
        let after = life.now.since(begun).as_secs() + u64::from(every);
        assert!((doubted_within / 2..=doubted_within).contains(&after), "every {every} s: after {after} s");
    }
}

/// Of so many payments in a thousand no callback comes; a look costs so many times its price.
#[test]
fn looks_are_the_dearer_the_more_is_told() {
    let table = [(0, 500.0, 1_000.0), (10, 50.0, 120.0), (50, 5.0, 15.0), (200, 1.5, 3.0), (500, 1.0, 1.5)];
    for (untold_per_mille, least, most) in table {
        let mut life = Life::new();
        for nth in 0..2_000_u32 {
            let is_told = nth % 1_000 * untold_per_mille % 1_000 >= untold_per_mille || untold_per_mille == 0;
            life.one(is_told, Found::Outcome { is_paid: true, after: life.now });
            life.pass(SECOND * 3);
        }
        let thinned = life.callbacks.thinned();
        assert!((least..=most).contains(&thinned), "{untold_per_mille} per mille: {thinned}");
        let price = Price::new(2.0);
        let is_trusted = life.callbacks.standing() == Standing::Trusted;
        let tariff = life.callbacks.tariff(price);
        assert_eq!((tariff.closed, tariff.open == price), (price, !is_trusted), "{untold_per_mille} per mille");
    }
}

/// What a look found, as far as callbacks are judged by it.
#[test]
fn only_an_outcome_that_a_bank_tells_of_counts() {
    let registered = NOW.minus(MINUTE * 10);
    let before = |heard: Option<Duration>| {
        let heard = heard.map(|ago| crate::domain::order::Heard { at: NOW.minus(ago), words: String::new() });
        Order { created_at: registered, heard, ..order(State::Pending) }
    };
    let aged = |age| Order { created_at: NOW.minus(age), ..before(None) };
    let minutes_ago = |minutes| Some(NOW.minus(MINUTE * minutes));
    let paid = |after| Found::Outcome { is_paid: true, after };
    let seen = Some(MINUTE * 4);
    let table = [
        ("still open", before(None), State::Pending, None, Found::Nothing),
        ("to review", before(None), State::Review, None, Found::Nothing),
        ("an end seen again", order(State::Deposited), State::Refunded, None, Found::Nothing),
        ("paid, and when", before(seen), State::Deposited, minutes_ago(3), paid(NOW.minus(MINUTE * 3))),
        ("held, and not when", before(seen), State::Held, None, paid(NOW.minus(MINUTE * 4))),
        ("paid by a clock behind ours", before(seen), State::Held, minutes_ago(5), paid(NOW.minus(MINUTE * 4))),
        ("paid at the first look", before(None), State::Deposited, minutes_ago(3), paid(NOW.minus(MINUTE * 3))),
        ("likewise, and not when", before(None), State::Deposited, None, paid(registered)),
        ("paid before it was ours", before(None), State::Deposited, minutes_ago(11), Found::Uncounted),
        ("or perhaps so", aged(SECOND * 59), State::Deposited, None, Found::Uncounted),
        (
            "refused",
            before(seen),
            State::Declined,
            None,
            Found::Outcome { is_paid: false, after: NOW.minus(MINUTE * 4) },
        ),
        ("its page closed", aged(MINUTE * 20), State::Declined, None, Found::Uncounted),
    ];
    for (case, before, after, moment, found) in table {
        assert_eq!(Found::of(&looks(), &before, after, moment, NOW), found, "{case}");
    }
}

#[test]
fn what_is_written_down_is_read_again() {
    let mut life = Life::new();
    life.live(Step::Told(30));
    let stored = life.callbacks.stored();
    assert_eq!(Callbacks::restored(&stored, life.now).unwrap().stored(), stored);
    for (case, numbers) in [
        ("one less", stored.numbers[1..].to_vec()),
        ("no number", vec![f64::NAN; 4]),
        ("without end", vec![f64::INFINITY; 4]),
        ("less than nothing", vec![-1.0; 4]),
    ] {
        assert_eq!(Callbacks::restored(&StoredCallbacks { numbers, ..stored.clone() }, life.now), None, "{case}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, and wherever the clock goes, a price is a price, no look is cheaper for callbacks, and without
    /// ten payments told in a row there is no trust.
    #[test]
    fn no_history_makes_looks_cheaper_or_trusts_what_was_not_told(
        steps in prop::collection::vec((0..40_i64, 0..4_u8, -100_000..100_000_i64), 0..200),
        price in 0.1..10_000.0_f64,
    ) {
        let mut callbacks = Callbacks::new(NOW);
        let (mut now, mut told) = (NOW, 0_u32);
        for (nth, what, passed_ms) in steps {
            let key = OrderKey(nth);
            now = Timestamp::from_millis(now.as_millis() + passed_ms);
            match what {
                0 => callbacks.came(key, now),
                1 => callbacks.looked(key, Found::Nothing, now, now),
                2 => callbacks.looked(key, Found::Outcome { is_paid: nth % 2 == 0, after: now }, now, now),
                _ => callbacks.settle(now),
            }
            told += u32::try_from(callbacks.outcomes().told).unwrap();
            let tariff = callbacks.tariff(Price::new(price));
            prop_assert!(tariff.open.seconds() >= tariff.closed.seconds() && tariff.open.seconds().is_finite());
            prop_assert!(callbacks.standing() != Standing::Trusted || told >= 10);
        }
    }
}
