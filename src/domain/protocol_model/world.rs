//! One state of everything: the bank, the wire, the disk, the processes, the clock, and what people meant.

use super::super::bank::BankStatus;
use super::desk::Answer;
use super::properties::Breaches;
use super::rows::{Clock, Face, HOLD, OperationRow, Rows, Stamp, Take, Wall};

/// What may happen in one exploration, and how often.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own, and all of them have a name")]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) take: Take,
    pub(super) resend_whole: bool,
    /// Whether a second process stands by.
    pub(super) two_processes: bool,
    /// Whether another order of the merchant may be in doubt; one at a time is allowed, and the brake is watched.
    pub(super) neighbour: bool,
    /// Whether a request may take effect even after the quiet time; only a whole completion is sent on trust in it.
    pub(super) effects_may_be_late: bool,
    pub(super) left: Left,
}

/// How often what costs nothing may still happen; what leads nowhere new needs no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Left {
    pub(super) crashes: u8,
    /// Times that the quiet time passes.
    pub(super) quiets: u8,
    /// Acts of the operator.
    pub(super) acts: u8,
    /// Acts of clerks and of the bank's own schedule.
    pub(super) others: u8,
    pub(super) backups: u8,
    pub(super) clock_jumps: u8,
    /// Connections that fail before a byte has left.
    pub(super) unreachable: u8,
    pub(super) callbacks: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub(super) struct World {
    pub(super) bank: Bank,
    /// Requests that have left and are not dealt with.
    pub(super) on_the_wire: [Option<Take>; 2],
    pub(super) rows: Rows,
    pub(super) backup: Option<Rows>,
    pub(super) witness: Option<Witness>,
    pub(super) processes: [Phase; 2],
    pub(super) clock: Clock,
    /// Whether the hour of the completion has come, in truth.
    pub(super) due: bool,
    pub(super) neighbour_in_doubt: bool,
    pub(super) brake: bool,
    /// Whether a restored database was adopted: from then on people release nothing in doubt without evidence.
    pub(super) adopted: bool,
    pub(super) left: Left,
    /// What people last wanted taken, and whether they have taken it back.
    pub(super) wanted: Take,
    pub(super) taken_back: bool,
    /// What went wrong on the way here.
    pub(super) breaches: Breaches,
}

/// The bank takes whatever we ask it to take, again and again, as long as nobody else has settled the order: at most
/// one effect is then our own merit, and not its cap's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bank {
    pub(super) face: Face,
    /// What it showed before.
    pub(super) before: Option<Face>,
    /// How often a request of ours had an effect, and what they took together.
    pub(super) effects: u8,
    pub(super) ours: u8,
    /// Whether somebody else settled the order.
    pub(super) settled_by_others: bool,
    /// Whether it has answered with that since: of each change it may be late once.
    pub(super) was_late: bool,
}

/// The witness, as far as it decides: its number of lines and the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Witness {
    pub(super) lines: u8,
    pub(super) take: Take,
}

/// One of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    A,
    B,
}

impl Who {
    pub(super) const BOTH: [Self; 2] = [Self::A, Self::B];

    pub(super) const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Where a process stands with the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Off,
    /// The witness is ahead of the database: looks go on, money stands still.
    Frozen,
    Idle,
    /// The bank's answer is in hand and not yet written down.
    Read(Reading),
    /// The intent is on disk, by this process's own commit.
    Written(Errand),
    /// So is the witness.
    Witnessed(Errand),
    /// Nothing holds it back any more.
    Leaving(Errand),
    /// The request is out; its place on the wire, until it is dealt with.
    Waiting(Errand, Option<u8>),
    /// The answer is in hand and not yet written down.
    Heard(Errand, Answer),
}

/// An answer to a question about an open completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reading {
    pub(super) face: Option<Face>,
    pub(super) basis: Basis,
    /// When the question was asked.
    pub(super) asked: Stamp,
    /// Whether the order's row still has the version it had when the question was asked.
    pub(super) current: bool,
    /// The rows of then, for the mutant that writes them over those of now.
    pub(super) rows: Option<Rows>,
}

