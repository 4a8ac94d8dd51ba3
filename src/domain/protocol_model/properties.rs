//! What must hold, of every state and of every step.

use std::fmt;

use super::super::bank::BankStatus;
use super::super::operation::OperationState;
use super::super::order::State;
use super::rows::HOLD;
use super::world::World;

/// A promise, by the way it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Property {
    /// The bank carried out two requests of ours.
    TwoEffects,
    /// We took more than people wanted, or more than was held.
    MoreThanWanted,
    /// Confirmed here, and the bank does not show that sum.
    ConfirmedFalsely,
    /// Refused, withdrawn or released here, and the bank carried it out.
    DeniedFalsely,
    /// At an end here that the bank has never shown.
    EndedFalsely,
    /// A request left that people had taken back before it was written down.
    SentThoughTakenBack,
    /// A request left that joins no open intent of its sum on disk.
    SentWithoutIntent,
    /// A request left for an order that had been settled before anybody asked.
    SentUnasked,
    /// A request left before its hour.
    SentEarly,
    /// More in doubt at once than allowed.
    TooManyInDoubt,
    /// An intent to send was written while the brake was on.
    SentUnderTheBrake,
    /// Left alone, the order comes neither to an end that agrees with the bank nor before a person.
    Silent,
}

impl Property {
    pub(super) const ALL: [Self; 12] = [
        Self::TwoEffects,
        Self::MoreThanWanted,
        Self::ConfirmedFalsely,
        Self::DeniedFalsely,
        Self::EndedFalsely,
        Self::SentThoughTakenBack,
        Self::SentWithoutIntent,
        Self::SentUnasked,
        Self::SentEarly,
        Self::TooManyInDoubt,
        Self::SentUnderTheBrake,
        Self::Silent,
    ];
}

/// The promises that were broken on the way to a state.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Breaches(u16);

impl Breaches {
    pub(super) fn note(&mut self, property: Property, broken: bool) {
        self.0 |= u16::from(broken) << property as u8;
    }

    pub(super) const fn has(self, property: Property) -> bool {
        self.0 & 1 << property as u8 != 0
    }
}

impl fmt::Debug for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Property::ALL.into_iter().filter(|property| self.has(*property))).finish()
    }
}

/// What is broken in `world`, or was on the way to it.
pub(super) fn breaches(world: &World) -> Breaches {
    let mut found = world.breaches;
    let bank = &world.bank;
    found.note(Property::TwoEffects, bank.effects > 1);
    found.note(Property::MoreThanWanted, bank.ours > HOLD);
    if let Some(operation) = world.operation() {
        let shown = operation.expected == Some(bank.face.deposited);
        found.note(Property::ConfirmedFalsely, operation.state == OperationState::Confirmed && !shown);
        let denied = matches!(operation.state, OperationState::Refused | OperationState::Withdrawn);
        // A restored database that has not been told of a send denies nothing about it.
        found.note(Property::DeniedFalsely, denied && bank.effects > 0 && world.knows_every_send());
    }
    found.note(Property::EndedFalsely, ended_falsely(world));
    found
}

fn ended_falsely(world: &World) -> bool {
    let shown = |status| {
        let face = world.bank.face.status;
        face == status || world.bank.before.is_some_and(|before| before.status == status)
    };
    match world.rows.order.state {
        State::Deposited => !shown(BankStatus::Deposited),
        State::Reversed => !shown(BankStatus::Reversed),
        State::Refunded => !shown(BankStatus::Refunded),
        State::Declined => !shown(BankStatus::Declined),
        State::Pending | State::Held | State::Review => false,
    }
}
