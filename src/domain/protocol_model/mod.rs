//! The protocol of money, explored: every order in which two processes, crashes, failed commits, a wire that delays and
//! loses, a bank, its clerks, an operator, a wrong clock and a restored backup can meet, over one order.
//!
//! The decisions are the real ones ([`desk`] calls them); the shell around them ([`shell`]) is told again in small
//! steps, each of which a crash may follow. Assumed, and nowhere checked:
//!
//! * A request takes effect within the quiet time of leaving or never; one setting does without this, for parts.
//! * No request is doubled beneath us. Of each change at the bank one read may be late, and no second.
//! * A process that stands still for the quiet time in the instant before its first byte lives to write the answer
//!   down, by a right clock.
//! * Whoever releases what a restored database left in doubt has looked at the bank's console.
//! * The lock, the disk and the witness keep what they promise.
//!
//! Read [`world`] (what there is), [`steps`] and [`shell`] (what can happen), [`properties`] and [`alone`] (what must
//! hold), [`faults`] (the rules left out), and the tests.

mod alone;
mod desk;
mod explore;
mod faults;
mod properties;
mod quick;
mod rows;
mod shell;
mod step;
mod steps;
mod tests;
mod world;
