//! The parser's bounds, as a table; and any bytes, and any tree, to one of the three classes.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::gateway::fuzzing;

#[test]
fn what_is_no_answer_is_told_by_its_kind_and_never_by_its_values() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let many = |count: usize| format!("[{}]", vec!["0"; count].join(","));
    let table = [
        (deep(DEPTH_MAX), true, ""),
        (deep(DEPTH_MAX + 1), false, "the JSON is nested too deep"),
        (deep(100_000), false, "the JSON is nested too deep"),
        (many(VALUES_MAX - 1), true, ""),
        (many(VALUES_MAX), false, "the JSON has too many values"),
        (r#"{"a":1,"a":2}"#.to_owned(), false, "a name stands twice in one object"),
        (r#"{"a":{"b":1,"b":2}}"#.to_owned(), false, "a name stands twice in one object"),
        (r#"{"a":1"#.to_owned(), false, "the JSON is cut off"),
        (r#"{"a":1} x"#.to_owned(), false, "something follows the JSON object"),
        ("hunter22".to_owned(), false, "not JSON"),
        (" <html>hunter22".to_owned(), false, "HTML instead of JSON"),
        (String::new(), false, "the JSON is cut off"),
    ];
    for (text, is_read, why) in table {
        match parse(text.as_bytes()) {
            Ok(_) => assert!(is_read, "{text:.40}"),
            Err(error) => {
                assert!(!is_read && error.starts_with(why), "{text:.40}: {error}");
                assert!(!error.contains("hunter22"), "{error}");
            }
        }
    }
}

/// Banks are known to send Windows-1251 in a description.
#[test]
fn an_encoding_of_another_kind_makes_a_text_strange_and_nothing_unreadable() {
    let body = b"\xef\xbb\xbf{\"orderDescription\":\"\xcf\xeb\xe0\xf2\xb8\xe6\",\"orderStatus\":2}";
    assert_eq!(at(&parse(body).unwrap(), "orderStatus"), &json!(2));
}

#[test]
fn a_value_is_found_whatever_an_element_has_around_it() {
    let table = [
        (json!(7), Ok(Some(7)), Some("7")),
        (json!("7"), Ok(Some(7)), Some("7")),
        (json!(" 7 "), Ok(Some(7)), Some("7")),
        (json!({"value": "7", "type": "xs:int"}), Ok(Some(7)), Some("7")),
        (json!({"nil": "true"}), Ok(None), None),
        (json!(""), Ok(None), None),
        (json!(null), Ok(None), None),
        (json!(7.5), Err(NotThat), Some("7.5")),
        (json!("x"), Err(NotThat), Some("x")),
        (json!([7]), Err(NotThat), None),
        (json!({}), Err(NotThat), None),
        (json!({"value": {"value": 7}}), Err(NotThat), None),
    ];
    for (value, number, text) in table {
        assert_eq!(integer(&value), number, "{value}");
        assert_eq!(words(&value).as_deref(), text, "{value}");
    }
    assert_eq!([json!(true), json!("true"), json!("0")].map(|value| truth(&value)), [Some(true), Some(true), None]);
}

/// Names that are read, so that what is drawn reaches the reader.
const NAMES: [&str; 24] = [
    "errorCode",
    "ErrorCode",
    "error",
    "orderStatus",
    "OrderStatus",
    "orderNumber",
    "actionCode",
    "amount",
    "Amount",
    "currency",
    "date",
    "authDateTime",
    "attributes",
    "name",
    "value",
    "cardAuthInfo",
    "pan",
    "expiration",
    "paymentAmountInfo",
    "approvedAmount",
    "loyaltyInfos",
    "paymentBonus",
    "approvedAmountBonus",
    "operations",
];

fn a_tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (0..7_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::String),
        proptest::sample::select(vec![
            "0",
            "2",
            "643",
            "mdOrder",
            "4276011234566064",
            "Hunter22",
            "2017-12-12T12:12:12"
        ])
        .prop_map(Value::from),
    ];
    let name = prop_oneof![9 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => "\\PC{0,8}"];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// As much as the members of an answer that is read, whatever stands in the rest of it.
fn an_answer() -> impl Strategy<Value = Value> {
    a_tree().prop_map(|tree| match tree {
        Value::Object(mut members) => {
            members.insert("orderStatus".to_owned(), 2.into());
            members.remove("OrderStatus");
            members.insert("errorCode".to_owned(), "0".into());
            members.remove("ErrorCode");
            Value::Object(members)
        }
        other => other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_one_of_the_three_classes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzzing::status_answer(&bytes);
        fuzzing::completion_answer(&bytes);
    }

    #[test]
    fn any_tree_gives_one_of_the_three_classes(tree in prop_oneof![a_tree(), an_answer()]) {
        let text = tree.to_string();
        fuzzing::status_answer(text.as_bytes());
        fuzzing::completion_answer(text.as_bytes());
    }
}
