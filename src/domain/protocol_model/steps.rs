//! What can happen next: the steps of both processes, the wire, the bank, people, the disk and the clock, one at a
//! time.

use super::super::bank::BankStatus;
use super::super::order::State;
use super::desk::{Desk, Question};
use super::faults::Fault;
use super::properties::Property;
use super::rows::{Clock, Take};
use super::step::Step;
use super::world::{Basis, CLERKS_SUMS, Phase, Setting, Who, Witness, World};

pub(super) struct Rules<'a> {
    pub(super) setting: &'a Setting,
    pub(super) fault: Option<Fault>,
    pub(super) desk: &'a mut Desk,
}

pub(super) type Next = Vec<(Step, World)>;

impl Rules<'_> {
    /// Every step that can be taken in `world`, with the world it leads to.
    pub(super) fn steps(&mut self, world: &World) -> Next {
        let mut next = Next::new();
        for who in Who::BOTH.into_iter().take(if self.setting.two_processes { 2 } else { 1 }) {
            self.process(world, who, &mut next);
        }
        wire(world, &mut next);
        self.others(world, &mut next);
        self.people(world, &mut next);
        self.disk(world, &mut next);
        self.time(world, &mut next);
        self.neighbour(world, &mut next);
        next
    }

    pub(super) fn lacks(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn others(&self, world: &World, next: &mut Next) {
        if let Some(callbacks) = world.left.callbacks.checked_sub(1).filter(|_| self.lacks(Fault::BelievesCallbacks)) {
            let mut then = *world;
            then.left.callbacks = callbacks;
            (then.rows.order.state, then.rows.order.planned) = (State::Deposited, false);
            next.push((Step::CallbackArrives, then));
        }
        let Some(others) = world.left.others.checked_sub(1) else { return };
        let mut push = |step, act: &dyn Fn(&mut World)| {
            let mut then = *world;
            then.left.others = others;
            act(&mut then);
            next.push((step, then));
        };
        match world.bank.face.status {
            BankStatus::Held => {
                for sum in CLERKS_SUMS {
                    push(Step::OthersTake(sum), &|then| then.bank.is_taken_by_others(sum));
                }
                push(Step::OthersLetGo, &|then| then.bank.is_let_go());
            }
            BankStatus::Deposited => push(Step::OthersRefund, &|then| then.bank.is_refunded()),
            _ => {}
        }
    }

    fn people(&mut self, world: &World, next: &mut Next) {
        let Some(acts) = world.left.acts.checked_sub(1) else { return };
        let other_sum = match world.wanted {
            Take::Whole => None,
            Take::Units(_) => Some(Take::Units(4)),
        };
        let mut questions = vec![
            (Step::Parks, Question::Park),
            (Step::Releases(None), Question::Release(None)),
            (Step::Accepts, Question::Accept),
        ];
        questions.extend(other_sum.map(|take| (Step::Releases(Some(take)), Question::Release(Some(take)))));
        // Who releases what was adopted has looked at the bank's console.
        let unproven = world.adopted && world.bank.effects > 0 && world.rows.in_doubt().is_some();
        questions.retain(|(step, _)| *step != Step::Accepts || !unproven);
        for (step, question) in questions {
            let Some(decided) = self.desk.decide(world.rows, question, world.wall()) else { continue };
            let mut then = *world;
            then.left.acts = acts;
            then.write(decided.rows, decided.order_written);
            then.wanted = decided.rows.order.take;
            then.taken_back = decided.rows.order.parked;
            next.push((step, then));
        }
        if world.brake {
            let mut then = *world;
            (then.left.acts, then.brake) = (acts, false);
            next.push((Step::ReleasesTheBrake, then));
        }
    }

    fn disk(&mut self, world: &World, next: &mut Next) {
        if let Some(backups) = world.left.backups.checked_sub(1) {
            let mut then = *world;
            (then.left.backups, then.backup) = (backups, Some(world.rows));
            next.push((Step::BacksUp, then));
        }
        let off = world.processes.iter().all(|phase| *phase == Phase::Off);
        if let Some(rows) = world.backup.filter(|_| off) {
            let mut then = *world;
            (then.rows, then.backup) = (rows, None);
            if then.knows_every_send() {
                then.wanted = rows.order.take;
            }
            then.taken_back = rows.order.parked;
            next.push((Step::Restores, then));
        }
        let frozen = world.processes.contains(&Phase::Frozen);
        if let Some(Witness { lines, take }) = world.witness.filter(|_| frozen) {
            let adopt = Question::Adopt { lines, take };
            if let Some(decided) = self.desk.decide(world.rows, adopt, world.wall()) {
                let mut then = *world;
                then.write(decided.rows, decided.order_written);
                (then.wanted, then.adopted) = (take, true);
                then.processes = [Phase::Off; 2];
                next.push((Step::Adopts, then));
            }
        }
    }

    fn time(&self, world: &World, next: &mut Next) {
        if !world.due {
            next.push((Step::HourComes, World { due: true, ..*world }));
        }
        if world.clock != Clock::Right {
            next.push((Step::ClockJumps(Clock::Right), World { clock: Clock::Right, ..*world }));
        } else if let Some(clock_jumps) = world.left.clock_jumps.checked_sub(1).filter(|_| !world.somebody_overslept())
        {
            for clock in [Clock::Behind, Clock::Ahead] {
                let mut then = World { clock, ..*world };
                then.left.clock_jumps = clock_jumps;
                next.push((Step::ClockJumps(clock), then));
            }
        }
        let may_be_quiet = world.wire_is_empty() || self.setting.effects_may_be_late;
        if let Some(quiets) = world.left.quiets.checked_sub(1).filter(|_| may_be_quiet) {
            let mut then = quiet_time_passes(world);
            then.left.quiets = quiets;
            if !then.somebody_overslept() || world.clock == Clock::Right {
                next.push((Step::QuietTimePasses, then));
            }
        }
    }

    /// Another order of the merchant, which is only in doubt or not.
    fn neighbour(&self, world: &World, next: &mut Next) {
        if !self.setting.neighbour {
            return;
        }
        if world.neighbour_in_doubt {
            next.push((Step::NeighbourSettles, World { neighbour_in_doubt: false, ..*world }));
            next.push((Step::NeighbourContradicts, World { neighbour_in_doubt: false, brake: true, ..*world }));
            return;
        }
        let ours = world.rows.in_doubt().is_some();
        let may = (!ours || self.lacks(Fault::NoCap)) && (!world.brake || self.lacks(Fault::NoBrake));
        if may {
            let mut then = World { neighbour_in_doubt: true, ..*world };
            then.breaches.note(Property::TooManyInDoubt, ours);
            then.breaches.note(Property::SentUnderTheBrake, world.brake);
            next.push((Step::NeighbourSends, then));
        }
    }
}

