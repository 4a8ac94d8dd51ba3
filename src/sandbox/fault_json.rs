//! Fault rules as people write them: one flat JSON object, every mistake answered with the field and the remedy.
//!
//! Only the form; what a rule means is in `faults`.

use serde::{Deserialize, Serialize};

use super::Operation;
use super::faults::{AmountPart, FaultKind, FaultName, FaultRule, Garbage, Moment};
use super::probability::Probability;

/// A longer wait outlives any client's patience and only fills the bank's memory.
const WAIT_MS_MAX: u64 = 600_000;

/// Every field a rule can have; which ones belong together is checked in turning it into a rule.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<FaultName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<RetryAfter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Garbage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<AmountPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    off_by_minor: Option<i64>,
}

/// Seconds, or any text: a date, or what no client should trip over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(i64),
    Text(String),
}

impl TryFrom<RawRule> for FaultRule {
    type Error = String;

    fn try_from(mut raw: RawRule) -> Result<FaultRule, String> {
        let name = raw.kind.take().ok_or(
            "kind is missing: name one of delay, timeout_before_effect, timeout_after_effect, too_many_requests, \
             error_500, error_503, reset, garbage, wrong_order, wrong_amount, stale_status, false_success, false_refusal",
        )?;
        if raw.count == Some(0) {
            return Err("count is 0: write how many times the fault shall strike, or leave it out".to_owned());
        }
        let probability = match raw.probability.take() {
            Some(fraction) => Probability::try_from(fraction).map_err(|bad| bad.to_string())?,
            None => Probability::CERTAIN,
        };
        let kind = kind(name, &mut raw)?;
        raw.refuse_left_over(name)?;
        let rule = FaultRule { kind, operation: raw.operation, order: raw.order, count: raw.count, probability };
        rule.operation.map_or(Ok(()), |operation| must_apply(&rule.kind, operation))?;
        Ok(rule)
    }
}

/// Takes the fields that belong to this kind out of the raw rule.
fn kind(name: FaultName, raw: &mut RawRule) -> Result<FaultKind, String> {
    let mut effect = |usual| raw.effect.take().unwrap_or(usual);
    Ok(match name {
        FaultName::Delay => {
            let effect = effect(Moment::Before);
            FaultKind::Delay { ms: wait(raw)?, effect }
        }
        FaultName::TimeoutBeforeEffect => FaultKind::TimeoutBeforeEffect { ms: wait(raw)? },
        FaultName::TimeoutAfterEffect => FaultKind::TimeoutAfterEffect { ms: wait(raw)? },
        FaultName::TooManyRequests => FaultKind::TooManyRequests { retry_after: retry_after(raw)? },
        FaultName::Error500 => FaultKind::Error500 { effect: effect(Moment::Before) },
        FaultName::Error503 => FaultKind::Error503 { effect: effect(Moment::Before) },
        FaultName::Reset => FaultKind::Reset { effect: effect(Moment::Before) },
        FaultName::Garbage => {
            let effect = effect(Moment::After);
            FaultKind::Garbage { shape: raw.shape.take(), effect }
        }
        FaultName::WrongOrder => FaultKind::WrongOrder,
        FaultName::WrongAmount => FaultKind::WrongAmount {
            part: raw.part.take().unwrap_or(AmountPart::Amount),
            off_by_minor: raw.off_by_minor.take().unwrap_or(1),
        },
        FaultName::StaleStatus => FaultKind::StaleStatus,
        FaultName::FalseSuccess => FaultKind::FalseSuccess,
        FaultName::FalseRefusal => FaultKind::FalseRefusal,
    })
}

fn wait(raw: &mut RawRule) -> Result<u64, String> {
    match raw.ms.take() {
        Some(ms) if ms <= WAIT_MS_MAX => Ok(ms),
        Some(ms) => Err(format!("ms is {ms}: write at most {WAIT_MS_MAX} (ten minutes)")),
        None => Err("ms is missing: write how many milliseconds the request shall wait".to_owned()),
    }
}

/// Only what can stand in a header.
fn retry_after(raw: &mut RawRule) -> Result<Option<String>, String> {
    match raw.retry_after.take() {
        None => Ok(None),
        Some(RetryAfter::Seconds(seconds)) => Ok(Some(seconds.to_string())),
        Some(RetryAfter::Text(text)) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(Some(text)),
        Some(RetryAfter::Text(_)) => Err("retry_after cannot stand in a header: write printable ASCII".to_owned()),
    }
}

