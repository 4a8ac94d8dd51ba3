//! What a merchant's orders have taught, ready to be asked: the plans for each kind of order and each length of
//! session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::LookPolicy;
use super::callbacks::{Callbacks, Tariff};
use super::history::{Hazard, History, Lesson};
use super::plan::Plans;
use super::price::{Ordinary, Price, Spending};
use crate::domain::order::Kind;
use crate::domain::time::Timestamp;

/// Plans are made anew this often, where anything was learned: it takes some milliseconds, and orders of a quarter of
/// an hour teach little more than those before them.
const RENEWED_EVERY: Duration = Duration::from_secs(900);

/// And whenever there are twice as many lessons as the last time, this many at least: the first hour teaches most.
const LESSONS_LEAST: u64 = 50;

/// So many lengths of sessions are planned for to the second. Shops have one or two; where every order has its own,
/// those beyond share plans with their like.
const SESSIONS_MAX: usize = 16;

/// How far sessions are apart that do not share plans once there are many.
const LIKE: f64 = 1.03;

/// Which kind is usual is told by so many orders.
const SEEN_LATELY: f64 = 100.0;

/// What one kind of orders has taught.
#[derive(Debug)]
struct Chapter {
    history: History,
    hazard: Hazard,
    /// By the session's length in milliseconds.
    plans: BTreeMap<u64, Arc<Plans>>,
}

/// What one merchant's orders have taught, and what a look costs.
#[derive(Debug)]
pub struct Almanac {
    chapters: [Chapter; 2],
    /// How many orders of each kind have taught lately, to tell which is usual.
    seen: [f64; 2],
    price: Price,
    ordinary: Ordinary,
    callbacks: Callbacks,
    renewed_at: Timestamp,
    lessons: u64,
    /// Of these, known when plans were last made.
    renewed_with: u64,
}

impl Almanac {
    /// An almanac of these histories, in the order of [`Kind::ALL`].
    pub fn new(histories: [History; 2], price: Price, now: Timestamp) -> Self {
        let callbacks = Callbacks::new(now);
        // As if they were the latest hundred.
        let seen = histories.each_ref().map(History::outcomes);
        let most = seen.iter().sum::<f64>().max(SEEN_LATELY) / SEEN_LATELY;
        let seen = seen.map(|outcomes| outcomes / most);
        let chapters = histories.map(|history| Chapter { hazard: history.hazard(), history, plans: BTreeMap::new() });
        Self {
            chapters,
            seen,
            price,
            ordinary: Ordinary::new(now),
            callbacks,
            renewed_at: now,
            lessons: 0,
            renewed_with: 0,
        }
    }

    /// Takes in what a look has shown. While an order is open it may not be known of which kind it is: it counts for
    /// both then, for each by how usual it is.
    pub fn learn(&mut self, kind: Option<Kind>, lesson: Lesson, now: Timestamp) {
        self.lessons = self.lessons.saturating_add(1);
        let sum: f64 = self.seen.iter().sum();
        if let (None, Lesson::Open { .. }, true) = (kind, lesson, sum > 0.0) {
            for (chapter, seen) in self.chapters.iter_mut().zip(self.seen) {
                chapter.history.learn_share(lesson, seen / sum, now);
            }
            return;
        }
        let kind = kind.unwrap_or_else(|| self.usual());
        self.chapter(kind).history.learn(lesson, now);
        if let Lesson::Open { .. } = lesson {
            return;
        }
        self.ordinary.add(self.price, now);
        let nth = usize::from(kind == Kind::TwoPhase);
        self.seen
            .iter_mut()
            .enumerate()
            .for_each(|(at, seen)| *seen = *seen * (1.0 - SEEN_LATELY.recip()) + f64::from(u8::from(at == nth)));
    }

    /// The kind of an order of which nobody said what it is: the one that is usual.
    pub fn usual(&self) -> Kind {
        let [one, two] = self.seen;
        if two > one { Kind::TwoPhase } else { Kind::OnePhase }
    }

