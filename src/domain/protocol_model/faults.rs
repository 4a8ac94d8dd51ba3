//! The mutants: each takes away one rule, or one half of one.

/// A rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    /// R0: a second process may start while the first one lives.
    NoLock,
    /// R1: sent first, written down afterwards.
    SendsBeforeItWrites,
    /// R1: a COMMIT that returned an error is taken for one that went well.
    TrustsAFailedCommit,
    /// R2: what is found in doubt at a start is sent.
    RecoverySends,
    /// R3: a time-out is taken for "nothing left".
    TimeoutIsNotSent,
    /// R3: errorCode 7 is taken for a refusal.
    SevenIsARefusal,
    /// R4: the bank is not asked before a send.
    NoReadBeforeASend,
    /// R4: what was decided on rows of before is written over those of now.
    NoVersion,
    /// R4: however old the read, it is sent on.
    SendsOnAnOldRead,
    /// R5: "still held" settles that nothing happened.
    AbsenceSettles,
    /// R6: an acknowledgement confirms.
    AcknowledgementConfirms,
    /// R7: any number may be in doubt at once.
    NoCap,
    /// R7: a contradiction does not stop the next send.
    NoBrake,
    /// R8: a start does not read the witness.
    NoWitness,
    /// R8: the witness is written after the send.
    WitnessAfterTheSend,
    /// R8: `adopt` opens a review and forgets that what was sent is in doubt.
    AdoptForgetsTheDoubt,
    /// R9: the clock is not looked at before a send.
    SendsByAWrongClock,
    /// R9: reads that are taken to be late enough by a wrong clock agree.
    JudgesByAWrongClock,
    /// R10: an order in doubt can be parked.
    ParksInDoubt,
    /// R10: the sum of what is in doubt can be changed.
    ChangesASentSum,
    /// R11: a callback is believed.
    BelievesCallbacks,
    /// R12: a part is sent again as a whole is.
    SendsAPartAgain,
    /// R12: no quiet time.
    NoQuietTime,
    /// R12: one read is enough.
    OneReadIsEnough,
    /// R12: an answer to a question from before the quiet time's end agrees too.
    CountsAnOldAnswer,
    /// R12: a person may release what is not quiet yet.
    ReleasesBeforeQuiet,
}