fn must_apply(kind: &FaultKind, operation: Operation) -> Result<(), String> {
    if kind.can_strike(operation) {
        return Ok(());
    }
    let (name, operation) = (word(kind.name()), word(operation));
    Err(format!("operation is {operation}, which {name} cannot strike: leave operation out or name another"))
}

/// A value's name as JSON writes it, without the quotes.
fn word(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_default().replace('"', "")
}

impl RawRule {
    /// A field that its kind does not know was meant to do something and would do nothing.
    fn refuse_left_over(&self, name: FaultName) -> Result<(), String> {
        let left_over = [
            ("ms", self.ms.is_some()),
            ("effect", self.effect.is_some()),
            ("retry_after", self.retry_after.is_some()),
            ("shape", self.shape.is_some()),
            ("part", self.part.is_some()),
            ("off_by_minor", self.off_by_minor.is_some()),
        ];
        match left_over.into_iter().find(|(_, left)| *left) {
            Some((field, _)) => Err(format!("{field} has no meaning for {}: leave it out", word(name))),
            None => Ok(()),
        }
    }
}

impl From<FaultRule> for RawRule {
    fn from(rule: FaultRule) -> RawRule {
        let raw = RawRule {
            kind: Some(rule.kind.name()),
            operation: rule.operation,
            order: rule.order,
            count: rule.count,
            probability: Some(rule.probability.into()),
            ..RawRule::default()
        };
        match rule.kind {
            FaultKind::Delay { ms, effect } => RawRule { ms: Some(ms), effect: Some(effect), ..raw },
            FaultKind::TimeoutBeforeEffect { ms } | FaultKind::TimeoutAfterEffect { ms } => {
                RawRule { ms: Some(ms), ..raw }
            }
            FaultKind::TooManyRequests { retry_after } => {
                RawRule { retry_after: retry_after.map(RetryAfter::Text), ..raw }
            }
            FaultKind::Error500 { effect } | FaultKind::Error503 { effect } | FaultKind::Reset { effect } => {
                RawRule { effect: Some(effect), ..raw }
            }
            FaultKind::Garbage { shape, effect } => RawRule { shape, effect: Some(effect), ..raw },
            FaultKind::WrongAmount { part, off_by_minor } => {
                RawRule { part: Some(part), off_by_minor: Some(off_by_minor), ..raw }
            }
            FaultKind::WrongOrder | FaultKind::StaleStatus | FaultKind::FalseSuccess | FaultKind::FalseRefusal => raw,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<FaultRule, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_are_read_and_written_alike() {
        for rule in FaultRule::storm(Probability::percent(10)) {
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(parse(&json).unwrap(), rule, "{json}");
        }
        let rule = parse(
            r#"{"kind":"reset","effect":"after","operation":"autoCompletion","order":"A-1","count":2,"probability":0.5}"#,
        );
        let expected = FaultRule::always(FaultKind::Reset { effect: Moment::After })
            .on(Operation::Completion)
            .for_order("A-1")
            .times(2)
            .with_probability(Probability::percent(50));
        assert_eq!(rule.unwrap(), expected);
    }

    #[test]
    fn a_mistake_names_the_field_and_the_remedy() {
        let check = |json: &str, words: &str| {
            let error = parse(json).unwrap_err();
            assert!(error.contains(words), "{json}: {error}");
        };
        check("{}", "kind is missing: name one of delay");
        check(r#"{"kind":"flood"}"#, "unknown variant `flood`, expected one of `delay`");
        check(r#"{"kind":"delay"}"#, "ms is missing: write how many");
        check(r#"{"kind":"delay","ms":600001}"#, "ms is 600001: write at most 600000");
        check(r#"{"kind":"delay","milliseconds":1}"#, "unknown field `milliseconds`, expected one of");
        check(r#"{"kind":"error_500","ms":5}"#, "ms has no meaning for error_500");
        check(r#"{"kind":"error_500","count":0}"#, "count is 0: write how many");
        check(r#"{"kind":"error_500","probability":10}"#, "probability is 10: write a number from 0");
        check(r#"{"kind":"too_many_requests","retry_after":"\n"}"#, "retry_after cannot stand in a header");
        check(r#"{"kind":"wrong_order","operation":"autoCompletion"}"#, "which wrong_order cannot strike");
    }
}
