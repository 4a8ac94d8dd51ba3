//! Business days and cron slots in a merchant's zone, clock changes included.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::time::Timestamp;

/// A merchant's zone, by its IANA name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of an IANA name such as `Europe/Moscow`.
    pub fn parse(name: &str) -> Result<Self, jiff::Error> {
        TimeZone::get(name).map(Self)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// `at` as a clock on the wall of this zone shows it.
    pub fn local(&self, at: Timestamp) -> Zoned {
        jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX).to_zoned(self.0.clone())
    }

    /// `2026-11-20 14:03:05`, for people.
    pub fn for_people(&self, at: Timestamp) -> String {
        self.local(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// A business day: a civil date in the merchant's zone, closed at a cut-off. 23 or 25 hours long when clocks change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessDay {
    /// The date on which it begins.
    pub date: Date,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl BusinessDay {
    /// The business day that begins on `date` at `cut_off`.
    pub fn of_date(date: Date, zone: &Zone, cut_off: Time) -> Result<Self, jiff::Error> {
        let tomorrow = date.checked_add(1.day())?;
        Ok(Self { date, from: moment(date, zone, cut_off)?, until: moment(tomorrow, zone, cut_off)? })
    }

    /// The latest business day that has ended by `now`.
    pub fn last_ended(now: Timestamp, zone: &Zone, cut_off: Time) -> Result<Self, jiff::Error> {
        let today = zone.local(now).date();
        let yesterday = Self::of_date(today.checked_sub(1.day())?, zone, cut_off)?;
        if yesterday.until <= now {
            return Ok(yesterday);
        }
        Self::of_date(today.checked_sub(2.days())?, zone, cut_off)
    }
}

fn moment(date: Date, zone: &Zone, time: Time) -> Result<Timestamp, jiff::Error> {
    let at = date.to_datetime(time).to_zoned(zone.0.clone())?.timestamp();
    Ok(Timestamp::from_millis(at.as_millisecond()))
}

/// A cron pattern: minute, hour, day of month, month, day of week.
#[derive(Clone, Debug)]
pub struct CronPattern {
    text: String,
    cron: croner::Cron,
}

impl PartialEq for CronPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for CronPattern {}

/// Fields of a pattern.
const FIELDS: usize = 5;

impl CronPattern {
    /// Reads `15 3 * * *`. The error says what is wrong with it.
    ///
    /// Five fields and no more: the minute is the shortest that a slot is looked for, and with seconds a slot that
    /// never comes would be searched for second by second through five thousand years. Of a list every item must be
    /// there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields = text.split_whitespace();
        if fields.clone().count() != FIELDS {
            return Err(format!("a pattern has {FIELDS} fields: minute, hour, day, month, weekday"));
        }
        if let Some(list) = fields.clone().find(|field| field.split(',').any(str::is_empty)) {
            return Err(format!("`{list}` has an empty item in its list"));
        }
        let cron: croner::Cron = text.parse().map_err(|error: croner::errors::CronError| error.to_string())?;
        Ok(Self { text: text.to_owned(), cron })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first slot after `at`, by the clock on the wall of `zone`; `None` when there is none in any year to come.
    pub fn next_after(&self, zone: &Zone, at: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&zone.local(at), false).ok()?;
        Some(Timestamp::from_millis(next.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn business_days_are_as_long_as_the_clocks_make_them() {
        let (berlin, moscow) = (Zone::parse("Europe/Berlin").unwrap(), Zone::parse("Europe/Moscow").unwrap());
        let table = [
            ("2026-03-29", &berlin, 23),
            ("2026-10-25", &berlin, 25),
            ("2026-11-20", &berlin, 24),
            ("2026-03-29", &moscow, 24),
        ];
        for (date, zone, hours) in table {
            let day = BusinessDay::of_date(date.parse().unwrap(), zone, Time::midnight()).unwrap();
            assert_eq!(day.until.since(day.from).as_secs() / 3600, hours, "{date} {}", zone.name());
        }
    }

    #[test]
    fn the_last_ended_day_respects_the_cut_off() {
        let zone = Zone::parse("Europe/Moscow").unwrap();
        let six = "06:00".parse().unwrap();
        let table = [
            ("2026-11-21T02:59:00Z", "2026-11-19"),
            ("2026-11-21T03:00:00Z", "2026-11-20"),
            ("2026-11-21T23:00:00Z", "2026-11-20"),
        ];
        for (now, date) in table {
            assert_eq!(BusinessDay::last_ended(at(now), &zone, six).unwrap().date.to_string(), date, "{now}");
        }
    }

    #[test]
    fn slots_follow_the_wall_clock_through_its_changes() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let pattern = CronPattern::parse("30 3 * * *").unwrap();
        let table = [
            ("2026-03-28T03:00:00Z", "2026-03-29T01:30:00Z"),
            ("2026-10-25T00:00:00Z", "2026-10-25T02:30:00Z"),
            ("2026-11-20T02:30:00Z", "2026-11-21T02:30:00Z"),
        ];
        for (after, slot) in table {
            assert_eq!(pattern.next_after(&berlin, at(after)), Some(at(slot)), "{after}");
        }
        let never = CronPattern::parse("0 0 30 2 *").unwrap();
        assert_eq!(never.next_after(&berlin, at("2026-11-20T02:30:00Z")), None, "a date that no year has");
        for wrong in
            ["61 * * * *", "", "* * * *", "0 30 3 * * *", ", 12 * * * * *", ", 3 * * *", "1,,2 3 * * *", "@daily"]
        {
            assert!(CronPattern::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
