//! What is asked of a merchant's policies: looks, completion, holds, report — and that they agree with one another.
//!
//! Every number has its limits beside it, and the limits their reason.

use std::time::Duration;

use super::merchant::count;
use super::raw::{Noted, Section};
use super::values::{self, Limits, as_written, duration_within};
use super::{CompletionConfig, RegistrationConfig, ReportConfig};
use crate::domain::bank::PaymentSystem;
use crate::domain::calendar::{CronPattern, Zone};
use crate::domain::guard::GuardPolicy;
use crate::domain::holds::{self, AtDeadline, CompletionSchedule, HoldPolicy, level_word};
use crate::domain::money::Currency;
use crate::domain::operation::SettlePolicy;
use crate::domain::polling::{LookPolicy, Pending, Tier};
use crate::domain::time::Timestamp;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

const INTERVAL: Limits<Duration> = Limits {
    min: Duration::from_millis(100),
    max: DAY.saturating_mul(7),
    why: "shorter spends the budget on one order, longer leaves it unseen for more than a week",
};
const AGE: Limits<Duration> = Limits {
    min: SECOND,
    max: DAY.saturating_mul(400),
    why: "a refund later than a year after the payment is the bank's paper business",
};
const PAYMENT_TIME: Limits<Duration> = Limits {
    min: Duration::from_secs(10),
    max: DAY.saturating_mul(30),
    why: "nobody pays faster, and no gateway keeps a payment page open longer",
};
const DELAY: Limits<Duration> =
    Limits { min: Duration::ZERO, max: DAY.saturating_mul(60), why: "no bank keeps a hold longer" };
const QUIET: Limits<Duration> =
    Limits { min: SECOND, max: DAY, why: "a bank may act minutes after it was asked, but not days" };
const ASK: Limits<Duration> =
    Limits { min: Duration::from_millis(100), max: HOUR, why: "money in doubt is asked about at least every hour" };
const ATTEMPTS: Limits<u32> = Limits { min: 1, max: 10, why: "what ten requests did not do, a person must look into" };
const IN_DOUBT: Limits<u32> =
    Limits { min: 1, max: 1000, why: "more unknown outcomes at once than that, nobody could settle in a day" };
const LIFETIME: Limits<Duration> = Limits {
    min: MINUTE,
    max: holds::LONGEST_LIFE,
    why: "card schemes let a hold live days to weeks; minutes are for a sandbox",
};
const WARNING: Limits<Duration> = Limits {
    min: SECOND,
    max: DAY.saturating_mul(30),
    why: "a warning needs time to be read, and one that is always on is not read",
};
const MARGIN: Limits<Duration> = Limits {
    min: SECOND,
    max: DAY.saturating_mul(7),
    why: "the bank needs a moment to act, and a hold that has a week left can wait for a person",
};
const ANSWER: Limits<Duration> = Limits {
    min: Duration::from_millis(100),
    max: SECOND.saturating_mul(20),
    why: "in less no bank answers, and every request has its answer within 30s",
};
const KEPT: Limits<Duration> = Limits {
    min: MINUTE,
    max: DAY.saturating_mul(400),
    why: "a cart tells what somebody bought, and nobody asks after it a year later",
};
const STUCK: Limits<Duration> = Limits {
    min: SECOND,
    max: DAY.saturating_mul(30),
    why: "later, the report would keep silent about an order for a month",
};

/// When the policy acts on a hold that nothing completes: a working night's margin for a bank that is down.
const ACT_BEFORE: Duration = Duration::from_secs(3 * 3_600);

/// How many warnings of one hold: more than a person heeds warn of nothing.
const WARNINGS_MAX: usize = 8;

/// How many tiers or late days a list may have: more than a person keeps in view say no more.
const STEPS_MAX: usize = 32;

