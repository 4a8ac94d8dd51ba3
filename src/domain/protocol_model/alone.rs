//! Nothing is silent: from every state at rest, with a right clock, a bank that answers truly and nobody acting, the
//! order comes to an end that agrees with the bank, or stands before a person.

use std::collections::HashSet;

use super::super::bank::BankStatus;
use super::super::order::State;
use super::desk::{Answer, Question};
use super::quick::Quick;
use super::rows::{Clock, Rows};
use super::steps::Rules;
use super::world::{Bank, Phase, Who, Witness, World};

/// What the way of an order that is left alone depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Start {
    bank: Bank,
    rows: Rows,
    witness: Option<Witness>,
}

/// The starts from which all went well.
#[derive(Default)]
pub(super) struct Alone(HashSet<Start, Quick>);

/// More rounds than any order needs: two sends, each with its quiet time and its reads, and the looks after them.
const ROUNDS_MAX: u32 = 20;

impl Alone {
    /// Whether `world` is at rest, and yet its order would never be heard of again.
    pub(super) fn is_silent(&mut self, world: &World, rules: &mut Rules<'_>) -> bool {
        let at_rest = world.processes.iter().all(|phase| matches!(phase, Phase::Off | Phase::Idle));
        if !at_rest || !world.wire_is_empty() || world.clock != Clock::Right {
            return false;
        }
        let start = Start { bank: world.bank, rows: world.rows, witness: world.witness };
        if self.0.contains(&start) {
            return false;
        }
        let silent = !comes_to_rest(*world, rules);
        if !silent {
            self.0.insert(start);
        }
        silent
    }
}

fn comes_to_rest(mut world: World, rules: &mut Rules<'_>) -> bool {
    world.processes = [Phase::Off; 2];
    world.due = true;
    (world.neighbour_in_doubt, world.brake) = (false, false);
    let Some((_, mut world)) = rules.start(&world, Who::A) else { return false };
    if world.phase(Who::A) == Phase::Frozen {
        // Frozen is before a person: the start says which orders the witness names.
        return true;
    }
    for _ in 0..ROUNDS_MAX {
        let before = world;
        one_round(&mut world, rules);
        if world == before {
            break;
        }
    }
    is_settled(&world)
}

/// Whatever is due is done, and the quiet time passes.
fn one_round(world: &mut World, rules: &mut Rules<'_>) {
    if let Some((_, then)) = rules.intends(world, Who::A) {
        *world = then;
    }
    let face = Some(world.bank.face);
    let question = if world.rows.open().is_some() { Question::Asked(face) } else { Question::Looked(face) };
    if let Some(decided) = rules.desk.decide(world.rows, question, world.wall()) {
        world.rows = decided.rows;
        if let Some(open) = world.rows.open().filter(|_| decided.send) {
            world.bank.receives(open.take);
            let answered = rules.desk.decide(world.rows, Question::Answered(Answer::Nothing), world.wall());
            world.rows = answered.map_or(world.rows, |answered| answered.rows);
        }
    }
    world.rows.grow_very_old();
}

fn is_settled(world: &World) -> bool {
    let order = &world.rows.order;
    match (order.state, world.bank.face.status) {
        (State::Review, _) => true,
        (State::Deposited, BankStatus::Deposited) | (State::Refunded, BankStatus::Refunded) => true,
        (State::Reversed, BankStatus::Reversed) => true,
        // Parked by a person, who was told so.
        (State::Held, BankStatus::Held) => order.parked && world.rows.open().is_none(),
        _ => false,
    }
}
