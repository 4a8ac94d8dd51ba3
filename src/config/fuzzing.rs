//! What is promised of a configuration, whatever stands in the file.

use std::path::Path;
use std::time::Duration;

use super::values::{as_written, duration, period};
use super::{Config, ConfigError, Protocol};
use crate::domain::calendar::{CronPattern, Zone};
use crate::domain::time::Timestamp;

/// The whole file: either every value is within its limits, or every mistake is told with its remedy.
pub(crate) fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // A directory that is not there: what the file refers to is not found, and nothing of this host is read.
    let path = Path::new("/nonexistent/reconciled.toml");
    match Config::of_text(path, text) {
        Ok(config) => {
            assert!((1..=100).contains(&config.merchants.len()));
            for merchant in &config.merchants {
                let gateway = &merchant.gateway;
                assert!(gateway.connect_timeout <= gateway.request_timeout, "a connection outlives its request");
                assert!((Duration::from_millis(1)..=Duration::from_secs(3_600)).contains(&merchant.budget.period));
                assert!(merchant.completion.settle.quiet >= gateway.request_timeout, "quiet before the answer is due");
                assert_eq!(gateway.url.ends_with('/'), gateway.protocol == Protocol::Rest);
                assert!(gateway.urls().all(|url| !url.contains(['?', '#', '@'])));
            }
        }
        Err(ConfigError::Problems { problems, .. }) => {
            assert!(!problems.is_empty(), "refused without a word");
            assert!(problems.iter().all(|problem| !problem.remedy.is_empty()), "a mistake without a remedy");
        }
        Err(other) => assert!(!other.to_string().is_empty()),
    }
}

/// Durations, rates and cron patterns, as texts.
pub(crate) fn written_values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(found) = duration(text) {
        assert_eq!(duration(&as_written(found)), Some(found), "it reads the same again");
    }
    if let Ok(found) = period(text) {
        assert!((Duration::from_millis(1)..=Duration::from_secs(3_600)).contains(&found));
    }
    // A longer one is refused where it is read; here it would only take time.
    if text.len() <= 64
        && let (Ok(pattern), Ok(zone)) = (CronPattern::parse(text), Zone::parse("Europe/Berlin"))
    {
        assert_eq!(pattern.as_str(), text);
        let now = Timestamp::from_millis(1_792_893_600_000);
        assert!(pattern.next_after(&zone, now).is_none_or(|next| next > now), "a slot after now is after now");
    }
}
