//! What a process does: the shell as it is built, in steps after each of which it may crash.
//!
//! Start, plan, open what is due, ask, compare the version, write the intent, witness, check the time once more, send,
//! write the answer. What it decides by comes from [`super::desk`].

use super::super::order::State;
use super::desk::{Answer, Decided, Question};
use super::faults::Fault;
use super::properties::Property;
use super::rows::{Clock, Face, Take};
use super::step::{Commit, Reply, Step};
use super::steps::{Next, Rules, leave_wire};
use super::world::{Basis, Errand, Phase, Reading, Who, Witness, World};

impl Rules<'_> {
    pub(super) fn process(&mut self, world: &World, who: Who, next: &mut Next) {
        match world.phase(who) {
            Phase::Off => next.extend(self.start(world, who)),
            Phase::Frozen => self.looks(world, who, next),
            Phase::Idle => {
                next.extend(self.intends(world, who));
                self.asks(world, who, next);
                self.looks(world, who, next);
            }
            Phase::Read(reading) => self.writes(world, who, reading, next),
            Phase::Written(errand) => next.push((Step::Witnesses(who), self.witnesses(world, who, errand))),
            Phase::Witnessed(errand) => next.push((Step::Checks(who), self.checks(world, who, errand))),
            Phase::Leaving(errand) => leaves(world, who, errand, next),
            Phase::Waiting(errand, place) => hears(world, who, errand, place, next),
            Phase::Heard(errand, answer) => next.push(self.notes_answer(world, who, errand, answer)),
        }
        next.extend(crash(world, who));
    }

    /// R0: the lock goes with the process that holds it. R8: a witness ahead of the database freezes.
    pub(super) fn start(&mut self, world: &World, who: Who) -> Option<(Step, World)> {
        if world.phase(who.other()) != Phase::Off && !self.lacks(Fault::NoLock) {
            return None;
        }
        let mut then = *world;
        if !world.knows_every_send() && !self.lacks(Fault::NoWitness) {
            then.set(who, Phase::Frozen);
            return Some((Step::Starts(who), then));
        }
        if let Some(planned) = self.desk.decide(world.rows, Question::Plan, world.wall()) {
            then.write(planned.rows, planned.order_written);
        }
        let unfinished = world.rows.in_doubt().filter(|open| open.answered.is_none());
        let phase = match unfinished {
            // R2: whoever wrote the intent is gone, so it is asked about.
            Some(open) if self.lacks(Fault::RecoverySends) => Phase::Witnessed(errand(open.take, Basis::Nothing)),
            _ => Phase::Idle,
        };
        then.set(who, phase);
        Some((Step::Starts(who), then))
    }

    pub(super) fn intends(&mut self, world: &World, who: Who) -> Option<(Step, World)> {
        let decided = self.desk.decide(world.rows, Question::Intend, world.wall())?;
        let mut then = *world;
        then.write(decided.rows, decided.order_written);
        Some((Step::Intends(who), then))
    }

    fn asks(&mut self, world: &World, who: Who, next: &mut Next) {
        if world.rows.open().is_none() {
            return;
        }
        if self.lacks(Fault::NoReadBeforeASend) {
            let mut then = *world;
            let basis = if world.bank.holds() { Basis::Held } else { Basis::Nothing };
            then.set(who, Phase::Read(self.reading(world, Some(Face::HELD), basis)));
            next.push((Step::Asks(who, Reply::Nothing), then));
        }
        for (reply, face, mut then) in replies(world) {
            let basis = if world.bank.holds() { Basis::Held } else { Basis::ToldSo };
            then.set(who, Phase::Read(self.reading(world, face, basis)));
            next.push((Step::Asks(who, reply), then));
        }
    }

    fn reading(&self, world: &World, face: Option<Face>, basis: Basis) -> Reading {
        let rows = self.lacks(Fault::NoVersion).then_some(world.rows);
        Reading { face, basis, asked: world.stamp(), current: true, rows }
    }

    fn looks(&mut self, world: &World, who: Who, next: &mut Next) {
        for (reply, face, mut then) in replies(world) {
            if let Some(decided) = self.desk.decide(world.rows, Question::Looked(face), world.wall()) {
                then.write(decided.rows, decided.order_written);
                next.push((Step::Looks(who, reply), then));
            }
        }
    }

    fn writes(&mut self, world: &World, who: Who, reading: Reading, next: &mut Next) {
        let rows = reading.rows.unwrap_or(world.rows);
        let decided = self.desk.decide(rows, Question::Asked(reading.face), world.wall());
        let straddles =
            !self.lacks(Fault::CountsAnOldAnswer) && self.desk.became_quiet_since(rows, reading.asked, world.wall());
        let overtaken = straddles || (!reading.current && !self.lacks(Fault::NoVersion));
        match decided.filter(|decided| !overtaken && self.may_write(world, reading, decided)) {
            None => {
                let mut then = *world;
                then.set(who, Phase::Idle);
                next.push((Step::GivesUp(who), then));
            }
            Some(decided) if decided.send => self.writes_intent(world, who, reading, decided, next),
            Some(decided) => {
                let mut then = *world;
                then.write(decided.rows, decided.order_written);
                then.set(who, Phase::Idle);
                let called_a_person = decided.rows.order.state == State::Review && rows.order.state != State::Review;
                then.brake |= self.setting.neighbour && called_a_person;
                next.push((Step::Writes(who, Commit::Well), then));
            }
        }
    }

    /// R9: by a wrong clock only what the bank shows is written, since what it does not show is judged by the time.
    fn may_write(&self, world: &World, reading: Reading, decided: &Decided) -> bool {
        let by_the_time = decided.rows.in_doubt().is_some() && !self.lacks(Fault::JudgesByAWrongClock);
        if decided.send { self.may_send(world, reading) } else { world.clock == Clock::Right || !by_the_time }
    }

    /// R4: not on a read that has grown old. R7: not while enough is in doubt, nor with the brake on. R9: not by a
    /// clock that is wrong.
    fn may_send(&self, world: &World, reading: Reading) -> bool {
        (!reading.asked.long_ago || self.lacks(Fault::SendsOnAnOldRead))
            && (world.clock == Clock::Right || self.lacks(Fault::SendsByAWrongClock))
            && (!world.neighbour_in_doubt || self.lacks(Fault::NoCap))
            && (!world.brake || self.lacks(Fault::NoBrake))
    }

    /// R1: whatever a failed commit left behind, nothing is sent, and the process ends.
    fn writes_intent(&self, world: &World, who: Who, reading: Reading, decided: Decided, next: &mut Next) {
        let take = decided.rows.operation.map_or(decided.rows.order.take, |operation| operation.take);
        let errand = Errand { fresh: !reading.asked.long_ago, ..errand(take, reading.basis) };
        let mut well = *world;
        well.breaches.note(Property::TooManyInDoubt, world.neighbour_in_doubt);
        well.breaches.note(Property::SentUnderTheBrake, world.brake);
        if self.lacks(Fault::SendsBeforeItWrites) {
            well.set(who, Phase::Leaving(Errand { unwritten: Some(decided.rows), ..errand }));
        } else {
            well.write(decided.rows, decided.order_written);
            well.set(who, Phase::Written(errand));
        }
        next.push((Step::Writes(who, Commit::Well), well));
        let Some(crashes) = world.left.crashes.checked_sub(1) else { return };
        let mut failed = *world;
        failed.left.crashes = crashes;
        failed.set(who, if self.lacks(Fault::TrustsAFailedCommit) { Phase::Written(errand) } else { Phase::Off });
        next.push((Step::Writes(who, Commit::ErrorAndNotThere), failed));
        failed.write(decided.rows, decided.order_written);
        next.push((Step::Writes(who, Commit::ErrorAndThere), failed));
    }

    fn witnesses(&self, world: &World, who: Who, errand: Errand) -> World {
        let mut then = *world;
        if !self.lacks(Fault::WitnessAfterTheSend) {
            add_to_witness(&mut then, errand);
        }
        then.set(who, Phase::Witnessed(errand));
        then
    }

    /// The last look at the watch: what took too long since the intent was written is not sent.
    fn checks(&self, world: &World, who: Who, errand: Errand) -> World {
        let in_time = errand.fresh || self.lacks(Fault::SendsOnAnOldRead);
        let sane = world.clock == Clock::Right || self.lacks(Fault::SendsByAWrongClock);
        let mut then = *world;
        then.set(who, if in_time && sane { Phase::Leaving(errand) } else { Phase::Heard(errand, Answer::NotSent) });
        then
    }

    fn notes_answer(&mut self, world: &World, who: Who, errand: Errand, answer: Answer) -> (Step, World) {
        let mut then = *world;
        if self.lacks(Fault::WitnessAfterTheSend) {
            add_to_witness(&mut then, errand);
        }
        if let Some(rows) = errand.unwritten {
            then.write(rows, true);
        }
        if let Some(decided) = self.desk.decide(then.rows, Question::Answered(answer), world.wall()) {
            then.write(decided.rows, decided.order_written);
        }
        then.set(who, Phase::Idle);
        (Step::NotesAnswer(who), then)
    }
}

