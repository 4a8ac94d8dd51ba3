//! What a registration may be, parameter by parameter.

use super::super::book::tests::TERMS;
use super::*;

const GOOD: &str = "orderNumber=A-1&amount=100&returnUrl=https://shop.example/";

fn parsed(extra: &str) -> Result<Registration, Refusal> {
    // The first value wins, so what is added goes before what is good.
    let params = Params::merge(&format!("{extra}&{GOOD}"), b"");
    parse(&params, "shop", &TERMS, 1_700_000_000_000)
}

fn without(name: &str) -> Result<Registration, Refusal> {
    let left: Vec<_> = GOOD.split('&').filter(|pair| !pair.starts_with(name)).collect();
    parse(&Params::merge(&left.join("&"), b""), "shop", &TERMS, 0)
}

#[test]
fn what_is_missing_is_code_4() {
    assert_eq!(without("orderNumber").unwrap_err(), errors::NUMBER_EMPTY);
    assert_eq!(without("amount").unwrap_err(), errors::AMOUNT_EMPTY);
    assert_eq!(without("returnUrl").unwrap_err(), errors::RETURN_URL_EMPTY);
}

#[test]
fn what_is_wrong_has_its_code() {
    let check = |extra: &str, refusal| assert_eq!(parsed(extra).unwrap_err(), refusal, "{extra}");
    check("orderNumber=123456789012345678901234567890123", errors::WRONG_NUMBER);
    check("orderNumber=a%0Ab", errors::WRONG_NUMBER);
    for amount in ["0", "-1", "1.5", "1234567890123", "%2B5", "12,00"] {
        check(&format!("amount={amount}"), errors::AMOUNT_WRONG);
    }
    check("currency=999", errors::UNKNOWN_CURRENCY);
    check("currency=RUB", errors::UNKNOWN_CURRENCY);
    check("returnUrl=/thanks", errors::RETURN_URL_RELATIVE);
    check("returnUrl=shop.example", errors::RETURN_URL_RELATIVE);
    check("sessionTimeoutSecs=0", errors::VALUE_WRONG);
    check("sessionTimeoutSecs=20m", errors::VALUE_WRONG);
    check("expirationDate=2014-09-08T14:14:14", errors::VALUE_WRONG);
    check("expirationDate=2044-09-08", errors::VALUE_WRONG);
    check("expirationDate=2044-09-08T14:14:14Z", errors::VALUE_WRONG);
    check("jsonParams=[1]", errors::VALUE_WRONG);
    check("features=VERIFY", errors::VERIFY_FORBIDDEN);
    check("features=AUTO_PAYMENT&features=X", errors::FEATURES_WRONG);
}

#[test]
fn what_is_good_is_taken_over() {
    let plain = parsed("").unwrap();
    assert_eq!((plain.amount_minor, plain.currency, plain.lifetime), (100, ROUBLE, Lifetime::Default));
    let rich =
        parsed("amount=999999999999&currency=978&language=en&sessionTimeoutSecs=60&jsonParams={\"a\":\"b\",\"n\":1}")
            .unwrap();
    assert_eq!(rich.amount_minor, 999_999_999_999);
    assert_eq!((rich.currency.number, rich.language), ("978", Language::En));
    assert_eq!(rich.lifetime, Lifetime::Seconds(60));
    let pairs: Vec<_> = rich.params.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(pairs, [("a", "b"), ("n", "1")]);
}

#[test]
fn an_expiration_date_is_moscow_time_and_wins() {
    let order = parsed("sessionTimeoutSecs=bad&expirationDate=2033-05-18T06:33:20").unwrap();
    assert_eq!(order.lifetime, Lifetime::Until(2_000_000_000_000));
}

#[test]
fn a_scheme_is_a_scheme() {
    assert!(has_scheme("https://a") && has_scheme("my-shop://back"));
    for bad in ["", "https://", "//a", "1a://b", "javascript:alert(1)", "JavaScript://%0aalert(1)", "a b://c"] {
        assert!(!has_scheme(bad), "{bad}");
    }
}
