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
    check("sessionTimeoutSecs=10000000000", errors::VALUE_WRONG);
    check("expirationDate=2014-09-08T14:14:14", errors::VALUE_WRONG);
    check("expirationDate=2044-09-08", errors::VALUE_WRONG);
    check("expirationDate=2044-09-08T14:14:14Z", errors::VALUE_WRONG);
    check("jsonParams=[1]", errors::VALUE_WRONG);
    check("features=VERIFY", errors::VERIFY_FORBIDDEN);
    check("features=AUTO_PAYMENT&features=X", errors::FEATURES_WRONG);
    check("features=AUTO_PAYMENT;X", errors::FEATURES_WRONG);
    for character in ["%25", "%2B", "%0D", "%0A"] {
        check(&format!("description=a{character}b"), errors::VALUE_WRONG);
    }
    let longer_than = |longest: usize| "x".repeat(longest + 1);
    for (name, longest) in [
        ("description", 598),
        ("returnUrl", 512),
        ("failUrl", 512),
        ("dynamicCallbackUrl", 512),
        ("clientId", 255),
        ("merchantLogin", 255),
        ("bindingId", 255),
        ("email", 40),
        ("phone", 12),
        ("postAddress", 255),
    ] {
        check(&format!("{name}={}", longer_than(longest)), errors::VALUE_WRONG);
    }
    check("dynamicCallbackUrl=shop.example/cb", errors::VALUE_WRONG);
    check("phone=8-912", errors::VALUE_WRONG);
    check("taxSystem=6", errors::VALUE_WRONG);
    check("taxSystem=x", errors::VALUE_WRONG);
    check("billingPayerData=[]", errors::VALUE_WRONG);
    check(&format!("billingPayerData={{\"billingCity\":\"{}\"}}", longer_than(50)), errors::VALUE_WRONG);
    check("additionalOfdParams=1", errors::VALUE_WRONG);
    check("additionalOfdParams={\"agent_info.type\":\"8\"}", errors::VALUE_WRONG);
    check("additionalOfdParams={\"agent_info\":{\"MTOperator\":{\"inn\":\"1\"}}}", errors::VALUE_WRONG);
    check("additionalOfdParams={\"client\":{\"email\":\"a@b\",\"phone\":\"%2B7912\"}}", errors::VALUE_WRONG);
    check("additionalOfdParams={\"CLIENT\":{\"Email\":\"a@b\"},\"client.phone\":\"%2B7912\"}", errors::VALUE_WRONG);
    check("orderBundle={}", errors::CART_WRONG);
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
    assert_eq!(parsed("jsonParams=null").unwrap().params, []);
}

#[test]
fn an_expiration_date_is_moscow_time_and_wins() {
    let order = parsed("sessionTimeoutSecs=9999999999").unwrap();
    assert_eq!(order.lifetime, Lifetime::Seconds(9_999_999_999));
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

#[test]
fn what_may_be_said_is_kept_and_what_changes_nothing_is_let_pass() {
    let rich = parsed(
        "clientId=117&bindingId=b&merchantLogin=child&email=a@b.example&phone=%2B79123456789&postAddress=x\
         &features=AUTO_PAYMENT;FORCE_TDS&features=FORCE_TDS&dynamicCallbackUrl=http://shop.example/cb\
         &pageView=ANYTHING&taxSystem=5&unknown=1&billingPayerData={\"billingCity\":\"Moscow\"}\
         &additionalOfdParams={\"cashier\":\"A\",\"client\":{\"email\":\"a@b\"},\"supplier_info\":{\"phones\":[\"%2B79\"]}}",
    )
    .unwrap();
    assert_eq!((rich.client_id.as_deref(), rich.binding_id.as_deref()), (Some("117"), Some("b")));
    assert_eq!(rich.features, ["AUTO_PAYMENT", "FORCE_TDS"]);
    assert_eq!(rich.callback_url.as_deref(), Some("http://shop.example/cb"));
    assert_eq!(rich.payer.phone.as_deref(), Some("+79123456789"));
    assert_eq!(rich.merchant_login.as_deref(), Some("child"));
}

#[test]
fn only_a_hold_has_a_day_on_which_it_ends() {
    let query = |extra: &str| Params::merge(&format!("{extra}&{GOOD}"), b"");
    let dates = query("autocompletionDate=2033-05-18T06:33:20&autoReverseDate=2033-05-18T06:33:21");
    let held = parse_pre_auth(&dates, "shop", &TERMS, 0).unwrap();
    assert_eq!(held.autocompletion_at_ms, Some(2_000_000_000_000));
    assert_eq!(held.auto_reverse_at_ms, Some(2_000_000_001_000));
    assert_eq!(parse(&dates, "shop", &TERMS, 0).unwrap().autocompletion_at_ms, None);
    for bad in ["autocompletionDate=2033-05-18", "autocompletionDate=1971-01-01T00:00:00", "autoReverseDate=soon"] {
        let refused = parse_pre_auth(&query(bad), "shop", &TERMS, 1_700_000_000_000);
        assert_eq!(refused.unwrap_err(), errors::VALUE_WRONG, "{bad}");
    }
}

#[test]
fn a_store_may_leave_numbering_to_the_gateway_if_it_says_so() {
    let params = Params::merge("amount=1&returnUrl=https://a&features=FORCE_GENERATE_ORDERNUMBER", b"");
    assert_eq!(parse(&params, "shop", &TERMS, 0).unwrap().order_number, "");
    let mut book = super::super::book::tests::empty();
    let mut number = || {
        let registration = parse(&params, "shop", &TERMS, 0).unwrap();
        book.register(registration, 0, None).unwrap().registration.order_number.clone()
    };
    assert_ne!(number(), number());
}

proptest::proptest! {
    /// Whatever is sent, the answer is a registration within its table or a refusal with a documented code.
    #[test]
    fn any_parameters_are_taken_or_refused(
        values in proptest::collection::vec((0..PARAMETERS.len(), "\\PC{0,40}"), 0..12),
        raw in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
    ) {
        let pair = |(name, value): &(usize, String)| {
            format!("{}={}", PARAMETERS[*name], super::super::params::escape(value, |_| false))
        };
        let query: Vec<_> = values.iter().map(pair).collect();
        for params in [Params::merge(&query.join("&"), GOOD.as_bytes()), Params::merge("", &raw)] {
            match parse_pre_auth(&params, "shop", &TERMS, 0) {
                Ok(order) => {
                    assert!((1..=999_999_999_999).contains(&order.amount_minor));
                    assert!(order.order_number.chars().count() <= 32);
                    assert!(has_scheme(&order.return_url));
                }
                Err(refusal) => assert!([1, 3, 4, 5, 8, 13, 14].contains(&refusal.code), "{refusal}"),
            }
            let _ = super::super::last_orders::parse(&params);
        }
    }
}

const PARAMETERS: [&str; 24] = [
    "orderNumber",
    "amount",
    "currency",
    "returnUrl",
    "failUrl",
    "dynamicCallbackUrl",
    "description",
    "language",
    "pageView",
    "clientId",
    "merchantLogin",
    "jsonParams",
    "sessionTimeoutSecs",
    "expirationDate",
    "bindingId",
    "features",
    "email",
    "phone",
    "orderBundle",
    "taxSystem",
    "additionalOfdParams",
    "billingPayerData",
    "autocompletionDate",
    "page",
];
