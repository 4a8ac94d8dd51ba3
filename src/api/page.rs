//! The page: whether all is well, at a glance, for whoever opens the address in a browser.
//!
//! It is read as `/metrics` is, without a token: it shows and does nothing. No script runs in it, and it fetches
//! nothing but its style from here, which its policy holds the browser to. What it says is prepared here as plain
//! words; the template arranges them and escapes all of them.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse};

use super::problem::Problem;
use super::{Api, Context};
use crate::config::MerchantConfig;
use crate::domain::calendar::Zone;
use crate::domain::guard::{self, Stop};
use crate::domain::login::LoginRefusal;
use crate::domain::money::for_people;
use crate::domain::operation::OperationState;
use crate::domain::order::{MerchantId, Order, State as OrderState};
use crate::domain::review::advice::{at_stake, by_urgency, lapses_at};
use crate::domain::time::{Timestamp, in_words};
use crate::progress::Stalled;
use crate::store::{Figures, Freeze, Group, Incident, LatestAnswer, ListFilter, OrderWithOperation, StoreError};

/// Reviews shown of a merchant: what a person reads at a glance; `review list` has all.
const REVIEWS_SHOWN: usize = 20;

/// Reviews read of a merchant, the store's own limit; the most urgent of them are shown.
const REVIEWS_READ: u32 = 1_000;

/// How long ago an order may have come to its end for its answer to count as the bank's latest.
const OF_LATE: Duration = Duration::from_secs(24 * 60 * 60);

/// Answers in a row, or orders, that tell nothing before it is worth a red word; fewer are the weather of every
/// network.
const WORTH_A_WORD: u64 = 5;

/// Nothing from anywhere but the style from here; nobody frames it, and no form leaves it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("templates/page.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    at: String,
    banners: Vec<Banner>,
    merchants: Vec<Merchant>,
}

/// What stands in red above all else.
struct Banner {
    words: String,
    remedy: String,
    /// What is to be typed, behind the remedy.
    command: Option<String>,
}

impl Banner {
    const fn plain(words: String, remedy: String) -> Self {
        Self { words, remedy, command: None }
    }
}

struct Merchant {
    name: String,
    states: Vec<Counted>,
    facts: Vec<Fact>,
    reviews: Vec<Review>,
    reviews_in_all: u64,
}

/// Orders of one state, or completions.
struct Counted {
    name: &'static str,
    count: u64,
    oldest: String,
    tint: &'static str,
}

struct Fact {
    name: &'static str,
    words: String,
    tint: &'static str,
}

struct Review {
    number: String,
    sentence: String,
    since: String,
    at_stake: String,
    lapses: Option<String>,
}

/// `GET /`, one at a time, beside the scrapes.
pub(super) async fn page(State(shared): Context) -> Result<impl IntoResponse, Problem> {
    let _alone = shared.scrape.lock().await;
    let api = &shared.api;
    let config = shared.config();
    let page = read(api, &config.merchants).await.map_err(|error| Problem::of_store(&error, &api.metrics))?;
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "The page could not be written out");
        Problem::unavailable("the page could not be written out; the daemon's log says why")
    })?;
    Ok((headers(), Html(text)))
}

