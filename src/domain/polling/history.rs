//! What a merchant's own orders teach: how long it takes until something becomes of an order.
//!
//! Learned is the hazard: of the orders that were still open at an age, how many came to their outcome in the next
//! second. Every look that finds one open counts, so that those which nobody pays count for as long as they could have
//! been. Three layers lie over each other, each of which the next corrects as far as it has seen more: what is usual in
//! shops, the last weeks, and the last hours, so that a shift at noon is followed by the evening.

use std::time::Duration;

use super::ages::{Bins, Since};
use super::{LookPolicy, Page};
use crate::domain::order::{Kind, Order, State};
use crate::domain::time::Timestamp;

/// Half of what was learned is forgotten after this long: slowly enough that a quiet shop knows its weekdays, and
/// quickly enough that a busy one follows a shift within the day.
const HALF_LIVES: [Duration; 2] = [Duration::from_secs(7 * 86_400), Duration::from_secs(3_600)];

/// How many orders a layer must have seen to weigh as much as what lies below it.
const STRENGTHS: [f64; 2] = [20.0, 50.0];

/// Never less than this, per second, once a page has closed: about once in four months. An order that is open after all
/// is worth a look now and then.
const HAZARD_LEAST: f64 = 1e-7;

/// The surest that anything is in one bin: what happens to all but a few in a million. Without an end to it, thousands
/// of orders that closed at one moment would be summed up to more than a number can hold.
const SUREST: f64 = 12.0;

/// What a look at an order teaches of when to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lesson {
    /// It was open between these ages, in seconds. So those teach, too, that nobody will ever pay, and long before
    /// their pages close.
    Open {
        /// The age at which the page closes.
        closes: f64,
        /// When it was last found open.
        from: f64,
        /// And now again.
        to: f64,
    },
    /// It was paid or refused at an age between these, in seconds; the same twice where the bank tells when.
    Outcome {
        /// At this age it was last found open.
        open: f64,
        /// Not yet at this age.
        after: f64,
        /// By this age.
        by: f64,
    },
    /// Nothing became of it until its page closed at this age, in seconds; and something did between these, in seconds
    /// since.
    Closed {
        /// The age at which the page closed.
        at: f64,
        /// At this age it was last found open.
        open: f64,
        /// Still open so long after it closed.
        after: f64,
        /// At an end by then.
        by: f64,
    },
}

impl Lesson {
    /// An outcome whose moment the bank tells. Some pages stay open for longer than anybody said.
    pub fn at(page: Page, open_at: Timestamp, at: Timestamp) -> Self {
        if at > page.closes_at {
            return Self::after_closing(page, open_at, at, at);
        }
        let age = page.age(at);
        Self::Outcome { open: page.age(open_at).min(age), after: age, by: age }
    }

    /// An outcome that came after the order was found open and before `now`: while the page was open, unless the order
    /// was found open after that.
    pub fn between(page: Page, open_at: Timestamp, now: Timestamp) -> Self {
        if open_at > page.closes_at {
            return Self::after_closing(page, open_at, open_at, now);
        }
        let age = |at: Timestamp| page.age(at.min(page.closes_at));
        Self::Outcome { open: age(open_at), after: age(open_at), by: age(now) }
    }

    /// It was found open at both moments.
    pub fn open(page: Page, open_at: Timestamp, now: Timestamp) -> Self {
        Self::Open { closes: page.session().as_secs_f64(), from: page.age(open_at), to: page.age(now) }
    }

