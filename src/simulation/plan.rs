//! What a seed draws before anything happens: the merchant, the bank, the orders, and when bad luck comes.
//!
//! What depends on how things stand when it comes (which order a clerk touches, what an operator finds) is drawn then,
//! from a stream of its own.

use std::time::Duration;

use crate::sandbox::{CardSystem, FaultRule};

use super::endpoint::{self, EndpointPlan};
use super::policy::{self, PolicyPlan};
use super::{Extent, swarm};

/// One hour.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The dearest order in minor units.
const AMOUNT_MAX: i64 = 1_000_000;

/// Everything that is known beforehand. Times count from the beginning.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) policy: PolicyPlan,
    pub(super) faults: Vec<FaultRule>,
    pub(super) part_after_part: bool,
    /// Whether the bank shows an order that was called off as reversed, rather than declined.
    pub(super) called_off_is_reversed: bool,
    pub(super) hold_lifetime: Duration,
    pub(super) orders: Vec<OrderPlan>,
    /// When the process is killed, whatever it does.
    pub(super) kills: Vec<Duration>,
    /// When an administrator restarts it in order.
    pub(super) restarts: Vec<Duration>,
    /// How often it dies at a point of peril, in per cent.
    pub(super) peril_percent: u8,
    pub(super) outages: Vec<Outage>,
    /// When the host's clock is set, or the host suspended.
    pub(super) clock_steps: Vec<(Duration, ClockStep)>,
    /// How often a process that died is followed by an old copy of its database, in per cent.
    pub(super) restore_percent: u8,
    /// When a second daemon is started on the same database.
    pub(super) rivals: Vec<Duration>,
    /// How often a clerk touches a held order, in per cent.
    pub(super) clerk_percent: u8,
    /// When the operator looks whether the brake was tripped, and at the rest if he tends it.
    pub(super) rounds: Vec<Duration>,
    /// Whether he also looks at what stands in review and at what is held.
    pub(super) tends: bool,
    /// When somebody stops money, and starts it again.
    pub(super) stops: Vec<StopPlan>,
    /// How often the operator parks what is held, in per cent.
    pub(super) park_percent: u8,
    /// How the shop hears of it, if it does.
    pub(super) endpoint: Option<EndpointPlan>,
    /// When faults, crashes and people end: what is left must settle by itself.
    pub(super) calm_from: Duration,
    /// The end.
    pub(super) ends_at: Duration,
}

/// One order as its shop and its buyer will have it.
#[derive(Clone, Debug)]
pub(super) struct OrderPlan {
    pub(super) number: String,
    pub(super) amount_minor: i64,
    /// What a completion shall take, when not the whole.
    pub(super) complete_minor: Option<i64>,
    pub(super) two_phase: bool,
    pub(super) registered_at: Duration,
    /// How long after the registration the daemon is told; a shop may forget to.
    pub(super) told_after: Option<Duration>,
    /// Whether the shop tells the bank's id with it.
    pub(super) tells_id: bool,
    /// Whether the shop tells it twice, and then with which amount.
    pub(super) told_again: Option<i64>,
    pub(super) buyer: Buyer,
    /// Whose card he pays with.
    pub(super) card: CardSystem,
    /// Whether the shop hands it to us, and we register it.
    pub(super) through_us: bool,
    /// Then the price with which the shop has used its number at the bank before.
    pub(super) taken_before: Option<i64>,
    /// When somebody wants the order gone, or money back, so long after the registration.
    pub(super) regrets: Vec<Duration>,
}

/// What a buyer does, so long after the registration; above twenty minutes he is late.
#[derive(Clone, Copy, Debug)]
pub(super) enum Buyer {
    Pays(Duration),
    IsDeclined(Duration),
    Leaves,
}

/// What happens to the host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClockStep {
    /// It is set by so many milliseconds, and the bank's goes on.
    Set(i64),
    /// The host sleeps for so many milliseconds: both clocks have gone on, and the process has not run.
    Suspend(i64),
}

/// Money is stopped for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct StopPlan {
    pub(super) from: Duration,
    pub(super) until: Duration,
    pub(super) of: Stopped,
}

