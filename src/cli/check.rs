//! `check`: what the configuration means, in words, or everything that is wrong with it at once.
//!
//! Reads the file and the secrets that this user may read; opens no database and no connection.

mod bank;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::failure::{Failure, complain};
use super::output::{Output, Table};
use crate::clock::Clock;
use crate::config::{
    Config, ConfigError, MerchantConfig, Problem, Reading, SealKeys, Target, WebhookConfig, as_written,
};
use crate::domain::bank::PaymentSystem;
use crate::domain::guard::GuardPolicy;
use crate::domain::holds::{AtDeadline, CompletionSchedule, HoldPolicy, level_word};
use crate::domain::money::for_people;
use crate::domain::polling::{LookPolicy, Pending, Tier};
use crate::domain::time::Timestamp;

/// `reconciled check`.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Says what the file at `path` means.
    pub(super) fn run(&self, path: &Path, output: &Output) -> Result<(), Failure> {
        let reading = reading();
        let now = Clock::host().now();
        match Config::load_partly(path, reading) {
            Ok(config) if self.json => output.json(&Document::sound(&config, now)),
            Ok(config) => explain(&config, reading, now, output),
            Err(error) if self.json => {
                output.json(&Document::wrong(path, &error))?;
                Err(Failure::told_of_config())
            }
            Err(error) => {
                complain(&error.to_string());
                Err(Failure::told_of_config())
            }
        }
    }
}

/// Credentials are systemd's to hand over. From a shell they are not there, and that is no mistake in the file.
fn reading() -> Reading {
    if std::env::var_os("CREDENTIALS_DIRECTORY").is_some() { Reading::Everything } else { Reading::NoCredentials }
}

fn explain(config: &Config, reading: Reading, now: Timestamp, output: &Output) -> Result<(), Failure> {
    output.heading(format!("{} is in order.", config.path.display()))?;
    let token = if config.api_token.is_some() {
        "with a token"
    } else {
        "without api_token, so that only tokens of `token add` let in"
    };
    let mut facts = Table::facts();
    facts.fact("database", config.database.display());
    facts.fact("reports", config.reports.display());
    facts.fact("listen", format!("{}, {token}", config.listen));
    facts.fact("rows", sealed_with(config));
    let beside = || "in a file beside the database, where a backup of the directory takes it along".to_owned();
    let witness = config.integrity.witness.as_ref().map_or_else(beside, |path| path.display().to_string());
    facts.fact("witness", witness);
    let answers = as_written(config.retention.answers);
    facts.fact("answers", format!("the bank's whole answers are kept for {answers} after an order's end"));
    facts.fact("a stop waits", format!("at most {}", as_written(config.shutdown_grace)));
    if reading == Reading::NoCredentials {
        facts.fact("credentials", "those of systemd were not looked at: it hands them to the daemon alone");
    }
    output.table(facts)?;
    for merchant in &config.merchants {
        output.heading(format!("\nMerchant {}", merchant.id))?;
        output.table(merchant_facts(merchant, now))?;
    }
    Ok(())
}

fn sealed_with(config: &Config) -> String {
    match &config.integrity.keys {
        SealKeys::Beside => "sealed with a key in a file beside the database".to_owned(),
        SealKeys::Given(keys) if keys.len() == 1 => "sealed with the configured key".to_owned(),
        SealKeys::Given(keys) => format!("sealed with the first of {} keys; all are accepted", keys.len()),
        SealKeys::Unread(why) => format!("sealed with a configured key ({why})"),
    }
}

fn merchant_facts(merchant: &MerchantConfig, now: Timestamp) -> Table {
    let zone = &merchant.zone;
    let mut facts = Table::facts();
    bank::facts(&mut facts, merchant);
    facts.fact("zone", format!("{}, where it is {} now", zone.name(), zone.for_people(now)));
    policies(&mut facts, merchant, now);
    bank::uses(&mut facts, merchant);
    facts
}

fn policies(facts: &mut Table, merchant: &MerchantConfig, now: Timestamp) {
    let MerchantConfig { looks, holds, report, zone, .. } = merchant;
    let next_report = report.at.next_after(zone, now).map_or("never".to_owned(), |at| zone.for_people(at));
    facts.fact(
        "orders",
        format!("in {}, numbers of up to {} characters", merchant.currency.alpha(), merchant.order_number_max),
    );
    facts.fact("pending orders", format!("looked at {}", tiers(looks)));
    facts.fact("payment time", format!("{} when the order does not say", as_written(looks.payment_time)));
    facts.fact("ended orders", late(looks));
    facts.fact("completions", schedule(merchant, now));
    facts.fact("in doubt", doubt(merchant));
    facts.fact("money", money(merchant));
    facts.fact("holds", lapse(holds));
    facts.fact("at the deadline", deadline(holds));
    if merchant.review.four_eyes {
        facts.fact("four eyes", "a way out of review after which money may move, and a release, takes two people");
    }
    for webhook in &merchant.webhooks {
        facts.fact("webhook", told(webhook));
    }
    facts.fact(
        "report",
        format!("at {:?}, next {next_report}; a day ends at {}", report.at.as_str(), report.cut_off.strftime("%H:%M")),
    );
}

fn told(webhook: &WebhookConfig) -> String {
    let WebhookConfig { name, target, filter, timeout, in_flight } = webhook;
    let kinds = match filter.kinds.len() {
        0 => "of every kind".to_owned(),
        kinds => format!("of {kinds} kinds"),
    };
    let keys = match target {
        Target::Address(address) if address.keys.len() > 1 => ", signed with two keys",
        Target::Address(_) => ", signed",
        Target::Command(_) => "",
    };
    let (place, timeout) = (webhook.whereabouts(), as_written(*timeout));
    format!("{name}: {place} is told events {kinds}{keys}, {in_flight} at once, for {timeout} each")
}

