//! One order at the bank and its state machine.
//!
//! Pure: no clock, no chance, no ledger. A transition takes the moment and gives the next state or says why not; the
//! book performs it.

use super::errors::{self, Refusal};
use super::payment::{Payment, proportion};
use super::registration::Registration;

/// An order in the bank's book.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) registration: Registration,
    pub(super) registered_at_ms: i64,
    pub(super) state: State,
    /// The state before the last change, for a bank that answers from a stale copy.
    pub(super) earlier: Option<State>,
    /// How often money was taken. More than one would be the bank's own fault, and a judge wants to see that it is not.
    pub(super) deposits: u32,
    /// Whether the buyer's bank takes the money back.
    pub(super) charged_back: bool,
    /// How many payment attempts the issuer refused.
    pub(super) failed_attempts: u8,
    /// Whether a reversal ended in error: after one, the documents say, no later one works.
    pub(super) reversal_failed: bool,
    /// The binding that the payment used or created.
    pub(super) binding_id: Option<String>,
    /// What was done with the money, oldest first.
    pub(super) movements: Vec<Movement>,
}

/// Where an order stands, with what belongs to that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for a buyer.
    Registered { expires_at_ms: i64 },
    /// The issuer is asking the buyer for a code.
    Authenticating { expires_at_ms: i64 },
    /// The whole amount is held on the card.
    Held { payment: Payment, ends_at_ms: i64, end: HoldEnd },
    /// Money was taken, and some or all of it may have been given back.
    Deposited { payment: Payment, amount_minor: i64, refunded_minor: i64, at_ms: i64 },
    /// Refused, or nobody came.
    Declined { reason: Decline, at_ms: i64 },
    /// The hold was let go.
    Reversed { payment: Payment, at_ms: i64 },
}

/// What becomes of a hold that nobody completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HoldEnd {
    /// The bank lets it go.
    Lapse,
    /// `autocompletionDate`: the bank takes all of it.
    Completion,
    /// `autoReverseDate`: the bank lets it go, because the store said so.
    Reversal,
}

/// Why an order was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decline {
    /// The issuer said no: insufficient funds, by far the most common word.
    ByIssuer,
    /// The issuer said no as often as a buyer may try.
    AttemptsExhausted,
    /// The payment time ran out.
    TimeRanOut,
    /// The store called the order off before anybody paid: reversed at the legacy gateway, declined at later ones.
    ByStore { as_reversed: bool },
}

/// One thing done with an order's money: a line of `operations`, and for a refund one of `refunds`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Movement {
    pub(super) at_ms: i64,
    pub(super) kind: MovementKind,
    pub(super) amount_minor: i64,
    pub(super) points: i64,
    pub(super) reference: String,
    pub(super) approval_code: String,
    /// The store's own id of a refund.
    pub(super) external_id: Option<String>,
}

/// What was done with the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MovementKind {
    Authorization,
    PreAuthorization,
    Completion,
    Reversal,
    Refund,
}

impl MovementKind {
    /// `operations[].type`.
    pub(super) fn wire(self) -> &'static str {
        match self {
            MovementKind::Authorization => "AUTHORIZATION",
            MovementKind::PreAuthorization => "PREAUTHORIZATION",
            MovementKind::Completion => "COMPLETION",
            MovementKind::Reversal => "REVERSAL",
            MovementKind::Refund => "REFUND",
        }
    }
}

impl MovementKind {
    /// Whether money was taken by it.
    pub(super) fn takes(self) -> bool {
        matches!(self, MovementKind::Authorization | MovementKind::Completion)
    }
}

impl State {
    /// `orderStatus`.
    pub(super) fn status(&self) -> u8 {
        match self {
            State::Registered { .. } => 0,
            State::Held { .. } => 1,
            State::Reversed { .. } | State::Declined { reason: Decline::ByStore { as_reversed: true }, .. } => 3,
            State::Deposited { payment, refunded_minor, .. } => {
                if *refunded_minor == 0 && payment.points_refunded() == 0 { 2 } else { 4 }
            }
            State::Authenticating { .. } => 5,
            State::Declined { .. } => 6,
        }
    }

