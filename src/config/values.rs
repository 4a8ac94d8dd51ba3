//! How a text of the file becomes a value: durations, rates, gateway addresses, cron patterns.
//!
//! A parser answers with what to write instead; who asked adds the key and the value. No floats: `1.5h` is `1h30m`.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::domain::calendar::CronPattern;
use crate::domain::money::Currency;

/// From where to where a value may go, both included, and why no further.
pub(super) struct Limits<T> {
    /// The smallest.
    pub(super) min: T,
    /// The largest.
    pub(super) max: T,
    /// Why.
    pub(super) why: &'static str,
}

impl<T: PartialOrd> Limits<T> {
    /// Whether `value` is within them.
    pub(super) fn contain(&self, value: &T) -> bool {
        (&self.min..=&self.max).contains(&value)
    }
}

impl fmt::Display for Limits<u32> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}: {}", self.min, self.max, self.why)
    }
}

impl fmt::Display for Limits<Duration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (as_written(self.min), as_written(self.max));
        write!(f, "{min} to {max}: {}", self.why)
    }
}

/// The units of a duration, from the largest, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The duration of `1h30m`, `90s` or `1500ms`: whole numbers, each with its unit, every unit once, the larger first.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total_ms = 0_u64;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, unit_ms) = units.find(|(name, _)| *name == unit)?;
        total_ms = total_ms.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit_ms)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(Duration::from_millis(total_ms))
}

/// `duration`, as one would write it in the file.
pub fn as_written(duration: Duration) -> String {
    let mut rest_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, unit_ms) in UNITS {
        if rest_ms >= unit_ms {
            parts.push(format!("{}{unit}", rest_ms / unit_ms));
            rest_ms %= unit_ms;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.concat() }
}

/// A duration within `limits`.
pub(super) fn duration_within(text: &str, limits: &Limits<Duration>) -> Result<Duration, String> {
    match duration(text) {
        None => Err("give a duration in whole d, h, m, s or ms, the larger first, such as \"1h30m\"".to_owned()),
        Some(found) if limits.contain(&found) => Ok(found),
        Some(_) => Err(format!("give {limits}")),
    }
}

/// How long one request has to itself at a rate such as `5/s`, `30/m` or `1/h`. Rounded up, so that the rate as written
/// is never exceeded.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    const FORM: &str = "give a whole number of requests per s, m or h, such as \"5/s\"";
    let (number, unit) = text.split_once('/').ok_or(FORM)?;
    let number: u64 = number.trim().parse().map_err(|_| FORM)?;
    let unit = match unit.trim() {
        unit @ ("s" | "m" | "h") => duration(&format!("1{unit}")).ok_or(FORM)?,
        _ => return Err(FORM.to_owned()),
    };
    let unit_nanos = u64::try_from(unit.as_nanos()).unwrap_or(u64::MAX);
    let period = match number {
        0 => Duration::MAX,
        number => Duration::from_nanos(unit_nanos.div_ceil(number)),
    };
    if (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&period) {
        return Ok(period);
    }
    Err("give 1/h to 1000/s: slower, no queue would ever be through; faster, no bank allows it".to_owned())
}

/// The prefix of a gateway's addresses.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// As written.
    pub(super) url: String,
    /// Whether it is on this host, where no real money is.
    pub(super) is_loopback: bool,
}

/// Reads `https://securepayments.sberbank.ru/payment/rest/`, behind which the name of each request is put.
pub(super) fn address(text: &str) -> Result<Address, String> {
    let (address, path) = parts(text)?;
    if !path.is_empty() && !path.ends_with('/') {
        return Err("end the address with /: the name of each request is put behind it".to_owned());
    }
    Ok(address)
}

/// Reads `https://3dsec.sberbank.ru/payment/webservices/merchant-ws`, to which every request goes.
pub(super) fn endpoint(text: &str) -> Result<Address, String> {
    let (address, path) = parts(text)?;
    if path.is_empty() || path.ends_with('/') {
        return Err("give the service's own address, such as https://HOST/payment/webservices/merchant-ws".to_owned());
    }
    Ok(address)
}