fn lapse(holds: &HoldPolicy) -> String {
    let of_system = |(system, lifetime): (&PaymentSystem, &Duration)| format!("{system} {}", as_written(*lifetime));
    let by_system: Vec<_> = holds.by_system.iter().map(of_system).collect();
    let by_system = if by_system.is_empty() { String::new() } else { format!(" ({})", by_system.join(", ")) };
    let levels: Vec<_> = holds.warn_at.iter().map(|level| level_word(*level)).collect();
    format!("lapse after {}{by_system}, at risk {} before", as_written(holds.lifetime), levels.join(", "))
}

fn deadline(holds: &HoldPolicy) -> String {
    let what = match holds.at_deadline {
        AtDeadline::Review => "goes to review",
        AtDeadline::Complete => "is completed",
        AtDeadline::Reverse => "is reversed",
    };
    format!("{} before its lapse, a hold that nothing completes in time {what}", as_written(holds.act_before))
}

fn tiers(looks: &LookPolicy) -> String {
    let tier = |tier: &Tier| format!("every {} until {} old, ", as_written(tier.every), as_written(tier.until_age));
    match &looks.pending {
        Pending::Learned => {
            format!("as this merchant's orders teach, at least every {}", as_written(looks.pending_old))
        }
        Pending::Tiers(tiers) => {
            let tiers: String = tiers.iter().map(tier).collect();
            format!("{tiers}then every {}", as_written(looks.pending_old))
        }
    }
}

fn late(looks: &LookPolicy) -> String {
    let ages: Vec<_> = looks.late.iter().copied().map(as_written).collect();
    if ages.is_empty() {
        return "not looked at again".to_owned();
    }
    format!("looked at once more after {}", ages.join(", "))
}

fn schedule(merchant: &MerchantConfig, now: Timestamp) -> String {
    match &merchant.completion.schedule {
        CompletionSchedule::OnRelease => "only once the shop or an operator releases the order".to_owned(),
        CompletionSchedule::After(delay) => format!("{} after the hold", as_written(*delay)),
        CompletionSchedule::Window(pattern) => {
            let next =
                pattern.next_after(&merchant.zone, now).map_or("never".to_owned(), |at| merchant.zone.for_people(at));
            format!("at {:?}, next {next}", pattern.as_str())
        }
    }
}

fn doubt(merchant: &MerchantConfig) -> String {
    let settle = &merchant.completion.settle;
    let quiet = as_written(settle.quiet);
    if settle.resend_whole {
        format!("whole completions are sent again after {quiet} without effect, {} times in all", settle.attempts_max)
    } else {
        format!("never sent again; left to a person after {quiet} without effect")
    }
}

fn money(merchant: &MerchantConfig) -> String {
    let GuardPolicy { in_doubt_max, daily_max_minor, brake } = &merchant.money;
    let sum = for_people(*daily_max_minor, merchant.currency);
    let brake = if *brake { "a contradiction stops it" } else { "no contradiction stops it" };
    format!("at most {in_doubt_max} in doubt, {sum} sent in 24 hours; {brake}")
}

#[derive(Serialize)]
struct Document<'a> {
    in_order: bool,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merchants: Vec<Merchant<'a>>,
    problems: Vec<ProblemDocument<'a>>,
}

#[derive(Serialize)]
struct Merchant<'a> {
    name: &'a str,
    gateway: &'a str,
    protocol: &'a str,
    completion_method: &'a str,
    /// How their checksums are made; null where none are taken.
    callbacks: Option<&'a str>,
    discovery: bool,
    /// The names of its endpoints.
    webhooks: Vec<&'a str>,
    zone: &'a str,
    next_report_at: Option<String>,
}

#[derive(Serialize)]
struct ProblemDocument<'a> {
    line: Option<usize>,
    key: &'a str,
    value: &'a str,
    remedy: String,
}

impl<'a> Document<'a> {
    fn sound(config: &'a Config, now: Timestamp) -> Self {
        let merchant = |merchant: &'a MerchantConfig| Merchant {
            name: merchant.id.as_str(),
            gateway: &merchant.gateway.url,
            protocol: merchant.gateway.protocol.as_str(),
            completion_method: merchant.gateway.completion_method.as_str(),
            callbacks: merchant.callbacks.as_ref().map(|taken| taken.key.scheme()),
            discovery: merchant.discovery_every.is_some(),
            webhooks: merchant.webhooks.iter().map(|webhook| webhook.name.as_str()).collect(),
            zone: merchant.zone.name(),
            next_report_at: merchant.report.at.next_after(&merchant.zone, now).map(|at| at.to_string()),
        };
        Self {
            in_order: true,
            file: config.path.display().to_string(),
            database: Some(config.database.display().to_string()),
            merchants: config.merchants.iter().map(merchant).collect(),
            problems: Vec::new(),
        }
    }

    /// A file that cannot be read, or is not TOML, has one problem: itself.
    fn wrong(path: &Path, error: &'a ConfigError) -> Self {
        let known = |problem: &'a Problem| ProblemDocument {
            line: problem.line,
            key: &problem.key,
            value: &problem.value,
            remedy: problem.remedy.clone(),
        };
        let mut problems: Vec<_> = error.problems().iter().map(known).collect();
        if problems.is_empty() {
            problems.push(ProblemDocument { line: None, key: "", value: "", remedy: error.to_string() });
        }
        Self { in_order: false, file: path.display().to_string(), database: None, merchants: Vec::new(), problems }
    }
}