/// When orders are looked at. Most payments come within minutes, so looks are spent there and thin out with age.
pub(super) fn looks(section: &mut Section<'_, '_>) -> LookPolicy {
    let pending = pending(section);
    // Learned looks come where they find something. Of a page that is open for a day, one more every six hours would be
    // half of all looks where requests are scarce, and find next to nothing.
    let pending_old = if pending == Pending::Learned { DAY } else { HOUR * 6 };
    let policy = LookPolicy {
        pending,
        pending_old: section.duration_or("pending_old", pending_old, &INTERVAL),
        trust_callbacks: section.flag_or("trust_callbacks", true),
        held: section.duration_or("held", MINUTE * 10, &INTERVAL),
        review: section.duration_or("review", HOUR, &INTERVAL),
        late: late(section),
        payment_time: section.duration_or("payment_time", MINUTE * 20, &PAYMENT_TIME),
        backoff: section.duration_or("backoff", SECOND * 5, &INTERVAL),
        backoff_max: section.duration_or("backoff_max", MINUTE * 10, &INTERVAL),
    };
    section.relation(
        &["backoff_max", "backoff"],
        policy.backoff <= policy.backoff_max,
        format!(
            "backoff_max, {}, must be at least backoff, {}",
            as_written(policy.backoff_max),
            as_written(policy.backoff)
        ),
    );
    policy
}

/// Learned, unless the intervals are written down.
fn pending(section: &mut Section<'_, '_>) -> Pending {
    const FORM: &str = "write a list of { until_age = \"2m\", every = \"10s\" }, or \"learned\"";
    if section.take("pending").is_some_and(|value| value.get_ref().as_str() == Some("learned")) {
        return Pending::Learned;
    }
    let tier = |section: &mut Section<'_, '_>| {
        let until_age = section.required("until_age", FORM, |text| duration_within(text, &AGE));
        let every = section.required("every", FORM, |text| duration_within(text, &INTERVAL));
        Ok(Tier { until_age: until_age?, every: every? })
    };
    let Some(Ok(tiers)) = section.each("pending", FORM, tier) else {
        return Pending::Learned;
    };
    let ages: Vec<Duration> = tiers.iter().map(|tier| tier.until_age).collect();
    ascending(section, "pending", &ages);
    Pending::Tiers(tiers)
}

fn late(section: &mut Section<'_, '_>) -> Vec<Duration> {
    let Some(ages) = section.durations("late", &AGE) else {
        return vec![HOUR, DAY, DAY * 7, DAY * 30];
    };
    ascending(section, "late", &ages);
    ages
}

fn ascending(section: &mut Section<'_, '_>, key: &str, ages: &[Duration]) {
    if !ages.is_sorted_by(|a, b| a < b) {
        section.problem(key, "put the ages in ascending order, each once: the first that fits applies");
    }
    if ages.len() > STEPS_MAX {
        section.problem(key, format!("give at most {STEPS_MAX} steps"));
    }
}

/// When and how held orders are completed. Money never moves by itself unless somebody wrote so.
pub(super) fn completion(section: &mut Section<'_, '_>) -> Result<CompletionConfig, Noted> {
    let schedule = schedule(section);
    let settle = settle(section);
    let in_flight = count(section, "in_flight", 3);
    Ok(CompletionConfig { schedule: schedule?, settle, in_flight })
}

/// The words for [`CompletionSchedule`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    After,
    Window,
    Release,
}

fn schedule(section: &mut Section<'_, '_>) -> Result<CompletionSchedule, Noted> {
    let when = section.parsed("when", |text| match text {
        "after" => Ok(When::After),
        "window" => Ok(When::Window),
        "release" => Ok(When::Release),
        _ => Err("give \"after\" (with delay), \"window\" (with cron) or \"release\"".to_owned()),
    });
    let delay = section.parsed("delay", |text| duration_within(text, &DELAY));
    let cron = section.parsed("cron", values::cron);
    let when = when.unwrap_or(Ok(When::Release))?;
    if delay.is_some() && when != When::After {
        section.problem("delay", "a delay belongs to when = \"after\"; write that, or take the delay away");
    }
    if cron.is_some() && when != When::Window {
        section.problem("cron", "a pattern belongs to when = \"window\"; write that, or take the pattern away");
    }
    match (when, delay, cron) {
        (When::After, Some(delay), _) => Ok(CompletionSchedule::After(delay?)),
        (When::After, None, _) => Err(section.problem("delay", "say how long after the hold, such as \"24h\"")),
        (When::Window, _, Some(cron)) => Ok(CompletionSchedule::Window(Box::new(cron?))),
        (When::Window, _, None) => Err(section.problem("cron", "say when, such as \"0 3 * * *\" for 03:00 daily")),
        (When::Release, _, _) => Ok(CompletionSchedule::OnRelease),
    }
}

