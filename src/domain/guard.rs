//! The guard before every send: stops, how many outcomes may be unknown at once, and a sum for a day (R7).
//!
//! It bounds what an unknown mistake, ours or the bank's, can do before a person looks. It only ever holds a send back:
//! questions to the bank go on, and so does deciding what is due. The brake is its other half: the first
//! [contradiction](Contradiction::trips_brake) after a send stops the merchant's money until a person starts it again.
//!
//! What the database says at the moment of the send comes in as a [`Standing`], read in the transaction that would
//! write the intent, so that two sends cannot both be the last one allowed.

use std::fmt;
use std::time::Duration;

use super::booked::Booked;
use super::lifecycle::Contradiction;
use super::money::{Currency, for_people};
use super::operation::OperationKey;
use super::order::{MerchantId, Order, OrderKey, OrderNumber};
use super::time::Timestamp;
use super::timekeeping::Doubt;

/// How long a send that is held back waits before it is tried again, where somebody tells when that ends: whoever
/// starts the money, every outcome that becomes known, and every start and reload of the daemon, makes what waits due
/// at once. Long enough that thousands cost little.
pub const HELD_FOR: Duration = Duration::from_secs(1_800);

/// The same for the clock, whose doubt ends with whatever answer the bank gives next: looks bring one as well.
const CLOCK_TRIED_EVERY: Duration = Duration::from_secs(60);

/// The same for the daily sum, which nobody tells of: it makes room as the day rolls on.
const ROOM_ASKED_EVERY: Duration = Duration::from_secs(300);

/// The time over which the daily sum rolls: no zone is needed, and no midnight lets twice the sum through.
pub const DAY: Duration = Duration::from_secs(86_400);

/// Who stops money when nobody did: see [`Stop::by`].
pub const BRAKE: &str = "brake";

/// How much may go wrong before a person looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardPolicy {
    /// Operations of the merchant that may be in doubt at once.
    pub in_doubt_max: u32,
    /// Minor units that may be sent in 24 hours, in each currency by itself: what is taken, and what is given back,
    /// each within it.
    pub daily_max_minor: i64,
    /// Whether a contradiction after a send stops the merchant's money.
    pub brake: bool,
}

impl GuardPolicy {
    /// How much of the daily sum `sent_minor` is, per mille.
    pub fn daily_used_per_mille(&self, sent_minor: i64) -> u64 {
        let used = i128::from(sent_minor.max(0)) * 1_000 / i128::from(self.daily_max_minor.max(1));
        u64::try_from(used).unwrap_or(u64::MAX)
    }
}

/// What a stop stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// One merchant's money.
    Merchant(MerchantId),
    /// One order's.
    Order {
        /// Its row.
        key: OrderKey,
        /// Whose it is.
        merchant: MerchantId,
        /// Its number.
        number: OrderNumber,
    },
}

impl Scope {
    /// The scope of one order.
    pub fn of_order(order: &Order) -> Self {
        Self::Order { key: order.key, merchant: order.merchant.clone(), number: order.number.clone() }
    }

    /// What `money stop` and `money start` are given for it, each argument with a space before it.
    pub fn as_arguments(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Merchant(merchant) => format!(" --merchant {merchant}"),
            Self::Order { merchant, number, .. } => format!(" --merchant {merchant} --order {number}"),
        }
    }

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Merchant(_) => "merchant",
            Self::Order { .. } => "order",
        }
    }

    /// The merchant it names.
    pub const fn merchant(&self) -> Option<&MerchantId> {
        match self {
            Self::All => None,
            Self::Merchant(merchant) | Self::Order { merchant, .. } => Some(merchant),
        }
    }

    /// The order it names.
    pub const fn order(&self) -> Option<(OrderKey, &OrderNumber)> {
        match self {
            Self::All | Self::Merchant(_) => None,
            Self::Order { key, number, .. } => Some((*key, number)),
        }
    }

    /// Whether none of the merchant's money moves under it.
    pub fn covers(&self, merchant: &MerchantId) -> bool {
        match self {
            Self::All => true,
            Self::Merchant(stopped) => stopped == merchant,
            Self::Order { .. } => false,
        }
    }

    /// Whether it is news to the merchant: some of its money, or all of it, does not move.
    pub fn concerns(&self, merchant: &MerchantId) -> bool {
        self.merchant().is_none_or(|stopped| stopped == merchant)
    }
}

