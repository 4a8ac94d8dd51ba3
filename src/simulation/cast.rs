//! Who does what: each deed of the agenda, done.

mod buyers;
mod clerk;
mod host;
mod operator;
mod register;
mod regrets;
mod shop;

use super::evidence::Backlog;
use super::network::Weather;
use super::plan::{ClockStep, Stopped};
use super::world::World;

/// A deed. An order is meant by its place in the plan.
#[derive(Debug)]
pub(super) enum Deed {
    /// The shop registers an order at the bank.
    Register(usize),
    /// The shop hands an order in, for the daemon to register, and comes back later when nobody hears.
    HandIn(usize),
    /// The shop asks the daemon what became of that, for the so-manieth time.
    AskAfter(usize, u32),
    /// The shop tells the daemon of it, and comes back later when nobody hears.
    Tell(usize),
    /// The shop tells it once more, with this price.
    TellAgain(usize, i64),
    /// A buyer decides.
    Decide(usize),
    /// A clerk in the bank's console touches an order.
    Touch(usize),
    /// A clerk gives money back.
    GiveBack(usize),
    /// Somebody wants an order gone, or money back, and the operator orders it.
    Regret(usize),
    /// The operator takes back what he ordered.
    TakeBack(usize),
    /// The operator looks at the brake, at what stands in review and at what is held.
    Round,
    /// The operator stops money.
    StopMoney(Stopped),
    /// The operator starts money that he stopped.
    StartMoney(Stopped),
    /// The host kills the daemon.
    Kill,
    /// An administrator restarts the daemon.
    Restart,
    /// The daemon is started.
    Start,
    /// An administrator looks at a database that was put back, and adopts it.
    Adopt,
    /// A second daemon is started.
    StartRival,
    /// The network changes.
    Turn(Weather),
    /// The host's clock is set, or the host sleeps.
    StepClock(ClockStep),
    /// Whatever was overdue then must have been looked at by now, if the daemon still lives the same life.
    JudgeBacklog { backlog: Backlog, life: u64 },
    /// Faults, crashes and people rest.
    Calm,
}

/// Writes the plan into the agenda.
pub(super) fn take_places(world: &mut World) {
    let plan = world.plan.clone();
    for (index, order) in plan.orders.iter().enumerate() {
        let is_registered_by_shop = !order.through_us || order.taken_before.is_some();
        if is_registered_by_shop {
            world.at(order.registered_at, Deed::Register(index));
        }
        if order.through_us {
            world.at(order.registered_at + register::NOT_BEFORE, Deed::HandIn(index));
        }
    }
    for at in plan.kills {
        world.at(at, Deed::Kill);
    }
    for at in plan.restarts {
        world.at(at, Deed::Restart);
    }
    for at in plan.rivals {
        world.at(at, Deed::StartRival);
    }
    for at in plan.rounds {
        world.at(at, Deed::Round);
    }
    for stop in plan.stops {
        world.at(stop.from, Deed::StopMoney(stop.of));
        world.at(stop.until, Deed::StartMoney(stop.of));
    }
    for outage in plan.outages {
        world.at(outage.from, Deed::Turn(if outage.hangs { Weather::Silent } else { Weather::Refusing }));
        world.at(outage.until, Deed::Turn(Weather::Fair));
    }
    for (at, step) in plan.clock_steps {
        world.at(at, Deed::StepClock(step));
    }
    world.at(plan.calm_from, Deed::Calm);
}

/// Does a deed.
pub(super) async fn perform(world: &mut World, deed: Deed) {
    match deed {
        Deed::Register(index) => shop::register(world, index),
        Deed::HandIn(index) => register::hand_in(world, index).await,
        Deed::AskAfter(index, times) => register::ask_after(world, index, times).await,
        Deed::Tell(index) => shop::tell(world, index).await,
        Deed::TellAgain(index, amount_minor) => shop::tell_again(world, index, amount_minor).await,
        Deed::Decide(index) => buyers::decide(world, index),
        Deed::Touch(index) => clerk::touch(world, index),
        Deed::GiveBack(index) => clerk::give_back(world, index),
        Deed::Regret(index) => regrets::regret(world, index).await,
        Deed::TakeBack(index) => regrets::take_back(world, index).await,
        Deed::Round => operator::round(world).await,
        Deed::StopMoney(of) => operator::stop_money(world, of).await,
        Deed::StartMoney(of) => operator::start_money(world, of).await,
        Deed::Kill => host::kill(world, "killed").await,
        Deed::Restart => host::restart(world).await,
        Deed::Start => host::start(world).await,
        Deed::Adopt => host::adopt(world).await,
        Deed::StartRival => host::start_rival(world).await,
        Deed::Turn(weather) => host::turn(world, weather).await,
        Deed::StepClock(step) => world.step_clock(step),
        Deed::JudgeBacklog { backlog, life } => host::judge_backlog(world, backlog, life).await,
        Deed::Calm => host::calm(world).await,
    }
}

pub(super) use host::kill;
