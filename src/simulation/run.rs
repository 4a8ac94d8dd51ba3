//! One seed, from its plan to its outcome.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::daemon::draw;
use crate::domain::calendar::BusinessDay;
use crate::domain::order::State;
use crate::domain::time::Timestamp;
use crate::sandbox::Effect;
use crate::store::{StoreError, Verdict};

use super::checker::Violation;
use super::cover::{self, Cover};
use super::log::Log;
use super::plan::Plan;
use super::world::{Next, START_MS, World};
use super::{Extent, cast};

/// What came of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Orders that the daemon acknowledged.
    pub orders: u64,
    /// Holds that completions of ours took.
    pub completions: u64,
    /// Holds that reversals of ours let go.
    pub reversals: u64,
    /// Refunds of ours that gave something back.
    pub refunds: u64,
    /// Orders that declines of ours closed.
    pub declines: u64,
    /// Orders that the bank registered for us.
    pub registrations: u64,
    /// Requests that reached the bank.
    pub requests: u64,
    /// What moves money among them.
    pub sends: u64,
    /// How the daemon's lives ended, by the point at which they did.
    pub ends: BTreeMap<&'static str, u64>,
    /// Requests struck by each kind of fault, and connections that were not made.
    pub faults: BTreeMap<&'static str, u64>,
    /// Orders that stood in review at the end.
    pub reviews: u64,
    /// Situations and the faults that struck in them.
    pub cover: Cover,
    /// What the checker found.
    pub violations: Vec<Violation>,
    /// The hash of the log.
    pub hash: u64,
}

/// Runs `seed` and hashes its log.
pub(super) fn run(seed: u64, extent: Extent) -> anyhow::Result<Outcome> {
    simulate(seed, Plan::draw(seed, extent), Log::hashing()).map(|(outcome, _)| outcome)
}

/// Runs a plan that was not drawn.
#[cfg(test)]
pub(super) fn run_planned(seed: u64, plan: Plan) -> anyhow::Result<Outcome> {
    simulate(seed, plan, Log::hashing()).map(|(outcome, _)| outcome)
}

/// Runs `seed` and keeps its log.
pub fn replay(seed: u64, extent: Extent) -> anyhow::Result<(Outcome, String)> {
    let (outcome, log) = simulate(seed, Plan::draw(seed, extent), Log::keeping())?;
    Ok((outcome, log.into_kept().unwrap_or_default()))
}

fn simulate(seed: u64, plan: Plan, log: Log) -> anyhow::Result<(Outcome, Log)> {
    let directory = tempfile::Builder::new()
        .prefix("reconciled-simulation-")
        .tempdir_in(in_memory())
        .context("cannot make a directory for the simulation")?;
    // Everything that the daemon draws on this thread follows from the seed.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(live(seed, plan, directory.path(), log))
}

/// A file system in memory, where there is one: nothing of it has to last.
fn in_memory() -> PathBuf {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() { shared_memory.to_owned() } else { std::env::temp_dir() }
}

async fn live(seed: u64, plan: Plan, directory: &Path, log: Log) -> anyhow::Result<(Outcome, Log)> {
    let mut world = World::new(seed, plan, directory, log)?;
    world.start().await;
    cast::take_places(&mut world);
    loop {
        match world.next().await {
            Next::Deed(deed) => cast::perform(&mut world, deed).await,
            Next::Death(peril) => cast::kill(&mut world, peril.as_str()).await,
            Next::GaveUp(why) => {
                world.failed(&why);
                cast::kill(&mut world, "gave up").await;
            }
            Next::End => break,
        }
    }
    world.evidence.reported_minor = draw_reports(&world).await;
    world.evidence.journal = walk_journal(&world).await;
    world.check().await;
    Ok(outcome(world))
}

/// Draws the report of every day, and adds up what they say was taken. A clock that was set spreads the orders over
/// days that never were.
async fn draw_reports(world: &World) -> Option<i64> {
    let (store, merchant) = (world.store().filter(|_| !world.clock_is_set())?, world.merchant());
    let (mut at, now) = (Timestamp::from_millis(START_MS), world.clock.now());
    let mut day = BusinessDay::last_ended(at, &merchant.zone, merchant.report.cut_off).ok()?;
    let mut sum = 0_i64;
    while day.from <= now {
        let report = draw::draw(store, merchant, day.clone(), now).await.ok()?;
        let taken = report.ended.iter().map(|total| total.deposited_minor);
        sum = taken.fold(sum, i64::saturating_add);
        at = day.until;
        day = BusinessDay::of_date(day.date.tomorrow().ok()?, &merchant.zone, merchant.report.cut_off).ok()?;
    }
    (at > now).then_some(sum)
}

/// What the journal is at the end, after all crashes and with whatever copies were put back.
async fn walk_journal(world: &World) -> Option<Result<Verdict, StoreError>> {
    Some(world.store()?.walk_journal().await)
}

fn outcome(world: World) -> (Outcome, Log) {
    let evidence = &world.evidence;
    let count = |count: usize| count as u64;
    let mut faults: BTreeMap<&'static str, u64> = BTreeMap::new();
    for fault in evidence.asked.iter().filter_map(|asked| asked.fault) {
        *faults.entry(cover::word(fault)).or_default() += 1;
    }
    faults.extend(world.network.unmade().into_iter().filter(|(_, count)| *count > 0));
    let ours = |kind: Effect| evidence.effects.iter().filter(|done| done.is_ours() && done.effect == kind).count();
    let outcome = Outcome {
        seed: world.seed,
        orders: count(evidence.told.len()),
        completions: count(ours(Effect::Completed)),
        reversals: count(ours(Effect::Reversed)),
        refunds: count(ours(Effect::Refunded)),
        declines: count(ours(Effect::CalledOff)),
        registrations: count(ours(Effect::Registered)),
        requests: count(evidence.asked.len()),
        sends: count(evidence.asked.iter().filter(|asked| asked.send.is_some()).count()),
        ends: world.ends.clone(),
        faults,
        reviews: count(evidence.orders.iter().filter(|found| found.order.state == State::Review).count()),
        cover: Cover::of(evidence),
        violations: world.violations.iter().cloned().collect(),
        hash: world.log.hash(),
    };
    (outcome, world.log)
}
