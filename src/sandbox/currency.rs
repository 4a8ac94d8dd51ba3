//! The currencies this bank takes, and how an amount in minor units is written for a person.
//!
//! No conversion and no floats: an amount is cut into its two parts as an integer.

/// One currency of the bank's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    /// ISO 4217 number as the wire carries it, leading zeros included.
    pub(super) number: &'static str,
    /// What a person reads behind the amount.
    sign: &'static str,
    /// How many digits the minor unit has.
    digits: u32,
}

/// Russian roubles, the store's default.
pub(super) const ROUBLE: Currency = of("643", "₽", 2);

/// 810 is the rouble's number before 1998, still the default in parts of the documents.
/// Currencies with no minor unit and with three digits are here so that clients who assume two are found out.
const KNOWN: [Currency; 14] = [
    ROUBLE,
    of("810", "₽", 2),
    of("051", "AMD", 2),
    of("156", "CNY", 2),
    of("392", "JPY", 0),
    of("398", "KZT", 2),
    of("414", "KWD", 3),
    of("417", "KGS", 2),
    of("784", "AED", 2),
    of("840", "USD", 2),
    of("860", "UZS", 2),
    of("933", "BYN", 2),
    of("949", "TRY", 2),
    of("978", "EUR", 2),
];

const fn of(number: &'static str, sign: &'static str, digits: u32) -> Currency {
    Currency { number, sign, digits }
}

impl Currency {
    /// Its number, as the wire carries it.
    pub fn number(self) -> &'static str {
        self.number
    }

    /// The currency with this ISO number, if the bank takes it.
    pub fn by_number(number: &str) -> Option<Currency> {
        KNOWN.into_iter().find(|currency| currency.number == number)
    }

    /// `1 234,50 ₽` with the given decimal mark; thousands are parted by a no-break space.
    pub fn format(self, amount_minor: i64, decimal_mark: char) -> String {
        let unit = 10_u64.pow(self.digits);
        let minor = amount_minor.unsigned_abs();
        let sign = if amount_minor < 0 { "−" } else { "" };
        let whole = in_thousands(minor / unit);
        let part = match self.digits as usize {
            0 => String::new(),
            width => format!("{decimal_mark}{:0width$}", minor % unit),
        };
        format!("{sign}{whole}{part}\u{a0}{}", self.sign)
    }
}

fn in_thousands(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_from_minor_units() {
        let check = |number: &str, minor: i64, expected: &str| {
            let currency = Currency::by_number(number).unwrap();
            assert_eq!(currency.format(minor, ',').replace('\u{a0}', " "), expected);
        };
        check("643", 0, "0,00 ₽");
        check("643", 5, "0,05 ₽");
        check("643", 123_450, "1 234,50 ₽");
        check("643", 999_999_999_999, "9 999 999 999,99 ₽");
        check("643", -100, "−1,00 ₽");
        check("392", 1_000, "1 000 JPY");
        check("414", 1_005, "1,005 KWD");
        check("643", i64::MIN, "−92 233 720 368 547 758,08 ₽");
    }

    #[test]
    fn unknown_numbers_are_not_currencies() {
        for number in ["", "64", "0643", "RUB", "999"] {
            assert_eq!(Currency::by_number(number), None, "{number}");
        }
    }
}
