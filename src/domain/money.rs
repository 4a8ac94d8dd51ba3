//! Money: whole minor units beside an ISO 4217 currency, never a float.

use std::fmt;

/// The largest amount a request may carry: twelve digits, the gateway's `N..12` (register.do, request parameters).
pub const AMOUNT_MAX: i64 = 999_999_999_999;

/// An amount that can be ordered, held or taken: 1 to [`AMOUNT_MAX`] minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// Why a number is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing to pay.
    #[error("the amount is zero; give the price in minor units (kopecks), at least 1")]
    Zero,
    /// Below zero.
    #[error("the amount {0} is negative; give the price in minor units (kopecks), at least 1")]
    Negative(i64),
    /// More than twelve digits.
    #[error("the amount {0} has more than 12 digits; the gateway takes at most 999999999999 minor units")]
    TooLarge(i64),
}

impl Amount {
    /// An amount of `minor` minor units.
    pub const fn new(minor: i64) -> Result<Self, AmountError> {
        match minor {
            0 => Err(AmountError::Zero),
            i64::MIN..0 => Err(AmountError::Negative(minor)),
            1..=AMOUNT_MAX => Ok(Self(minor)),
            _ => Err(AmountError::TooLarge(minor)),
        }
    }

    /// Minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }
}

/// A currency by its ISO 4217 numeric code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u16);

/// A code that names no currency we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency `{0}`; give an ISO 4217 code such as 643 or RUB")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// The rouble, which every document of the gateway assumes.
    pub const RUB: Self = Self(643);

    /// The currency of an ISO 4217 numeric code. 810, the rouble before 1998, still stands in the bank's documents as
    /// the default and is read as 643 (getOrderStatusExtended.do, `currency`).
    pub fn from_numeric(code: u16) -> Result<Self, UnknownCurrency> {
        let code = if code == 810 { 643 } else { code };
        match entry(code) {
            Some(_) => Ok(Self(code)),
            None => Err(UnknownCurrency(code.to_string())),
        }
    }

    /// Reads `643` or `RUB`.
    pub fn parse(text: &str) -> Result<Self, UnknownCurrency> {
        let unknown = || UnknownCurrency(text.chars().take(16).collect());
        if let Ok(code) = text.parse::<u16>() {
            return Self::from_numeric(code).map_err(|_| unknown());
        }
        let found = CURRENCIES.iter().find(|(_, alpha, _)| alpha.eq_ignore_ascii_case(text));
        found.map(|(code, _, _)| Self(*code)).ok_or_else(unknown)
    }

    /// Every currency, by its numeric code.
    pub fn all() -> impl Iterator<Item = Self> {
        CURRENCIES.iter().map(|(code, _, _)| Self(*code))
    }

    /// The numeric code: 643.
    pub const fn numeric(self) -> u16 {
        self.0
    }

    /// The alphabetic code: RUB.
    pub fn alpha(self) -> &'static str {
        entry(self.0).map_or("???", |(_, alpha, _)| alpha)
    }

    /// How many digits of an amount are minor: 2 for kopecks, 0 for yen.
    pub fn exponent(self) -> u32 {
        entry(self.0).map_or(2, |(_, _, exponent)| *exponent)
    }
}

/// Three digits, as the wire has it.
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// An amount for people: `1 234.50 RUB`. Any `i64`, since sums and differences are shown too.
pub fn for_people(minor: i64, currency: Currency) -> String {
    let unit = 10_u64.pow(currency.exponent());
    let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let sign = if minor < 0 { "-" } else { "" };
    let whole = grouped(whole);
    match currency.exponent() {
        0 => format!("{sign}{whole} {}", currency.alpha()),
        digits => format!("{sign}{whole}.{part:0width$} {}", currency.alpha(), width = digits as usize),
    }
}

/// A whole number for people: `1 234 567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn entry(code: u16) -> Option<&'static (u16, &'static str, u32)> {
    CURRENCIES.binary_search_by_key(&code, |(code, _, _)| *code).ok().and_then(|at| CURRENCIES.get(at))
}

