//! Moments as SOAP writes them: with an offset, and that is Moscow's.
//!
//! Moscow has kept UTC+3 since 2014, before any order of this bank, so no zone database is needed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{self, Offset};

const MOSCOW: Offset = tz::offset(3);

/// `2013-11-13T16:51:02.785+03:00`; nothing for a moment beyond the calendar.
pub(super) fn written(at_ms: i64) -> Option<String> {
    let civil = MOSCOW.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
    Some(format!("{}+03:00", civil.strftime("%Y-%m-%dT%H:%M:%S%.3f")))
}

/// An `xs:dateTime` as the REST requests write it: Moscow time without a zone and without a fraction. Text without a
/// zone is in Moscow time already, and what is no moment stays as it is, to be judged by who needs it.
pub(super) fn without_zone(text: &str) -> String {
    let in_moscow = text.parse().map(|moment: Timestamp| MOSCOW.to_datetime(moment));
    match in_moscow.or_else(|_| text.parse::<DateTime>()) {
        Ok(civil) if text.contains('T') => civil.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read_in_moscow_time() {
        assert_eq!(written(2_000_000_000_123).as_deref(), Some("2033-05-18T06:33:20.123+03:00"));
        assert_eq!(written(i64::MAX), None);
        for (text, expected) in [
            ("2033-05-18T06:33:20", "2033-05-18T06:33:20"),
            ("2033-05-18T06:33:20.5", "2033-05-18T06:33:20"),
            ("2033-05-18T03:33:20Z", "2033-05-18T06:33:20"),
            ("2033-05-18T03:33:20.000000+00:00", "2033-05-18T06:33:20"),
            ("2033-05-18T08:33:20+05:00", "2033-05-18T06:33:20"),
            ("2033-05-18", "2033-05-18"),
            ("soon", "soon"),
            ("", ""),
        ] {
            assert_eq!(without_zone(text), expected);
        }
    }
}