/// `GET /page.css`.
pub(super) async fn style() -> impl IntoResponse {
    (headers(), [(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

fn headers() -> [(HeaderName, &'static str); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

async fn read(api: &Api, merchants: &[MerchantConfig]) -> Result<Page, StoreError> {
    let now = api.clock.now();
    let mut page = Page { at: String::new(), banners: stalled(&api.progress.stalled()), merchants: Vec::new() };
    page.banners.extend(api.store.freeze().await?.as_ref().map(frozen));
    let local_time = |at: Timestamp| merchants.first().map_or_else(|| at.to_string(), |first| local(&first.zone, at));
    let stops = api.store.money_stops().await?;
    page.banners.extend(stops.iter().map(|stop| stopped(stop, &local_time(stop.since))));
    for refusal in api.store.login_refusals().await? {
        page.banners.push(login_refused(&refusal, &local_time(refusal.since)));
    }
    let incidents = api.store.incidents().await?;
    page.banners.extend(incidents.iter().map(|incident| dark(incident, &local_time(incident.since))));
    for (id, count) in api.store.open_orders().await? {
        if !merchants.iter().any(|merchant| merchant.id == id) {
            page.banners.push(unserved(&id, count));
        }
    }
    for merchant in merchants {
        let figures = api.store.figures(&merchant.id, now, &merchant.holds.warn_at).await?;
        let latest = api.store.latest_answer(&merchant.id, now.minus(OF_LATE)).await?;
        let filter = ListFilter {
            merchant: Some(merchant.id.clone()),
            state: Some(OrderState::Review),
            after: None,
            limit: REVIEWS_READ,
        };
        let reviews = api.store.list_orders(filter).await?;
        page.banners.extend(stuck(&merchant.id, figures.stuck_registrations, local_time));
        if !incidents.iter().any(|incident| incident.merchant == merchant.id) {
            page.banners.extend(silence(&merchant.id, &figures, latest.as_ref()));
        }
        page.merchants.push(of_merchant(merchant, &figures, latest.as_ref(), reviews, now));
    }
    page.at = local_time(now);
    Ok(page)
}

fn local(zone: &Zone, at: Timestamp) -> String {
    format!("{} ({})", zone.for_people(at), zone.name())
}

fn stalled(stalled: &[Stalled]) -> Vec<Banner> {
    let banner = |stalled: &Stalled| {
        let words = format!("{} has not come round for {}", stalled.worker, in_words(stalled.silent_for));
        Banner::plain(words, "The daemon's log says why; systemd restarts it.".to_owned())
    };
    stalled.iter().map(banner).collect()
}

fn frozen(freeze: &Freeze) -> Banner {
    Banner {
        words: format!("No money moves: {}", freeze.why),
        remedy: "Stop the daemon, and see what this says:".to_owned(),
        command: Some("reconciled adopt --dry-run".to_owned()),
    }
}

fn stopped(stop: &Stop, since: &str) -> Banner {
    let (scope, who) = (&stop.scope, guard::who(&stop.by));
    Banner {
        words: format!("Stopped: {scope}, by {who}: {}", stop.reason),
        remedy: format!("Since {since}. To let it go again, once it is known what was wrong:"),
        command: Some(format!("reconciled money start{} --reason …", scope.as_arguments())),
    }
}

fn login_refused(refusal: &LoginRefusal, since: &str) -> Banner {
    let LoginRefusal { merchant, words, .. } = refusal;
    Banner {
        words: format!("The bank refuses the login of {merchant}: {words}"),
        remedy: format!(
            "Since {since} nothing is asked or sent for it. Change the credentials and reload; or, once the bank lets it in:"
        ),
        command: Some(format!("reconciled login resume {merchant} --reason …")),
    }
}

fn dark(incident: &Incident, since: &str) -> Banner {
    let Incident { merchant, class, words, .. } = incident;
    Banner::plain(
        format!("The bank tells {merchant} nothing: {} ({words})", class.in_words()),
        format!("Since {since}. It is asked now and then whether it answers again; what is due stays due."),
    )
}

fn unserved(merchant: &MerchantId, count: u64) -> Banner {
    Banner::plain(
        format!("Nobody looks at {count} open orders of {merchant}"),
        "The configuration does not name it; put its [[merchant]] table back.".to_owned(),
    )
}

fn stuck(merchant: &MerchantId, stuck: Group, local_time: impl Fn(Timestamp) -> String) -> Option<Banner> {
    let since = stuck.oldest?;
    let count = stuck.count;
    let (noun, them) = if count == 1 { ("registration", "it") } else { ("registrations", "them") };
    Some(Banner {
        words: format!("{count} {noun} of {merchant}: the bank does not tell whether it has {them}"),
        remedy: format!("Since {}. See the bank's console, and settle what is listed:", local_time(since)),
        command: Some(format!("reconciled registration list --merchant {merchant}")),
    })
}

fn silence(merchant: &MerchantId, figures: &Figures, latest: Option<&LatestAnswer>) -> Option<Banner> {
    let latest = latest.filter(|latest| latest.told_nothing > 0)?;
    let is_weather = figures.unanswered < WORTH_A_WORD && u64::from(latest.told_nothing) < WORTH_A_WORD;
    (!is_weather).then(|| {
        Banner::plain(
            format!("The bank tells {merchant} nothing: {}", latest.heard.words),
            format!("Orders without a useful answer: {}. Each is asked about again.", figures.unanswered),
        )
    })
}

fn of_merchant(
    merchant: &MerchantConfig,
    figures: &Figures,
    latest: Option<&LatestAnswer>,
    mut reviews: Vec<OrderWithOperation>,
    now: Timestamp,
) -> Merchant {
    by_urgency(&mut reviews, |found| &found.order);
    let counted = |state| {
        let tint = match state {
            OrderState::Review => "bad",
            OrderState::Deposited => "good",
            _ if OrderState::is_end(state) => "faint",
            _ => "",
        };
        of_group(state.as_str(), figures.orders_in(state), tint, state.is_end(), now)
    };
    let mut states: Vec<Counted> = OrderState::ALL.into_iter().map(counted).collect();
    let doubt = figures.operations_in(OperationState::InDoubt);
    states.push(of_group("in doubt", doubt, "warning", false, now));
    Merchant {
        name: merchant.id.to_string(),
        states,
        facts: facts(merchant, figures, latest, now),
        reviews: reviews.iter().take(REVIEWS_SHOWN).map(|found| of_review(&found.order, now)).collect(),
        reviews_in_all: figures.orders_in(OrderState::Review).count,
    }
}

/// Ends grow old as they should, so their age says nothing.
fn of_group(name: &'static str, group: Group, tint: &'static str, is_end: bool, now: Timestamp) -> Counted {
    let oldest = group.oldest.filter(|_| !is_end).map(|since| format!("oldest {}", in_words(now.since(since))));
    Counted {
        name,
        count: group.count,
        oldest: oldest.unwrap_or_default(),
        tint: if group.count == 0 { "faint" } else { tint },
    }
}

fn facts(merchant: &MerchantConfig, figures: &Figures, latest: Option<&LatestAnswer>, now: Timestamp) -> Vec<Fact> {
    let zone = &merchant.zone;
    let late = |group: Group| match group.oldest {
        Some(since) => format!("{}, the oldest for {}", group.count, in_words(now.since(since))),
        None => "none".to_owned(),
    };
    let fact = |name, words, tint| Fact { name, words, tint };
    let next_lapse = figures.next_lapse.map_or("none stands".to_owned(), |at| {
        if at > now { format!("in {}, {}", in_words(at.since(now)), local(zone, at)) } else { "has lapsed".to_owned() }
    });
    let heard = latest.map_or("none yet".to_owned(), |latest| {
        format!("{} ago: {}", in_words(now.since(latest.heard.at)), latest.heard.words)
    });
    vec![
        fact("next hold to lapse", next_lapse, if figures.at_risk() > 0 { "bad" } else { "" }),
        fact(
            "the bank's last answer",
            heard,
            if latest.is_some_and(|latest| latest.told_nothing > 0) { "warning" } else { "" },
        ),
        fact("looks due", late(figures.overdue_looks), ""),
        fact("sends, deadlines due", late(figures.overdue_completions), ""),
        fact(
            "registrations open",
            late(figures.registrations),
            if figures.stuck_registrations.count > 0 { "bad" } else { "" },
        ),
        fact("parked", figures.parked.to_string(), ""),
        fact("last report", figures.last_report_at.map_or("none yet".to_owned(), |at| local(zone, at)), ""),
    ]
}

fn of_review(order: &Order, now: Timestamp) -> Review {
    let (minor, currency) = at_stake(order);
    let lapses = lapses_at(order).map(|at| {
        if at > now {
            format!("its hold lapses in {}", in_words(at.since(now)))
        } else {
            "its hold has lapsed".to_owned()
        }
    });
    Review {
        number: order.number.to_string(),
        sentence: order.review.as_ref().map_or_else(String::new, |review| review.sentence.clone()),
        since: in_words(now.since(order.state_since)),
        at_stake: for_people(minor, currency),
        lapses,
    }
}