fn errand(take: Take, basis: Basis) -> Errand {
    Errand { take, basis, fresh: true, overslept: false, unwritten: None }
}

/// What the bank may say now: the truth, what it showed before, or nothing.
fn replies(world: &World) -> impl Iterator<Item = (Reply, Option<Face>, World)> {
    let stale = world.bank.before.filter(|_| !world.bank.was_late);
    let all = [(Reply::True, Some(world.bank.face)), (Reply::Stale, stale), (Reply::Nothing, None)];
    let world = *world;
    all.into_iter().filter(|(reply, face)| *reply != Reply::Stale || face.is_some()).map(move |(reply, face)| {
        let mut then = world;
        then.bank.was_late |= reply == Reply::Stale;
        (reply, face, then)
    })
}

fn add_to_witness(world: &mut World, errand: Errand) {
    let lines = world.witness_lines() + 1;
    world.witness = Some(Witness { lines, take: errand.take });
}

fn leaves(world: &World, who: Who, errand: Errand, next: &mut Next) {
    if let Some(unreachable) = world.left.unreachable.checked_sub(1) {
        let mut then = *world;
        then.left.unreachable = unreachable;
        then.set(who, Phase::Heard(errand, Answer::NotSent));
        next.push((Step::CannotConnect(who), then));
    }
    let Some(place) = world.on_the_wire.iter().position(Option::is_none) else { return };
    let mut then = *world;
    then.on_the_wire[place] = Some(errand.take);
    if errand.overslept {
        (then.backup, then.left.backups) = (None, 0);
    }
    then.set(who, Phase::Waiting(errand, u8::try_from(place).ok()));
    let joins = world.rows.in_doubt().is_some_and(|open| open.take == errand.take);
    then.breaches.note(Property::SentWithoutIntent, !joins);
    then.breaches.note(Property::SentThoughTakenBack, world.taken_back);
    then.breaches.note(Property::MoreThanWanted, errand.take.units() > world.wanted.units());
    then.breaches.note(Property::SentUnasked, errand.basis == Basis::Nothing);
    then.breaches.note(Property::SentEarly, !world.due);
    next.push((Step::Leaves(who), then));
}