    /// What a look teaches that found `before` in the state `after`, and of which kind of order: what is held was to be
    /// held, and else it is as somebody said, or shows.
    /// `moment` is when the bank says that it was paid.
    pub fn of(
        policy: &LookPolicy,
        before: &Order,
        after: State,
        moment: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<(Option<Kind>, Self)> {
        let is_known = before.state == State::Pending && after != State::Review;
        let page = Page::of(policy, before);
        let told = before.heard.as_ref().filter(|_| before.unknown_in_a_row == 0).map(|heard| heard.at);
        let open_at = told.unwrap_or(before.created_at).min(now);
        let kind = match after {
            State::Held => Some(Kind::TwoPhase),
            // A hold may be reversed, and completed, before it was seen.
            State::Reversed => before.kind.or(Some(Kind::TwoPhase)),
            State::Deposited => before.kind.or(Some(Kind::OnePhase)),
            State::Pending | State::Review | State::Declined | State::Refunded => before.kind,
        };
        let lesson = match after {
            // What was told amid answers that told nothing is not known: better to learn nothing than the same twice.
            State::Pending if before.unknown_in_a_row > 0 => Self::open(page, now, now),
            State::Pending => Self::open(page, open_at, now),
            State::Declined if now >= page.closes_at => Self::closed(page, open_at, now),
            State::Declined => Self::between(page, open_at, now),
            _ => match moment.filter(|at| (open_at..=now).contains(at)) {
                Some(at) => Self::at(page, open_at, at),
                None => Self::between(page, open_at, now),
            },
        };
        is_known.then_some((kind, lesson))
    }

    /// Nobody paid; closed after the order was found open and before `now`.
    pub fn closed(page: Page, open_at: Timestamp, now: Timestamp) -> Self {
        Self::after_closing(page, open_at, open_at, now)
    }

    /// Something became of it after the page was to close, and between these moments.
    fn after_closing(page: Page, open_at: Timestamp, after: Timestamp, by: Timestamp) -> Self {
        let since = |at: Timestamp| at.since(page.closes_at).as_secs_f64();
        let (at, open) = (page.session().as_secs_f64(), page.age(open_at));
        Self::Closed { at, open, after: since(after), by: since(by) }
    }
}

/// What was seen, and for how long it could have been, by age.
#[derive(Clone, Debug, PartialEq)]
struct Counted {
    events: Bins,
    exposure: Bins,
}

impl Counted {
    fn nothing(since: Since) -> Self {
        Self { events: Bins::empty(since), exposure: Bins::empty(since) }
    }

    fn fade(&mut self, factor: f64) {
        self.events.fade(factor);
        self.exposure.fade(factor);
    }

    fn event(&mut self, open: f64, after: f64, by: f64) {
        self.events.add_between(after, by, 1.0);
        self.exposure.add_seconds(open, f64::midpoint(after, by), 1.0);
    }

    /// The hazard of `below`, corrected by what was seen here.
    fn correct(&self, below: &Bins, strength: f64) -> Bins {
        let (events, exposure) = (self.events.smoothed(), self.exposure.smoothed());
        let mut seen = events.iter().zip(exposure.iter()).map(|((_, _, events), (_, _, exposure))| (events, exposure));
        let mut open = strength;
        let mut hazard = below.clone();
        hazard.set(|from, to, usual| {
            let stays = (-usual * (to - from)).exp();
            // So many order-seconds would as many orders as the strength have spent in this bin.
            let usual_exposure = if usual > 0.0 { open * (1.0 - stays) / usual } else { open * (to - from) };
            open *= stays;
            let (events, exposure) = seen.next().unwrap_or_default();
            let sum = exposure + usual_exposure;
            let hazard = if sum > f64::MIN_POSITIVE { (events + usual * usual_exposure) / sum } else { usual };
            hazard.min(SUREST / (to - from))
        });
        hazard
    }
}

/// One layer: what was seen lately.
#[derive(Clone, Debug, PartialEq)]
struct Layer {
    young: Counted,
    closed: Counted,
}

/// What was learned of one kind of orders of a merchant.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    layers: [Layer; 2],
    faded_at: Timestamp,
}

/// How likely something becomes of an order in the next second, by its age.
#[derive(Clone, Debug, PartialEq)]
pub struct Hazard {
    /// Since registration, while the page is open.
    pub young: Bins,
    /// Since the page closed.
    pub closed: Bins,
}

impl History {
    /// Nothing was seen yet.
    pub fn new(now: Timestamp) -> Self {
        let layer = || Layer { young: Counted::nothing(Since::Registration), closed: Counted::nothing(Since::Closing) };
        Self { layers: [layer(), layer()], faded_at: now }
    }

    /// Takes in what a look has shown.
    pub fn learn(&mut self, lesson: Lesson, now: Timestamp) {
        self.learn_share(lesson, 1.0, now);
    }

