//! What a cart may be.

use super::super::currency::ROUBLE;
use super::*;

fn checked(bundle: &Value, amount_minor: i64) -> Result<Option<Value>, Refusal> {
    let text = super::super::params::escape(&bundle.to_string(), |_| false);
    parse(&Params::merge(&format!("orderBundle={text}"), b""), amount_minor, ROUBLE)
}

fn good() -> Value {
    serde_json::json!({
        "orderCreationDate": "2026-01-01T10:00:00",
        "customerDetails": {
            "email": "a@b.example", "phone": "+79123456789", "inn": "516974792202", "passport": "4507 443564",
            "deliveryInfo": {"deliveryType": "courier", "country": "RU", "city": "Moscow", "postAddress": "Val 50A"},
        },
        "cartItems": {"items": [
            {
                "positionId": "1", "name": "Tyre", "quantity": {"value": 2.0, "measure": "pieces"}, "itemPrice": 10_000,
                "itemAmount": 20_000, "itemCurrency": 643, "itemCode": "T-14", "tax": {"taxType": 0, "taxSum": 0},
            },
            {
                "positionId": 2, "name": "SMALL", "quantity": {"value": "1", "measure": "0"}, "itemPrice": "3500",
                "itemCode": "270", "itemAttributes": {"attributes": [
                    {"name": "nomenclature", "value": "010463003407001221CMK45BrhN0WLf"},
                    {"name": "paymentMethod", "value": "1"},
                    {"name": "agent_info.MTOperator.inn", "value": "8634330204"},
                    {"name": "markQuantity.numerator", "value": "1"},
                    {"name": "excise", "value": "10.0"},
                ]},
            },
        ]},
    })
}

#[test]
fn a_good_cart_is_kept_as_it_came() {
    assert_eq!(checked(&good(), 23_500), Ok(Some(good())));
    assert_eq!(checked(&good(), 23_501), Err(errors::CART_SUM));
    assert_eq!(parse(&Params::merge("", b""), 1, ROUBLE), Ok(None));
    assert_eq!(parse(&Params::merge("orderBundle=[", b""), 1, ROUBLE), Err(errors::CART_WRONG));
}

#[test]
fn a_line_without_a_price_leaves_nothing_to_hold_the_amount_against() {
    let mut bundle = good();
    let untold = serde_json::json!({"positionId": 3, "name": "Cap", "quantity": {"value": 2, "measure": "pieces"}, "itemCode": "2"});
    bundle["cartItems"]["items"].as_array_mut().unwrap().push(untold);
    for amount_minor in [23_500, 2_000] {
        assert_eq!(checked(&bundle, amount_minor), Ok(Some(bundle.clone())));
    }
    bundle["cartItems"]["items"][0]["itemAmount"] = 19_999.into();
    assert_eq!(checked(&bundle, 23_500), Err(errors::CART_SUM), "a price that is told must be right");
}

#[test]
fn what_a_typed_client_leaves_empty_is_not_there() {
    for empty in [Value::Null, serde_json::json!({"attributes": null}), serde_json::json!([])] {
        let mut bundle = good();
        bundle["cartItems"]["items"][0]["itemAttributes"] = empty;
        bundle["cartItems"]["items"][0]["tax"] = serde_json::json!({});
        assert_eq!(checked(&bundle, 23_500), Ok(Some(bundle.clone())));
    }
}

#[test]
fn each_mistake_is_found() {
    let check = |path: &str, value: Value, refusal: Refusal| {
        let mut bundle = good();
        let (parent, name) = path.rsplit_once('/').unwrap();
        match bundle.pointer_mut(parent).unwrap() {
            Value::Object(object) => object.insert(name.to_owned(), value),
            other => panic!("{other}"),
        };
        assert_eq!(checked(&bundle, 23_500), Err(refusal), "{path}");
    };
    let wrong = errors::CART_WRONG;
    let item = "/cartItems/items/0";
    check("/cartItems", Value::Null, wrong);
    check("/cartItems/items", serde_json::json!([]), wrong);
    check(&format!("{item}/positionId"), "2".into(), wrong);
    check(&format!("{item}/positionId"), "1234567890123".into(), wrong);
    check(&format!("{item}/name"), "".into(), wrong);
    check(&format!("{item}/name"), "n".repeat(101).into(), wrong);
    check(&format!("{item}/itemCode"), Value::Null, wrong);
    check(&format!("{item}/itemCurrency"), 978.into(), errors::CART_CURRENCY);
    check(&format!("{item}/itemPrice"), 9_999.into(), errors::CART_SUM);
    check(&format!("{item}/itemPrice"), (-1).into(), wrong);
    check(&format!("{item}/itemPrice"), 1.5.into(), wrong);
    check(&format!("{item}/itemAmount"), "x".into(), wrong);
    check(&format!("{item}/quantity/value"), 0.into(), wrong);
    check(&format!("{item}/quantity/value"), "1e3".into(), wrong);
    check(&format!("{item}/quantity/measure"), 13.into(), wrong);
    check(&format!("{item}/tax/taxType"), "123".into(), wrong);
    check(&format!("{item}/itemDetails"), "x".repeat(1_100).into(), wrong);
    check("/cartItems/items/1/quantity/measure", 11.into(), wrong);
    check("/customerDetails/inn", "123".into(), wrong);
    check("/customerDetails/phone", "8 (912)".into(), wrong);
    check("/customerDetails/email", format!("{}@b.example", "a".repeat(40)).into(), wrong);
    check("/customerDetails/deliveryInfo/city", Value::Null, wrong);
    check("/customerDetails/deliveryInfo/country", "RUS".into(), wrong);
    check("/customerDetails", serde_json::json!({"contact": "x"}), wrong);
    for (name, value) in [("paymentMethod", "8"), ("nomenclature", &"x".repeat(33)), ("supplier_info.inn", "1")] {
        let attributes = serde_json::json!({"attributes": [{"name": name, "value": value}]});
        check("/cartItems/items/1/itemAttributes", attributes, wrong);
    }
}

#[test]
fn a_line_is_rounded_half_up() {
    let check = |quantity: &str, price: i64, expected: Option<i64>| {
        assert_eq!(Quantity::parse(quantity).unwrap().times(price), expected, "{quantity} x {price}");
    };
    check("1", 100, Some(100));
    check("1.5", 1, Some(2));
    check("0.333", 100, Some(33));
    check("0.335", 100, Some(34));
    check("0.3349999", 100, Some(33));
    check("1.005", 1_000, Some(1_005));
    check("999999999999999999", 999_999_999_999_999_999, None);
    for bad in ["", ".5", "0", "0.0", "-1", "1.2.3", "1e5", "1234567890123456789"] {
        assert_eq!(Quantity::parse(bad), None, "{bad}");
    }
}