/// Whose money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    All,
    Merchant,
    /// Of the order at this place in the plan.
    Order(usize),
}

/// The bank cannot be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) from: Duration,
    pub(super) until: Duration,
    /// Connections hang instead of being refused.
    pub(super) hangs: bool,
}

impl Plan {
    /// The plan of `seed`.
    pub(super) fn draw(seed: u64, extent: Extent) -> Self {
        let Extent { days, orders, extras } = extent;
        let mut chance = fastrand::Rng::with_seed(seed);
        let ends_at = DAY * days;
        let calm_from = ends_at.saturating_sub((ends_at / 4).min(DAY * 3));
        let policy = policy::draw(&mut chance);
        let faults = swarm::draw(&mut chance);
        let chance = &mut chance;
        let regret_percent = one_of([0, 5, 20, 40], chance);
        let ours_percent = one_of([0, 10, 30, 100], chance);
        Self {
            part_after_part: chance.bool(),
            called_off_is_reversed: chance.bool(),
            hold_lifetime: DAY * chance.u32(3..=8),
            orders: (1..=orders)
                .map(|number| order(number, calm_from, [regret_percent, ours_percent], chance))
                .collect(),
            kills: moments(calm_from, [0, 1, 2, 5], days, chance),
            restarts: moments(calm_from, [0, 0, 1, 2], days, chance),
            peril_percent: one_of([0, 0, 1, 2, 6], chance),
            outages: outages(calm_from, chance),
            clock_steps: if extras.clock_steps { clock_steps(calm_from, chance) } else { Vec::new() },
            restore_percent: if extras.restored_backups { one_of([0, 0, 2, 10], chance) } else { 0 },
            rivals: moments(calm_from, [0, 0, 0, 1], 3, chance),
            clerk_percent: one_of([0, 0, 2, 10], chance),
            rounds: rounds(calm_from, chance),
            // Where nobody does, doubts stay, and once as many stay as may be nothing else is ever sent.
            tends: chance.u8(..6) > 0,
            stops: stops(calm_from, orders, chance),
            park_percent: one_of([0, 0, 5, 20], chance),
            policy,
            faults,
            endpoint: endpoint::draw(seed, calm_from),
            calm_from,
            ends_at,
        }
    }
}

fn order(
    number: usize,
    calm_from: Duration,
    [regret_percent, ours_percent]: [u8; 2],
    chance: &mut fastrand::Rng,
) -> OrderPlan {
    let amount_minor = chance.i64(1_000..=AMOUNT_MAX);
    let forgets = chance.u8(..100) < 3;
    let promptly = Duration::from_millis(chance.u64(..5_000));
    let later = Duration::from_millis(chance.u64(..7_200_000));
    let told_after = if chance.bool() { promptly } else { later };
    let paid_after = MINUTE.mul_f64(0.2) * chance.u32(1..=120);
    OrderPlan {
        number: format!("A-{number:04}"),
        amount_minor,
        complete_minor: (chance.u8(..100) < 45).then(|| chance.i64(1..=amount_minor / 2)),
        two_phase: chance.u8(..100) < 85,
        // A third of the time is left for what comes after.
        registered_at: within(calm_from * 2 / 3, chance),
        told_after: (!forgets).then_some(told_after),
        tells_id: chance.bool(),
        told_again: (chance.u8(..100) < 8).then(|| if chance.bool() { amount_minor } else { amount_minor + 1 }),
        buyer: match chance.u8(..100) {
            0..75 => Buyer::Pays(paid_after),
            75..85 => Buyer::IsDeclined(paid_after),
            _ => Buyer::Leaves,
        },
        card: one_of([CardSystem::Visa, CardSystem::Mastercard, CardSystem::Mir], chance),
        through_us: chance.u8(..100) < ours_percent,
        taken_before: (chance.u8(..100) < 4).then(|| if chance.bool() { amount_minor } else { amount_minor + 1 }),
        regrets: regrets(regret_percent, chance),
    }
}