    /// Makes plans anew if it is time to; says whether it did.
    pub fn renew(&mut self, now: Timestamp) -> bool {
        let news = self.lessons - self.renewed_with;
        let is_time = now.since(self.renewed_at) >= RENEWED_EVERY || self.renewed_at > now;
        let are_twice_as_many = news >= self.renewed_with.max(LESSONS_LEAST);
        if news == 0 || !(is_time || are_twice_as_many) {
            return false;
        }
        (self.renewed_at, self.renewed_with) = (now, self.lessons);
        for chapter in &mut self.chapters {
            chapter.history.fade(now);
            chapter.hazard = chapter.history.hazard();
            chapter.plans.clear();
        }
        true
    }

    /// The plans for orders whose page is open for `session`.
    pub fn plans(&mut self, kind: Kind, session: Duration) -> Arc<Plans> {
        let chapter = self.chapter(kind);
        let exact = u64::try_from(session.as_millis()).unwrap_or(u64::MAX);
        let is_room = chapter.plans.len() < SESSIONS_MAX || chapter.plans.contains_key(&exact);
        let session = if is_room { session } else { like(session) };
        let key = u64::try_from(session.as_millis()).unwrap_or(u64::MAX);
        let hazard = &chapter.hazard;
        Arc::clone(chapter.plans.entry(key).or_insert_with(|| Arc::new(Plans::new(hazard, session))))
    }

    /// What a look costs now that no callback replaces.
    pub const fn price(&self) -> Price {
        self.price
    }

    /// What looks cost now under `policy`.
    pub fn tariff(&self, policy: &LookPolicy) -> Tariff {
        if policy.trust_callbacks { self.callbacks.tariff(self.price) } else { Tariff::flat(self.price) }
    }

    /// Steers the price to where it would be without callbacks.
    pub fn steer(&mut self, spending: Spending, policy: &LookPolicy) {
        let steered = self.price.steered(spending, self.saved(self.tariff(policy)));
        self.price = steered.max(self.ordinary.floor());
    }

    /// Lowers the price to what the best look is worth that is due, in seconds of delay, where none is worth the price
    /// and the budget lies idle: what was learned last may have made all of them worth less. What callbacks save is no
    /// reason to.
    pub fn lower(&mut self, worth: f64, policy: &LookPolicy) {
        if worth < self.price.seconds() && self.tariff(policy).thinned() <= 1.0 {
            self.price = Price::new(worth).max(self.ordinary.floor());
        }
    }

    /// How many times as many looks there would be without callbacks, by the plans in use.
    fn saved(&self, tariff: Tariff) -> f64 {
        if tariff.thinned() <= 1.0 {
            // Where none are trusted, no plan has to be made to know that.
            return 1.0;
        }
        let looks = |price: Price| -> f64 {
            let plans = self.chapters.iter().flat_map(|chapter| chapter.plans.values());
            plans.map(|plans| plans.costs(price.seconds()).looks).sum()
        };
        let (open, closed) = (looks(tariff.open), looks(tariff.closed));
        if open > 0.0 { closed / open } else { 1.0 }
    }

    /// What is known of the merchant's callbacks.
    pub const fn callbacks(&mut self) -> &mut Callbacks {
        &mut self.callbacks
    }

    /// The histories, in the order of [`Kind::ALL`].
    pub fn histories(&self) -> [&History; 2] {
        let [one, two] = &self.chapters;
        [&one.history, &two.history]
    }

    fn chapter(&mut self, kind: Kind) -> &mut Chapter {
        let [one, two] = &mut self.chapters;
        match kind {
            Kind::OnePhase => one,
            Kind::TwoPhase => two,
        }
    }
}

/// The length of session that stands for all those near to it.
fn like(session: Duration) -> Duration {
    const SHORTEST: f64 = 60.0;
    let steps = (session.as_secs_f64() / SHORTEST).max(1.0).log(LIKE).ceil();
    Duration::try_from_secs_f64(SHORTEST * LIKE.powf(steps)).unwrap_or(session)
}

#[cfg(test)]
mod tests;