fn settle(section: &mut Section<'_, '_>) -> SettlePolicy {
    let policy = SettlePolicy {
        quiet: section.duration_or("quiet", MINUTE * 15, &QUIET),
        resend_whole: section.parsed_or("resend", true, |text| match text {
            "whole" => Ok(true),
            "never" => Ok(false),
            _ => Err("give \"whole\" (send a whole completion again once it was quiet) or \"never\"".to_owned()),
        }),
        refund_tools: false,
        without_request: &[],
        attempts_max: section.integer_or("attempts", 3, &ATTEMPTS),
        ask_every: section.duration_or("ask_every", SECOND * 5, &ASK),
        ask_every_max: section.duration_or("ask_every_max", MINUTE * 5, &ASK),
    };
    section.relation(
        &["ask_every_max", "ask_every"],
        policy.ask_every <= policy.ask_every_max,
        format!(
            "ask_every_max, {}, must be at least ask_every, {}",
            as_written(policy.ask_every_max),
            as_written(policy.ask_every)
        ),
    );
    policy
}

/// The daily sum when none is written, in whole units of the merchant's currency.
const DAILY_UNITS: i64 = 1_000_000;

/// What holds a send back. Small until trust is raised: a mistake nobody knows of costs no more than this allows.
pub(super) fn money(section: &mut Section<'_, '_>, currency: Currency) -> GuardPolicy {
    let default_minor = DAILY_UNITS.saturating_mul(10_i64.saturating_pow(currency.exponent()));
    GuardPolicy {
        in_doubt_max: section.integer_or("in_doubt", 3, &IN_DOUBT),
        daily_max_minor: section.parsed_or("daily_sum", default_minor, |text| values::sum(text, currency)),
        brake: section.flag_or("brake", true),
    }
}

/// How long the bank keeps a hold, who is warned of its lapse, and what is done before it.
pub(super) fn holds(section: &mut Section<'_, '_>) -> HoldPolicy {
    let lifetime = section.duration_or("lifetime", DAY * 5, &LIFETIME);
    let by_system = section.durations_by("by_system", &LIFETIME, |name| {
        let form = "name a payment system as the bank's answers do, such as visa, mastercard or mir";
        PaymentSystem::new(name).ok_or_else(|| form.to_owned())
    });
    let shortest = by_system.values().copied().fold(lifetime, Duration::min);
    let warn_at = warn_at(section, shortest);
    let first = warn_at.first().copied().unwrap_or_default();
    let default = ACT_BEFORE.min(shortest / 10).min(first).max(MARGIN.min);
    let act_before = section.duration_or("act_before", default, &MARGIN);
    let at_deadline = section.parsed_or("at_deadline", AtDeadline::Review, |text| {
        let all = [AtDeadline::Review, AtDeadline::Complete, AtDeadline::Reverse];
        let form = "give \"review\" (a person decides), \"complete\" (it is taken then) or \"reverse\" (it is let go)";
        all.into_iter().find(|word| word.as_str() == text).ok_or_else(|| form.to_owned())
    });
    section.relation(
        &["warn_at", "lifetime", "by_system"],
        first < shortest,
        format!(
            "the first of warn_at, {}, must be less than the shortest lifetime, {}: else every hold is at risk at once",
            level_word(first),
            as_written(shortest)
        ),
    );
    section.relation(
        &["act_before", "warn_at"],
        act_before <= first,
        format!(
            "act_before, {}, must be at most the first of warn_at, {}: people hear of it before the policy acts",
            as_written(act_before),
            level_word(first)
        ),
    );
    HoldPolicy { lifetime, by_system, warn_at, act_before, at_deadline }
}

