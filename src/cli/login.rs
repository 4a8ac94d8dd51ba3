//! `login show` and `login resume`: logins that a bank refuses, with which nothing is sent until their credentials are
//! others or a person says so here.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use super::desk::{self, Desk, operator};
use super::failure::Failure;
use super::output::{Output, Table, Tint, cell, remark, tinted};
use crate::domain::login::LoginRefusal;
use crate::domain::order::{MerchantId, NameError};
use crate::domain::time::{Timestamp, in_words};

/// What can be done about logins.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Use a refused login again, once it is known that the bank lets it in
    #[command(after_help = "Changed credentials need no such word: reload the configuration.")]
    Resume(Resume),
    /// Show which logins are refused, since when and in what words
    Show(Show),
}

/// `reconciled login resume`.
#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    /// Whose login
    #[arg(value_name = "MERCHANT", value_parser = merchant_id)]
    merchant: MerchantId,
    /// Why it is let in again, for whoever meets the next refusal
    #[arg(long, value_name = "TEXT", value_parser = desk::reason)]
    reason: String,
}

/// `reconciled login show`.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn merchant_id(text: &str) -> Result<MerchantId, NameError> {
    MerchantId::new(text)
}

impl Command {
    /// Does what was asked, with the configuration at `config`.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        match self {
            Self::Resume(resume) => resume.run(&desk, output).await,
            Self::Show(show) => show.run(&desk, output).await,
        }
    }
}

impl Resume {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let merchant = self.merchant;
        let lifted = desk.store.resume_login(&merchant, operator(), self.reason, desk.now).await?;
        let Some(lifted) = lifted else {
            desk.merchant(&merchant)?;
            return Err(Failure::failed(format!("nothing to resume: the login of {merchant} is not refused")));
        };
        let stood = in_words(desk.now.since(lifted.since));
        output.line(format!(
            "The login of {merchant} is used again, refused for {stood}: {}. What waited is due at once.",
            lifted.words
        ))?;
        if desk.holder().is_none() {
            remark("No daemon is at work on this database; nothing is sent until one is started.");
        }
        Ok(())
    }
}

impl Show {
    async fn run(self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let refusals = desk.store.login_refusals().await?;
        if self.json {
            return output.json(&Document {
                at: desk.now.to_string(),
                refused: refusals.iter().map(RefusalDocument::from).collect(),
            });
        }
        output.heading("Refused logins")?;
        output.table(refused(&refusals, desk.now))
    }
}

/// Every refusal in force, for `login show` and for `status`.
pub(super) fn refused(refusals: &[LoginRefusal], now: Timestamp) -> Table {
    let mut table = Table::facts();
    for refusal in refusals {
        table.row(vec![
            tinted(&refusal.merchant, Tint::Bad),
            cell(format!("for {}, since {}", in_words(now.since(refusal.since)), refusal.since)),
            cell(&refusal.words),
        ]);
    }
    if table.is_empty() {
        table.row(vec![tinted("none", Tint::Good)]);
    }
    table
}

/// As `GET /v1/logins` answers.
#[derive(Serialize)]
struct Document<'a> {
    at: String,
    refused: Vec<RefusalDocument<'a>>,
}

/// A refusal in force, for `login show` and for `status`.
#[derive(Serialize)]
pub(super) struct RefusalDocument<'a> {
    merchant: &'a str,
    since: String,
    request: &'a str,
    words: &'a str,
}

impl<'a> From<&'a LoginRefusal> for RefusalDocument<'a> {
    fn from(refusal: &'a LoginRefusal) -> Self {
        Self {
            merchant: refusal.merchant.as_str(),
            since: refusal.since.to_string(),
            request: &refusal.request,
            words: &refusal.words,
        }
    }
}
