//! One page for people: self-contained, for a phone, a desk and paper.
//!
//! The page carries its style and fetches nothing, so it can be mailed, archived and opened in ten years. It runs no
//! script. What it says is prepared here as plain words; `templates/report.html` arranges them and escapes all of them.

use askama::Template;

use super::text::visible;
use crate::domain::calendar::Zone;
use crate::domain::guard;
use crate::domain::holds::level_word;
use crate::domain::money::{Currency, for_people, grouped};
use crate::domain::reconciliation::{self, FindingKind, HoldsLeft, Report, Sum, TimeLeft, TotalGroup, sums};
use crate::domain::time::{Timestamp, in_words};

/// The most lines a section shows. A browser on a phone gives up on more, and so does a reader; the CSV has all.
const LINES_MAX: usize = 1000;

/// The page of `report`.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    Page::new(report).render()
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    merchant: &'a str,
    date: String,
    date_in_words: String,
    from: Moment,
    until: Moment,
    zone: &'a str,
    /// Said only when the clocks changed.
    unusual_length: Option<String>,
    drawn_at: Moment,
    stops: Vec<Stop>,
    orders_for_a_person: usize,
    groups: Vec<Group>,
    sections: Vec<Section>,
    /// The journal's, as it is handed to `verify`.
    head: Option<String>,
}

/// A moment for people, and the same one exactly.
struct Moment {
    shown: String,
    exact: String,
}

/// Money that does not move.
struct Stop {
    scope: String,
    since: Moment,
    by: String,
    reason: String,
}

/// The totals of one group: its rows, and their sums where there is something to add up.
struct Group {
    title: &'static str,
    meaning: &'static str,
    rows: Vec<TotalRow>,
    sums: Vec<TotalRow>,
}

struct TotalRow {
    name: String,
    count: String,
    amount: String,
    /// `None` for nothing, which is the usual case and should be quiet.
    deposited: Option<String>,
    refunded: Option<String>,
}

/// The lines of one kind.
struct Section {
    id: &'static str,
    title: &'static str,
    meaning: &'static str,
    count: String,
    needs_a_person: bool,
    lines: Vec<Line>,
    /// How many more the CSV has.
    left_out: Option<String>,
}

struct Line {
    number: String,
    order_id: Option<String>,
    state: &'static str,
    ours: String,
    bank: Option<String>,
    difference: Option<String>,
    differs: bool,
    since: Moment,
    deadline: Option<Moment>,
    detail: String,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report) -> Self {
        let (day, zone) = (&report.day, &report.zone);
        let length = day.until.since(day.from);
        Self {
            merchant: report.merchant.as_str(),
            date: day.date.to_string(),
            date_in_words: day.date.strftime("%A, %-d %B %Y").to_string(),
            from: Moment::new(zone, day.from, "%Y-%m-%d %H:%M %:z"),
            until: Moment::new(zone, day.until, "%Y-%m-%d %H:%M %:z"),
            zone: zone.name(),
            unusual_length: (length.as_secs() != 24 * 3_600).then(|| in_words(length)),
            drawn_at: Moment::new(zone, report.drawn_at, "%Y-%m-%d %H:%M:%S %:z"),
            stops: report.stops.iter().map(|stop| Stop::new(zone, stop)).collect(),
            orders_for_a_person: report.orders_for_a_person(),
            groups: TotalGroup::ALL
                .map(|group| Group::new(report, group))
                .into_iter()
                .chain([Group::of_holds(report)])
                .collect(),
            sections: FindingKind::ALL.map(|kind| Section::new(report, kind)).into(),
            head: report.head.map(|head| head.to_string()),
        }
    }
}

impl Moment {
    fn new(zone: &Zone, at: Timestamp, format: &str) -> Self {
        Self { shown: typeset(&zone.local(at).strftime(format).to_string()), exact: at.to_string() }
    }

    fn in_a_line(zone: &Zone, at: Timestamp) -> Self {
        Self::new(zone, at, "%Y-%m-%d %H:%M")
    }
}

impl Stop {
    fn new(zone: &Zone, stop: &guard::Stop) -> Self {
        Self {
            scope: visible(&stop.scope.to_string()).into_owned(),
            since: Moment::in_a_line(zone, stop.since),
            by: visible(guard::who(&stop.by)).into_owned(),
            reason: visible(&stop.reason).into_owned(),
        }
    }
}

impl Group {
    fn new(report: &Report, group: TotalGroup) -> Self {
        let totals = report.totals(group);
        let (title, meaning) = group_in_words(group);
        let sums = if totals.len() > 1 { sums(&totals) } else { Vec::new() };
        Self {
            title,
            meaning,
            rows: totals.iter().map(TotalRow::of_total).collect(),
            sums: sums.iter().map(TotalRow::of_sum).collect(),
        }
    }
}

impl Group {
    /// Not added up: a hold is in one row, but the rows are read one by one.
    fn of_holds(report: &Report) -> Self {
        Self {
            title: "Holds",
            meaning: "every hold that stands, by the time left until the bank lets it go",
            rows: report.holds.iter().map(TotalRow::of_holds).collect(),
            sums: Vec::new(),
        }
    }
}

impl TotalRow {
    fn of_holds(left: &HoldsLeft) -> Self {
        let name = match left.time_left {
            TimeLeft::Lapsed => "should have lapsed".to_owned(),
            TimeLeft::Within(level) => format!("within {}", level_word(level)),
            TimeLeft::Later => "later".to_owned(),
        };
        let amount = left.amount_minor.map_or_else(|| "too large".to_owned(), |minor| money(minor, left.currency));
        Self { name, count: count(left.count), amount, deposited: None, refunded: None }
    }

