//! What nobody can do better with as many looks: the cheapest plan for the very orders of a workload.
//!
//! A look that finds nothing new may as well come sooner, up to the last outcome that it notices: so the best looks lie
//! upon outcomes, and a dynamic programme over these alone is exact. It knows every outcome's age, though not of which
//! order; it waits for no permit and no answer. A policy has to learn what it knows.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{count, float};
use super::workload::{Case, Workload};
use crate::domain::polling::Costs;

/// Prices between which the optimum is sought, and how many times the range is halved.
const PRICES: (f64, f64) = (1e-3, 1e6);
const HALVINGS: usize = 44;

/// So many lengths of sessions are told apart exactly.
const SESSIONS_MAX: usize = 16;

/// Where there are more, they share a plan with their like, of which there are at least so many orders on average: a
/// plan for a handful would know each of them.
const ORDERS_LEAST: usize = 500;

/// What the best policy costs that knows when outcomes come, though not of which order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// Looks an order.
    pub looks: f64,
    /// Seconds until an outcome is noticed, on average.
    pub mean_s: f64,
}

/// The least mean time to notice with at most `looks` looks an order. Orders are told apart by how long their page is
/// open and by the time of their registration, in `parts` parts of the workload: a policy may know the time of day.
pub fn optimum(workload: &Workload, looks: f64, parts: i64) -> Optimum {
    let groups = groups(workload, parts.max(1));
    sought(looks, |price| of_all(groups.values().map(|group| (group.share, group.best(price).0))))
}

/// The same of who knows how soon outcomes come only by what `truth` shows, which are other orders of the same buyers,
/// and more of them: of these very orders nobody can know as much as [`optimum`] does. With as many looks at them.
pub fn foreseen(workload: &Workload, truth: &Workload, looks: f64, parts: i64) -> Optimum {
    let (groups, known) = (groups(workload, parts.max(1)), groups(truth, parts.max(1)));
    sought(looks, |price| {
        of_all(groups.iter().map(|(alike, group)| {
            let plan = known.get(alike).unwrap_or(group).best(price).1;
            (group.share, group.costs_of(&plan))
        }))
    })
}

