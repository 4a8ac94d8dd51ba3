//! What is promised of names and money, whatever text they are read from.

use super::money::{AMOUNT_MAX, Amount, Currency, for_people};
use super::order::{MerchantId, OrderId, OrderNumber};

/// Order numbers, ids, amounts and currencies.
pub(crate) fn names_and_money(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for max in [32, 36] {
        if let Ok(number) = OrderNumber::new(text, max) {
            assert_eq!(number.as_str(), text);
            assert!((1..=max).contains(&text.chars().count()) && !text.contains(char::is_control));
        }
    }
    if let Ok(id) = OrderId::new(text) {
        assert_eq!(id.as_str(), text);
        assert!((1..=64).contains(&text.len()));
    }
    if let Ok(id) = MerchantId::new(text) {
        assert_eq!(id.as_str(), text);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        assert!((1..=32).contains(&text.len()) && text.bytes().all(plain), "it names files and metrics");
    }
    if let Ok(minor) = text.trim().parse::<i64>() {
        match Amount::new(minor) {
            Ok(amount) => assert_eq!(amount.minor(), minor),
            Err(_) => assert!(!(1..=AMOUNT_MAX).contains(&minor)),
        }
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let shown = digits(&for_people(minor, Currency::RUB));
        assert_eq!(shown.trim_start_matches('0'), minor.unsigned_abs().to_string().trim_start_matches('0'));
    }
    if let Ok(currency) = Currency::parse(text) {
        assert_eq!(Currency::parse(currency.alpha()), Ok(currency), "it reads the same again");
        assert_eq!(Currency::parse(&currency.to_string()), Ok(currency), "it reads the same again");
    }
}
