//! What is kept of an answer, and what never is.

use serde_json::json;

use super::*;
use crate::gateway::tree;

fn scrubber() -> Scrubber {
    Scrubber::new(&secrecy::SecretString::from("hunter22".to_owned()))
}

fn shown(answer: &str) -> Value {
    masked(&tree::parse(answer.as_bytes()).unwrap(), &scrubber())
}

#[test]
fn card_data_stays_masked_or_not_at_all() {
    let table = [
        (r#"{"cardAuthInfo":{"pan":"427601**6064"}}"#, json!({"cardAuthInfo":{"pan":"427601**6064"}})),
        (r#"{"cardAuthInfo":{"pan":"42760112****6064"}}"#, json!({"cardAuthInfo":{"pan":"42760112****6064"}})),
        (r#"{"cardAuthInfo":{"pan":"4276011234566064"}}"#, json!({"cardAuthInfo":{"pan":"****6064"}})),
        (r#"{"cardAuthInfo":{"pan":4276011234566064}}"#, json!({"cardAuthInfo":{"pan":"****"}})),
        (r#"{"cardAuthInfo":{"pan":"427601123456*6064"}}"#, json!({"cardAuthInfo":{"pan":"****6064"}})),
        (r#"{"cardAuthInfo":{"pan":{"x":"4276011234566064"}}}"#, json!({"cardAuthInfo":{"pan":"****"}})),
        (
            r#"{"cardAuthInfo":{"expiration":"203412","cardholderName":"JOHN","approvalCode":"123456","new":"x"}}"#,
            json!({"cardAuthInfo":{"expiration":"(not kept)","cardholderName":"(not kept)","approvalCode":"123456",
                "new":"(not kept)"}}),
        ),
        (
            r#"{"cardAuthInfo":{"secureAuthInfo":{"eci":"05","threeDSInfo":{"cavv":"AAAB","xid":"MDAw","more":1}}}}"#,
            json!({"cardAuthInfo":{"secureAuthInfo":{"eci":"05",
                "threeDSInfo":{"cavv":"(not kept)","xid":"(not kept)","more":"(not kept)"}}}}),
        ),
        (r#"{"Pan":"4276011234566064","expiration":"203412"}"#, json!({"Pan":"****6064","expiration":"(not kept)"})),
        (
            r#"{"operations":[{"amount":100,"cardHolder":"ANNA B","authCode":"094923"}]}"#,
            json!({"operations":[{"amount":100,"cardHolder":"(not kept)","authCode":"094923"}]}),
        ),
        (
            r#"{"cardAuthInfo":{"maskedPan":"427650XXXXXX2890","authCode":2}}"#,
            json!({"cardAuthInfo":{"maskedPan":"427650XXXXXX2890","authCode":"(not kept)"}}),
        ),
        (
            r#"{"a":[{"CVC":"123"},{"track2":"4276011234566064=3412"}]}"#,
            json!({"a":[{"CVC":"(not kept)"},{"track2":"(not kept)"}]}),
        ),
        (
            r#"{"attributes":[{"name":"pan","value":"4276011234566064"},{"name":"cvv2","value":"123"}]}"#,
            json!({"attributes":[{"name":"pan","value":"****6064"},{"name":"cvv2","value":"(not kept)"}]}),
        ),
    ];
    for (answer, expected) in table {
        assert_eq!(shown(answer), expected, "{answer}");
    }
}

#[test]
fn what_looks_like_a_card_number_or_is_a_secret_is_taken_out_wherever_it_stands() {
    let table = [
        (r#"{"orderDescription":"card 4276 0112 3456 6064"}"#, json!({"orderDescription":"card ****6064"})),
        (r#"{"a":4276011234566064}"#, json!({"a":"****6064"})),
        (r#"{"a":4276011234566064.0}"#, json!({"a":"****640"})),
        (r#"{"4276011234566064":1}"#, json!({"****6064":1})),
        (r#"{"a":["HUNTER22 and more"]}"#, json!({"a":["[secret] and more"]})),
        (r#"{"hunter22":1}"#, json!({"[secret]":1})),
        (r#"{"amount":4276011234566064,"date":4276011234566064}"#, json!({"amount":"****6064","date":"****6064"})),
        (r#"{"authRefNum":"4276011234566064"}"#, json!({"authRefNum":"****6064"})),
    ];
    for (answer, expected) in table {
        assert_eq!(shown(answer), expected, "{answer}");
    }
}

/// Long numbers that are what their names say stay readable.
#[test]
fn references_moments_and_sums_stay() {
    let stays = r#"{"amount":999999999999,"attributes":[{"name":"mdOrder","value":"b6f698e1-1234-5678-9012-130700005d58"}],
        "authRefNum":"580849427803","chargeback":false,"date":1584012874234,"depositedDate":"1584012874234","ip":null,
        "refunds":[{"amount":1,"referenceNumber":"580849427803"}]}"#;
    assert_eq!(shown(stays), tree::parse(stays.as_bytes()).unwrap());
}

/// Receipts and marked goods: what is no card's stays readable, and a card number under such a name does not.
#[test]
fn numbers_of_taxpayers_and_marks_stay_and_no_card_number_passes_under_their_names() {
    let attribute = |name: &str, value: &str| {
        let value = json!({"itemAttributes": {"attributes": [{"name": name, "value": value}]}});
        let shown = shown(&value.to_string());
        shown.pointer("/itemAttributes/attributes/0/value").unwrap().as_str().unwrap().to_owned()
    };
    let stays = [
        ("supplier_info.inn", "287381373424"),
        ("agent_info.MTOperator.inn", "863433020412"),
        ("nomenclature", "010463003407001221CMK45BrhN0WLf"),
        ("nomenclature", "04630034070012"),
        ("declaration_number", "123322345331"),
    ];
    for (name, value) in stays {
        assert_eq!(attribute(name, value), value, "{name}");
    }
    // The published test number, and others with a check digit that is right.
    let goes = [
        ("supplier_info.inn", "4111111111111111", "****1111"),
        ("supplier_info.inn", "4111111111111", "****1111"),
        // Controls are not kept, and the digits on either side of one come together.
        ("supplier_info.inn", "41111111\u{7f}11111111", "****1111"),
        ("nomenclature", "4111\u{200b}111111111111", "****1111"),
        ("nomenclature", "4111111111111111", "****1111"),
        ("nomenclature", "4111 1111 1111 1111", "****1111"),
        ("nomenclature", "CMK4111111111111111Brh", "CMK****1111Brh"),
        ("nomenclature", "378282246310005", "****0005"),
        ("nomenclature", "6304000000000000000", "****0000"),
        ("userData", "010463003407001221CMK45BrhN0WLf", "****1221CMK45BrhN0WLf"),
    ];
    for (name, value, masked) in goes {
        assert_eq!(attribute(name, value), masked, "{name}");
    }
    let customer = r#"{"orderBundle":{"customerDetails":{"inn":"516974792202","passport":"4507 443564"}},"client.inn":516974792202}"#;
    assert_eq!(shown(customer), tree::parse(customer.as_bytes()).unwrap());
    assert_eq!(shown(r#"{"nomenclature":4111111111111111}"#), json!({"nomenclature": "****1111"}));
}

#[test]
fn an_answer_beyond_the_bound_loses_its_largest_members() {
    let cart = vec![json!({"name": "x".repeat(900)}); 100];
    let long = json!({"orderStatus": 2, "orderBundle": cart, "orderDescription": "a helmet"});
    let kept = kept(masked(&long, &scrubber())).unwrap();
    assert_eq!(
        kept.as_str(),
        r#"{"orderBundle":"(not kept: too long)","orderDescription":"a helmet","orderStatus":2}"#
    );
    let hopeless: Map<String, Value> = (0..20_000).map(|n| (format!("n{n}"), n.into())).collect();
    assert_eq!(super::kept(Value::Object(hopeless)), None);
}
