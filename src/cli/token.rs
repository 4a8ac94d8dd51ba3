//! `token add`, `list` and `revoke`: who may ask the HTTP face, and for what. What is written here is in force within a
//! second, without a restart.

use std::path::Path;

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde::Serialize;

use super::desk::{Desk, operator_name};
use super::failure::Failure;
use super::output::{Output, Table, Tint, cell, remark, tinted};
use crate::config::duration;
use crate::domain::order::NameError;
use crate::domain::time::{Timestamp, in_words};
use crate::domain::token::{Grant, Scope, TokenName};
use crate::store::{Granting, KnownToken, TOKENS_MAX};

/// What can be done about tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, this once
    #[command(
        after_help = "Scopes: orders:write hands in orders and has them registered; orders:read asks after orders, \
                            events and reviews; money releases, parks, reverses, refunds, declines and decides reviews; \
                            metrics scrapes where `metrics_want_token` is set."
    )]
    Add(Add),
    /// Show who may ask for what, since when and until when; never a token itself
    List(List),
    /// Take a token out of force
    Revoke(Revoke),
}

/// `reconciled token add`.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Who will show it: a-z, 0-9, _ and -
    #[arg(value_name = "NAME", value_parser = token_name)]
    name: TokenName,
    /// What it lets do; several with commas, or the option again
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = scope)]
    scopes: Vec<Scope>,
    /// When it runs out by itself: after 90d, or at 2027-11-20T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
}

/// `reconciled token list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// `reconciled token revoke`.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    /// Whose token
    #[arg(value_name = "NAME", value_parser = token_name)]
    name: TokenName,
}

fn token_name(text: &str) -> Result<TokenName, NameError> {
    TokenName::new(text)
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(text).ok_or_else(|| format!("there is no such scope; there are: {}", known()))
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(&Desk::open_or_create(config)?, output).await,
            Self::List(list) => list.run(&Desk::open(config)?, output).await,
            Self::Revoke(revoke) => revoke.run(&Desk::open(config)?, output).await,
        }
    }
}

impl Add {
    async fn run(mut self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        self.scopes.sort_unstable();
        self.scopes.dedup();
        let expires_at = self.expires.as_deref().map(|text| moment(text, desk.now)).transpose()?;
        let grant = Grant { name: self.name.clone(), scopes: self.scopes, expires_at };
        match desk.store.grant_token(grant, &operator_name(), desk.now).await? {
            Granting::Granted(token) => {
                remark("This is the only time it is shown; keep it where secrets are kept.");
                output.line(token.expose_secret())
            }
            Granting::NameTaken => {
                let name = self.name;
                Err(Failure::failed(format!("there is a token named {name}; revoke it first, or take another name")))
            }
            Granting::TooMany => {
                Err(Failure::failed(format!("there are {TOKENS_MAX} tokens already; revoke those that nobody uses")))
            }
        }
    }
}

/// A moment, or a time from now on.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let after = duration(text).map(|after| now.plus(after));
    let at = || text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp::from_millis(at.as_millisecond()));
    after.or_else(at).filter(|until| *until > now).ok_or_else(|| {
        Failure::Usage(
            "--expires: give a time from now on, such as 90d, or a moment to come: 2027-11-20T00:00:00Z".to_owned(),
        )
    })
}

impl List {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let tokens = desk.store.tokens().await?;
        if self.json {
            let tokens = tokens.iter().map(|known| TokenDocument::of(known, desk.now)).collect();
            return output.json(&Document { at: desk.now.to_string(), tokens });
        }
        output.heading("Tokens")?;
        output.table(listed(&tokens, desk.now))
    }
}

fn listed(tokens: &[KnownToken], now: Timestamp) -> Table {
    let mut table = Table::new(&["name", "scopes", "made", "runs out"]);
    for KnownToken { grant, created_at, created_by, .. } in tokens {
        let until = match grant.expires_at {
            None => cell("never"),
            Some(_) if !grant.is_in_force(now) => tinted("has run out", Tint::Bad),
            Some(until) => cell(until),
        };
        let made = format!("{} ago by {created_by}", in_words(now.since(*created_at)));
        table.row(vec![cell(&grant.name), cell(words(&grant.scopes)), cell(made), until]);
    }
    table
}

fn words(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

impl Revoke {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let name = self.name;
        match desk.store.revoke_token(&name, &operator_name(), desk.now).await? {
            Some(_) => output.line(format!("The token {name} lets nobody in any more, within a second.")),
            None => Err(Failure::failed(format!("there is no token named {name}; `reconciled token list` shows all"))),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    at: String,
    tokens: Vec<TokenDocument<'a>>,
}

#[derive(Serialize)]
struct TokenDocument<'a> {
    name: &'a str,
    scopes: Vec<&'static str>,
    created_at: String,
    created_by: &'a str,
    expires_at: Option<String>,
    in_force: bool,
}

impl<'a> TokenDocument<'a> {
    fn of(known: &'a KnownToken, now: Timestamp) -> Self {
        Self {
            name: known.grant.name.as_str(),
            scopes: known.grant.scopes.iter().map(|scope| scope.as_str()).collect(),
            created_at: known.created_at.to_string(),
            created_by: &known.created_by,
            expires_at: known.grant.expires_at.map(|until| until.to_string()),
            in_force: known.grant.is_in_force(now),
        }
    }
}
