//! `reconciled` knows, for every order a merchant ever sent to the bank, what became of the money.
//!
//! It is a daemon on the merchant's host. It keeps a SQLite queue of orders, asks the bank's payment gateway what
//! became of each (`getOrderStatusExtended.do`) within a hard request budget, completes held two-phase orders on
//! schedule (`autoCompletion.do`) and never twice, writes a report every night, and lets Prometheus alert on anything
//! stuck. One process, one database file, under systemd.
//!
//! # Five ideas
//!
//! 1. **The database is the truth; everything else rings a bell.** A cron tick, an API call, a commit: each only says
//!    "look now". What is due is a column, and every loop looks by itself at a bounded interval, so a lost bell costs
//!    seconds, not an order.
//! 2. **One mouth.** One process at a time may speak to the bank for a database ([`store::Lock`]), through one
//!    [`gateway::Gateway`] with one [`gateway::Pacer`] per merchant. The API and the command line only write rows.
//! 3. **A crash and a timeout are the same state.** A completion or reversal is written `in_doubt` and synced before
//!    its first byte leaves. If the answer, or the process, is lost, the ordinary loop asks the bank. There is no
//!    recovery code.
//! 4. **Decide, then do.** [`domain`] takes values and `now` and returns values. The shell performs what it returns.
//! 5. **The sandbox is a server, not a mock.** Tests and the demo drive real bytes into [`sandbox`], which shares no
//!    code with the client: two independent readings of the bank's documents.
//!
//! And one promise: **nothing is ever silent.** Every order is at an end, or has a next look no later than its state's
//! bound, or stands in review with a metric that says so. Giving up never changes a status.
//!
//! # An order's journey
//!
//! ```text
//! POST /v1/orders ─┐                              ┌── declined, time ran out ───────▶ declined
//! registration ────┤
//! order add/import ┴─▶ pending ── look ───────────┼── one-phase paid ───────────────▶ deposited ──▶ refunded
//!                        ▲   │                    └── held ── completion confirmed ─▶ deposited
//!                        └───┘ not yet                   ├── bank reversed, lapsed ▶ reversed
//!                                                        └── deadline: completed, reversed or review
//!   whatever contradicts our book ───────────────────────▶ review ── a person's word ([`domain::review`]) ──▶
//! ```
//!
//! [`intake`] checks an order, handed in over HTTP, at the command line or as a file in the spool; [`store`] queues it;
//! acknowledged means synced. The poller ([`daemon`]) asks the bank, [`gateway`] classifies the answer (known, refused,
//! unknown), [`domain::lifecycle`] judges it, [`domain::journey`] makes the row of it, and [`store::Store::amend`]
//! writes row and event in one transaction.
//!
//! A held order's completion goes through [`domain::operation`]:
//!
//! ```text
//! intended ─(1) synced, then witnessed─▶ in_doubt{attempt, sent_at} ─(2) send─▶ answer ─(3) settle─▶ confirmed | refused
//!                            │  ▲                      └ none: timeout, 5xx, crash ┐
//!                            │  └────────────────── stays exactly here ◀───────────┘
//!                            └─ next look: ASK ─ deposited as intended ▶ confirmed · another amount ▶ review
//!                                               ─ still held, and quiet long enough: whole ▶ send again · partial ▶ review
//!                                               ─ reversed, lapsed ▶ refused
//! ```
//!
//! The bank is asked before every send, the first included; nothing but a status read confirms. What a person orders
//! ([`domain::verbs`]: a reversal, a refund, a decline) goes the same way; a refund is confirmed when what was given
//! back has grown by exactly its sum.
//!
//! # Where the requests go
//!
//! Whatever is sent passes the pacer ([`gateway::Pacer`]): money and deadlines first, then registrations, then looks, and
//! no window of time holds more than `burst + rate × t`. Which order is looked at next the engine of looks in [`daemon`]
//! decides by worth: [`domain::polling`] learns when outcomes come, plans by a dynamic programme, and steers the price of
//! a look so that the budget is just spent, but never on looks that are worth far less than is ordinary. While a bank
//! tells nothing ([`domain::weather`]), only probes leave.
//! `simulate` runs the same engine on a workload ([`simulation::looks`]).
//!
//! # How the shop hears of it
//!
//! The journal is the feed (`GET /v1/events`) and the queue of every endpoint of the shop's: a notifier in [`daemon`]
//! tells it what [`domain::delivery`] says is its turn, through [`delivery`], and keeps in [`store`] the endpoint's
//! place in the journal and the bounded number of events beside it that were not taken. Of an order the next event
//! waits for the one before it; nothing else waits for anything.
//!
//! # What the journal proves
//!
//! Each event has a hash over its row and the hash before it, written in the event's own transaction. The report of a day
//! has the hash of the day's last event, its head; so whoever keeps reports can tell, with `reconciled verify`, whether
//! any event up to there was altered, taken out, put in or moved since, and which is the first ([`store::Journal`]). There
//! is no key in it: the file alone proves nothing against whoever can write all of it, a head that left the host does.
//!
//! # The rules under which money moves
//!
//! The code names them by number.
//!
//! * **R0** One mouth: a kernel lock for the process's life, taken before the database is opened.
//! * **R1** The intent is on disk before the first byte leaves. A commit that failed in any way may be there: never
//!   send. For want of room the writer goes on; after anything else the process ends.
//! * **R2** Only the process that wrote an intent sends it; whatever is found at a start is asked about.
//! * **R3** The class of an answer is *unknown* unless the code lists it.
//! * **R4** Before each send a fresh read shows our order, held, enough approved, nothing deposited, and due by the
//!   clock as it goes now; an earlier view agrees before the first send; then a compare-and-set on the row's version,
//!   which counts every change but that of a look that found nothing.
//! * **R5** Presence settles, absence never does: "still held" only plans the next question. What shows less taken or
//!   given back than was confirmed or shown before is old, and decides nothing ([`domain::booked`]).
//! * **R6** Confirmed only by a read with the intended amount, never by an acknowledgement.
//! * **R7** Little can go wrong at once: a stop, too many in doubt or the day's sum hold a send back, decided in the
//!   transaction that writes its intent; a contradiction after a send stops the merchant's money ([`domain::guard`]).
//! * **R8** A second witness: every send has a line in a chained file before its first byte; where it, the file's home
//!   and the database disagree, money is frozen until a person adopts it. What it names is asked about, of an order
//!   that is added later too.
//! * **R9** The wall clock is compared with the running time and with the bank's: in doubt, nothing is sent and no hold
//!   is first seen ([`domain::timekeeping`]). Late is safe.
//! * **R10** An amount never changes after the first send, and what is in doubt cannot be taken back.
//! * **R11** A hint, whoever gives it, only makes a look due.
//! * **R12** Nothing is sent again unless every earlier send is proven not sent, refused, released by a person, or, for
//!   what concerns the whole hold (or all that is left to give back, or a refund that the bank knows by our id) only,
//!   quiet long enough with two reads, asked after it, that agree. A part goes to review.
//!
//! # Who may use whom
//!
//! `domain` and `sandbox` use nothing of ours; `clock`, `store`, `report`, `metrics` and `callback` use domain;
//! `config` uses domain and callback, and `intake` both; `timekeeper` uses clock and domain; `gateway` uses domain,
//! config, metrics, timekeeper; `delivery`, which speaks to the shop and never to the bank, uses config and domain;
//! `api` uses everything but gateway, delivery, report and daemon; `daemon` wires all; `cli` starts them, and only
//! `daemon` reaches the gateway and the shop. `simulation` runs the daemon against the sandbox in virtual time.
//! `progress` and `systemd` stand alone. `rusqlite` lives in `store` alone, `ring` there, in `callback`, `delivery` and
//! `sandbox`, `rustix` in `store`, `delivery` and `cli::core_dumps`, `reqwest` in `gateway` and `delivery`, `governor`
//! in `gateway`, `quick_xml` in `gateway` and `sandbox`, `axum` in `api` and `sandbox`, `tokio-cron-scheduler` in
//! `daemon::schedule`. A test reads the source and holds the house to it.
//!
//! Read [`domain`], [`store`], [`gateway`] and [`daemon`] in this order, and you know what it does; then [`config`],
//! [`intake`], [`callback`], [`delivery`], [`api`], [`report`] and [`cli`], what it shows; then [`sandbox`], the bank
//! of the tests, and [`simulation`]; and [`clock`], [`timekeeper`], [`metrics`], [`progress`] and [`systemd`], the
//! small things.

pub mod domain;
pub mod store;
pub mod gateway;
pub mod daemon;

pub mod callback;
pub mod delivery;
pub mod config;
pub mod intake;
pub mod api;
pub mod report;
pub mod cli;

pub mod sandbox;
pub mod simulation;

pub mod clock;
pub mod timekeeper;
pub mod metrics;
pub mod progress;
pub mod systemd;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