/// What is reached at `looks`, where `costs` says what a price leads to.
fn sought(looks: f64, costs: impl Fn(f64) -> Costs) -> Optimum {
    let (mut low, mut high) = PRICES;
    let (mut above, mut below) = (costs(low), costs(high));
    for _ in 0..HALVINGS {
        let price = (low * high).sqrt();
        let at = costs(price);
        if at.looks > looks { (low, above) = (price, at) } else { (high, below) = (price, at) }
    }
    // A plan changes by leaps with the price; between two of them some orders follow the one and some the other.
    let way = if above.looks > below.looks {
        ((looks - below.looks) / (above.looks - below.looks)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let mix = |below: f64, above: f64| below + (above - below) * way;
    Optimum { looks: mix(below.looks, above.looks), mean_s: mix(below.delay, above.delay) }
}

const NOTHING: Costs = Costs { looks: 0.0, delay: 0.0 };

/// The mean of what groups cost, by their shares.
fn of_all(parts: impl Iterator<Item = (f64, Costs)>) -> Costs {
    parts.fold(NOTHING, |sum, (share, costs)| Costs {
        looks: share.mul_add(costs.looks, sum.looks),
        delay: share.mul_add(costs.delay, sum.delay),
    })
}

/// Orders that nothing tells apart but when their outcomes come.
struct Group {
    /// Registration first, and then every age at which outcomes come, ascending.
    moments: Vec<Moment>,
    /// Of all the workload's orders.
    share: f64,
}

#[derive(Clone, Copy)]
struct Moment {
    age: f64,
    /// The share of the group's orders whose outcome has come.
    happened: f64,
    /// That share, summed up over the ages so far: the delay between two looks is a difference of two of these.
    area: f64,
}

/// A look as seen from every earlier one: `constant - happened * age`, where `happened` is what has by the earlier.
#[derive(Clone, Copy)]
struct Line {
    age: f64,
    constant: f64,
    /// What looks and delays sum up to from there on.
    rest: Costs,
    area: f64,
    /// Which of the moments.
    nth: usize,
}

impl Line {
    fn at(&self, happened: f64) -> f64 {
        self.constant - happened * self.age
    }

    /// Whether it is least nowhere between an `older` one, for a later look, and a `newer` one, for a sooner.
    fn is_hidden(&self, older: &Self, newer: &Self) -> bool {
        (newer.constant - older.constant) * (older.age - self.age)
            <= (self.constant - older.constant) * (older.age - newer.age)
    }
}

impl Group {
    fn of(mut ages: Vec<f64>, orders: usize) -> Self {
        ages.sort_by(f64::total_cmp);
        let mut moments = vec![Moment { age: 0.0, happened: 0.0, area: 0.0 }];
        for (nth, age) in ages.iter().enumerate() {
            if ages.get(nth + 1).is_some_and(|next| next <= age) {
                continue;
            }
            let before = moments.last().copied().unwrap_or(Moment { age: 0.0, happened: 0.0, area: 0.0 });
            let area = before.happened.mul_add(age - before.age, before.area);
            moments.push(Moment { age: *age, happened: count(nth + 1) / count(ages.len()), area });
        }
        Self { moments, share: count(ages.len()) / count(orders) }
    }

    /// The cheapest plan at a price a look, what it costs and the ages of its looks, found backwards from the last
    /// outcome. Of the looks that may come next only those are kept that are best for some share of what has happened:
    /// it falls from step to step, and so what is best comes ever sooner.
    fn best(&self, price: f64) -> (Costs, Vec<f64>) {
        let mut lines: Vec<Line> = Vec::new();
        let mut best = 0;
        let mut rest = NOTHING;
        let mut follows = vec![0; self.moments.len()];
        for (nth, moment) in self.moments.iter().enumerate().rev() {
            let Moment { age, happened, area } = *moment;
            best = best.min(lines.len().saturating_sub(1));
            while lines
                .get(best + 1)
                .zip(lines.get(best))
                .is_some_and(|(one, other)| one.at(happened) <= other.at(happened))
            {
                best += 1;
            }
            if let Some(next) = lines.get(best) {
                let waiting = next.area - area - happened * (next.age - age);
                rest = Costs { looks: 1.0 - happened + next.rest.looks, delay: waiting + next.rest.delay };
                follows[nth] = next.nth;
            }
            let line = Line { age, constant: area + price * rest.looks + rest.delay, rest, area, nth };
            while let [.., older, last] = lines.as_slice()
                && last.is_hidden(older, &line)
            {
                lines.pop();
            }
            lines.push(line);
        }
        let mut looks = Vec::new();
        let mut nth = follows.first().copied().unwrap_or_default();
        while let Some(moment) = self.moments.get(nth).filter(|_| nth > 0) {
            looks.push(moment.age);
            nth = follows[nth];
        }
        (rest, looks)
    }

    /// What looks at these ages cost, and at the last outcome where one comes later than all of them.
    fn costs_of(&self, looks: &[f64]) -> Costs {
        let last = self.moments.last().map_or(0.0, |moment| moment.age);
        let mut costs = NOTHING;
        let (mut age, mut happened, mut area) = (0.0, 0.0, 0.0);
        for look in looks.iter().copied().filter(|look| *look < last).chain([last]) {
            let reached = self.moments.partition_point(|moment| moment.age <= look);
            let Some(before) = reached.checked_sub(1).and_then(|nth| self.moments.get(nth)) else { continue };
            let area_then = before.happened.mul_add(look - before.age, before.area);
            costs.looks += 1.0 - happened;
            costs.delay += area_then - area - happened * (look - age);
            (age, happened, area) = (look, before.happened, area_then);
        }
        costs
    }
}

/// The nth of the lengths of session, each `factor` as long as the one before it, that stands for those up to the next.
fn like(session_ms: i64, factor: f64) -> i32 {
    (0..i32::MAX).find(|nth| 1_000.0 * factor.powi(*nth + 1) > float(session_ms)).unwrap_or_default()
}

/// What tells orders apart: the part of the workload in which they were registered, and how long their page is open, in
/// milliseconds or in steps of what is alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alike {
    part: i64,
    session: i64,
}

impl Alike {
    pub(super) fn told_apart(workload: &Workload, parts: i64) -> BTreeMap<Self, Vec<&Case>> {
        let cases = workload.cases();
        let begin = cases.first().map_or(0, |case| case.registered_ms);
        let part_ms = (workload.length_ms() / parts).max(1);
        let session = |case: &Case| case.expires_ms - case.registered_ms;
        let sessions: BTreeSet<i64> = cases.iter().map(session).collect();
        let most = cases.len() / ORDERS_LEAST;
        let factor = (sessions.len() > SESSIONS_MAX).then(|| {
            let groups =
                |factor: f64| sessions.iter().map(|session| like(*session, factor)).collect::<BTreeSet<_>>().len();
            [1.05, 1.1, 1.2, 1.5, 2.0, 4.0].into_iter().find(|factor| groups(*factor) <= most).unwrap_or(1e9)
        });
        let mut alike: BTreeMap<Self, Vec<&Case>> = BTreeMap::new();
        for case in cases {
            let part = ((case.registered_ms - begin) / part_ms).min(parts - 1);
            let session = session(case);
            let session = factor.map_or(session, |factor| like(session, factor).into());
            alike.entry(Self { part, session }).or_default().push(case);
        }
        alike
    }
}

fn groups(workload: &Workload, parts: i64) -> BTreeMap<Alike, Group> {
    let of = |cases: Vec<&Case>| {
        let longest = cases.iter().map(|case| case.expires_ms - case.registered_ms).max().unwrap_or_default();
        Group::of(ages(&cases, longest), workload.cases().len())
    };
    Alike::told_apart(workload, parts).into_iter().map(|(alike, cases)| (alike, of(cases))).collect()
}

/// The ages of the outcomes; what comes when a page closes, or later, as if all had closed as late as the last.
fn ages(cases: &[&Case], longest_ms: i64) -> Vec<f64> {
    let age = |case: &&Case| {
        let since_closing = case.outcome_ms - case.expires_ms;
        if since_closing >= 0 { longest_ms + since_closing } else { case.outcome_ms - case.registered_ms }
    };
    cases.iter().map(|case| float(age(case)) / 1_000.0).collect()
}
