//! `report`: a business day's report, drawn when somebody asks for it.
//!
//! The same books, the same rules and the same files as the nightly report; only that the night's slot is not marked as
//! done, so the daemon draws its own all the same.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::desk::Desk;
use super::failure::Failure;
use super::output::{Output, Table, counted, remark};
use crate::config::MerchantConfig;
use crate::daemon::draw::draw;
use crate::domain::calendar::BusinessDay;
use crate::domain::money::for_people;
use crate::domain::order::MerchantId;
use crate::domain::reconciliation::{self, FindingKind, Report, Sum, TotalGroup};
use crate::domain::time::Timestamp;
use crate::report::{self, Written};

/// `reconciled report`.
#[derive(Debug, clap::Args)]
pub(super) struct Draw {
    /// Which business day, such as 2026-11-20; the latest that has ended otherwise
    #[arg(long, value_name = "DAY", value_parser = day)]
    day: Option<Date>,
    /// Of this merchant only
    #[arg(long, value_name = "NAME", value_parser = MerchantId::new)]
    merchant: Option<MerchantId>,
    /// Write the files below this directory; `reports` of the configuration otherwise
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the report as one JSON object; files are written only when --out is given
    #[arg(long)]
    json: bool,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "write the day like 2026-11-20".to_owned())
}

impl Draw {
    /// Draws the report, or every merchant's.
    pub(super) async fn run(self, config: &Path, output: &Output) -> Result<(), Failure> {
        let desk = Desk::open(config)?;
        if self.json {
            return self.print(&desk, output).await;
        }
        let merchants: Vec<&MerchantConfig> = match &self.merchant {
            Some(id) => vec![desk.merchant(id)?],
            None => desk.config.merchants.iter().collect(),
        };
        let directory = self.out.as_ref().unwrap_or(&desk.config.reports);
        for (position, merchant) in merchants.into_iter().enumerate() {
            let report = self.draw(&desk, merchant).await?;
            let written = write(&report, directory)?;
            let gap = if position == 0 { "" } else { "\n" };
            output.heading(format!("{gap}Report of {} for {}", report.merchant, report.day.date))?;
            output.table(summary(&report, &written))?;
        }
        Ok(())
    }

    /// The same document as the file's.
    async fn print(&self, desk: &Desk, output: &Output) -> Result<(), Failure> {
        let report = self.draw(desk, desk.merchant_or_only(self.merchant.as_ref())?).await?;
        if let Some(directory) = &self.out {
            write(&report, directory)?;
        }
        let text = report::json(&report).map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
        output.write(&text)
    }

    async fn draw(&self, desk: &Desk, merchant: &MerchantConfig) -> Result<Report, Failure> {
        let day = self.business_day(merchant, desk.now)?;
        if day.until > desk.now {
            remark(&format!("The day ends at {}, so this is a part of it.", merchant.zone.for_people(day.until)));
        }
        Ok(draw(&desk.store, merchant, day, desk.now).await?)
    }

    fn business_day(&self, merchant: &MerchantConfig, now: Timestamp) -> Result<BusinessDay, Failure> {
        let (zone, cut_off) = (&merchant.zone, merchant.report.cut_off);
        let day = match self.day {
            Some(date) => BusinessDay::of_date(date, zone, cut_off),
            None => BusinessDay::last_ended(now, zone, cut_off),
        };
        match day {
            Ok(day) if day.from > now => {
                let from = zone.for_people(day.from);
                Err(Failure::Usage(format!("the business day {} begins at {from}, which is yet to come", day.date)))
            }
            Ok(day) => Ok(day),
            Err(error) => Err(Failure::Usage(format!("there is no such business day: {error}"))),
        }
    }
}

fn write(report: &Report, directory: &Path) -> Result<Written, Failure> {
    report::write(report, directory).map_err(|error| Failure::failed(error.to_string()))
}

fn summary(report: &Report, written: &Written) -> Table {
    let mut facts = Table::facts();
    for group in TotalGroup::ALL {
        let sums = reconciliation::sums(&report.totals(group));
        let words: Vec<_> = sums.iter().map(sum).collect();
        facts.fact(group.as_str(), if words.is_empty() { "nothing".to_owned() } else { words.join("; ") });
    }
    facts.fact("findings", findings(report));
    facts.fact("for a person", counted(report.orders_for_a_person(), "order"));
    facts.fact("page", written.html.display());
    facts.fact("lines", written.csv.display());
    facts.fact("totals", written.totals_csv.display());
    facts.fact("document", written.json.display());
    facts
}

fn sum(sum: &Sum) -> String {
    let people =
        |minor: Option<i64>| minor.map_or("too much to add up".to_owned(), |minor| for_people(minor, sum.currency));
    let refunded = match sum.refunded_minor {
        Some(0) => String::new(),
        refunded => format!(", refunded {}", people(refunded)),
    };
    let orders = counted(sum.count, "order");
    format!("{orders}, {}, deposited {}{refunded}", people(sum.amount_minor), people(sum.deposited_minor))
}

fn findings(report: &Report) -> String {
    let count = |kind: FindingKind| (report.findings_of(kind).count(), kind);
    let counts = FindingKind::ALL.map(count).into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<_> = counts.map(|(count, kind)| format!("{count} {}", kind.as_str().replace('_', " "))).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
