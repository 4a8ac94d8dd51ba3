//! `status`: one screen that says whether all is well, what needs a person first.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::desk::Desk;
use super::failure::Failure;
use super::login::{self, RefusalDocument};
use super::money::{self, StopDocument};
use super::output::{self, Output, Table, Tint, cell, state_cell, tinted};
use super::webhook::{self, EndpointDocument};
use crate::config::MerchantConfig;
use crate::domain::guard::Stop;
use crate::domain::login::LoginRefusal;
use crate::domain::operation::OperationState;
use crate::domain::order::{MerchantId, State};
use crate::domain::polling::{Standing, StoredCallbacks};
use crate::domain::time::{Timestamp, in_words};
use crate::store::{EndpointFigures, Figures, Freeze, Group, Incident, Pace};

/// `reconciled status`.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A merchant and its figures.
struct Counted<'a> {
    merchant: &'a MerchantConfig,
    figures: Figures,
    /// Requests of the last 24 hours, where a quota counts them.
    requests: u64,
    pace: Option<Pace>,
    /// What the bank's callbacks are taken for; `None` where none are taken.
    callbacks: Option<StoredCallbacks>,
    /// The endpoints of its shop's that the configuration names.
    endpoints: Vec<EndpointFigures>,
}

impl Status {
    pub(super) async fn run(&self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        let mut counted = Vec::new();
        let all = desk.store.endpoint_figures().await?;
        for merchant in &desk.config.merchants {
            let figures = desk.store.figures(&merchant.id, desk.now, &merchant.holds.warn_at).await?;
            let requests = desk.store.requests_of_the_day(&merchant.id, desk.now).await?;
            let pace = desk.store.pace(&merchant.id).await?.filter(|_| desk.holder().is_some());
            let callbacks = desk.store.callbacks(&merchant.id).await?.filter(|_| merchant.callbacks.is_some());
            let is_named = |found: &&EndpointFigures| {
                merchant.webhooks.iter().any(|webhook| found.is(&merchant.id, &webhook.name))
            };
            let endpoints = all.iter().filter(is_named).cloned().collect();
            counted.push(Counted { merchant, figures, requests, pace, callbacks, endpoints });
        }
        let stops = desk.store.money_stops().await?;
        let refusals = desk.store.login_refusals().await?;
        // What was noted by a daemon that is no longer at work says nothing of now.
        let incidents = if desk.holder().is_some() { desk.store.incidents().await? } else { Vec::new() };
        let open = desk.store.open_orders().await?;
        let is_unserved = |(merchant, _): &(MerchantId, u64)| desk.config.merchant(merchant).is_none();
        let unserved: Vec<_> = open.into_iter().filter(is_unserved).collect();
        let freeze = desk.store.freeze().await?;
        if self.json {
            let known = Known { stops: &stops, refusals: &refusals, incidents: &incidents, freeze: freeze.as_ref() };
            return output.json(&Document::of(&desk, &counted, &unserved, &known));
        }
        output.table(whole(&desk, freeze.as_ref()))?;
        if !stops.is_empty() {
            output.heading("\nMONEY IS STOPPED")?;
            output.table(money::stopped(&stops, desk.now))?;
            output.line("  `reconciled money start`, with the stop's --merchant and --order, lets it go again, once it is known what was wrong.")?;
        }
        if !refusals.is_empty() {
            output.heading("\nTHE BANK REFUSES A LOGIN")?;
            output.table(login::refused(&refusals, desk.now))?;
            output.line("  Nothing is asked or sent with it. Change the credentials and reload, or, once the bank lets it in: `reconciled login resume`.")?;
        }
        if !incidents.is_empty() {
            output.heading("\nA BANK TELLS NOTHING")?;
            output.table(dark(&incidents, desk.now))?;
            output.line("  It is asked now and then whether it answers again; what is due stays due.")?;
        }
        output.heading("\nNeeds a person")?;
        output.table(for_a_person(&counted, &unserved, freeze.as_ref(), desk.now))?;
        for counted in &counted {
            output.heading(format!("\nMerchant {}", counted.merchant.id))?;
            output.table(states(&counted.figures, desk.now))?;
            output.table(rest(counted, desk.now))?;
        }
        Ok(())
    }
}

fn whole(desk: &Desk, freeze: Option<&Freeze>) -> Table {
    let mut facts = Table::facts();
    let daemon = match desk.holder() {
        Some(holder) => tinted(format!("at work: {holder}"), Tint::Good),
        None => tinted("not at work: no order is looked at and no hold completed until it is started", Tint::Bad),
    };
    facts.row(vec![tinted("daemon", Tint::Faint), daemon]);
    facts.fact("database", desk.store.path().display());
    if let Some(freeze) = freeze {
        let since = freeze.since.map(|since| format!(" for {}", in_words(desk.now.since(since)))).unwrap_or_default();
        let words = format!("frozen{since}, nothing is sent: {}", freeze.why);
        facts.row(vec![tinted("money", Tint::Faint), tinted(words, Tint::Bad)]);
    }
    facts
}