/// Whether requests that go to `url` stay on this host.
pub(super) fn is_local(url: &str) -> bool {
    parts(url).is_ok_and(|(address, _)| address.is_loopback)
}

/// An address, and its path.
fn parts(text: &str) -> Result<(Address, &str), String> {
    if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic() || "@?#\\\"<>".contains(*c)) {
        return Err(match odd {
            '@' => "take the credentials out of the address: they stand in user_name and password".to_owned(),
            '?' | '#' => "end the address before its query or fragment".to_owned(),
            odd => format!("write the address in plain ASCII, without {odd:?}"),
        });
    }
    let (scheme, rest) = text.split_once("://").ok_or("begin the address with https://")?;
    let (authority, path) = rest.split_once('/').ok_or("end the address with /, after its whole prefix")?;
    let is_loopback = is_loopback(host(authority)?);
    match scheme {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err("use https: http is allowed to a loopback address only".to_owned()),
        _ => return Err("begin the address with https://".to_owned()),
    }
    Ok((Address { url: text.to_owned(), is_loopback }, path))
}

/// Reads `http://proxy.example:3128`.
pub(super) fn proxy(text: &str) -> Result<String, String> {
    const FORM: &str = "give the proxy's address alone, such as \"http://proxy.example:3128\"";
    if text.contains('@') {
        return Err("take the credentials out of the proxy's address: one that asks for them is not served".to_owned());
    }
    let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if !["http", "https"].contains(&scheme) || authority.contains('/') {
        return Err(FORM.to_owned());
    }
    host(authority)?;
    Ok(format!("{scheme}://{authority}"))
}

