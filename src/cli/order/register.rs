//! `order register`: an order that the bank is to hear of, from flags, a file, or both.
//!
//! Like every command it writes a row and cannot reach the bank; the daemon registers the order, and this waits for
//! that.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::super::desk::{Desk, operator};
use super::super::failure::Failure;
use super::super::output::{Output, remark};
use crate::domain::registration::journey::{Registration, State};
use crate::domain::registration::{Tree, differences};
use crate::domain::time::in_words;
use crate::intake;
use crate::store::{Intended, NewRegistration};

/// The longest file, in bytes: as long as the HTTP API takes.
const FILE_MAX: u64 = 256 * 1024;

/// How often the row is read while the daemon, another process, is at work on it.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The longest wait in seconds: by then the bank has answered, or it takes a person.
const WAIT_MAX: u32 = 600;

/// `reconciled order register`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Registering an order again with the same content gives the same order and form URL, so a script \
                        may repeat what it is not sure of. Everything the bank takes, a cart among it, can stand in a file; \
                        what is given here counts instead of what stands there."
)]
pub(in super::super) struct Register {
    /// A JSON object with the parameters, as POST /v1/registrations takes it; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The shop's number of the order
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    number: Option<String>,
    /// Its price in minor units: 10.50 is written 1050
    #[arg(long, value_name = "MINOR", allow_hyphen_values = true)]
    amount: Option<String>,
    /// Whose order; needed when there are several merchants
    #[arg(long, value_name = "NAME")]
    merchant: Option<String>,
    /// Its currency, such as RUB or 643; the merchant's otherwise
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Where the buyer goes after paying
    #[arg(long, value_name = "URL")]
    return_url: Option<String>,
    /// Where the buyer goes after a payment that failed
    #[arg(long, value_name = "URL")]
    fail_url: Option<String>,
    /// What the buyer reads
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The language of the payment page, such as ru
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// The buyer's e-mail
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The buyer's phone, such as +79123456789
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    phone: Option<String>,
    /// The buyer's id in the shop
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// How long the buyer may take, in seconds
    #[arg(long, value_name = "SECONDS")]
    session_timeout_secs: Option<String>,
    /// Until when the buyer may pay: 2026-11-20T14:03:05 in Moscow time, or with an offset
    #[arg(long, value_name = "TIME")]
    expiration_date: Option<String>,
    /// Hold the amount first, and take it later
    #[arg(long)]
    two_phase: bool,
    /// How long to wait for the daemon and the bank, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=i64::from(WAIT_MAX)))]
    wait: u32,
    /// Print the registration as one JSON object
    #[arg(long)]
    json: bool,
}

/// A registration as it stands.
#[derive(Serialize)]
struct Document<'a> {
    merchant: &'a str,
    order_number: &'a str,
    amount: i64,
    currency: String,
    state: &'static str,
    order_id: Option<&'a str>,
    form_url: Option<&'a str>,
    refusal_code: Option<i64>,
    note: Option<&'a str>,
    stuck_since: Option<String>,
}

impl<'a> From<&'a Registration> for Document<'a> {
    fn from(row: &'a Registration) -> Self {
        Self {
            merchant: row.merchant.as_str(),
            order_number: row.number.as_str(),
            amount: row.amount.minor(),
            currency: row.currency.to_string(),
            state: row.state.as_str(),
            order_id: row.order_id.as_ref().map(crate::domain::order::OrderId::as_str),
            form_url: row.form_url.as_deref(),
            refusal_code: row.refusal_code,
            note: row.note.as_deref(),
            stuck_since: row.stuck_since.map(|since| since.to_string()),
        }
    }
}