/// ISO 4217: numeric code, alphabetic code, minor digits; sorted by numeric code.
#[rustfmt::skip]
const CURRENCIES: &[(u16, &str, u32)] = &[
    (8, "ALL", 2), (12, "DZD", 2), (32, "ARS", 2), (36, "AUD", 2), (44, "BSD", 2), (48, "BHD", 3), (50, "BDT", 2),
    (51, "AMD", 2), (52, "BBD", 2), (60, "BMD", 2), (64, "BTN", 2), (68, "BOB", 2), (72, "BWP", 2), (84, "BZD", 2),
    (90, "SBD", 2), (96, "BND", 2), (104, "MMK", 2), (108, "BIF", 0), (116, "KHR", 2), (124, "CAD", 2), (132, "CVE", 2),
    (136, "KYD", 2), (144, "LKR", 2), (152, "CLP", 0), (156, "CNY", 2), (170, "COP", 2), (174, "KMF", 0),
    (188, "CRC", 2), (192, "CUP", 2), (203, "CZK", 2), (208, "DKK", 2), (214, "DOP", 2), (222, "SVC", 2),
    (230, "ETB", 2), (232, "ERN", 2), (238, "FKP", 2), (242, "FJD", 2), (262, "DJF", 0), (270, "GMD", 2),
    (292, "GIP", 2), (320, "GTQ", 2), (324, "GNF", 0), (328, "GYD", 2), (332, "HTG", 2), (340, "HNL", 2),
    (344, "HKD", 2), (348, "HUF", 2), (352, "ISK", 0), (356, "INR", 2), (360, "IDR", 2), (364, "IRR", 2),
    (368, "IQD", 3), (376, "ILS", 2), (388, "JMD", 2), (392, "JPY", 0), (398, "KZT", 2), (400, "JOD", 3),
    (404, "KES", 2), (408, "KPW", 2), (410, "KRW", 0), (414, "KWD", 3), (417, "KGS", 2), (418, "LAK", 2),
    (422, "LBP", 2), (426, "LSL", 2), (430, "LRD", 2), (434, "LYD", 3), (446, "MOP", 2), (454, "MWK", 2),
    (458, "MYR", 2), (462, "MVR", 2), (480, "MUR", 2), (484, "MXN", 2), (496, "MNT", 2), (498, "MDL", 2),
    (504, "MAD", 2), (512, "OMR", 3), (516, "NAD", 2), (524, "NPR", 2), (533, "AWG", 2), (548, "VUV", 0),
    (554, "NZD", 2), (558, "NIO", 2), (566, "NGN", 2), (578, "NOK", 2), (586, "PKR", 2), (590, "PAB", 2),
    (598, "PGK", 2), (600, "PYG", 0), (604, "PEN", 2), (608, "PHP", 2), (634, "QAR", 2), (643, "RUB", 2),
    (646, "RWF", 0), (654, "SHP", 2), (682, "SAR", 2), (690, "SCR", 2), (702, "SGD", 2), (704, "VND", 0),
    (706, "SOS", 2), (710, "ZAR", 2), (728, "SSP", 2), (748, "SZL", 2), (752, "SEK", 2), (756, "CHF", 2),
    (760, "SYP", 2), (764, "THB", 2), (776, "TOP", 2), (780, "TTD", 2), (784, "AED", 2), (788, "TND", 3),
    (800, "UGX", 0), (807, "MKD", 2), (818, "EGP", 2), (826, "GBP", 2), (834, "TZS", 2), (840, "USD", 2),
    (858, "UYU", 2), (860, "UZS", 2), (882, "WST", 2), (886, "YER", 2), (901, "TWD", 2), (924, "ZWG", 2),
    (925, "SLE", 2), (926, "VED", 2), (928, "VES", 2), (929, "MRU", 2), (930, "STN", 2), (933, "BYN", 2),
    (934, "TMT", 2), (936, "GHS", 2), (938, "SDG", 2), (941, "RSD", 2), (943, "MZN", 2), (944, "AZN", 2),
    (946, "RON", 2), (949, "TRY", 2), (950, "XAF", 0), (951, "XCD", 2), (952, "XOF", 0), (953, "XPF", 0),
    (967, "ZMW", 2), (968, "SRD", 2), (969, "MGA", 2), (971, "AFN", 2), (972, "TJS", 2), (973, "AOA", 2),
    (975, "BGN", 2), (976, "CDF", 2), (977, "BAM", 2), (978, "EUR", 2), (980, "UAH", 2), (981, "GEL", 2),
    (985, "PLN", 2), (986, "BRL", 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(CURRENCIES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn amounts_have_one_to_twelve_digits() {
        let table = [
            (0, Err(AmountError::Zero)),
            (-1, Err(AmountError::Negative(-1))),
            (1, Ok(Amount(1))),
            (AMOUNT_MAX, Ok(Amount(AMOUNT_MAX))),
            (AMOUNT_MAX + 1, Err(AmountError::TooLarge(AMOUNT_MAX + 1))),
        ];
        for (minor, expected) in table {
            assert_eq!(Amount::new(minor), expected);
        }
    }

    #[test]
    fn currencies_are_read_by_number_and_by_letters() {
        let table = [
            ("643", Some(643)),
            ("RUB", Some(643)),
            ("rub", Some(643)),
            ("810", Some(643)),
            ("978", Some(978)),
            ("999", None),
            ("", None),
            ("643 ", None),
        ];
        for (text, expected) in table {
            assert_eq!(Currency::parse(text).ok().map(Currency::numeric), expected, "{text}");
        }
    }

    #[test]
    fn people_read_whole_units() {
        let yen = Currency::from_numeric(392).unwrap();
        let table = [
            (123_450, Currency::RUB, "1 234.50 RUB"),
            (5, Currency::RUB, "0.05 RUB"),
            (-100, Currency::RUB, "-1.00 RUB"),
            (1_000_000, yen, "1 000 000 JPY"),
            (i64::MIN, yen, "-9 223 372 036 854 775 808 JPY"),
        ];
        for (minor, currency, words) in table {
            assert_eq!(for_people(minor, currency), words);
        }
    }
}
