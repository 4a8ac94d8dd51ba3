//! How soon outcomes are noticed with how many looks: the daemon's own policy, pacer and engine on a workload, in
//! virtual time.
//!
//! Nothing about money is simulated here, and no database: thousands of orders a second answer a merchant's question
//! how many requests he needs, and show what another schedule would do with as many.

mod book;
mod findings;
mod limited;
mod optimum;
mod quota;
mod run;
mod schedule;
mod sent;
mod shapes;
#[cfg(test)]
mod tests;
mod workload;

pub use findings::{Findings, Turn, Window};
pub use limited::{Limit, limited};
pub use optimum::{Optimum, foreseen, optimum};
pub use run::{Callbacks, Task, run};
pub use schedule::{PEERS, Schedule, ScheduleError};
pub use sent::{Sent, sent};
pub use shapes::Shape;
pub use workload::{Case, Outcome, Workload, WorkloadError};