impl Register {
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open_or_create(config)?;
        let tree = self.tree()?;
        let (merchant, request) = intake::registration::check(&tree, &desk.config, desk.now).map_err(|refused| {
            let words: Vec<_> = refused.into_problems().iter().map(ToString::to_string).collect();
            Failure::Usage(format!("this cannot be registered: {}", words.join("\n       ")))
        })?;
        let new = NewRegistration { merchant: merchant.id.clone(), request };
        let number = new.request.number.clone();
        let row = match desk.store.intend_registration(new, operator(), desk.now).await? {
            Intended::New(row) | Intended::Again(row) => row,
            Intended::Other { registration, new } => return Err(other(&registration, &new)),
            Intended::Queued => {
                let words = format!(
                    "order {number} is queued, and was not registered through here; give this one its own number"
                );
                return Err(Failure::failed(words));
            }
            Intended::TooMany => {
                return Err(Failure::failed("too many registrations wait for the bank; try again in a while"));
            }
        };
        let row = self.settled(&desk, row).await?;
        if self.json {
            output.json(&Document::from(&row))?;
            return if row.state == State::Refused { Err(Failure::told()) } else { Ok(()) };
        }
        self.tell(&row, &desk, output).await
    }

    /// The row once it is settled, or as it is when the wait is over; without a daemon nothing is waited for.
    async fn settled(&self, desk: &Desk, mut row: Registration) -> Result<Registration, Failure> {
        let begun = tokio::time::Instant::now();
        let wait = Duration::from_secs(self.wait.into());
        while !row.state.is_settled() && begun.elapsed() < wait && desk.holder().is_some() {
            tokio::time::sleep(LOOK_EVERY).await;
            row = desk.store.registration(&row.merchant, row.number.as_str()).await?.unwrap_or(row);
        }
        Ok(row)
    }

    async fn tell(&self, row: &Registration, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let (number, merchant) = (&row.number, &row.merchant);
        match row.state {
            State::Registered => {
                output.line(format!("Order {number} of {merchant} is registered and queued."))?;
                if let Some(id) = &row.order_id {
                    output.line(format!("order id  {id}"))?;
                }
                match (&row.form_url, &row.note) {
                    (Some(url), _) => output.line(format!("form URL  {url}")),
                    (None, Some(note)) => output.line(format!("form URL  none: {note}")),
                    (None, None) => output.line("form URL  none"),
                }
            }
            State::Refused => {
                let why = row.note.as_deref().unwrap_or("the bank refused it");
                Err(Failure::failed(format!("order {number} is not registered: {why}")))
            }
            State::Intended | State::InDoubt => {
                output
                    .line(format!("Order {number} of {merchant} is written down; the bank's word is not here yet."))?;
                if let Some(note) = &row.note {
                    output.line(format!("so far    {note}"))?;
                }
                if row.stuck_since.is_some() {
                    let merchant = &row.merchant;
                    remark(&format!(
                        "The bank does not tell whether it has the order; see its console, then: reconciled registration settle {number} --merchant {merchant}"
                    ));
                } else if let Some(refusal) = desk.store.login_refusal(merchant).await? {
                    remark(&format!(
                        "The bank refuses the login of {merchant} ({}), so nothing is sent: see reconciled login show",
                        refusal.words
                    ));
                } else if desk.holder().is_none() {
                    remark("No daemon is at work on this database; the registration waits until one is started.");
                } else {
                    let waited = in_words(Duration::from_secs(self.wait.into()));
                    remark(&format!("Waited {waited}; give the same command again to hear more."));
                }
                Ok(())
            }
        }
    }

    /// The file's object, with the flags in place of what stands there.
    fn tree(&self) -> Result<Tree, Failure> {
        let mut entries = match self.file.as_deref() {
            None => Vec::new(),
            Some(file) => match Tree::from_json(&read(file)?) {
                Ok(Tree::Object(entries)) => entries,
                Ok(_) => return Err(no_object(file, "it holds something else")),
                Err(words) => return Err(no_object(file, &words)),
            },
        };
        let flags = [
            ("order_number", &self.number),
            ("amount", &self.amount),
            ("merchant", &self.merchant),
            ("currency", &self.currency),
            ("return_url", &self.return_url),
            ("fail_url", &self.fail_url),
            ("description", &self.description),
            ("language", &self.language),
            ("email", &self.email),
            ("phone", &self.phone),
            ("client_id", &self.client_id),
            ("session_timeout_secs", &self.session_timeout_secs),
            ("expiration_date", &self.expiration_date),
        ];
        let given = flags.into_iter().filter_map(|(name, flag)| Some((name, Tree::text(flag.as_deref()?))));
        let two_phase = self.two_phase.then_some(("two_phase", Tree::Truth(true)));
        for (name, value) in given.chain(two_phase) {
            entries.retain(|(known, _)| known != name);
            entries.push((name.to_owned(), value));
        }
        Ok(Tree::Object(entries))
    }
}

fn no_object(file: &Path, why: &str) -> Failure {
    let name = if file == Path::new("-") { "the standard input".into() } else { file.display().to_string() };
    Failure::Usage(format!(
        "{name} has to hold one JSON object, such as {{\"order_number\": \"A-1\", \"amount\": 1050, \"return_url\": \
         \"https://shop.example/\"}}: {why}"
    ))
}

fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| Failure::failed(format!("cannot read {}: {error}", path.display()));
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(FILE_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).map_err(unreadable)?.take(FILE_MAX + 1).read_to_string(&mut text)
    };
    read.map_err(unreadable)?;
    if text.len() as u64 > FILE_MAX {
        return Err(Failure::failed(format!("{} has more than {FILE_MAX} bytes", path.display())));
    }
    Ok(text)
}

fn other(known: &Registration, new: &Tree) -> Failure {
    let kept = known.document.as_deref().and_then(|text| Tree::from_json(text).ok());
    let fields = kept.map(|kept| differences(&kept, new)).unwrap_or_default();
    let differs = if fields.is_empty() {
        "what is not kept of it, such as who the buyer is".to_owned()
    } else {
        fields.join(", ")
    };
    let number = &known.number;
    Failure::failed(format!(
        "order {number} was handed in before and differs in {differs}; a number is registered once, so give this one its own"
    ))
}