    /// `paymentState`.
    pub(super) fn payment_state(&self) -> &'static str {
        match self.status() {
            0 | 5 => "CREATED",
            1 => "APPROVED",
            2 => "DEPOSITED",
            3 => "REVERSED",
            4 => "REFUNDED",
            _ => "DECLINED",
        }
    }

    /// The authorisation this state rests on.
    pub(super) fn payment(&self) -> Option<&Payment> {
        match self {
            State::Held { payment, .. } | State::Deposited { payment, .. } | State::Reversed { payment, .. } => {
                Some(payment)
            }
            State::Registered { .. } | State::Authenticating { .. } | State::Declined { .. } => None,
        }
    }

    /// When this state ends by itself.
    pub(super) fn runs_out_at_ms(&self) -> Option<i64> {
        match self {
            State::Registered { expires_at_ms } | State::Authenticating { expires_at_ms } => Some(*expires_at_ms),
            State::Held { ends_at_ms, .. } => Some(*ends_at_ms),
            State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => None,
        }
    }

    /// What becomes of this state when its time runs out.
    pub(super) fn run_out(&self, amount_minor: i64) -> Option<State> {
        match self {
            State::Registered { expires_at_ms } | State::Authenticating { expires_at_ms } => {
                Some(State::Declined { reason: Decline::TimeRanOut, at_ms: *expires_at_ms })
            }
            State::Held { payment, ends_at_ms, end: HoldEnd::Lapse | HoldEnd::Reversal } => {
                Some(State::Reversed { payment: payment.clone(), at_ms: *ends_at_ms })
            }
            State::Held { payment, ends_at_ms, end: HoldEnd::Completion } => Some(State::Deposited {
                payment: payment.clone().points_taken(),
                amount_minor,
                refunded_minor: 0,
                at_ms: *ends_at_ms,
            }),
            State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => None,
        }
    }

    /// Whether a buyer can still pay.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, State::Registered { .. } | State::Authenticating { .. })
    }
}

impl Order {
    /// An order as it is when it has just been registered.
    pub(super) fn new(id: String, registration: Registration, registered_at_ms: i64, state: State) -> Order {
        Order {
            id,
            registration,
            registered_at_ms,
            state,
            earlier: None,
            deposits: 0,
            charged_back: false,
            failed_attempts: 0,
            reversal_failed: false,
            binding_id: None,
            movements: Vec::new(),
        }
    }

    /// A buyer pays: a two-phase order is held, a one-phase order deposited.
    pub(super) fn paid(&self, payment: Payment, hold_ms: i64) -> Result<State, Refusal> {
        self.must_be_open()?;
        Ok(self.authorised(payment, hold_ms))
    }

    /// The issuer wants a code from the buyer first.
    pub(super) fn challenged(&self) -> Result<State, Refusal> {
        match self.state {
            State::Registered { expires_at_ms } => Ok(State::Authenticating { expires_at_ms }),
            _ => Err(errors::WRONG_STATE),
        }
    }

    /// The issuer refuses one attempt; after the last of `attempts_max` the order is closed.
    pub(super) fn attempt_failed(&self, at_ms: i64, attempts_max: u8) -> Result<State, Refusal> {
        match self.state {
            State::Registered { .. } | State::Authenticating { .. }
                if self.failed_attempts.saturating_add(1) >= attempts_max =>
            {
                Ok(State::Declined { reason: Decline::AttemptsExhausted, at_ms })
            }
            State::Registered { expires_at_ms } | State::Authenticating { expires_at_ms } => {
                Ok(State::Registered { expires_at_ms })
            }
            _ => Err(errors::WRONG_STATE),
        }
    }

    /// The issuer declines a buyer for good.
    pub(super) fn declined(&self, at_ms: i64) -> Result<State, Refusal> {
        self.must_be_open()?;
        let reason = Decline::ByIssuer;
        Ok(State::Declined { reason, at_ms })
    }

    /// The store calls an order off that nobody has paid.
    pub(super) fn called_off(&self, at_ms: i64, as_reversed: bool) -> Result<State, Refusal> {
        self.must_be_open()?;
        Ok(State::Declined { reason: Decline::ByStore { as_reversed }, at_ms })
    }

    /// The store takes `asked_minor` of the hold, money and points together; 0 means all that is left of it. What is
    /// not taken goes back in the proportion in which it was held. Where the bank takes `part_after_part`, a hold of
    /// which some was taken may be completed again, and never beyond what was held; not one with points in it.
    pub(super) fn completed(&self, asked_minor: i64, at_ms: i64, part_after_part: bool) -> Result<State, Refusal> {
        let (payment, taken_minor) = match &self.state {
            State::Held { payment, .. } => (payment, 0),
            State::Deposited { payment, amount_minor, refunded_minor: 0, .. }
                if part_after_part && payment.points.is_empty() =>
            {
                (payment, *amount_minor)
            }
            _ => return Err(errors::WRONG_STATE),
        };
        let money_left = self.registration.amount_minor.saturating_sub(taken_minor);
        if money_left == 0 {
            return Err(errors::WRONG_STATE);
        }
        let left = money_left.saturating_add(payment.points_approved());
        if asked_minor > left {
            return Err(errors::ABOVE_HOLD);
        }
        let returned = if asked_minor == 0 { 0 } else { left - asked_minor };
        let mut payment = payment.clone();
        let mut money_returned = returned;
        for points in &mut payment.points {
            let points_returned = proportion(points.approved, returned, left);
            points.deposited = points.approved - points_returned;
            money_returned -= points_returned;
        }
        let amount_minor = taken_minor + money_left - money_returned;
        Ok(State::Deposited { payment, amount_minor, refunded_minor: 0, at_ms })
    }

