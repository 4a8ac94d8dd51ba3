//! Other systems' schedules against ours, with as many requests altogether.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use reconciled::simulation::looks::{Findings, PEERS, Schedule, Sent, Shape, Workload, sent};

use super::runs::{at_once, within};

/// One schedule and ours on one workload.
pub(crate) struct Compared {
    shape: Shape,
    id: String,
    theirs: Sent,
    /// `None` where even one look for each order is more than they sent: they leave orders behind.
    ours: Option<Findings>,
}

/// Every schedule on every workload.
pub(crate) fn compare(shapes: &[(Shape, Arc<Workload>)]) -> std::io::Result<Vec<Compared>> {
    let ids = Schedule::ids(PEERS).map_err(std::io::Error::other)?;
    let wanted: Vec<_> = shapes.iter().flat_map(|both| ids.iter().map(move |id| (both, id))).collect();
    let theirs = at_once(&wanted, |((shape, workload), id)| {
        let schedule = Schedule::read(PEERS, id).map_err(std::io::Error::other)?;
        Ok((*shape, workload, (*id).clone(), sent(workload, &schedule)))
    })?;
    // Many send as many: a look for each order when all is over.
    let totals: BTreeMap<(&str, usize), &Arc<Workload>> = theirs
        .iter()
        .filter(|(_, workload, _, found)| found.looks >= workload.cases().len())
        .map(|(shape, workload, _, found)| ((shape.as_str(), found.looks), *workload))
        .collect();
    let ours = at_once(&totals.into_iter().collect::<Vec<_>>(), |((shape, total), workload)| {
        Ok(((*shape, *total), no_more_than(workload, *total)?))
    })?;
    let ours: BTreeMap<(&str, usize), Findings> = ours.into_iter().collect();
    let compared = theirs.into_iter().map(|(shape, _, id, theirs)| {
        let ours = ours.get(&(shape.as_str(), theirs.looks)).cloned();
        Compared { shape, id, theirs, ours }
    });
    Ok(compared.collect())
}

/// So many quotas are tried at most, and it is near enough.
const TRIES: usize = 6;
const NEAR: f64 = 0.99;

/// Another quota that makes no more difference than this makes none.
const SAME: f64 = 0.002;

/// Where theirs sends a look for each order, ours may send so many times as many; that is told with each.
const MORE_AT_MOST: f64 = 1.03;

/// Ours sends no more than so many for each order, though others send hundreds where pages are open for a day: what it
/// reaches with these is compared.
const LOOKS_MOST: usize = 100;

/// Ours with a daily quota that comes to at most `total` requests, and nearly as many: the workload's last looks are on
/// the day after. Where that is a look for each order and hardly more, no quota makes the first orders' looks fewer, of a
/// day of which nothing was known; then it is some hundredths more.
fn no_more_than(workload: &Arc<Workload>, total: usize) -> std::io::Result<Findings> {
    let total = count(total.min(workload.cases().len() * LOOKS_MOST));
    let share = |found: &Findings| count(found.looks) / total;
    let mut quota = total;
    let mut best = within(workload, whole(quota))?;
    let mut last = share(&best);
    for _ in 1..TRIES {
        if (NEAR..=1.0).contains(&share(&best)) {
            break;
        }
        // More than that at once leads from one side to the other.
        quota /= (last * 1.003).max(0.8);
        let found = within(workload, whole(quota))?;
        let before = std::mem::replace(&mut last, share(&found));
        let is_better = if last <= 1.0 { share(&best) > 1.0 || last > share(&best) } else { last < share(&best) };
        if is_better {
            best = found;
        }
        if last <= 1.0 && (last - before).abs() < SAME {
            break;
        }
    }
    Ok(best)
}

fn whole(quota: f64) -> NonZeroU32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some millions, and never negative")]
    let quota = quota as u32;
    NonZeroU32::new(quota).unwrap_or(NonZeroU32::MIN)
}

fn count(looks: usize) -> f64 {
    f64::from(u32::try_from(looks).unwrap_or(u32::MAX))
}

pub(crate) const HEADING: &str =
    "shape     schedule                       looks    mean s     p95 s  never |  looks    mean s     p95 s";

impl Compared {
    /// Whether ours is better on mean and 95th percentile: who leaves orders behind is late for ever.
    fn is_won(&self) -> bool {
        let Some(ours) = &self.ours else { return self.theirs.never_noticed > 0.0 };
        // A look for each order and hardly more is all there is: there ours may send some hundredths more.
        let is_as_cheap = count(ours.looks) <= count(self.theirs.looks) * MORE_AT_MOST;
        let mean = self.theirs.never_noticed > 0.0 || ours.mean_s < self.theirs.mean_s;
        let p95 = self.theirs.never_noticed >= 0.05 || ours.p95_s < self.theirs.p95_s;
        is_as_cheap && ours.never_noticed == 0.0 && mean && p95
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "shape": self.shape.as_str(), "schedule": self.id, "theirs": self.theirs, "learned": self.ours,
            "is_better": self.is_won(),
        })
    }

    pub(crate) fn line(&self) -> String {
        let Sent { looks_per_order, mean_s, p95_s, never_noticed, .. } = &self.theirs;
        let ours = self.ours.as_ref().map_or_else(
            || "     -         -         -".to_owned(),
            |Findings { looks_per_order, mean_s, p95_s, .. }| format!("{looks_per_order:6.2} {mean_s:9.1} {p95_s:9.1}"),
        );
        format!(
            "{:9} {:28} {looks_per_order:7.2} {mean_s:9.1} {p95_s:9.1} {:5.1}% | {ours}{}",
            self.shape.as_str(),
            self.id,
            never_noticed * 100.0,
            if self.is_won() { "" } else { "  NOT BETTER" }
        )
    }
}

/// The last line.
pub(crate) fn verdict(compared: &[Compared]) -> String {
    let won = compared.iter().filter(|compared| compared.is_won()).count();
    format!(
        "better on mean and p95 in {won} of {}; a schedule's figures are of what it noticed, and who leaves orders behind is late for ever",
        compared.len()
    )
}