/// Days before, for whoever plans; hours before, for whoever acts. Those that no hold lives long enough for are left
/// out.
fn warn_at(section: &mut Section<'_, '_>, shortest: Duration) -> Vec<Duration> {
    section.replaced("warn_before", "warn_at has taken its place: write warn_at = [\"48h\", \"24h\", \"6h\"]");
    let fitting: Vec<_> = [HOUR * 48, DAY, HOUR * 6].into_iter().filter(|level| *level < shortest).collect();
    let default = if fitting.is_empty() { vec![(shortest / 4).max(WARNING.min)] } else { fitting };
    let Some(levels) = section.durations("warn_at", &WARNING) else { return default };
    if levels.is_empty() || levels.len() > WARNINGS_MAX {
        section.problem(
            "warn_at",
            format!("give 1 to {WARNINGS_MAX} levels: each is a warning, and a series of a metric"),
        );
        return default;
    }
    if !levels.is_sorted_by(|a, b| a > b) {
        section.problem("warn_at", "put the levels in descending order, each once: the first warns first");
    }
    levels
}

/// The nightly report: after midnight, when the day before has ended in every sense.
pub(super) fn registration(section: &mut Section<'_, '_>) -> RegistrationConfig {
    RegistrationConfig {
        wait: section.duration_or("wait", SECOND.saturating_mul(10), &ANSWER),
        keep: section.duration_or("keep", DAY.saturating_mul(30), &KEPT),
    }
}

pub(super) fn report(section: &mut Section<'_, '_>) -> Result<ReportConfig, Noted> {
    let at = section.parsed("at", values::cron);
    let cut_off = section.parsed_or("cut_off", jiff::civil::Time::midnight(), values::time_of_day);
    let stuck_after = section.duration_or("stuck_after", HOUR, &STUCK);
    let at = match at {
        Some(at) => at?,
        None => values::cron("15 3 * * *").map_err(|remedy| section.problem("at", remedy))?,
    };
    Ok(ReportConfig { at, cut_off, stuck_after })
}

/// A completion must not be taken for lost while its request may still be on its way.
pub(super) fn quiet_enough(section: &mut Section<'_, '_>, completion: &CompletionConfig, request_timeout: Duration) {
    section.relation(
        &["completion.quiet", "request_timeout"],
        completion.settle.quiet >= request_timeout,
        format!(
            "quiet, {}, must be at least request_timeout, {}: until then the request may be on its way",
            as_written(completion.settle.quiet),
            as_written(request_timeout)
        ),
    );
}

/// A report must come some day.
pub(super) fn comes_at_all(section: &mut Section<'_, '_>, report: &ReportConfig, zone: &Zone) {
    section.relation(
        &["report.at"],
        comes_within(&report.at, zone, AGE.max),
        "this date never comes; give one that does, such as \"15 3 * * *\"",
    );
}

/// A completion must be due before the last warning of its hold and before the policy acts: else every hold would raise
/// the alarm, or meet its deadline.
pub(super) fn in_time(section: &mut Section<'_, '_>, completion: &CompletionConfig, holds: &HoldPolicy, zone: &Zone) {
    let last = holds.warn_at.last().copied().unwrap_or_default();
    let calm = holds.shortest_lifetime().saturating_sub(last.max(holds.act_before));
    let (key, is_in_time) = match &completion.schedule {
        CompletionSchedule::After(delay) => ("completion.delay", *delay <= calm),
        CompletionSchedule::Window(cron) => ("completion.cron", comes_within(cron, zone, calm)),
        CompletionSchedule::OnRelease => return,
    };
    let remedy = format!(
        "a hold would wait longer than {}, the shortest lifetime of a hold less its last warning and act_before; complete \
         sooner, or ask your bank for the lifetime it grants",
        as_written(calm)
    );
    let keys = [key, "hold.lifetime", "hold.by_system", "hold.warn_at", "hold.act_before"];
    section.relation(&keys, is_in_time, remedy);
}

/// Whether `cron` never keeps one waiting longer than `longest`, as far as a year's walk over its slots shows. Slots
/// close together are skipped, so a gap hardly longer than `longest` may pass.
fn comes_within(cron: &CronPattern, zone: &Zone, longest: Duration) -> bool {
    // 2026-01-01T00:00:00Z. Any year would do, and the same file must always be judged the same.
    const FROM: Timestamp = Timestamp::from_millis(1_767_225_600_000);
    const STEPS: usize = 500;
    let mut at = FROM;
    for _ in 0..STEPS {
        match cron.next_after(zone, at) {
            Some(next) if next.since(at) <= longest => at = next.max(at.plus(longest / 4)),
            Some(_) | None => return false,
        }
        if at.since(FROM) > DAY * 366 {
            break;
        }
    }
    true
}