fn dark(incidents: &[Incident], now: Timestamp) -> Table {
    let mut table = Table::facts();
    for Incident { merchant, since, class, words } in incidents {
        let matter = tinted(format!("{} ({words})", class.in_words()), Tint::Bad);
        table.row(vec![cell(merchant), matter, cell(format!("for {}", in_words(now.since(*since))))]);
    }
    table
}

fn for_a_person(
    counted: &[Counted<'_>],
    unserved: &[(MerchantId, u64)],
    freeze: Option<&Freeze>,
    now: Timestamp,
) -> Table {
    let mut table = Table::facts();
    if freeze.is_some() {
        let remedy = "stop the daemon, then: reconciled adopt --dry-run";
        table.row(vec![cell("database"), tinted("money is frozen", Tint::Bad), cell(remedy)]);
    }
    for (merchant, count) in unserved {
        let words = format!("{} that nobody looks at", output::counted(*count, "open order"));
        let remedy = "the configuration does not name it; put its [[merchant]] table back";
        table.row(vec![cell(merchant), tinted(words, Tint::Bad), cell(remedy)]);
    }
    for Counted { merchant, figures, pace, callbacks, endpoints, .. } in counted {
        let mut line = |tint, words: String, remedy: &str| {
            table.row(vec![cell(&merchant.id), tinted(words, tint), cell(remedy)]);
        };
        let (review, doubt) = (figures.orders_in(State::Review), figures.operations_in(OperationState::InDoubt));
        if review.count > 0 {
            line(Tint::Bad, format!("{} in review{}", review.count, age(review, now)), "reconciled review list");
        }
        if doubt.count > 0 {
            line(Tint::Warning, format!("{} in doubt{}", doubt.count, age(doubt, now)), "the bank is asked on");
        }
        if figures.stuck_registrations.count > 0 {
            let stuck = figures.stuck_registrations;
            let words = format!("{} stuck{}", output::counted(stuck.count, "registration"), age(stuck, now));
            line(Tint::Bad, words, "reconciled registration list");
        }
        if figures.at_risk() > 0 {
            let next = figures.next_lapse.map(|at| lapse(at, now)).unwrap_or_default();
            let words = format!("{} at risk, the next {next}", output::counted(figures.at_risk(), "hold"));
            line(Tint::Bad, words, "reconciled order list --state held");
        }
        if figures.autocompletion_conflicts > 0 {
            let holds = output::counted(figures.autocompletion_conflicts, "hold");
            let words = format!("{holds} the bank would complete by itself, against our plan");
            line(Tint::Bad, words, "reconciled order why NUMBER tells when");
        }
        if let Some(pace) = pace {
            let since = in_words(now.since(pace.since));
            if pace.is_used_up {
                let words = format!("daily quota used up but for what is kept for money, for {since}");
                line(Tint::Warning, words, "looks wait; raise budget.daily if the bank allows more");
            }
            if pace.borne_per_mille < 1_000 {
                let words = format!("bank bears {} % of the budget, for {since}", pace.borne_per_mille / 10);
                line(Tint::Warning, words, "it answered 429 or 503; the rate climbs back by itself");
            }
        }
        if let Some(callbacks) = callbacks.as_ref().filter(|callbacks| callbacks.standing == Standing::Stopped) {
            let words = format!("callbacks have stopped, for {}", in_words(now.since(callbacks.since)));
            line(Tint::Bad, words, "see whether the bank sends them, and what refuses them; looks do without");
        }
        for (tint, words, remedy) in endpoints.iter().flat_map(|endpoint| untaken(endpoint, now)) {
            line(tint, words, remedy);
        }
        if figures.unanswered > 0 {
            let words = format!("{} without a useful answer", output::counted(figures.unanswered, "order"));
            line(Tint::Warning, words, "reconciled order why NUMBER tells what the bank said");
        }
    }
    if table.is_empty() {
        table.row(vec![tinted("nothing", Tint::Good)]);
    }
    table
}

/// What is wrong with an endpoint of the shop's.
fn untaken(endpoint: &EndpointFigures, now: Timestamp) -> Vec<(Tint, String, &'static str)> {
    let (name, mut lines) = (&endpoint.name, Vec::new());
    if let Some(disabled) = &endpoint.disabled {
        let words = format!("endpoint {name} wants no more, for {}", in_words(now.since(disabled.at)));
        lines.push((Tint::Bad, words, "reconciled webhook enable NAME, once the shop takes events again"));
    } else if let Some(since) = endpoint.down_since {
        let words = format!("endpoint {name} takes nothing, for {}", in_words(now.since(since)));
        lines.push((Tint::Bad, words, "reconciled webhook list tells what it says"));
    }
    if endpoint.given_up.count > 0 {
        let words = format!("{} given up for endpoint {name}", output::counted(endpoint.given_up.count, "event"));
        lines.push((Tint::Bad, words, "reconciled webhook replay NAME --given-up"));
    }
    lines
}

fn age(group: Group, now: Timestamp) -> String {
    group.oldest.map(|since| format!(", the oldest for {}", in_words(now.since(since)))).unwrap_or_default()
}

fn lapse(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("lapses in {}", in_words(at.since(now)))
    } else {
        format!("lapsed {} ago", in_words(now.since(at)))
    }
}

