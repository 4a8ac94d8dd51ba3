//! One order at the bank and its state machine.
//!
//! Pure: no clock, no chance, no ledger. A transition takes the moment and gives the next state or says why not; the book
//! performs it.

use serde::Serialize;

use super::errors::{self, Refusal};
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
    /// The store's own ids of its refunds.
    pub(super) refund_ids: Vec<String>,
}

/// Where an order stands, with what belongs to that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Waiting for a buyer.
    Registered { expires_at_ms: i64 },
    /// The whole amount is held on the card.
    Held { payment: Payment, lapses_at_ms: i64 },
    /// Money was taken, and some or all of it may have been given back.
    Deposited { payment: Payment, amount_minor: i64, refunded_minor: i64, at_ms: i64 },
    /// Refused, or nobody came.
    Declined { reason: Decline, at_ms: i64 },
    /// The hold was let go.
    Reversed { payment: Payment, at_ms: i64 },
}

/// A successful authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) at_ms: i64,
    pub(super) approval_code: String,
    pub(super) reference: String,
    /// Whose card it was.
    pub(super) card: CardSystem,
}

/// A payment system, as a card carries its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CardSystem {
    /// What most test cards are.
    #[default]
    Visa,
    /// Mastercard.
    Mastercard,
    /// Mir, the national one.
    Mir,
}

impl CardSystem {
    /// All of them.
    pub(super) const ALL: [CardSystem; 3] = [CardSystem::Visa, CardSystem::Mastercard, CardSystem::Mir];

    /// `paymentSystem`.
    pub(super) fn wire(self) -> &'static str {
        match self {
            CardSystem::Visa => "VISA",
            CardSystem::Mastercard => "MASTERCARD",
            CardSystem::Mir => "MIR",
        }
    }
}

/// Why an order was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decline {
    /// The issuer said no: insufficient funds, by far the most common word.
    ByIssuer,
    /// The payment time ran out.
    TimeRanOut,
}

impl State {
    /// `orderStatus`.
    pub(super) fn status(&self) -> u8 {
        match self {
            State::Registered { .. } => 0,
            State::Held { .. } => 1,
            State::Deposited { refunded_minor: 0, .. } => 2,
            State::Reversed { .. } => 3,
            State::Deposited { .. } => 4,
            State::Declined { .. } => 6,
        }
    }

    /// The authorisation this state rests on.
    pub(super) fn payment(&self) -> Option<&Payment> {
        match self {
            State::Held { payment, .. } | State::Deposited { payment, .. } | State::Reversed { payment, .. } => {
                Some(payment)
            }
            State::Registered { .. } | State::Declined { .. } => None,
        }
    }

    /// When this state ends by itself.
    pub(super) fn runs_out_at_ms(&self) -> Option<i64> {
        match self {
            State::Registered { expires_at_ms } => Some(*expires_at_ms),
            State::Held { lapses_at_ms, .. } => Some(*lapses_at_ms),
            State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => None,
        }
    }

    /// What becomes of this state when its time runs out.
    pub(super) fn run_out(&self) -> Option<State> {
        match self {
            State::Registered { expires_at_ms } => {
                Some(State::Declined { reason: Decline::TimeRanOut, at_ms: *expires_at_ms })
            }
            State::Held { payment, lapses_at_ms } => {
                Some(State::Reversed { payment: payment.clone(), at_ms: *lapses_at_ms })
            }
            State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => None,
        }
    }
}

impl Order {
    /// A buyer pays: a two-phase order is held, a one-phase order deposited.
    pub(super) fn paid(&self, payment: Payment, hold_ms: i64) -> Result<State, Refusal> {
        self.must_be_registered()?;
        Ok(self.authorised(payment, hold_ms))
    }

    /// The issuer declines a buyer's payment.
    pub(super) fn declined(&self, at_ms: i64) -> Result<State, Refusal> {
        self.must_be_registered()?;
        let reason = Decline::ByIssuer;
        Ok(State::Declined { reason, at_ms })
    }

    /// The store takes `asked_minor` of the hold; 0 means all that is left of it. Where the bank takes `part_after_part`,
    /// a hold of which some was taken may be completed again, and never beyond what was held.
    pub(super) fn completed(&self, asked_minor: i64, at_ms: i64, part_after_part: bool) -> Result<State, Refusal> {
        let (payment, taken_minor) = match &self.state {
            State::Held { payment, .. } => (payment, 0),
            State::Deposited { payment, amount_minor, refunded_minor: 0, .. } if part_after_part => {
                (payment, *amount_minor)
            }
            _ => return Err(errors::WRONG_STATE),
        };
        let left_minor = self.registration.amount_minor.saturating_sub(taken_minor);
        if left_minor == 0 {
            return Err(errors::WRONG_STATE);
        }
        if asked_minor > left_minor {
            return Err(errors::ABOVE_HOLD);
        }
        let amount_minor = taken_minor + if asked_minor == 0 { left_minor } else { asked_minor };
        Ok(State::Deposited { payment: payment.clone(), amount_minor, refunded_minor: 0, at_ms })
    }

