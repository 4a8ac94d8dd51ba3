//! The rows in the model's words: small enough to be told apart by the million, and turned into the real rows whenever
//! a decision is wanted.
//!
//! Sums are units of a tenth of the hold. Of a moment only what decides is kept: whether the quiet time has passed
//! since, and what was wrong with the clock that wrote it. When something is looked at or asked about next is left out,
//! since here everything may happen at any time.

use super::super::bank::{BankStatus, BankView};
use super::super::fixtures::{self, DAY, HOUR, NOW, PRICE};
use super::super::operation::{CompletionAmount, Operation, OperationKey, OperationState};
use super::super::order::{Hold, Order, ReviewReason, SeenView, State};
use super::super::time::Timestamp;

/// Units of the whole hold.
pub(super) const HOLD: u8 = 10;

/// Minor units of one.
const UNIT: i64 = PRICE / 10;

/// What a completion takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Take {
    Whole,
    Units(u8),
}

/// What the bank shows of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Face {
    pub(super) status: BankStatus,
    pub(super) deposited: u8,
}

/// What is wrong with the wall clock, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Clock {
    Behind,
    Right,
    Ahead,
}

/// A moment that was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    /// Whether the quiet time has passed since, in truth.
    pub(super) long_ago: bool,
    /// How the clock went that wrote it.
    pub(super) clock: Clock,
}

/// What the clock on the wall says, and whether the hour of the completion has come, in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wall {
    pub(super) clock: Clock,
    pub(super) due: bool,
}

/// A review's reason, or one that was accepted: its place among those met so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Code(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OrderRow {
    pub(super) state: State,
    pub(super) parked: bool,
    /// Whether a completion is planned; when, is the same for all.
    pub(super) planned: bool,
    pub(super) take: Take,
    pub(super) view: Option<Face>,
    pub(super) review: Option<Code>,
    /// One bit a code.
    pub(super) accepted: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OperationRow {
    pub(super) state: OperationState,
    pub(super) take: Take,
    pub(super) attempt: u8,
    pub(super) unknown_sends: u8,
    pub(super) expected: Option<u8>,
    pub(super) sent: Option<Stamp>,
    pub(super) answered: Option<Stamp>,
    pub(super) agreeing_reads: u8,
}

/// Everything the database knows of the order: its row and its latest operation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rows {
    pub(super) order: OrderRow,
    pub(super) operation: Option<OperationRow>,
    /// Intents to send, ever: the number of the witness's last line that this database has seen.
    pub(super) sends: u8,
}

impl Rows {
    /// A held order whose completion is planned.
    pub(super) fn held(take: Take) -> Self {
        let order =
            OrderRow { state: State::Held, parked: false, planned: true, take, view: None, review: None, accepted: 0 };
        Self { order, operation: None, sends: 0 }
    }

    pub(super) fn open(&self) -> Option<OperationRow> {
        self.operation.filter(|operation| operation.state.is_open())
    }

    pub(super) fn in_doubt(&self) -> Option<OperationRow> {
        self.operation.filter(|operation| operation.state == OperationState::InDoubt)
    }

    /// So much time has passed that the clock has reached whatever a wrong one had written.
    pub(super) fn grow_very_old(&mut self) {
        self.grow_old();
        if let Some(operation) = &mut self.operation {
            for stamp in [&mut operation.sent, &mut operation.answered].into_iter().flatten() {
                stamp.clock = Clock::Right;
            }
        }
    }

    /// The quiet time has passed.
    pub(super) fn grow_old(&mut self) {
        if let Some(operation) = &mut self.operation {
            for stamp in [&mut operation.sent, &mut operation.answered].into_iter().flatten() {
                stamp.long_ago = true;
            }
        }
    }
}

impl Take {
    pub(super) const fn units(self) -> u8 {
        match self {
            Self::Whole => HOLD,
            Self::Units(units) => units,
        }
    }

    pub(super) fn real(self) -> CompletionAmount {
        match self {
            Self::Whole => CompletionAmount::Whole,
            Self::Units(units) => fixtures::part(minor(units)),
        }
    }

    fn of(amount: CompletionAmount) -> Self {
        match amount {
            CompletionAmount::Whole => Self::Whole,
            CompletionAmount::Exactly(amount) => Self::Units(units(amount.minor())),
        }
    }
}

impl Face {
    pub(super) const HELD: Self = Self { status: BankStatus::Held, deposited: 0 };

    pub(super) fn real(self) -> BankView {
        let (approved, deposited) = (minor(HOLD), minor(self.deposited));
        match self.status {
            BankStatus::Refunded => fixtures::view(self.status, [approved, deposited, deposited]),
            _ => fixtures::view(self.status, [approved, deposited, 0]),
        }
    }

    fn of(view: &BankView) -> Self {
        Self { status: view.status, deposited: view.amounts.map_or(0, |amounts| units(amounts.deposited)) }
    }
}

impl Wall {
    /// The moment the clock on the wall shows; a wrong one is wrong by ten hours, the quiet time is less than one.
    pub(super) fn now(self) -> Timestamp {
        shown_by(self.clock)
    }
}

