//! A quantity with a point in it, and what a line of a cart is worth: whole numbers only, no float.

use std::fmt;

/// The most digits of a quantity: `N..18` of the bank's table.
const DIGITS_MAX: usize = 18;

/// How much of something is sold: `units` of 10^-`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    units: u64,
    scale: u32,
}

impl Quantity {
    /// Reads `2`, `1.5` or `0.250`: more than nothing, 18 digits at most. Zeros at the end of a fraction count for
    /// nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        if whole.len() + fraction.len() > DIGITS_MAX {
            return None;
        }
        let units: u64 = format!("0{whole}{fraction}").parse().ok()?;
        let scale = u32::try_from(fraction.len()).ok()?;
        (units > 0).then_some(Self { units, scale })
    }

    /// What so much is worth at `price` minor units for one: a half counts as a whole, as the bank rounds
    /// (registerOrderPreAuth, `amount`). `None` when it is more than any amount.
    pub fn worth(self, price: i64) -> Option<i64> {
        let price = u128::try_from(price).ok()?;
        let unit = 10_u128.checked_pow(self.scale)?;
        let product = price.checked_mul(u128::from(self.units))?;
        i64::try_from(product.checked_add(unit / 2)? / unit).ok()
    }
}

/// As the bank reads it: `1.5`.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match 10_u64.checked_pow(self.scale) {
            Some(unit) if self.scale > 0 => {
                let (whole, fraction) = (self.units / unit, self.units % unit);
                write!(f, "{whole}.{fraction:0width$}", width = self.scale as usize)
            }
            _ => write!(f, "{}", self.units),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantity_is_digits_and_one_point() {
        let table = [
            ("1", Some("1")),
            ("1.50", Some("1.5")),
            ("007.0", Some("7")),
            ("0.250", Some("0.25")),
            ("123456789012345678", Some("123456789012345678")),
            ("0.123456789012345678", Some("0.123456789012345678")),
            ("1234567890123456789", None),
            ("1.234567890123456789", None),
            ("0", None),
            ("0.00", None),
            ("-1", None),
            ("+1", None),
            ("1,5", None),
            ("1e3", None),
            (".5", None),
            ("5.", None),
            ("1.2.3", None),
            (" 1", None),
            ("", None),
        ];
        for (text, expected) in table {
            let read = Quantity::parse(text).map(|quantity| quantity.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    /// The bank's own rule: five and more after the point is rounded up.
    #[test]
    fn a_line_is_rounded_half_up() {
        let table = [
            (100, "1", 100),
            (100, "0.005", 1),
            (100, "0.004", 0),
            (333, "1.5", 500),
            (333, "0.333", 111),
            (23_500, "1", 23_500),
            (1, "0.5", 1),
            (1, "0.49", 0),
            (0, "3", 0),
        ];
        for (price, quantity, worth) in table {
            assert_eq!(Quantity::parse(quantity).unwrap().worth(price), Some(worth), "{price} x {quantity}");
        }
        assert_eq!(Quantity::parse("999999999999999999").unwrap().worth(i64::MAX), None);
        assert_eq!(Quantity::parse("1").unwrap().worth(-1), None);
    }

    proptest! {
        /// Against another way of counting: twice the value, rounded down, and one more, halved.
        #[test]
        fn a_lines_worth_is_what_schoolbook_arithmetic_says(
            price in 0_i64..1_000_000_000_000_000_000,
            whole in 0_u64..1_000_000_000,
            fraction in 0_u64..1_000_000_000,
            places in 1_usize..10,
        ) {
            let fraction = format!("{fraction:09}")[..places].to_owned();
            let Some(quantity) = Quantity::parse(&format!("{whole}.{fraction}")) else {
                prop_assert!(whole == 0 && fraction.bytes().all(|byte| byte == b'0'));
                return Ok(());
            };
            let unit = (0..places).fold(1_u128, |unit, _| unit * 10);
            let units = u128::from(whole) * unit + fraction.parse::<u128>().unwrap();
            let twice = 2 * u128::try_from(price).unwrap() * units / unit;
            let expected = i64::try_from(twice.div_ceil(2)).ok();
            prop_assert_eq!(quantity.worth(price), expected);
            prop_assert_eq!(Quantity::parse(&quantity.to_string()), Some(quantity));
        }
    }
}