    /// A clerk gives `minor` of the money back; never more than was taken.
    pub(super) fn refunded(&self, minor: i64, at_ms: i64) -> Result<State, Refusal> {
        match &self.state {
            State::Deposited { payment, amount_minor, refunded_minor, .. }
                if minor > 0 && minor <= amount_minor.saturating_sub(*refunded_minor) =>
            {
                Ok(State::Deposited {
                    payment: payment.clone(),
                    amount_minor: *amount_minor,
                    refunded_minor: refunded_minor + minor,
                    at_ms,
                })
            }
            _ => Err(errors::WRONG_STATE),
        }
    }

    /// The store lets a hold go; of anything else there is nothing to reverse.
    pub(super) fn reversed(&self, at_ms: i64) -> Result<State, Refusal> {
        match &self.state {
            State::Held { payment, .. } => Ok(State::Reversed { payment: payment.clone(), at_ms }),
            State::Registered { .. } | State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => {
                Err(errors::REVERSAL_IMPOSSIBLE)
            }
        }
    }

    /// The issuer's word arrives after the order was closed: it was paid after all.
    pub(super) fn approved_late(&self, payment: Payment, hold_ms: i64) -> Result<State, Refusal> {
        match self.state {
            State::Declined { .. } => Ok(self.authorised(payment, hold_ms)),
            State::Registered { .. } | State::Held { .. } | State::Deposited { .. } | State::Reversed { .. } => {
                Err(errors::WRONG_STATE)
            }
        }
    }

    fn authorised(&self, payment: Payment, hold_ms: i64) -> State {
        let at_ms = payment.at_ms;
        if self.registration.two_phase {
            State::Held { payment, lapses_at_ms: at_ms.saturating_add(hold_ms) }
        } else {
            State::Deposited { payment, amount_minor: self.registration.amount_minor, refunded_minor: 0, at_ms }
        }
    }

    fn must_be_registered(&self) -> Result<(), Refusal> {
        match self.state {
            State::Registered { .. } => Ok(()),
            State::Held { .. } | State::Deposited { .. } | State::Declined { .. } | State::Reversed { .. } => {
                Err(errors::WRONG_STATE)
            }
        }
    }

    /// The amount on hold or authorised; nothing once the hold was let go.
    pub(super) fn approved_minor(&self) -> i64 {
        match self.state {
            State::Held { .. } | State::Deposited { .. } => self.registration.amount_minor,
            State::Registered { .. } | State::Declined { .. } | State::Reversed { .. } => 0,
        }
    }

    /// The amount taken.
    pub(super) fn deposited_minor(&self) -> i64 {
        match self.state {
            State::Deposited { amount_minor, .. } => amount_minor,
            State::Registered { .. } | State::Held { .. } | State::Declined { .. } | State::Reversed { .. } => 0,
        }
    }

    /// The amount that was given back.
    pub(super) fn refunded_minor(&self) -> i64 {
        match self.state {
            State::Deposited { refunded_minor, .. } => refunded_minor,
            State::Registered { .. } | State::Held { .. } | State::Declined { .. } | State::Reversed { .. } => 0,
        }
    }

    /// Whether the store has given money back by this id before.
    pub(super) fn knows_refund(&self, external_id: &str) -> bool {
        self.refund_ids.iter().any(|known| known == external_id)
    }

    /// What outsiders may see of it.
    pub(super) fn view(&self) -> OrderView {
        let ended_at_ms = match self.state {
            State::Deposited { at_ms, .. } | State::Declined { at_ms, .. } | State::Reversed { at_ms, .. } => {
                Some(at_ms)
            }
            State::Registered { .. } | State::Held { .. } => None,
        };
        OrderView {
            order_id: self.id.clone(),
            order_number: self.registration.order_number.clone(),
            login: self.registration.login.clone(),
            amount_minor: self.registration.amount_minor,
            currency: self.registration.currency.number,
            two_phase: self.registration.two_phase,
            status: self.state.status(),
            approved_minor: self.approved_minor(),
            deposited_minor: self.deposited_minor(),
            refunded_minor: self.refunded_minor(),
            deposits: self.deposits,
            charged_back: self.charged_back,
            registered_at_ms: self.registered_at_ms,
            paid_at_ms: self.state.payment().map(|payment| payment.at_ms),
            runs_out_at_ms: self.state.runs_out_at_ms(),
            ended_at_ms,
        }
    }
}