fn shown_by(clock: Clock) -> Timestamp {
    match clock {
        Clock::Behind => NOW.minus(HOUR * 10),
        Clock::Right => NOW,
        Clock::Ahead => NOW.plus(HOUR * 10),
    }
}

impl Stamp {
    pub(super) fn real(self) -> Timestamp {
        let shown = shown_by(self.clock);
        if self.long_ago { shown.minus(HOUR) } else { shown }
    }

    fn of(at: Timestamp) -> Self {
        let clocks = [Clock::Behind, Clock::Right, Clock::Ahead];
        let mut all = clocks.into_iter().flat_map(|clock| [true, false].map(|long_ago| Self { long_ago, clock }));
        all.find(|stamp| stamp.real() == at).unwrap()
    }
}

/// The codes met so far, each by its place.
#[derive(Default)]
pub(super) struct Codes(Vec<String>);

impl Codes {
    fn place(&mut self, code: &str) -> usize {
        let known = self.0.iter().position(|known| known == code);
        known.unwrap_or_else(|| {
            self.0.push(code.to_owned());
            assert!(self.0.len() <= 32, "more reasons than the model has bits");
            self.0.len() - 1
        })
    }

    fn code(&mut self, code: &str) -> Code {
        Code(u8::try_from(self.place(code)).unwrap())
    }

    fn reason(&self, code: Code) -> ReviewReason {
        ReviewReason { code: self.0[usize::from(code.0)].clone(), sentence: "it contradicts".to_owned() }
    }

    fn accepted(&self, bits: u32) -> Option<String> {
        let codes = self.0.iter().enumerate().filter(|(place, _)| bits & 1 << place != 0);
        let lines: Vec<&str> = codes.map(|(_, code)| code.as_str()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn bits(&mut self, accepted: Option<&str>) -> u32 {
        accepted.into_iter().flat_map(str::lines).fold(0, |bits, code| bits | 1 << self.place(code))
    }

    /// The real row. A completion is due five hours from now, or has been for five.
    pub(super) fn order(&self, row: &OrderRow, wall: Wall) -> Order {
        let complete_at = if wall.due { NOW.minus(HOUR * 5) } else { NOW.plus(HOUR * 5) };
        let held_at = complete_at.minus(DAY);
        let hold = Hold { held_at, begun_at: held_at, lapses_at: held_at.plus(DAY * 5) };
        Order {
            completion: row.take.real(),
            parked: row.parked,
            hold: Some(hold),
            complete_at: row.planned.then_some(complete_at),
            view: row.view.map(|face| SeenView { view: face.real(), seen_at: NOW }),
            review: row.review.map(|code| self.reason(code)),
            accepted: self.accepted(row.accepted),
            ..fixtures::order(row.state)
        }
    }

    pub(super) fn order_row(&mut self, order: &Order) -> OrderRow {
        OrderRow {
            state: order.state,
            parked: order.parked,
            planned: order.complete_at.is_some(),
            take: Take::of(order.completion),
            view: order.view.as_ref().map(|seen| Face::of(&seen.view)),
            review: order.review.as_ref().map(|reason| self.code(&reason.code)),
            accepted: self.bits(order.accepted.as_deref()),
        }
    }
}

impl OperationRow {
    pub(super) fn new(take: Take) -> Self {
        Self {
            state: OperationState::Intended,
            take,
            attempt: 0,
            unknown_sends: 0,
            expected: None,
            sent: None,
            answered: None,
            agreeing_reads: 0,
        }
    }

    pub(super) fn real(&self) -> Operation {
        Operation {
            key: OperationKey(1),
            state: self.state,
            attempt: u32::from(self.attempt),
            unknown_sends: u32::from(self.unknown_sends),
            expected_minor: self.expected.map(minor),
            sent_at: self.sent.map(Stamp::real),
            answered_at: self.answered.map(Stamp::real),
            agreeing_reads: u32::from(self.agreeing_reads),
            ..fixtures::intended(self.take.real())
        }
    }

    /// Of a closed one nothing is kept but what became of it.
    pub(super) fn of(operation: &Operation) -> Self {
        let small = |count: u32| u8::try_from(count).unwrap();
        let kept = Self {
            state: operation.state,
            take: Take::of(operation.amount),
            attempt: small(operation.attempt),
            unknown_sends: small(operation.unknown_sends),
            expected: operation.expected_minor.map(units),
            sent: operation.sent_at.map(Stamp::of),
            answered: operation.answered_at.map(Stamp::of),
            agreeing_reads: small(operation.agreeing_reads),
        };
        if kept.state.is_open() {
            return kept;
        }
        Self { state: kept.state, expected: kept.expected, ..Self::new(kept.take) }
    }
}

fn minor(units: u8) -> i64 {
    i64::from(units) * UNIT
}

fn units(minor: i64) -> u8 {
    assert_eq!(minor % UNIT, 0, "a sum between the model's units");
    u8::try_from(minor / UNIT).unwrap()
}