/// While the buyer may still pay, while the hold stands, or when all is over; and once more when once was not enough.
fn regrets(percent: u8, chance: &mut fastrand::Rng) -> Vec<Duration> {
    if chance.u8(..100) >= percent {
        return Vec::new();
    }
    let times = one_of([1, 1, 2, 3], chance);
    (0..times).map(|_| within(one_of([MINUTE * 20, MINUTE * 20, DAY, DAY * 8], chance), chance)).collect()
}

/// Moments of something that comes so many times in ten days: one of `in_ten_days`.
fn moments(until: Duration, in_ten_days: [u32; 4], days: u32, chance: &mut fastrand::Rng) -> Vec<Duration> {
    let count = one_of(in_ten_days, chance) * days.max(10) / 10;
    (0..count).map(|_| within(until, chance)).collect()
}

fn outages(calm_from: Duration, chance: &mut fastrand::Rng) -> Vec<Outage> {
    let count = one_of([0, 0, 1, 3], chance);
    // Most are short. While one lasts, a probe is all that happens, twice a minute.
    let longest = match chance.u8(..16) {
        0 => DAY * 3,
        1..4 => HOUR * 12,
        4..8 => HOUR * 6,
        8..13 => HOUR,
        _ => MINUTE * 10,
    };
    let longest = longest.min(calm_from / 4);
    let mut all: Vec<Outage> = Vec::new();
    for _ in 0..count {
        let from = within(calm_from.saturating_sub(longest), chance);
        let until = from + MINUTE + within(longest.saturating_sub(MINUTE), chance);
        // Two at once would be one of another length.
        if all.iter().all(|other| until < other.from || other.until < from) {
            all.push(Outage { from, until, hangs: chance.bool() });
        }
    }
    all
}

/// Most hosts have a clock that nobody sets. The others': an hour, a day, a year, forward or back, and set right some
/// time later; or the host sleeps.
fn clock_steps(calm_from: Duration, chance: &mut fastrand::Rng) -> Vec<(Duration, ClockStep)> {
    let count = one_of([0, 0, 0, 1, 3], chance);
    let mut steps = Vec::new();
    for _ in 0..count {
        let from = within(calm_from / 2, chance);
        if chance.bool() {
            let longest = one_of([HOUR, DAY * 2], chance);
            let slept = i64::try_from(within(longest, chance).as_millis()).unwrap_or(i64::MAX);
            steps.push((from, ClockStep::Suspend(slept)));
        } else {
            let step = one_of([3_600_000, 86_400_000, 31_536_000_000], chance);
            let step = if chance.bool() { step } else { -step };
            let longest = one_of([HOUR, DAY, calm_from / 2], chance);
            steps.push((from, ClockStep::Set(step)));
            steps.push((from + within(longest.min(calm_from / 2), chance), ClockStep::Set(-step)));
        }
    }
    steps
}

fn rounds(calm_from: Duration, chance: &mut fastrand::Rng) -> Vec<Duration> {
    let every = one_of([HOUR * 4, HOUR * 8, DAY], chance);
    let mut rounds = Vec::new();
    let mut at = within(every, chance);
    while at < calm_from {
        rounds.push(at);
        at += every;
    }
    rounds
}

fn stops(calm_from: Duration, orders: usize, chance: &mut fastrand::Rng) -> Vec<StopPlan> {
    let count = one_of([0, 0, 1, 4], chance);
    let longest = DAY.min(calm_from / 4);
    let of = |chance: &mut fastrand::Rng| match chance.u8(..4) {
        0 => Stopped::All,
        1 => Stopped::Merchant,
        _ => Stopped::Order(chance.usize(..orders)),
    };
    let stop = |_| {
        let from = within(calm_from.saturating_sub(longest), chance);
        StopPlan { from, until: from + within(longest, chance), of: of(chance) }
    };
    (0..count).map(stop).collect()
}

pub(super) fn within(until: Duration, chance: &mut fastrand::Rng) -> Duration {
    Duration::from_millis(chance.u64(..=u64::try_from(until.as_millis()).unwrap_or(u64::MAX)))
}

pub(super) fn one_of<T: Copy, const N: usize>(of: [T; N], chance: &mut fastrand::Rng) -> T {
    of[chance.usize(..N)]
}