    /// `minor` of the money is given back; never more than was taken.
    pub(super) fn refunded(&self, minor: i64, at_ms: i64) -> Result<State, Refusal> {
        let (payment, amount_minor, refunded_minor) = self.taken()?;
        if minor <= 0 || minor > amount_minor - refunded_minor {
            return Err(errors::ABOVE_DEPOSIT);
        }
        let refunded_minor = refunded_minor + minor;
        Ok(State::Deposited { payment: payment.clone(), amount_minor, refunded_minor, at_ms })
    }

    /// `asked` of money and points together is given back, in the proportion in which they were taken.
    pub(super) fn refunded_composite(&self, asked: i64, at_ms: i64) -> Result<State, Refusal> {
        let (payment, amount_minor, refunded_minor) = self.taken()?;
        let left = self.refundable_composite();
        if asked <= 0 || asked > left {
            return Err(errors::ABOVE_DEPOSIT);
        }
        let mut payment = payment.clone();
        let mut money = asked;
        for points in &mut payment.points {
            let back = proportion(points.deposited - points.refunded, asked, left);
            points.refunded += back;
            money -= back;
        }
        // Rounding points down may leave the money a unit or two short at the very end; the points make up for it.
        let mut short = money.saturating_sub(amount_minor - refunded_minor).max(0);
        for points in &mut payment.points {
            let more = short.min(points.deposited - points.refunded);
            points.refunded += more;
            short -= more;
            money -= more;
        }
        Ok(State::Deposited { payment, amount_minor, refunded_minor: refunded_minor + money, at_ms })
    }

    /// Money that was taken and not given back.
    pub(super) fn refundable_minor(&self) -> i64 {
        self.deposited_minor() - self.refunded_minor()
    }

    /// Money and points that were taken and not given back.
    pub(super) fn refundable_composite(&self) -> i64 {
        let points = self.state.payment().map_or(0, |payment| payment.points_deposited() - payment.points_refunded());
        self.refundable_minor().saturating_add(points)
    }

    fn taken(&self) -> Result<(&Payment, i64, i64), Refusal> {
        match &self.state {
            State::Deposited { payment, amount_minor, refunded_minor, .. } => {
                Ok((payment, *amount_minor, *refunded_minor))
            }
            _ => Err(errors::WRONG_STATE),
        }
    }

    /// The store lets a hold go; of anything else there is nothing to reverse.
    pub(super) fn reversed(&self, at_ms: i64) -> Result<State, Refusal> {
        match &self.state {
            State::Held { payment, .. } => Ok(State::Reversed { payment: payment.clone(), at_ms }),
            _ => Err(errors::REVERSAL_IMPOSSIBLE),
        }
    }

    /// The issuer's word arrives after the order was closed: it was paid after all.
    pub(super) fn approved_late(&self, payment: Payment, hold_ms: i64) -> Result<State, Refusal> {
        match self.state {
            State::Declined { .. } => Ok(self.authorised(payment, hold_ms)),
            _ => Err(errors::WRONG_STATE),
        }
    }

    /// Of the moments at which a hold can end, the first counts; at the same one the store's wish goes before the
    /// lapse.
    fn authorised(&self, payment: Payment, hold_ms: i64) -> State {
        let at_ms = payment.at_ms;
        let registration = &self.registration;
        if !registration.two_phase {
            let amount_minor = registration.amount_minor;
            return State::Deposited { payment: payment.points_taken(), amount_minor, refunded_minor: 0, at_ms };
        }
        let wished = [
            (registration.autocompletion_at_ms, HoldEnd::Completion),
            (registration.auto_reverse_at_ms, HoldEnd::Reversal),
            (Some(at_ms.saturating_add(hold_ms)), HoldEnd::Lapse),
        ];
        let ends = wished.into_iter().filter_map(|(due_ms, end)| Some((due_ms?.max(at_ms), end)));
        let (ends_at_ms, end) = ends.min_by_key(|(due_ms, _)| *due_ms).unwrap_or((at_ms, HoldEnd::Lapse));
        State::Held { payment, ends_at_ms, end }
    }

    fn must_be_open(&self) -> Result<(), Refusal> {
        if self.state.is_open() { Ok(()) } else { Err(errors::WRONG_STATE) }
    }

    /// The amount on hold or authorised; nothing once the hold was let go.
    pub(super) fn approved_minor(&self) -> i64 {
        match self.state {
            State::Held { .. } | State::Deposited { .. } => self.registration.amount_minor,
            State::Registered { .. }
            | State::Authenticating { .. }
            | State::Declined { .. }
            | State::Reversed { .. } => 0,
        }
    }

    /// The amount taken.
    pub(super) fn deposited_minor(&self) -> i64 {
        match self.state {
            State::Deposited { amount_minor, .. } => amount_minor,
            _ => 0,
        }
    }

    /// The amount that was given back.
    pub(super) fn refunded_minor(&self) -> i64 {
        match self.state {
            State::Deposited { refunded_minor, .. } => refunded_minor,
            _ => 0,
        }
    }

    /// What was given back, one entry each time.
    pub(super) fn refunds(&self) -> impl Iterator<Item = &Movement> {
        self.movements.iter().filter(|movement| movement.kind == MovementKind::Refund)
    }
}

#[cfg(test)]
mod tests;
