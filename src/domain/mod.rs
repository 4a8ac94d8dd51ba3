//! What the daemon knows and how it decides: pure values and functions.
//!
//! Nothing here reads a clock, a file, a socket or a random source: `now` and jitter come in as arguments, decisions go
//! out as values, and the shell ([`crate::daemon`]) performs them. That is what lets the same decisions be tested as
//! tables.
//!
//! Read in this order: [`money`] and [`time`] (the two quantities), [`order`] (what is queued), [`bank`] (what the bank
//! can say) and [`answer`] (all that one answer tells), [`event`] (the journal's words) and [`chain`] (what stands for
//! all of it), [`lifecycle`] (what an answer means for an order), [`operation`] (the journey of a completion or a
//! reversal), [`calendar`] (business days and cron slots), [`holds`] (deadlines, when a completion is due and what is
//! done when none comes in time), [`autocompletion`] (the gateway's own schedule against ours), [`guard`] (what holds a
//! send back), [`booked`] (what no later read may fall short of), [`login`] (whether the bank lets us in), [`weather`]
//! (whether it tells anything at all) and [`timekeeping`] (whether the clock may be believed for money), [`polling`]
//! (when to look again), [`journey`], [`completion`], [`acts`] and [`contested`] (the rows to write after a look, a
//! completion's step, a person's act, a doubt about our own rows) with [`difference`] (what an act changes), [`review`]
//! (the ways out of review), [`discovery`] (orders that the bank knows and we do not), [`registration`] (what is asked
//! of the bank for a new order), [`delivery`] (what the shop is told, and when), [`token`] (who may ask), [`claim`]
//! (what is asked again), [`reconciliation`] (a day's report as a value), [`story`] (an order's in words).

#![deny(clippy::float_arithmetic)]

pub mod verbs;
pub mod acts;
pub mod answer;
pub mod autocompletion;
pub mod bank;
pub mod booked;
pub mod calendar;
pub mod chain;
pub mod claim;
pub mod completion;
pub mod contested;
pub mod delivery;
pub mod difference;
pub mod discovery;
pub mod event;
#[cfg(test)]
mod fixtures;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod guard;
#[cfg(test)]
mod histories;
pub mod holds;
pub mod journey;
pub mod lifecycle;
pub mod login;
pub mod money;
pub mod operation;
pub mod order;
pub mod polling;
#[cfg(test)]
mod protocol_model;
#[cfg(test)]
mod refund_model;
pub mod reconciliation;
pub mod registration;
pub mod review;
pub mod story;
pub mod time;
pub mod timekeeping;
pub mod token;
pub mod weather;
