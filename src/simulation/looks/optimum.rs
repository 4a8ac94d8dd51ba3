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
    let costs = |price: f64| {
        groups.iter().fold(Costs { looks: 0.0, delay: 0.0 }, |sum, group| {
            let costs = group.costs(price);
            Costs { looks: sum.looks + group.share * costs.looks, delay: sum.delay + group.share * costs.delay }
        })
    };
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

    /// The cheapest plan at a price a look, found backwards from the last outcome. Of the looks that may come next only
    /// those are kept that are best for some share of what has happened: it falls from step to step, and so what is
    /// best comes ever sooner.
    fn costs(&self, price: f64) -> Costs {
        let mut lines: Vec<Line> = Vec::new();
        let mut best = 0;
        let mut rest = Costs { looks: 0.0, delay: 0.0 };
        for moment in self.moments.iter().rev() {
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
            }
            let line = Line { age, constant: area + price * rest.looks + rest.delay, rest, area };
            while let [.., older, last] = lines.as_slice()
                && last.is_hidden(older, &line)
            {
                lines.pop();
            }
            lines.push(line);
        }
        rest
    }
}

/// The nth of the lengths of session, each `factor` as long as the one before it, that stands for those up to the next.
fn like(session_ms: i64, factor: f64) -> i32 {
    (0..i32::MAX).find(|nth| 1_000.0 * factor.powi(*nth + 1) > float(session_ms)).unwrap_or_default()
}

fn groups(workload: &Workload, parts: i64) -> Vec<Group> {
    let cases = workload.cases();
    let begin = cases.first().map_or(0, |case| case.registered_ms);
    let part_ms = (workload.length_ms() / parts).max(1);
    let session = |case: &Case| case.expires_ms - case.registered_ms;
    let sessions: BTreeSet<i64> = cases.iter().map(session).collect();
    let most = cases.len() / ORDERS_LEAST;
    let factor = (sessions.len() > SESSIONS_MAX).then(|| {
        let groups = |factor: f64| sessions.iter().map(|session| like(*session, factor)).collect::<BTreeSet<_>>().len();
        [1.05, 1.1, 1.2, 1.5, 2.0, 4.0].into_iter().find(|factor| groups(*factor) <= most).unwrap_or(1e9)
    });
    // By part and session: the longest of its sessions, and its orders.
    let mut alike: BTreeMap<(i64, i64), (i64, Vec<&Case>)> = BTreeMap::new();
    for case in cases {
        let part = ((case.registered_ms - begin) / part_ms).min(parts - 1);
        let session = session(case);
        let (longest, group) =
            alike.entry((part, factor.map_or(session, |factor| like(session, factor).into()))).or_default();
        *longest = session.max(*longest);
        group.push(case);
    }
    alike.into_values().map(|(longest, group)| Group::of(ages(&group, longest), cases.len())).collect()
}

/// The ages of the outcomes; what comes when a page closes, or later, as if all had closed as late as the last.
fn ages(cases: &[&Case], longest_ms: i64) -> Vec<f64> {
    let age = |case: &&Case| {
        let since_closing = case.outcome_ms - case.expires_ms;
        if since_closing >= 0 { longest_ms + since_closing } else { case.outcome_ms - case.registered_ms }
    };
    cases.iter().map(|case| float(age(case)) / 1_000.0).collect()
}
