//! The same document of either wire, and nothing that is not of its type made into something else.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::gateway::mask;
use crate::gateway::scrub::Scrubber;

fn scrubber() -> Scrubber {
    Scrubber::new(&secrecy::SecretString::from("hunter22".to_owned()))
}

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway/golden").join(format!("{name}.json"));
    shaped(mask::masked(&tree::parse(&fs::read(path).unwrap()).unwrap(), &scrubber()))
}

#[test]
fn soaps_texts_are_the_numbers_and_lists_of_the_documents() {
    assert_eq!(
        golden("soap-paid"),
        json!({
            "orderNumber": "24398", "orderStatus": 2, "actionCode": 0,
            "actionCodeDescription": "Request processed successfully", "amount": 30_000, "currency": "643",
            "date": 1_394_094_680_000_i64, "orderDescription": " ", "errorCode": "0", "errorMessage": "Success",
            "attributes": [{"name": "mdOrder", "value": "694312ed-9dd1-4178-9009-e1ac1aa5fb92"}],
            "merchantOrderParams": [],
            "cardAuthInfo": {"maskedPan": "411111**1111", "expiration": "(not kept)", "cardholderName": "(not kept)",
                "approvalCode": "123456"},
            "authDateTime": 1_394_094_689_585_i64, "terminalId": "111113", "authRefNum": "111111111111",
            "paymentAmountInfo": {"paymentState": "DEPOSITED", "approvedAmount": 30_000, "depositedAmount": 30_000,
                "refundedAmount": 0},
            "bankInfo": {"bankName": "TEST CARD", "bankCountryCode": "RU", "bankCountryName": "Russian Federation"},
            "chargeback": false,
            "orderBundle": {"orderCreationDate": 1_373_625_060_000_i64, "cartItems": {"items": [{
                "positionId": "1", "name": "Helmet", "quantity": {"measure": "pieces", "value": 1.5},
                "itemAmount": 30_000, "itemCode": "H-1",
                "itemDetails": {"itemDetailsParams": [{"name": "colour", "value": "red"}]},
            }]}},
            "loyaltyInfo": {"loyaltyName": "sbrf_spasibo", "paymentBonus": {"approvedAmountBonus": 300,
                "depositedAmountBonus": 300, "refundedAmountBonus": 0, "pcId": "3139154", "successful": true,
                "paymentOperation": "PAYMENT"}},
            "refunds": [],
            "paymentWay": "CARD",
        })
    );
}

/// The documents' own examples are the shape.
#[test]
fn the_documents_own_json_stays_as_it_is() {
    for name in ["v03-unpaid", "v03-held", "v15-points"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway/golden").join(format!("{name}.json"));
        let masked = mask::masked(&tree::parse(&fs::read(path).unwrap()).unwrap(), &scrubber());
        assert_eq!(golden(name), masked, "{name}");
    }
}

#[test]
fn gateways_that_differ_in_types_are_one_document() {
    let newer = golden("v21-operations");
    for (path, expected) in [
        ("/currency", json!("643")),
        ("/date", json!(1_394_094_680_000_i64)),
        ("/terminalId", json!("20157880")),
        ("/authRefNum", json!("580849427803")),
        ("/cardAuthInfo/secureAuthInfo/eci", json!("7")),
        ("/paymentAmountInfo/approvedAmount", json!(30_000)),
        ("/operations/0/actionCode", json!(0)),
        ("/originalActionCode", json!("00")),
        ("/feUtrnno", json!(580_849_427_803_i64)),
        ("/somethingNewer/a/2/b", json!(null)),
    ] {
        assert_eq!(newer.pointer(path), Some(&expected), "{path}");
    }
}

#[test]
fn what_is_not_of_its_kind_stays_as_it_was_written() {
    let table = [
        (json!({"amount": "0100"}), "/amount", json!("0100")),
        (json!({"amount": "****6064"}), "/amount", json!("****6064")),
        (json!({"amount": ""}), "/amount", json!("")),
        (json!({"amount": {"value": "7", "type": "xs:long"}}), "/amount", json!(7)),
        (json!({"date": "soon"}), "/date", json!("soon")),
        (json!({"date": "9999999999999"}), "/date", json!("9999999999999")),
        (json!({"chargeback": "maybe"}), "/chargeback", json!("maybe")),
        (json!({"bankInfo": ""}), "/bankInfo", json!({})),
        (json!({"operations": "x"}), "/operations", json!(["x"])),
        (
            json!({"orderBundle": {"loyalties": {"loyalties": {"positionId": 1}}}}),
            "/orderBundle/loyalties",
            json!([{"positionId": "1"}]),
        ),
        (
            json!({"orderBundle": {"cartItems": {"items": {"quantity": {"value": "1e9"}}}}}),
            "/orderBundle/cartItems/items/0/quantity/value",
            json!("1e9"),
        ),
        (
            json!({"orderBundle": {"cartItems": {"items": {"quantity": {"value": "2"}}}}}),
            "/orderBundle/cartItems/items/0/quantity/value",
            json!(2),
        ),
        (
            json!({"orderBundle": {"cartItems": {"items": {"quantity": {"value": "0.12345678901234"}}}}}),
            "/orderBundle/cartItems/items/0/quantity/value",
            json!("0.12345678901234"),
        ),
        (json!({"somethingNewer": {"amount": "7"}}), "/somethingNewer/amount", json!("7")),
    ];
    for (answer, path, expected) in table {
        assert_eq!(shaped(answer.clone()).pointer(path), Some(&expected), "{answer}");
    }
}