fn hears(world: &World, who: Who, errand: Errand, place: Option<u8>, next: &mut Next) {
    for answer in [Answer::Acknowledged, Answer::Seven, Answer::Nothing] {
        let mut then = *world;
        then.set(who, Phase::Heard(errand, answer));
        next.push((Step::Hears(who, answer), then));
    }
    // A refusal is the one answer that says what becomes of the request: nothing.
    if let Some(place) = place {
        let mut then = *world;
        leave_wire(&mut then, usize::from(place));
        then.set(who, Phase::Heard(errand, Answer::Refused));
        next.push((Step::Hears(who, Answer::Refused), then));
    }
}

/// Assumed: a process that stood still for the quiet time between its last check and its first byte lives to write
/// down, by a right clock, when it heard of the answer, and no backup takes that back. Nothing else would say that the
/// request left so late.
fn crash(world: &World, who: Who) -> Option<(Step, World)> {
    let crashes = world.left.crashes.checked_sub(1)?;
    match world.phase(who) {
        Phase::Off => return None,
        Phase::Waiting(errand, _) | Phase::Heard(errand, _) if errand.overslept => return None,
        _ => {}
    }
    let mut then = *world;
    then.left.crashes = crashes;
    then.set(who, Phase::Off);
    Some((Step::Crashes(who), then))
}