    /// The same of a look that counts only for so much.
    pub(super) fn learn_share(&mut self, lesson: Lesson, share: f64, now: Timestamp) {
        self.fade(now);
        for Layer { young, closed } in &mut self.layers {
            match lesson {
                Lesson::Open { closes, from, to } => {
                    young.exposure.add_seconds(from.min(closes), to.min(closes), share);
                    closed.exposure.add_seconds((from - closes).max(0.0), (to - closes).max(0.0), share);
                }
                Lesson::Outcome { open, after, by } => young.event(open, after.clamp(0.0, by.max(0.0)), by.max(0.0)),
                Lesson::Closed { at, open, after, by } => {
                    young.exposure.add_seconds(open, at, 1.0);
                    // Taken to have closed as early as it may have: should that be too early, the next look finds it
                    // open, and the lesson of that is the later.
                    let after = after.clamp(0.0, by.max(0.0));
                    closed.exposure.add_seconds((open - at).max(0.0), after, 1.0);
                    closed.events.add_at(after, 1.0);
                }
            }
        }
    }

    /// Forgets what has grown old.
    pub fn fade(&mut self, now: Timestamp) {
        let passed = now.since(self.faded_at).as_secs_f64();
        for (layer, half_life) in self.layers.iter_mut().zip(HALF_LIVES) {
            let factor = (-passed / half_life.as_secs_f64()).exp2();
            layer.young.fade(factor);
            layer.closed.fade(factor);
        }
        // A clock that went back has taught nothing in between.
        self.faded_at = now;
    }

    /// What is to be expected, by all that was seen.
    pub fn hazard(&self) -> Hazard {
        let (mut young, mut closed) = (usual_young(), usual_closed());
        for (layer, strength) in self.layers.iter().zip(STRENGTHS) {
            young = layer.young.correct(&young, strength);
            closed = layer.closed.correct(&closed, strength / 4.0);
        }
        closed.set(|_, _, hazard| hazard.max(HAZARD_LEAST));
        Hazard { young, closed }
    }

    /// How many payments and refusals of the last weeks it has seen, the later the heavier.
    pub fn outcomes(&self) -> f64 {
        self.layers.first().map_or(0.0, |weeks| weeks.young.events.values().iter().sum())
    }

    /// The numbers to be stored, and when they were true.
    pub fn stored(&self) -> (Timestamp, Vec<Vec<f64>>) {
        let counted = self.layers.iter().flat_map(|layer| [&layer.young, &layer.closed]);
        let bins = counted.flat_map(|counted| [&counted.events, &counted.exposure]);
        (self.faded_at, bins.map(|bins| bins.values().to_vec()).collect())
    }

    /// What was stored; `None` when it is not what this version stores.
    pub fn restored(faded_at: Timestamp, numbers: Vec<Vec<f64>>) -> Option<Self> {
        let mut numbers = numbers.into_iter();
        let mut counted = |since| {
            let events = Bins::restored(since, numbers.next()?)?;
            let exposure = Bins::restored(since, numbers.next()?)?;
            Some(Counted { events, exposure })
        };
        let mut layer = || Some(Layer { young: counted(Since::Registration)?, closed: counted(Since::Closing)? });
        let layers = [layer()?, layer()?];
        numbers.next().is_none().then_some(Self { layers, faded_at })
    }
}

/// What is usual in shops, before anything was seen: of those who pay, most do so within minutes.
fn usual_young() -> Bins {
    let mut usual = Bins::empty(Since::Registration);
    usual.set(|from, to, _| {
        let age = f64::midpoint(from, to);
        // Nobody has typed a card's number after a second; and the longer somebody has not paid, the less he will.
        0.8 / (100.0 + age) * (age / (20.0 + age))
    });
    usual
}

/// Banks close an order with its page, or by a job some time after.
fn usual_closed() -> Bins {
    let mut usual = Bins::empty(Since::Closing);
    usual.set(|from, to, _| 0.5 / (1.0 + f64::midpoint(from, to)));
    usual
}

#[cfg(test)]
mod tests;