/// `all money`, `the money of shop`, `the money of order A-1 of shop`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all money"),
            Self::Merchant(merchant) => write!(f, "the money of {merchant}"),
            Self::Order { merchant, number, .. } => write!(f, "the money of order {number} of {merchant}"),
        }
    }
}

/// The row id of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StopKey(pub i64);

/// A stop about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStop {
    /// What it stops.
    pub scope: Scope,
    /// As [`Stop::by`].
    pub by: String,
    /// Why, for whoever has to start it again.
    pub reason: String,
    /// The operation that tripped the brake: each trips it once.
    pub tripped_by: Option<OperationKey>,
}

/// A stop as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Its row.
    pub key: StopKey,
    /// What it stops.
    pub scope: Scope,
    /// Since when.
    pub since: Timestamp,
    /// Who stopped it: a cause as the journal has it (`operator:NAME`), or [`BRAKE`].
    pub by: String,
    /// Why.
    pub reason: String,
    /// Who lifted it, when and why; `None` while it is in force.
    pub lifted: Option<Lifting>,
}

/// The end of a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifting {
    /// When.
    pub at: Timestamp,
    /// Who, as [`Stop::by`].
    pub by: String,
    /// Why.
    pub reason: String,
}

/// `operator:NAME` as a name; the brake and everybody else as they are.
pub fn who(by: &str) -> &str {
    match by {
        BRAKE => "the brake",
        other => other.strip_prefix("operator:").unwrap_or(other),
    }
}

/// What the database, and the clock, say of an order's money at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why no money moves for this database at all (R8).
    pub frozen: Option<String>,
    /// The stops in force that apply to the order, the widest first.
    pub stops: Vec<Stop>,
    /// Other operations of the merchant that are in doubt.
    pub in_doubt: u64,
    /// Minor units of the order's currency that the merchant's other operations took in the last 24 hours; for a
    /// refund, those that they gave back.
    pub sent_minor: i64,
    /// What our book is certain of about the order's money: no read may fall short of it.
    pub booked: Booked,
    /// What speaks against the clock (R9); the database knows nothing of it, the shell adds it.
    pub clock: Option<Doubt>,
}

/// Why a send is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// The database, its home and its witness disagree (R8).
    Frozen(String),
    /// Somebody, or the brake, stopped it.
    Stopped {
        /// What was stopped.
        scope: Scope,
        /// By whom, as [`Stop::by`].
        by: String,
        /// Why.
        reason: String,
    },
    /// The clock cannot be believed, so it could be early.
    Clock(Doubt),
    /// As many outcomes are unknown as may be.
    InDoubtFull {
        /// Other operations in doubt.
        in_doubt: u64,
        /// How many may be.
        max: u32,
    },
    /// The sum of the last 24 hours would be above the limit.
    DailySum {
        /// Minor units sent in the last 24 hours.
        sent_minor: i64,
        /// Minor units that this one would take.
        asked_minor: i64,
        /// How much may be sent.
        max_minor: i64,
        /// Of which currency.
        currency: Currency,
    },
}