/// Open states always, ends where there are any.
fn states(figures: &Figures, now: Timestamp) -> Table {
    let mut table = Table::facts().align_right(&[1]);
    for state in State::ALL {
        let group = figures.orders_in(state);
        if group.count == 0 && state.is_end() {
            continue;
        }
        let oldest = group.oldest.map(|since| format!("oldest for {}", in_words(now.since(since)))).unwrap_or_default();
        table.row(vec![state_cell(state), cell(group.count), tinted(oldest, Tint::Faint)]);
    }
    table
}

fn rest(counted: &Counted<'_>, now: Timestamp) -> Table {
    let Counted { merchant, figures, requests, callbacks, endpoints, .. } = counted;
    let mut facts = Table::facts();
    facts.fact("looks due", due(figures.overdue_looks, now));
    facts.fact("completions and deadlines due", due(figures.overdue_completions, now));
    facts.fact("next lapse", figures.next_lapse.map_or("none".to_owned(), |at| lapse(at, now)));
    facts.fact("registrations open", due(figures.registrations, now));
    facts.fact("parked", figures.parked);
    if let Some(daily) = merchant.budget.daily {
        facts.fact("requests in 24 hours", format!("{requests} of {daily}"));
    }
    if let Some(callbacks) = callbacks {
        facts
            .fact("callbacks", format!("{} for {}", callbacks.standing.as_str(), in_words(now.since(callbacks.since))));
    }
    if !endpoints.is_empty() {
        facts.fact("webhooks", webhook::waiting(endpoints, now));
    }
    let last = figures.last_report_at.map_or("none yet".to_owned(), |at| merchant.zone.for_people(at));
    let next = merchant.report.at.next_after(&merchant.zone, now);
    let next = next.map_or("never".to_owned(), |at| merchant.zone.for_people(at));
    facts.fact("last report", format!("{last}, next {next}"));
    facts
}

fn due(group: Group, now: Timestamp) -> String {
    match group.oldest {
        Some(since) => format!("{}, the oldest for {}", group.count, in_words(now.since(since))),
        None => "none".to_owned(),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    at: String,
    /// Who is at work; null when nobody is.
    daemon: Option<String>,
    database: String,
    /// Why no money moves; null while it may.
    money_frozen: Option<FreezeDocument<'a>>,
    /// Open orders by merchant that the configuration does not name; nobody looks at them.
    unserved: BTreeMap<&'a str, u64>,
    /// What does not move because a person, or the brake, stopped it.
    money_stops: Vec<StopDocument<'a>>,
    logins_refused: Vec<RefusalDocument<'a>>,
    /// Banks that tell nothing, while a daemon is at work.
    gateway_incidents: Vec<IncidentDocument<'a>>,
    merchants: Vec<MerchantDocument<'a>>,
}

/// What a document of `status` is made of besides the merchants' figures.
struct Known<'a> {
    stops: &'a [Stop],
    refusals: &'a [LoginRefusal],
    incidents: &'a [Incident],
    freeze: Option<&'a Freeze>,
}

#[derive(Serialize)]
struct IncidentDocument<'a> {
    merchant: &'a str,
    since: String,
    class: &'static str,
    words: &'a str,
}

impl<'a> From<&'a Incident> for IncidentDocument<'a> {
    fn from(incident: &'a Incident) -> Self {
        let Incident { merchant, since, class, words } = incident;
        Self { merchant: merchant.as_str(), since: since.to_string(), class: class.as_str(), words }
    }
}

/// Why no money moves at all, for `status` and for `money show`.
#[derive(Serialize)]
pub(super) struct FreezeDocument<'a> {
    since: Option<String>,
    why: &'a str,
}