    fn of_total(total: &reconciliation::Total) -> Self {
        let sum = |minor| money(minor, total.currency);
        let some = |minor| (minor != 0).then(|| sum(minor));
        Self {
            name: total.state.as_str().to_owned(),
            count: count(total.count),
            amount: sum(total.amount_minor),
            deposited: some(total.deposited_minor),
            refunded: some(total.refunded_minor),
        }
    }

    fn of_sum(total: &Sum) -> Self {
        let sum = |minor: Option<i64>| match minor {
            Some(minor) => money(minor, total.currency),
            None => "too large".to_owned(),
        };
        let some = |minor| (minor != Some(0)).then(|| sum(minor));
        Self {
            name: format!("all in {}", total.currency.alpha()),
            count: count(total.count),
            amount: sum(total.amount_minor),
            deposited: some(total.deposited_minor),
            refunded: some(total.refunded_minor),
        }
    }
}

impl Section {
    fn new(report: &Report, kind: FindingKind) -> Self {
        let all = report.findings_of(kind).count();
        let shown = report.findings_of(kind).take(LINES_MAX);
        let lines: Vec<_> = shown.map(|finding| Line::new(&report.zone, finding)).collect();
        let left_out = all - lines.len();
        let (title, meaning) = kind_in_words(kind);
        Self {
            id: kind.as_str(),
            title,
            meaning,
            count: count_of(all),
            needs_a_person: kind.needs_a_person() && all > 0,
            lines,
            left_out: (left_out > 0).then(|| count_of(left_out)),
        }
    }
}

impl Line {
    fn new(zone: &Zone, finding: &reconciliation::Finding) -> Self {
        let difference = finding.difference_minor();
        Self {
            number: visible(finding.number.as_str()).into_owned(),
            order_id: finding.order_id.as_ref().map(|id| visible(id.as_str()).into_owned()),
            state: finding.state.as_str(),
            ours: money(finding.our_minor, finding.currency),
            bank: finding.bank_minor.map(|minor| money(minor, finding.currency)),
            difference: difference.map(|minor| signed(minor, finding.currency)),
            differs: difference.is_some_and(|minor| minor != 0),
            since: Moment::in_a_line(zone, finding.since),
            deadline: finding.deadline.map(|at| Moment::in_a_line(zone, at)),
            detail: visible(&finding.detail).into_owned(),
        }
    }
}

/// What a group is called and what it counts.
const fn group_in_words(group: TotalGroup) -> (&'static str, &'static str) {
    match group {
        TotalGroup::Entered => ("Entered", "orders that entered the queue on this day, by the state they have now"),
        TotalGroup::Ended => ("Ended", "orders that came to their end on this day"),
        TotalGroup::Standing => ("Standing", "every order that is not at an end, whatever its day"),
    }
}

/// What a kind is called, what it means and what to do.
const fn kind_in_words(kind: FindingKind) -> (&'static str, &'static str) {
    match kind {
        FindingKind::InReview => (
            "In review",
            "Money contradicts itself: settle with the bank what is true, then record it with “reconciled review”; \
             until then nothing is sent for the order.",
        ),
        FindingKind::InDoubt => (
            "In doubt",
            "A completion or reversal was sent and its outcome is not known yet: the bank is asked until it is, so do not \
             complete or reverse the order by hand in the meantime.",
        ),
        FindingKind::Lapsing => (
            "Lapsing",
            "The bank lets the hold go at the deadline, and the money with it: complete or reverse the order \
             before then.",
        ),
        FindingKind::Autocompletion => (
            "The bank’s own schedule",
            "The bank completes the hold by itself, against what is planned here, and nothing here can stop it: change the \
             date in the bank’s console, or the plan here.",
        ),
        FindingKind::Differs => (
            "Differs",
            "Our record and the bank’s latest view do not name the same sum: find out which is right, then correct the \
             books or claim the difference.",
        ),
        FindingKind::Stuck => (
            "Stuck",
            "The payment time ran out long ago and the bank shows no outcome: ask the bank what became of the order; \
             it is still looked at meanwhile.",
        ),
        FindingKind::Held => (
            "Held",
            "The amount is held on the card and its lapse is far: nothing to do, unless a line waits for its release.",
        ),
    }
}

/// Its figures never break; before its currency it may, where a column is too narrow.
fn money(minor: i64, currency: Currency) -> String {
    let words = for_people(minor, currency);
    match words.rsplit_once(' ') {
        Some((figures, alpha)) => format!("{} {alpha}", typeset(figures)),
        None => typeset(&words),
    }
}

/// A difference says its direction even when it is upwards.
fn signed(minor: i64, currency: Currency) -> String {
    let sign = if minor > 0 { "+" } else { "" };
    format!("{sign}{}", money(minor, currency))
}

fn count(number: u64) -> String {
    typeset(&grouped(number))
}

fn count_of(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Figures that stay on one line, with a minus as wide as a plus where they begin with one.
fn typeset(figures: &str) -> String {
    let unbroken = figures.replace(' ', "\u{a0}");
    match unbroken.strip_prefix('-') {
        Some(rest) => format!("\u{2212}{rest}"),
        None => unbroken,
    }
}
