//! Breadth first over every state that can be reached, each met once: the first breach found is a shortest one.
//!
//! Written out rather than taken from a library, since it is a queue, a map and a list of predecessors, and since the
//! decisions' memory has to be shared by all states.

use std::collections::{HashSet, VecDeque};

use super::alone::Alone;
use super::desk::Desk;
use super::faults::Fault;
use super::properties::{Property, breaches};
use super::quick::Quick;
use super::step::Step;
use super::steps::Rules;
use super::world::{Setting, World};

/// What an exploration found.
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) breach: Option<Breach>,
}

/// A broken promise, and a shortest way to it.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) property: Property,
    pub(super) path: Vec<Step>,
}

impl Breach {
    /// A line a step.
    pub(super) fn told(&self) -> String {
        let lines = self.path.iter().enumerate().map(|(at, step)| format!("  {:>2} {step}\n", at + 1));
        let lines: String = lines.collect();
        format!("{:?} after {} steps:\n{lines}", self.property, self.path.len())
    }
}

/// A mutant that is not caught within so many states counts as not caught.
const STATES_MAX: usize = 4_000_000;

/// Explores `setting` without the rule that `fault` leaves out, until one of the `watched` promises is broken.
pub(super) fn explore(setting: &Setting, fault: Option<Fault>, watched: &[Property]) -> Explored {
    let mut desk = Desk::new(setting.resend_whole, fault);
    let mut rules = Rules { setting, fault, desk: &mut desk };
    let mut alone = Alone::default();
    let mut met = Met::default();
    met.add(&World::new(setting), None);
    while let Some((at, world)) = met.queue.pop_front() {
        let found = watched.iter().copied().find(|property| match property {
            Property::Silent => alone.is_silent(&world, &mut rules),
            _ => breaches(&world).has(*property),
        });
        if let Some(property) = found {
            let breach = Breach { property, path: met.path_to(at) };
            return Explored { states: met.ways.len(), breach: Some(breach) };
        }
        for (step, then) in rules.steps(&world) {
            met.add(&then, Some((at, step)));
        }
        assert!(met.ways.len() < STATES_MAX, "{}: too many states", setting.name);
    }
    Explored { states: met.ways.len(), breach: None }
}

/// The states met so far, each with the first way to it.
#[derive(Default)]
struct Met {
    worlds: HashSet<World, Quick>,
    ways: Vec<Option<(usize, Step)>>,
    queue: VecDeque<(usize, World)>,
}

impl Met {
    fn add(&mut self, world: &World, way: Option<(usize, Step)>) {
        if self.worlds.insert(*world) {
            self.queue.push_back((self.ways.len(), *world));
            self.ways.push(way);
        }
    }

    fn path_to(&self, at: usize) -> Vec<Step> {
        let mut path = Vec::new();
        let mut way = self.ways[at];
        while let Some((before, step)) = way {
            path.push(step);
            way = self.ways[before];
        }
        path.reverse();
        path
    }
}