impl<'a> From<&'a Freeze> for FreezeDocument<'a> {
    fn from(freeze: &'a Freeze) -> Self {
        Self { since: freeze.since.map(|since| since.to_string()), why: &freeze.why }
    }
}

#[derive(Serialize)]
struct MerchantDocument<'a> {
    name: &'a str,
    /// Every state, zeros included.
    orders: Vec<StateDocument>,
    looks_due: GroupDocument,
    completions_due: GroupDocument,
    completions_in_doubt: GroupDocument,
    holds_at_risk: u64,
    autocompletion_conflicts: u64,
    next_lapse_at: Option<String>,
    registrations_open: GroupDocument,
    /// Those of them that a person has to settle.
    registrations_stuck: GroupDocument,
    parked: u64,
    unanswered: u64,
    /// The daily quota of requests and what is counted of it; null without one.
    daily_quota: Option<QuotaDocument>,
    /// Since when the bank bears less than the budget, and how much of it; null while it bears the whole.
    throttled: Option<ThrottledDocument>,
    /// What the bank's callbacks are taken for: unproven, trusted, doubted or stopped; null where none are taken.
    callbacks: Option<CallbacksDocument>,
    /// The endpoints of its shop's.
    webhooks: Vec<EndpointDocument<'a>>,
    last_report_at: Option<String>,
}

#[derive(Serialize)]
struct QuotaDocument {
    requests: u32,
    sent: u64,
    is_used_up: bool,
}

#[derive(Serialize)]
struct ThrottledDocument {
    since: String,
    borne_per_mille: u32,
}

#[derive(Serialize)]
struct CallbacksDocument {
    standing: &'static str,
    since: String,
}

#[derive(Serialize)]
struct StateDocument {
    state: &'static str,
    #[serde(flatten)]
    group: GroupDocument,
}

#[derive(Serialize)]
struct GroupDocument {
    count: u64,
    oldest_since: Option<String>,
}

impl From<Group> for GroupDocument {
    fn from(group: Group) -> Self {
        Self { count: group.count, oldest_since: group.oldest.map(|at| at.to_string()) }
    }
}

impl<'a> Document<'a> {
    fn of(desk: &Desk, counted: &'a [Counted<'a>], unserved: &'a [(MerchantId, u64)], known: &Known<'a>) -> Self {
        Self {
            at: desk.now.to_string(),
            daemon: desk.holder(),
            database: desk.store.path().display().to_string(),
            money_frozen: known.freeze.map(FreezeDocument::from),
            unserved: unserved.iter().map(|(merchant, count)| (merchant.as_str(), *count)).collect(),
            money_stops: known.stops.iter().map(StopDocument::from).collect(),
            logins_refused: known.refusals.iter().map(RefusalDocument::from).collect(),
            gateway_incidents: known.incidents.iter().map(IncidentDocument::from).collect(),
            merchants: counted.iter().map(MerchantDocument::from).collect(),
        }
    }
}

impl<'a> From<&'a Counted<'a>> for MerchantDocument<'a> {
    fn from(Counted { merchant, figures, requests, pace, callbacks, endpoints }: &'a Counted<'a>) -> Self {
        let is_used_up = pace.is_some_and(|pace| pace.is_used_up);
        let throttled = pace.filter(|pace| pace.borne_per_mille < 1_000);
        let of = |state| StateDocument { state: State::as_str(state), group: figures.orders_in(state).into() };
        Self {
            name: merchant.id.as_str(),
            orders: State::ALL.into_iter().map(of).collect(),
            looks_due: figures.overdue_looks.into(),
            completions_due: figures.overdue_completions.into(),
            completions_in_doubt: figures.operations_in(OperationState::InDoubt).into(),
            holds_at_risk: figures.at_risk(),
            autocompletion_conflicts: figures.autocompletion_conflicts,
            next_lapse_at: figures.next_lapse.map(|at| at.to_string()),
            registrations_open: figures.registrations.into(),
            registrations_stuck: figures.stuck_registrations.into(),
            parked: figures.parked,
            unanswered: figures.unanswered,
            daily_quota: merchant.budget.daily.map(|daily| QuotaDocument {
                requests: daily.get(),
                sent: *requests,
                is_used_up,
            }),
            throttled: throttled
                .map(|pace| ThrottledDocument { since: pace.since.to_string(), borne_per_mille: pace.borne_per_mille }),
            callbacks: callbacks.as_ref().map(|StoredCallbacks { standing, since, .. }| CallbacksDocument {
                standing: standing.as_str(),
                since: since.to_string(),
            }),
            webhooks: endpoints.iter().map(EndpointDocument::of).collect(),
            last_report_at: figures.last_report_at.map(|at| at.to_string()),
        }
    }
}
