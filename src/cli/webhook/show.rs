//! How the shops' endpoints stand, for people and for scripts.

use serde::Serialize;

use super::merchant_id;
use crate::cli::desk::Desk;
use crate::cli::failure::Failure;
use crate::cli::output::{Cell, Output, Table, Tint, cell, counted, tinted};
use crate::config::{MerchantConfig, WebhookConfig};
use crate::domain::order::MerchantId;
use crate::domain::time::{Timestamp, in_words};
use crate::store::{EndpointFigures, GivenUp, Group};

/// Events listed that were given up, the latest; the rest is a count.
const GIVEN_UP_SHOWN: usize = 20;

/// `reconciled webhook list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// Whose; without it, everybody's
    #[arg(long, value_name = "NAME", value_parser = merchant_id)]
    merchant: Option<MerchantId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// An endpoint of the configuration, and what the database knows of it.
struct Listed<'a> {
    merchant: &'a MerchantConfig,
    webhook: &'a WebhookConfig,
    figures: Option<EndpointFigures>,
    given_up: Vec<GivenUp>,
}

impl List {
    pub(super) async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        if let Some(merchant) = &self.merchant {
            desk.merchant(merchant)?;
        }
        let mut all = Vec::new();
        let figures = desk.store.endpoint_figures().await?;
        for merchant in &desk.config.merchants {
            if self.merchant.as_ref().is_some_and(|id| *id != merchant.id) {
                continue;
            }
            for webhook in &merchant.webhooks {
                let figures = figures.iter().find(|found| found.is(&merchant.id, &webhook.name)).cloned();
                let given_up = match &figures {
                    Some(figures) => desk.store.given_up(figures.key, GIVEN_UP_SHOWN).await?,
                    None => Vec::new(),
                };
                all.push(Listed { merchant, webhook, figures, given_up });
            }
        }
        if self.json {
            let endpoints = all.iter().map(ListedDocument::of).collect();
            return output.json(&Document { at: desk.now.to_string(), endpoints });
        }
        if all.is_empty() {
            return output
                .line("The configuration names no endpoint: see [[merchant.webhook]] in config/reconciled.toml.");
        }
        output.table(endpoints(&all, desk.now))?;
        for listed in all.iter().filter(|listed| !listed.given_up.is_empty()) {
            output.heading(format!("\nGiven up for {} of {}", listed.webhook.name, listed.merchant.id))?;
            output.table(given_up(listed, desk.now))?;
            output
                .line(format!("  `reconciled webhook replay {} --given-up` tells them again.", listed.webhook.name))?;
        }
        Ok(())
    }
}