impl Held {
    /// Every word for it: a closed set, since it labels a metric.
    pub const WORDS: [&'static str; 5] = ["frozen", "stopped", "clock", "in_doubt_full", "daily_sum"];

    /// How long it waits before it is tried again.
    pub const fn wait(&self) -> Duration {
        match self {
            Self::Clock(_) => CLOCK_TRIED_EVERY,
            Self::DailySum { .. } => ROOM_ASKED_EVERY,
            Self::Frozen(_) | Self::Stopped { .. } | Self::InDoubtFull { .. } => HELD_FOR,
        }
    }

    /// Held back by `stop`.
    pub fn by_stop(stop: &Stop) -> Self {
        Self::Stopped { scope: stop.scope.clone(), by: stop.by.clone(), reason: stop.reason.clone() }
    }

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Frozen(_) => "frozen",
            Self::Clock(_) => "clock",
            Self::InDoubtFull { .. } => "in_doubt_full",
            Self::DailySum { .. } => "daily_sum",
        }
    }

    /// Why nothing is sent, and what ends it.
    pub fn why(&self) -> String {
        match self {
            Self::Stopped { scope, by, reason } => {
                let arguments = scope.as_arguments();
                format!("{} stopped {scope} ({reason}); `reconciled money start{arguments}` lifts it", who(by))
            }
            Self::Frozen(why) => format!("money is frozen ({why}); `reconciled adopt` lifts it"),
            Self::Clock(doubt) => format!("{doubt}; it goes once the two clocks agree"),
            Self::InDoubtFull { in_doubt, max } => {
                format!("{in_doubt}{FOR_ROOM}{max} may be; it goes once fewer are")
            }
            Self::DailySum { sent_minor, asked_minor, max_minor, currency } => {
                let sum = |minor: &i64| for_people(*minor, *currency);
                format!(
                    "with {} sent in the last 24 hours, {} more would be above {}; it goes once there is room, or \
                     money.daily_sum allows it",
                    sum(sent_minor),
                    sum(asked_minor),
                    sum(max_minor)
                )
            }
        }
    }
}

/// What a sentence about a send that is held back begins with: a note that does is such a sentence.
pub const NOT_SENT: &str = "not sent: ";

/// What such a sentence has in it when it says that as many outcomes are unknown as may be.
pub const FOR_ROOM: &str = " other operations are in doubt, and ";

/// A sentence for people: why nothing is sent, and what ends it.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NOT_SENT}{}", self.why())
    }
}

/// Whether `asked_minor` may be taken now; what takes nothing, a reversal, needs no room in the daily sum. What a
/// person said comes first, then what could go wrong most.
pub fn may_send(policy: &GuardPolicy, standing: &Standing, asked_minor: i64, currency: Currency) -> Result<(), Held> {
    if let Some(why) = &standing.frozen {
        return Err(Held::Frozen(why.clone()));
    }
    if let Some(stop) = standing.stops.first() {
        return Err(Held::by_stop(stop));
    }
    if let Some(doubt) = standing.clock {
        return Err(Held::Clock(doubt));
    }
    if standing.in_doubt >= policy.in_doubt_max.into() {
        return Err(Held::InDoubtFull { in_doubt: standing.in_doubt, max: policy.in_doubt_max });
    }
    let (sent_minor, max_minor) = (standing.sent_minor, policy.daily_max_minor);
    match sent_minor.checked_add(asked_minor) {
        Some(sum) if sum <= max_minor || asked_minor == 0 => Ok(()),
        // A sum that does not fit is above every limit.
        _ => Err(Held::DailySum { sent_minor, asked_minor, max_minor, currency }),
    }
}

/// The stop that a contradiction makes of a merchant's money, after an operation of `order` was sent.
pub fn brake(policy: &GuardPolicy, order: &Order, operation: OperationKey, found: &Contradiction) -> Option<NewStop> {
    let trips = policy.brake && found.trips_brake();
    trips.then(|| NewStop {
        scope: Scope::Merchant(order.merchant.clone()),
        by: BRAKE.to_owned(),
        reason: format!("after a send for order {}: {}", order.number, found.reason(order).sentence),
        tripped_by: Some(operation),
    })
}

#[cfg(test)]
mod tests;
