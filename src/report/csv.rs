//! Two sheets for a spreadsheet: a row for every line, and a row for every total (RFC 4180).
//!
//! They are two files and not one, because a sheet with both is a trap: whoever adds up or pivots its columns counts
//! every order twice, once in its line and once in its total, and half of the columns would be empty in every row. One
//! file has one kind of row, and every column one meaning. So the journal's head, which is no total, is in neither.
//!
//! Amounts stay plain numbers of minor units, so that no spreadsheet's locale reads them differently, and times are
//! UTC. Both files begin with a byte order mark: without it Excel reads the bank's Russian sentences in the code page
//! of the machine. Programs have [`json()`](super::json()), where texts are exact.

use ::csv::{Terminator, Writer, WriterBuilder};

use super::text::visible;
use crate::domain::reconciliation::{Finding, FindingKind, HoldsLeft, Report, Total, TotalGroup};

const BYTE_ORDER_MARK: &str = "\u{feff}";

const COLUMNS: [&str; 13] = [
    "merchant",
    "day",
    "kind",
    "order_number",
    "order_id",
    "state",
    "currency",
    "our_minor",
    "bank_minor",
    "difference_minor",
    "since",
    "deadline",
    "detail",
];

const TOTALS_COLUMNS: [&str; 10] = [
    "merchant",
    "day",
    "total",
    "state",
    "currency",
    "count",
    "amount_minor",
    "deposited_minor",
    "refunded_minor",
    "within",
];

/// A row for every line of `report`, by kind and then by age, oldest first.
pub fn csv(report: &Report) -> Result<String, ::csv::Error> {
    let mut sheet = begun(&COLUMNS)?;
    let lines = FindingKind::ALL.into_iter().flat_map(|kind| report.findings_of(kind));
    for finding in lines {
        sheet.write_record(row(report, finding))?;
    }
    finished(sheet)
}

/// A row for every total of `report`: which total, state, currency, how many, and their sums. Holds by the time they
/// have left are one more total, the only one that fills the last column; their state may be held or review.
pub fn totals_csv(report: &Report) -> Result<String, ::csv::Error> {
    let mut sheet = begun(&TOTALS_COLUMNS)?;
    for group in TotalGroup::ALL {
        for total in report.totals(group) {
            sheet.write_record(totals_row(report, group, &total))?;
        }
    }
    for left in &report.holds {
        sheet.write_record(holds_row(report, left))?;
    }
    finished(sheet)
}

fn row(report: &Report, finding: &Finding) -> [String; COLUMNS.len()] {
    [
        cell(report.merchant.as_str()),
        report.day.date.to_string(),
        finding.kind.as_str().to_owned(),
        cell(finding.number.as_str()),
        finding.order_id.as_ref().map_or_else(String::new, |id| cell(id.as_str())),
        finding.state.as_str().to_owned(),
        finding.currency.alpha().to_owned(),
        finding.our_minor.to_string(),
        or_empty(finding.bank_minor),
        or_empty(finding.difference_minor()),
        finding.since.to_string(),
        or_empty(finding.deadline),
        cell(&finding.detail),
    ]
}

fn totals_row(report: &Report, group: TotalGroup, total: &Total) -> [String; TOTALS_COLUMNS.len()] {
    [
        cell(report.merchant.as_str()),
        report.day.date.to_string(),
        group.as_str().to_owned(),
        total.state.as_str().to_owned(),
        total.currency.alpha().to_owned(),
        total.count.to_string(),
        total.amount_minor.to_string(),
        total.deposited_minor.to_string(),
        total.refunded_minor.to_string(),
        String::new(),
    ]
}

fn holds_row(report: &Report, left: &HoldsLeft) -> [String; TOTALS_COLUMNS.len()] {
    [
        cell(report.merchant.as_str()),
        report.day.date.to_string(),
        "holds".to_owned(),
        String::new(),
        left.currency.alpha().to_owned(),
        left.count.to_string(),
        or_empty(left.amount_minor),
        String::new(),
        String::new(),
        left.time_left.word(),
    ]
}

fn or_empty(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe, which a
/// spreadsheet reads as "this is text". The wide forms count too; some spreadsheets read them as the narrow ones.
fn cell(text: &str) -> String {
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    let shown = visible(text);
    if text.starts_with(formula) { format!("'{shown}") } else { shown.into_owned() }
}

fn begun(columns: &[&str]) -> Result<Writer<Vec<u8>>, ::csv::Error> {
    let beginning = BYTE_ORDER_MARK.as_bytes().to_vec();
    let mut sheet = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(beginning);
    sheet.write_record(columns)?;
    Ok(sheet)
}

fn finished(sheet: Writer<Vec<u8>>) -> Result<String, ::csv::Error> {
    let bytes = sheet.into_inner().map_err(::csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8(bytes).map_err(std::io::Error::other)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        let table = [
            ("A-1", "A-1"),
            ("", ""),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\u{9}=1"),
            ("\r=1", "'\\u{d}=1"),
            ("＝1", "'＝1"),
            ("'=1", "'=1"),
            ("1=1", "1=1"),
        ];
        for (text, expected) in table {
            assert_eq!(cell(text), expected);
        }
    }
}