/// One order as the bank's book has it: what a judge compares everybody else's records with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// The gateway's id.
    pub order_id: String,
    /// The store's number.
    pub order_number: String,
    /// The store.
    pub login: String,
    /// Minor units, as registered.
    pub amount_minor: i64,
    /// ISO 4217 number.
    pub currency: &'static str,
    /// Whether paying holds rather than takes.
    pub two_phase: bool,
    /// `orderStatus`: 0 registered, 1 held, 2 deposited, 3 reversed, 4 refunded, 6 declined.
    pub status: u8,
    /// Held or authorised.
    pub approved_minor: i64,
    /// Taken.
    pub deposited_minor: i64,
    /// Given back.
    pub refunded_minor: i64,
    /// How many times a deposit took effect.
    pub deposits: u32,
    /// Whether the buyer's bank takes the money back.
    pub charged_back: bool,
    /// When the store registered it.
    pub registered_at_ms: i64,
    /// When a buyer's payment was authorised.
    pub paid_at_ms: Option<i64>,
    /// When the session expires or the hold lapses, while either can.
    pub runs_out_at_ms: Option<i64>,
    /// When it was deposited, declined or reversed.
    pub ended_at_ms: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(state: State) -> Order {
        Order {
            id: "id".to_owned(),
            registration: Registration::new("shop", "A-1", 900).two_phase(),
            registered_at_ms: 0,
            state,
            earlier: None,
            deposits: 0,
            charged_back: false,
            refund_ids: Vec::new(),
        }
    }

    fn payment() -> Payment {
        let card = CardSystem::Visa;
        Payment { at_ms: 5, approval_code: "123456".to_owned(), reference: "1".to_owned(), card }
    }

    fn every_state() -> [State; 5] {
        [
            State::Registered { expires_at_ms: 10 },
            State::Held { payment: payment(), lapses_at_ms: 20 },
            State::Deposited { payment: payment(), amount_minor: 900, refunded_minor: 0, at_ms: 6 },
            State::Declined { reason: Decline::ByIssuer, at_ms: 6 },
            State::Reversed { payment: payment(), at_ms: 6 },
        ]
    }

    #[test]
    fn only_a_held_order_is_completed_or_reversed_and_only_a_registered_one_paid() {
        for state in every_state() {
            let (status, order) = (state.status(), order(state));
            assert_eq!(order.completed(0, 7, false).is_ok(), status == 1, "{status}");
            assert_eq!(order.paid(payment(), 100).is_ok(), status == 0, "{status}");
            assert_eq!(order.declined(7).is_ok(), status == 0, "{status}");
            assert_eq!(order.reversed(7).is_ok(), status == 1, "{status}");
            assert_eq!(order.approved_late(payment(), 100).is_ok(), status == 6, "{status}");
        }
    }

    #[test]
    fn completion_takes_what_is_asked_and_never_more_than_the_hold() {
        let held = order(State::Held { payment: payment(), lapses_at_ms: 20 });
        let check = |asked, expected: Result<i64, Refusal>| {
            let taken = held.completed(asked, 7, false).map(|state| match state {
                State::Deposited { amount_minor, .. } => amount_minor,
                other => panic!("{other:?}"),
            });
            assert_eq!(taken, expected, "{asked}");
        };
        check(0, Ok(900));
        check(1, Ok(1));
        check(900, Ok(900));
        check(901, Err(errors::ABOVE_HOLD));
    }

    #[test]
    fn part_after_part_ends_at_the_hold() {
        let taken =
            |amount_minor| order(State::Deposited { payment: payment(), amount_minor, refunded_minor: 0, at_ms: 6 });
        let check = |taken_before, asked, again, expected: Option<i64>| {
            let next = taken(taken_before).completed(asked, 7, again);
            let taken_after = next.ok().map(|state| order(state).deposited_minor());
            assert_eq!(taken_after, expected, "{taken_before} {asked}");
        };
        check(400, 400, true, Some(800));
        check(400, 0, true, Some(900));
        check(400, 501, true, None);
        check(900, 0, true, None);
        check(400, 400, false, None);
    }

    #[test]
    fn a_clerk_gives_back_what_was_taken_and_no_more() {
        let mut order = order(State::Deposited { payment: payment(), amount_minor: 500, refunded_minor: 0, at_ms: 6 });
        assert!(order.refunded(501, 7).is_err() && order.reversed(7).is_err());
        order.state = order.refunded(200, 7).unwrap();
        assert_eq!((order.state.status(), order.deposited_minor(), order.refunded_minor()), (4, 500, 200));
        assert!(order.refunded(301, 8).is_err());
    }

    #[test]
    fn time_ends_what_waits_and_nothing_else() {
        let after: Vec<_> = every_state().iter().map(|state| state.run_out().map(|s| s.status())).collect();
        assert_eq!(after, [Some(6), Some(3), None, None, None]);
    }
}