fn endpoints(all: &[Listed<'_>], now: Timestamp) -> Table {
    let mut table =
        Table::new(&["MERCHANT", "ENDPOINT", "WHERE", "STANDS", "WAITING", "OLDEST", "GIVEN UP"]).align_right(&[4, 6]);
    for Listed { merchant, webhook, figures, .. } in all {
        let group = |of: fn(&EndpointFigures) -> Group| figures.as_ref().map(of).unwrap_or_default();
        let (backlog, given_up) = (group(|of| of.backlog), group(|of| of.given_up));
        table.row(vec![
            cell(&merchant.id),
            cell(&webhook.name),
            cell(webhook.whereabouts()),
            stands(figures.as_ref(), now),
            cell(backlog.count),
            cell(backlog.oldest.map(|since| in_words(now.since(since))).unwrap_or_default()),
            cell(given_up.count),
        ]);
    }
    table
}

fn stands(figures: Option<&EndpointFigures>, now: Timestamp) -> Cell {
    let Some(figures) = figures else {
        return tinted("not met yet", Tint::Faint);
    };
    if let Some(disabled) = &figures.disabled {
        let since = in_words(now.since(disabled.at));
        return tinted(format!("disabled for {since}: {}", disabled.words), Tint::Bad);
    }
    match (figures.down_since, &figures.words) {
        (Some(since), words) => {
            let words = words.as_deref().unwrap_or("takes nothing");
            tinted(format!("down for {}: {words}", in_words(now.since(since))), Tint::Bad)
        }
        (None, Some(words)) => tinted(format!("goes, and did not take one: {words}"), Tint::Warning),
        (None, None) => tinted("goes", Tint::Good),
    }
}

fn given_up(listed: &Listed<'_>, now: Timestamp) -> Table {
    let mut table = Table::facts();
    for GivenUp { event, at, failures, words } in &listed.given_up {
        table.row(vec![
            cell(format!("event {}", event.seq)),
            cell(&event.number),
            cell(event.kind.as_str()),
            cell(format!("{} ago, after {}", in_words(now.since(*at)), counted(*failures, "failure"))),
            cell(words.as_deref().unwrap_or_default()),
        ]);
    }
    let left = listed.figures.as_ref().map_or(0, |figures| figures.given_up.count).saturating_sub(table.len() as u64);
    if left > 0 {
        table.row(vec![tinted(format!("and {left} more"), Tint::Faint)]);
    }
    table
}

/// What a merchant's endpoints have not taken, in a line of `status`.
pub(in crate::cli) fn waiting(figures: &[EndpointFigures], now: Timestamp) -> String {
    let backlog: u64 = figures.iter().map(|figures| figures.backlog.count).sum();
    let endpoints = counted(figures.len() as u64, "endpoint");
    match figures.iter().filter_map(|figures| figures.backlog.oldest).min() {
        Some(oldest) if backlog > 0 => {
            format!(
                "{endpoints}, {} waiting, the oldest for {}",
                counted(backlog, "event"),
                in_words(now.since(oldest))
            )
        }
        _ => format!("{endpoints}, nothing waiting"),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    at: String,
    endpoints: Vec<ListedDocument<'a>>,
}

#[derive(Serialize)]
struct ListedDocument<'a> {
    merchant: &'a str,
    name: &'a str,
    r#where: String,
    /// What the database knows of it; null before the daemon has met it.
    #[serde(flatten)]
    figures: Option<EndpointDocument<'a>>,
    /// The latest of what was given up.
    given_up_events: Vec<GivenUpDocument<'a>>,
}

impl<'a> ListedDocument<'a> {
    fn of(listed: &'a Listed<'a>) -> Self {
        Self {
            merchant: listed.merchant.id.as_str(),
            name: listed.webhook.name.as_str(),
            r#where: listed.webhook.whereabouts(),
            figures: listed.figures.as_ref().map(EndpointDocument::of),
            given_up_events: listed.given_up.iter().map(GivenUpDocument::of).collect(),
        }
    }
}

/// How an endpoint stands, for `webhook list` and for `status`.
#[derive(Serialize)]
pub(in crate::cli) struct EndpointDocument<'a> {
    endpoint: &'a str,
    waiting: u64,
    oldest_at: Option<String>,
    given_up: u64,
    down_since: Option<String>,
    disabled_since: Option<String>,
    words: Option<&'a str>,
}

impl<'a> EndpointDocument<'a> {
    pub(in crate::cli) fn of(figures: &'a EndpointFigures) -> Self {
        let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        Self {
            endpoint: &figures.name,
            waiting: figures.backlog.count,
            oldest_at: text(figures.backlog.oldest),
            given_up: figures.given_up.count,
            down_since: text(figures.down_since),
            disabled_since: text(figures.disabled.as_ref().map(|disabled| disabled.at)),
            words: figures.words.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct GivenUpDocument<'a> {
    seq: i64,
    order_number: &'a str,
    kind: &'a str,
    given_up_at: String,
    tries: u32,
    words: Option<&'a str>,
}

impl<'a> GivenUpDocument<'a> {
    fn of(given_up: &'a GivenUp) -> Self {
        Self {
            seq: given_up.event.seq,
            order_number: given_up.event.number.as_str(),
            kind: given_up.event.kind.as_str(),
            given_up_at: given_up.at.to_string(),
            tries: given_up.failures,
            words: given_up.words.as_deref(),
        }
    }
}