/// Whatever has left takes effect at some time, or never.
fn wire(world: &World, next: &mut Next) {
    for (place, take) in world.on_the_wire.iter().enumerate() {
        let Some(take) = *take else { continue };
        let mut then = *world;
        leave_wire(&mut then, place);
        next.push((Step::IsLost, then));
        if then.bank.receives(take) {
            then.breaches.note(Property::MoreThanWanted, then.bank.ours > world.wanted.units());
            next.push((Step::TakesEffect, then));
        }
    }
}

pub(super) fn leave_wire(world: &mut World, place: usize) {
    world.on_the_wire[place] = None;
    for phase in &mut world.processes {
        if let Phase::Waiting(_, waits_for) = phase
            && waits_for.is_some_and(|waits_for| usize::from(waits_for) == place)
        {
            *waits_for = None;
        }
    }
}

/// Quiet: what has left by now has had its effect, or never will. An answer in hand is an old one then.
fn quiet_time_passes(world: &World) -> World {
    let mut then = *world;
    let held = world.bank.holds();
    for phase in &mut then.processes {
        match phase {
            Phase::Read(reading) => {
                reading.asked.long_ago = true;
                reading.basis = if held { reading.basis } else { Basis::Nothing };
            }
            Phase::Written(errand) | Phase::Witnessed(errand) => {
                errand.fresh = false;
                errand.basis = if held { errand.basis } else { Basis::Nothing };
            }
            Phase::Leaving(errand) => errand.overslept = true,
            Phase::Off | Phase::Frozen | Phase::Idle | Phase::Waiting(..) | Phase::Heard(..) => {}
        }
    }
    then.rows.grow_old();
    if let Some(rows) = &mut then.backup {
        rows.grow_old();
    }
    then
}
