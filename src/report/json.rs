//! One document for programs, versioned: `"schema": "reconciled.report/1"`.
//!
//! Domain types are not serialisable; the shapes below are this format's own, so that a change of the domain is not a
//! change of the format. A new member may appear within version 1; one that changes its meaning or goes makes it 2.
//! Amounts are whole minor units beside their currency, times are RFC 3339 in UTC and milliseconds since 1970, and
//! every member is always there, null when there is nothing to say. Texts are exact: a mark that cannot be seen is
//! written as JSON's own escape, which reads back as that mark.

use std::fmt::Write as _;

use serde::Serialize;

use super::text::escaped;
use crate::domain::guard;
use crate::domain::money::Currency;
use crate::domain::order::OrderId;
use crate::domain::reconciliation::{self, FindingKind, TotalGroup};
use crate::domain::time::Timestamp;

const SCHEMA: &str = "reconciled.report/1";

/// All of `report`. The same report is the same text, byte for byte.
pub fn json(report: &reconciliation::Report) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(&Report::from(report))?;
    // What cannot be seen stands in strings only; the line breaks between members are the exception.
    let lines = text.lines().map(|line| escaped(line, escape));
    Ok(lines.flat_map(|line| [line, "\n".into()]).collect())
}

/// As RFC 8259 writes a character in ASCII: beyond the first plane it is two escapes.
fn escape(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    merchant: &'a str,
    day: String,
    from: String,
    from_ms: i64,
    until: String,
    until_ms: i64,
    zone: &'a str,
    drawn_at: String,
    drawn_at_ms: i64,
    /// What `reconciled verify --head` takes: the number and the hash of the day's last event, of all merchants
    /// together.
    journal_head: Option<String>,
    /// Money that did not move when the report was drawn.
    money_stops: Vec<Stop<'a>>,
    orders_for_a_person: usize,
    totals: Vec<Total>,
    /// By the time that is left until their lapse, the most urgent first.
    holds: Vec<HoldsLeft>,
    counts: Vec<Count>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Stop<'a> {
    scope: &'static str,
    order_number: Option<&'a str>,
    since: String,
    since_ms: i64,
    by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Total {
    #[serde(rename = "total")]
    group: &'static str,
    state: &'static str,
    currency: &'static str,
    currency_numeric: String,
    count: u64,
    amount_minor: i64,
    deposited_minor: i64,
    refunded_minor: i64,
}

#[derive(Serialize)]
struct HoldsLeft {
    /// `lapsed`, a level such as `48h` (no more than this, and more than the next narrower one), or `later`.
    within: String,
    currency: &'static str,
    currency_numeric: String,
    count: u64,
    /// Null when the sum is too large.
    amount_minor: Option<i64>,
}

/// Zeros included: a reader sees that a kind was looked for.
#[derive(Serialize)]
struct Count {
    kind: &'static str,
    needs_a_person: bool,
    #[serde(rename = "count")]
    lines: usize,
}

#[derive(Serialize)]
struct Finding<'a> {
    kind: &'static str,
    order_number: &'a str,
    order_id: Option<&'a str>,
    state: &'static str,
    currency: &'static str,
    currency_numeric: String,
    our_minor: i64,
    bank_minor: Option<i64>,
    difference_minor: Option<i64>,
    since: String,
    since_ms: i64,
    deadline: Option<String>,
    deadline_ms: Option<i64>,
    detail: &'a str,
}

impl<'a> From<&'a reconciliation::Report> for Report<'a> {
    fn from(report: &'a reconciliation::Report) -> Self {
        let totals_of = |group| report.totals(group).into_iter().map(move |total| Total::new(group, total));
        let findings_of = |kind| report.findings_of(kind).map(Finding::from);
        Self {
            schema: SCHEMA,
            merchant: report.merchant.as_str(),
            day: report.day.date.to_string(),
            from: report.day.from.to_string(),
            from_ms: report.day.from.as_millis(),
            until: report.day.until.to_string(),
            until_ms: report.day.until.as_millis(),
            zone: report.zone.name(),
            drawn_at: report.drawn_at.to_string(),
            drawn_at_ms: report.drawn_at.as_millis(),
            journal_head: report.head.map(|head| head.to_string()),
            money_stops: report.stops.iter().map(Stop::from).collect(),
            orders_for_a_person: report.orders_for_a_person(),
            totals: TotalGroup::ALL.into_iter().flat_map(totals_of).collect(),
            holds: report.holds.iter().map(HoldsLeft::new).collect(),
            counts: FindingKind::ALL.map(|kind| Count::new(report, kind)).into(),
            findings: FindingKind::ALL.into_iter().flat_map(findings_of).collect(),
        }
    }
}

impl<'a> From<&'a guard::Stop> for Stop<'a> {
    fn from(stop: &'a guard::Stop) -> Self {
        Self {
            scope: stop.scope.as_str(),
            order_number: stop.scope.order().map(|(_, number)| number.as_str()),
            since: stop.since.to_string(),
            since_ms: stop.since.as_millis(),
            by: &stop.by,
            reason: &stop.reason,
        }
    }
}

impl Total {
    fn new(group: TotalGroup, total: reconciliation::Total) -> Self {
        Self {
            group: group.as_str(),
            state: total.state.as_str(),
            currency: total.currency.alpha(),
            currency_numeric: numeric(total.currency),
            count: total.count,
            amount_minor: total.amount_minor,
            deposited_minor: total.deposited_minor,
            refunded_minor: total.refunded_minor,
        }
    }
}

impl HoldsLeft {
    fn new(left: &reconciliation::HoldsLeft) -> Self {
        Self {
            within: left.time_left.word(),
            currency: left.currency.alpha(),
            currency_numeric: numeric(left.currency),
            count: left.count,
            amount_minor: left.amount_minor,
        }
    }
}

impl Count {
    fn new(report: &reconciliation::Report, kind: FindingKind) -> Self {
        Self { kind: kind.as_str(), needs_a_person: kind.needs_a_person(), lines: report.findings_of(kind).count() }
    }
}

impl<'a> From<&'a reconciliation::Finding> for Finding<'a> {
    fn from(finding: &'a reconciliation::Finding) -> Self {
        Self {
            kind: finding.kind.as_str(),
            order_number: finding.number.as_str(),
            order_id: finding.order_id.as_ref().map(OrderId::as_str),
            state: finding.state.as_str(),
            currency: finding.currency.alpha(),
            currency_numeric: numeric(finding.currency),
            our_minor: finding.our_minor,
            bank_minor: finding.bank_minor,
            difference_minor: finding.difference_minor(),
            since: finding.since.to_string(),
            since_ms: finding.since.as_millis(),
            deadline: finding.deadline.map(|at| at.to_string()),
            deadline_ms: finding.deadline.map(Timestamp::as_millis),
            detail: &finding.detail,
        }
    }
}

/// Three digits, as the wire has it: a code and not a quantity.
fn numeric(currency: Currency) -> String {
    currency.to_string()
}