/// The host of `host:port`.
fn host(authority: &str) -> Result<&str, String> {
    const FORM: &str = "name a host after ://, with a port from 1 to 65535 if it has its own";
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_named = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    if is_named && port.is_none_or(is_port) { Ok(host) } else { Err(FORM.to_owned()) }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The largest sum, in minor units: a thousand of the largest amounts. A limit beyond it would limit nothing, and the
/// sums compared with it must fit.
const SUM_MAX: i64 = 999_999_999_999_999;

/// The minor units of a sum such as `1000000.00`: whole units, and as many digits behind the point as `currency` has,
/// or none at all.
pub(super) fn sum(text: &str, currency: Currency) -> Result<i64, String> {
    let digits = currency.exponent() as usize;
    let form = || {
        let example = if digits == 0 { "1000000".to_owned() } else { format!("1000000.{}", "0".repeat(digits)) };
        format!("give a sum of {} in quotes, such as \"{example}\"", currency.alpha())
    };
    let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || part.is_some_and(|part| !is_number(part) || part.len() != digits) {
        return Err(form());
    }
    let minor = format!("{whole}{}", part.map_or_else(|| "0".repeat(digits), str::to_owned)).parse::<i64>();
    match minor {
        Ok(minor @ 1..=SUM_MAX) => Ok(minor),
        _ => Err(format!(
            "give from 1 to {SUM_MAX} minor units of {}: less would stop every completion, more would limit nothing",
            currency.alpha()
        )),
    }
}

/// A cron pattern of five fields. Seconds are refused, since nothing here is worth doing every second.
pub(super) fn cron(text: &str) -> Result<CronPattern, String> {
    const FORM: &str = "give minute, hour, day of month, month and day of week, such as \"15 3 * * *\"";
    if text.split_whitespace().count() != 5 {
        return Err(FORM.to_owned());
    }
    CronPattern::parse(text).map_err(|error| format!("{error}; {FORM}"))
}

/// A time of day such as `00:00`.
pub(super) fn time_of_day(text: &str) -> Result<jiff::civil::Time, String> {
    let form = |_| "give hours and minutes from \"00:00\" to \"23:59\"".to_owned();
    jiff::civil::Time::strptime("%H:%M", text).map_err(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_units() {
        let check = |text: &str, expected_ms: Option<u64>| {
            assert_eq!(duration(text), expected_ms.map(Duration::from_millis), "{text:?}");
        };
        check("1500ms", Some(1_500));
        check("90s", Some(90_000));
        check("15m", Some(900_000));
        check("1h30m", Some(5_400_000));
        check("1d2h3m4s5ms", Some(93_784_005));
        check("0s", Some(0));
        for wrong in [
            "",
            "5",
            "s",
            "1.5h",
            "-1s",
            "1 h",
            "30m1h",
            "1h1h",
            "1w",
            "1S",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn durations_are_shown_as_written() {
        for text in ["0s", "100ms", "1h30m", "5d", "1m500ms"] {
            assert_eq!(duration(text).map(as_written).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_rate_is_rounded_down() {
        assert_eq!(period("5/s"), Ok(Duration::from_millis(200)));
        assert_eq!(period("3/s"), Ok(Duration::from_nanos(333_333_334)));
        assert_eq!(period("1000/s"), Ok(Duration::from_millis(1)));
        assert_eq!(period("30/m"), Ok(Duration::from_secs(2)));
        assert_eq!(period("1/h"), Ok(Duration::from_secs(3600)));
        for wrong in ["", "5", "5/", "/s", "0/s", "-1/s", "1001/s", "0.5/s", "5/d", "5/ms", "99999999999999999999/s"] {
            assert!(period(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_is_https_or_loopback_and_ends_in_a_slash() {
        let loopback = |text: &str| address(text).map(|address| address.is_loopback);
        assert_eq!(loopback("https://securepayments.sberbank.ru/payment/rest/"), Ok(false));
        assert_eq!(loopback("https://bank.example:8443/"), Ok(false));
        assert_eq!(loopback("http://127.0.0.1:8642/payment/rest/"), Ok(true));
        assert_eq!(loopback("http://[::1]:8642/"), Ok(true));
        assert_eq!(loopback("http://localhost/"), Ok(true));
        let wrong = [
            ("http://bank.example/", "use https"),
            ("http://127.0.0.1.bank.example/", "use https"),
            ("http://[::2]/", "use https"),
            ("https://bank.example/rest", "end the address with /"),
            ("https://bank.example", "end the address with /"),
            ("https://user:secret@bank.example/", "take the credentials out"),
            ("https://bank.example/?a=b/", "query or fragment"),
            ("https://bank.example/#a/", "query or fragment"),
            ("https://bank.example/a b/", "plain ASCII"),
            ("https:///rest/", "name a host"),
            ("https://bank.example:0/", "port"),
            ("https://bank.example:x/", "port"),
            ("https://[::1/", "name a host"),
            ("ftp://bank.example/", "begin the address with https://"),
            ("bank.example/", "begin the address with https://"),
        ];
        for (text, remedy) in wrong {
            let error = address(text).unwrap_err();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }

    #[test]
    fn a_sum_has_as_many_minor_digits_as_its_currency_or_none() {
        let (rouble, yen) = (Currency::RUB, Currency::parse("JPY").unwrap());
        let table = [
            ("1000000.00", rouble, Some(100_000_000)),
            ("1000000", rouble, Some(100_000_000)),
            ("0.01", rouble, Some(1)),
            ("1000000", yen, Some(1_000_000)),
            ("9999999999999.99", rouble, Some(999_999_999_999_999)),
            ("10000000000000.00", rouble, None),
            ("99999999999999999999", rouble, None),
            ("1000000.00", yen, None),
            ("0.00", rouble, None),
            ("1.5", rouble, None),
            ("1.", rouble, None),
            (".50", rouble, None),
            ("-1.00", rouble, None),
            ("1 000.00", rouble, None),
            ("1e6", rouble, None),
            ("", rouble, None),
        ];
        for (text, currency, expected) in table {
            assert_eq!(sum(text, currency).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_cron_pattern_has_five_fields() {
        assert!(cron("15 3 * * *").is_ok());
        for wrong in ["", "* * * * * *", "@daily", "61 3 * * *", "15 3 * * x"] {
            assert!(cron(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_time_of_day_is_hours_and_minutes() {
        assert_eq!(time_of_day("03:30"), Ok(jiff::civil::time(3, 30, 0, 0)));
        for wrong in ["", "3", "24:00", "03:60", "03:30:00"] {
            assert!(time_of_day(wrong).is_err(), "{wrong:?}");
        }
    }
}