/// A send, from its intent to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Errand {
    pub(super) take: Take,
    pub(super) basis: Basis,
    /// Whether the intent was written a moment ago.
    pub(super) fresh: bool,
    /// Whether the process stood still for the quiet time after its last check.
    pub(super) overslept: bool,
    /// What the mutant that sends first still has to write.
    pub(super) unwritten: Option<Rows>,
}

/// What a send stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Basis {
    /// The bank held the money when this step asked.
    Held,
    /// It did not, but said so.
    ToldSo,
    /// It did not, and nobody asked, or asked too long ago.
    Nothing,
}

impl World {
    pub(super) fn new(setting: &Setting) -> Self {
        Self {
            bank: Bank {
                face: Face::HELD,
                before: None,
                effects: 0,
                ours: 0,
                settled_by_others: false,
                was_late: false,
            },
            on_the_wire: [None; 2],
            rows: Rows::held(setting.take),
            backup: None,
            witness: None,
            processes: [Phase::Off; 2],
            clock: Clock::Right,
            due: false,
            neighbour_in_doubt: false,
            brake: false,
            adopted: false,
            left: setting.left,
            wanted: setting.take,
            taken_back: false,
            breaches: Breaches::default(),
        }
    }

    pub(super) fn phase(&self, who: Who) -> Phase {
        self.processes[who as usize]
    }

    pub(super) fn set(&mut self, who: Who, phase: Phase) {
        self.processes[who as usize] = phase;
    }

    pub(super) fn wall(&self) -> Wall {
        Wall { clock: self.clock, due: self.due }
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp { long_ago: false, clock: self.clock }
    }

    pub(super) fn witness_lines(&self) -> u8 {
        self.witness.map_or(0, |witness| witness.lines)
    }

    /// Whether the database knows of every send that the witness knows of.
    pub(super) fn knows_every_send(&self) -> bool {
        self.rows.sends >= self.witness_lines()
    }

    pub(super) fn wire_is_empty(&self) -> bool {
        self.on_the_wire.iter().all(Option::is_none)
    }

    /// Whether a process stood still for the quiet time in the instant before its first byte, and has not written down
    /// yet what came of it.
    pub(super) fn somebody_overslept(&self) -> bool {
        self.processes.iter().any(|phase| match phase {
            Phase::Leaving(errand) | Phase::Waiting(errand, _) | Phase::Heard(errand, _) => errand.overslept,
            Phase::Off | Phase::Frozen | Phase::Idle | Phase::Read(_) | Phase::Written(_) | Phase::Witnessed(_) => {
                false
            }
        })
    }

    /// The rows are written; whoever asked before has been overtaken if the order's row is among them.
    pub(super) fn write(&mut self, rows: Rows, order_written: bool) {
        self.rows = rows;
        for phase in &mut self.processes {
            if let Phase::Read(reading) = phase {
                reading.current &= !order_written;
            }
        }
    }

    pub(super) fn operation(&self) -> Option<OperationRow> {
        self.rows.operation
    }
}

impl Bank {
    pub(super) fn shows(&mut self, face: Face) {
        self.before = Some(self.face);
        self.face = face;
        self.was_late = false;
    }

    /// A request of ours arrives. Returns whether it had an effect.
    pub(super) fn receives(&mut self, take: Take) -> bool {
        let takes = match self.face.status {
            BankStatus::Held => true,
            BankStatus::Deposited => !self.settled_by_others,
            _ => false,
        };
        if takes {
            self.effects += 1;
            self.ours += take.units();
            let deposited = self.face.deposited + take.units();
            self.shows(Face { status: BankStatus::Deposited, deposited });
        }
        takes
    }

    pub(super) fn is_taken_by_others(&mut self, deposited: u8) {
        self.settled_by_others = true;
        self.shows(Face { status: BankStatus::Deposited, deposited });
    }

    pub(super) fn is_let_go(&mut self) {
        self.settled_by_others = true;
        self.shows(Face { status: BankStatus::Reversed, deposited: 0 });
    }

    pub(super) fn is_refunded(&mut self) {
        self.settled_by_others = true;
        self.shows(Face { status: BankStatus::Refunded, ..self.face });
    }

    pub(super) fn holds(&self) -> bool {
        self.face.status == BankStatus::Held
    }
}

/// Sums that a clerk takes: the whole, or one that nobody here ever asks for.
pub(super) const CLERKS_SUMS: [u8; 2] = [HOLD, 7];
