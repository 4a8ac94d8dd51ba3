//! The documents' answers, one file each in `src/gateway/golden`: every version, every state, every quirk of a type.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::domain::bank::{BankAmounts, BankView, StatusAnswer};
use crate::domain::money::Amount;
use crate::gateway::rest::{Told, Whole, read_status, status_of};
use crate::gateway::scrub::Scrubber;

fn scrubber() -> Scrubber {
    Scrubber::new(&secrecy::SecretString::from("hunter22".to_owned()))
}

fn body(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway/golden").join(format!("{name}.json"));
    fs::read(path).unwrap()
}

fn told(name: &str) -> Told {
    read_status(Ok(body(name)), &scrubber())
}

fn whole(name: &str) -> Whole {
    *told(name).whole.unwrap_or_else(|| panic!("{name} knows no order"))
}

fn view(name: &str) -> BankView {
    match told(name).answer {
        StatusAnswer::Known(view) => *view,
        other => panic!("{name}: {other:?}"),
    }
}

fn sums([approved, deposited, refunded]: [i64; 3]) -> BankAmounts {
    BankAmounts { approved, deposited, refunded }
}

/// What decisions rest on: `orderStatus`, `actionCode`, the sums where the version has them, and `chargeback`.
#[test]
fn every_version_and_state_of_the_documents_is_read() {
    use BankStatus::{Declined, Deposited, Held, InAuthentication, Refunded, Registered, Reversed};
    #[rustfmt::skip]
    let table = [
        ("v01-paid",                    Deposited,        Some(0),     None,                         None),
        ("v02-paid",                    Deposited,        Some(0),     None,                         None),
        ("v03-unpaid",                  Registered,       Some(-100),  Some([0, 0, 0]),              None),
        ("v03-in-authentication",       InAuthentication, Some(-100),  Some([0, 0, 0]),              None),
        ("v03-held",                    Held,             Some(0),     Some([30_000, 0, 0]),         None),
        ("v03-partly-completed",        Deposited,        Some(0),     Some([30_000, 21_000, 0]),    None),
        ("v03-expired",                 Declined,         Some(-2007), Some([0, 0, 0]),              None),
        ("v03-declined",                Declined,         Some(116),   Some([0, 0, 0]),              None),
        ("v04-points",                  Deposited,        Some(0),     Some([30_000, 30_000, 0]),    None),
        ("v05-refunded-partly",         Refunded,         Some(0),     Some([30_000, 30_000, 10_000]), None),
        ("v05-refunded-whole",          Refunded,         Some(0),     Some([30_000, 30_000, 30_000]), None),
        ("v06-chargeback",              Deposited,        Some(0),     Some([30_000, 30_000, 0]),    Some(true)),
        ("v07-held-3ds",                Held,             Some(0),     Some([30_000, 0, 0]),         None),
        ("v08-product",                 Deposited,        Some(0),     Some([30_000, 30_000, 0]),    Some(false)),
        ("v09-payment-way",             Deposited,        Some(0),     Some([30_000, 30_000, 0]),    None),
        ("v10-deposited",               Deposited,        Some(0),     Some([30_000, 30_000, 0]),    None),
        ("v12-reversed",                Reversed,         Some(0),     Some([30_000, 0, 0]),         None),
        ("v12-refunded",                Refunded,         Some(0),     Some([30_000, 0, 30_000]),    None),
        ("v13-payer",                   Deposited,        Some(0),     Some([30_000, 30_000, 0]),    None),
        ("v14-transaction-attributes",  Deposited,        Some(0),     Some([30_000, 30_000, 0]),    None),
        ("v15-points",                  Deposited,        Some(0),     Some([9_800, 9_800, 0]),      Some(false)),
        ("v15-points-held",             Held,             Some(0),     Some([28_000, 0, 0]),         Some(false)),
        ("v15-points-partly-completed", Deposited,        Some(0),     Some([28_000, 19_000, 0]),    Some(false)),
        ("v21-operations",              Refunded,         Some(0),     Some([30_000, 30_000, 10_000]), Some(false)),
        ("old-get-order-status",        Deposited,        None,        None,                         None),
        ("soap-paid",                   Deposited,        Some(0),     Some([30_000, 30_000, 0]),    Some(false)),
        ("declined-with-code-2",        Declined,         Some(111),   None,                         None),
    ];
    for (name, status, action, amounts, chargeback) in table {
        let view = view(name);
        assert_eq!((view.status, view.action_code), (status, action), "{name}");
        assert_eq!(view.amounts, amounts.map(sums), "{name}");
        assert_eq!(view.chargeback, chargeback, "{name}");
        assert_eq!(view.currency, Some(Currency::RUB), "{name}");
        let number = if name == "v15-points" { "9064" } else { "24398" };
        assert_eq!(view.order_number.as_deref(), Some(number), "{name}");
        assert_eq!(view.order_id.is_some(), name != "old-get-order-status", "{name}");
    }
}

#[test]
fn what_knows_no_order_is_refused_or_tells_nothing() {
    let refused =
        [("unknown-order", 6), ("neither-id", 1), ("access-denied", 5), ("no-credentials", 5), ("wallet-error", 5)];
    for (name, code) in refused {
        let told = told(name);
        assert!(matches!(told.answer, StatusAnswer::Refused(refusal) if refusal.code == code), "{name}");
        assert_eq!(told.whole, None, "{name}");
    }
    assert!(matches!(told("being-processed").answer, StatusAnswer::Unknown(_)));
}

#[test]
fn every_file_is_in_the_tables_above() {
    let text = include_str!("tests.rs");
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway/golden")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".json").unwrap();
        assert!(text.contains(&format!("(\"{name}\"")), "{name} is in no table");
    }
}

/// The price of the shop's order, and what the bank's figures then come to. In the first two the price is the money's
/// alone and the points stay apart; in the next three money and points make it up, and none are left to add.
#[test]
fn points_are_counted_where_they_and_the_money_make_up_the_price() {
    let table = [
        ("v04-points", 30_000, 30_000, [30_000, 30_000, 0], Some([300, 300, 0])),
        ("v15-points", 9_800, 9_800, [9_800, 9_800, 0], Some([200, 200, 0])),
        ("v15-points", 10_000, 10_000, [10_000, 10_000, 0], None),
        ("v15-points-held", 30_000, 30_000, [30_000, 0, 0], None),
        ("v15-points-partly-completed", 30_000, 30_000, [30_000, 21_000, 0], None),
        // Of neither: the money is shown as it is, and contradicts the price.
        ("v15-points-held", 29_000, 28_000, [28_000, 0, 0], Some([2_000, 0, 0])),
    ];
    for (name, price, amount, amounts, points) in table {
        let price = Amount::new(price).unwrap();
        let beside = view(name).beside(price);
        assert_eq!((beside.amount, beside.amounts), (Some(amount), Some(sums(amounts))), "{name} {price:?}");
        assert_eq!(beside.points, points.map(sums), "{name}");
        assert_eq!(beside.clone().beside(price), beside, "{name}: read once more, it stays");
    }
}

#[test]
fn points_that_are_not_all_told_leave_no_sum_to_decide_on() {
    let with = |bonus: &str| {
        let body = format!(
            r#"{{"orderStatus":1,"amount":9800,"paymentAmountInfo":{{"approvedAmount":9800,"depositedAmount":0,
                "refundedAmount":0}},"loyaltyInfos":[{{"loyaltyName":"x","paymentBonus":{bonus}}}]}}"#
        );
        read_status(Ok(body.into_bytes()), &scrubber()).answer
    };
    let StatusAnswer::Known(view) = with(r#"{"approvedAmountBonus":200,"depositedAmountBonus":0}"#) else { panic!() };
    assert_eq!((view.amount, view.amounts, view.points), (None, None, None));
    for wrong in
        [r#"{"approvedAmountBonus":"many"}"#, r#"{"approvedAmountBonus":-1}"#, r#"{"approvedAmountBonus":1.5}"#]
    {
        assert!(matches!(with(wrong), StatusAnswer::Unknown(_)), "{wrong}");
    }
    let StatusAnswer::Known(view) = with("{}") else { panic!() };
    assert_eq!((view.amount, view.points), (Some(9_800), None));
}

/// The document's own example of version 04, field by field.
#[test]
fn every_field_of_version_04_has_its_name() {
    let answer = whole("v04-points").answer;
    assert_eq!(answer.action.description.as_deref(), Some("Payment processed successfully"));
    assert_eq!(answer.description.as_deref(), Some("testCart singlestep"));
    assert_eq!(answer.ip.as_deref(), Some("0.0.0.7"));
    let at = |ms| Some(Timestamp::from_millis(ms));
    assert_eq!((answer.dates.registered, answer.dates.authorised), (at(1_394_094_689_585), at(1_394_094_689_585)));
    assert_eq!(answer.terminal_id.as_deref(), Some("999714"));
    assert_eq!(answer.auth_ref_num.as_deref(), Some("111111111111"));
    let card = answer.card.unwrap();
    assert_eq!(card.masked_pan.as_deref(), Some("478978**1233"));
    assert_eq!(card.expiration.as_ref().map(Hidden::expose), Some("201512"));
    assert_eq!(card.cardholder.as_ref().map(Hidden::expose), Some("cardholder name"));
    assert_eq!(card.approval_code.as_deref(), Some("123456"));
    assert_eq!(answer.sums.unwrap().state.as_deref(), Some("DEPOSITED"));
    let bank = answer.bank.unwrap();
    assert_eq!((bank.country_code.as_deref(), bank.country.as_deref()), (Some("UNKNOWN"), Some("<Unknown>")));
    assert_eq!(bank.name, None);

    let bundle = answer.bundle.unwrap();
    assert_eq!(bundle.created, at(1_373_622_660_000));
    let customer = &bundle.customer;
    assert_eq!(customer.email.as_deref(), Some("johnsmith@mail.ru"));
    assert_eq!((customer.phone.as_deref(), customer.contact.as_deref()), (Some("89851231234"), Some("Mega Tester")));
    let delivery = bundle.delivery.as_ref().unwrap();
    assert_eq!((delivery.kind.as_deref(), delivery.country.as_deref()), (Some("courier"), Some("RU")));
    assert_eq!(delivery.city.as_deref(), Some("Moscow"));
    assert_eq!(delivery.post_address.as_deref(), Some("Zemlyanoy Val 50A p.2"));
    let items: Vec<_> = bundle.items.iter().map(|item| (item.code.as_deref(), item.amount)).collect();
    assert_eq!(items, [(Some("T-M-14"), Some(10_000)), (Some("NM-15"), Some(10_000)), (Some("G-16"), Some(10_000))]);
    let first = &bundle.items[0];
    assert_eq!((first.position.as_deref(), first.name.as_deref()), (Some("1"), Some("Metzeler Enduro 3 Sahara")));
    assert_eq!((first.quantity.as_deref(), first.measure.as_deref()), (Some("1.0"), Some("pieces")));
    assert_eq!(first.currency.as_deref(), Some("643"));
    assert_eq!((first.discount_type.as_deref(), first.discount_value.as_deref()), (Some("discount"), Some("777")));
    assert_eq!(first.details[1], Named { name: "radius".to_owned(), value: "17inch".to_owned() });
    assert_eq!(
        bundle.loyalties,
        [BundleLoyalty {
            program: Some("sbrf_spasibo".to_owned()),
            position: Some("1".to_owned()),
            credit: Some(10_000),
            debit: Some(300),
        }]
    );

    let [loyalty] = answer.loyalties.as_slice() else { panic!() };
    assert_eq!(loyalty.name.as_deref(), Some("sbrf_spasibo"));
    let bonus = |sums: [i64; 3], id: &str, operation: &str| Bonus {
        approved: Some(sums[0]),
        deposited: Some(sums[1]),
        refunded: Some(sums[2]),
        pc_id: Some(id.to_owned()),
        successful: Some(true),
        operation: Some(operation.to_owned()),
    };
    assert_eq!(loyalty.payment, Some(bonus([300, 300, 0], "3139154", "PAYMENT")));
    assert_eq!(loyalty.award, Some(bonus([30_000, 30_000, 0], "3139155", "AWARD")));
}

/// The same of version 15, and what other versions have besides.
#[test]
fn every_field_of_later_versions_has_its_name() {
    let answer = whole("v15-points").answer;
    let names: Vec<_> = answer.loyalties.iter().map(|loyalty| loyalty.name.as_deref()).collect();
    assert_eq!(names, [Some("sbrf_sbermiles"), Some("sbrf_spasibo")]);
    assert_eq!(answer.merchant_params.len(), 7);
    assert_eq!(answer.merchant_params[3].value, "2.0");
    assert_eq!(answer.attributes[0].value, "b6f698e1-fb8d-7b6d-8f56-130700ef5d58");
    assert_eq!(answer.transaction_attributes[0].name, "merchantIp");
    assert_eq!(answer.dates.deposited, Some(Timestamp::from_millis(1_584_012_899_439)));
    assert_eq!(answer.payment_way.as_deref(), Some("CARD"));
    assert_eq!(answer.payer.unwrap().email.as_deref(), Some("a-sbersafe0009@bpcbt.com"));
    assert_eq!(answer.sums.unwrap().fee, Some(0));
    assert_eq!(answer.card.unwrap().payment_system.unwrap().as_str(), "visa");

    let secure = whole("v07-held-3ds").answer;
    let card = secure.card.unwrap();
    assert_eq!((card.eci.as_deref(), card.pa_res_status.as_deref()), (Some("05"), Some("Y")));
    assert_eq!(card.ve_res_status.as_deref(), Some("Y"));
    assert_eq!(card.cavv.as_ref().map(Hidden::expose), Some("AAABBWcSNIdjeUZThmNHAAAAAAA="));
    assert_eq!(card.xid.as_ref().map(Hidden::expose), Some("MDAwMDAwMDAwMDAwMDAwMDE="));
    let binding = secure.binding.unwrap();
    assert_eq!(binding.client_id.as_deref(), Some("259753456"));
    assert_eq!(binding.binding_id.as_deref(), Some("07a90a5d-cc60-4d1b-a9e6-ffd15974a74f"));

    assert_eq!(whole("v08-product").answer.card.unwrap().product.as_deref(), Some("Visa Platinum"));
    assert_eq!(whole("v12-reversed").answer.dates.reversed, Some(Timestamp::from_millis(1_394_098_289_585)));
    assert_eq!(whole("v12-refunded").answer.dates.refunded, Some(Timestamp::from_millis(1_394_442_000_000)));
    assert_eq!(whole("v13-payer").answer.payer.unwrap().post_address.as_deref(), Some("Tverskaya 1"));

    let refunds = whole("v05-refunded-whole").answer.refunds;
    assert_eq!(refunds.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [Some(10_000), Some(20_000)]);
    assert_eq!(refunds[1].external_id.as_deref(), Some("r-2"));
    assert_eq!((refunds[0].approval_code.as_deref(), refunds[0].action_code), (Some("654321"), Some(0)));
    assert_eq!(refunds[0].reference.as_deref(), Some("580849427803"));
    assert_eq!(refunds[0].at, Some(Timestamp::from_millis(1_394_442_000_000)));
}

/// Numbers where texts were and texts where numbers were, times with offsets, and names that only newer gateways have.
#[test]
fn newer_gateways_and_the_older_request_differ_in_types_and_not_in_values() {
    let newer = whole("v21-operations").answer;
    assert_eq!((newer.terminal_id.as_deref(), newer.auth_ref_num.as_deref()), (Some("20157880"), Some("580849427803")));
    assert_eq!(newer.dates.registered, Some(Timestamp::from_millis(1_394_094_680_000)));
    assert_eq!(newer.dates.authorised, Some(Timestamp::from_millis(1_394_098_289_000)));
    assert_eq!(newer.action.original.as_deref(), Some("00"));
    let card = newer.card.unwrap();
    assert_eq!(card.expiration.as_ref().map(Hidden::expose), Some("203412"));
    assert_eq!(card.cardholder.as_ref().map(Hidden::expose), Some("JOHN SMITH"));
    assert_eq!(card.eci.as_deref(), Some("7"));
    let info = newer.sums.unwrap();
    assert_eq!((info.fee, info.total), (Some(0), Some(30_000)));
    let kinds: Vec<_> = newer.operations.iter().map(|operation| operation.kind.as_deref()).collect();
    assert_eq!(kinds, [Some("PREAUTHORIZATION"), Some("COMPLETION"), Some("REFUND")]);
    assert_eq!(newer.operations[0].reference.as_deref(), Some("580849427803"));
    assert_eq!(newer.operations[0].action_code, Some(0));
    assert_eq!(newer.operations[1].points, Some(0));
    assert_eq!(newer.operations[2].external_id.as_deref(), Some("r-1"));
    assert_eq!(newer.bank, None);

    let older = whole("old-get-order-status").answer;
    assert_eq!((older.amount, older.ip.as_deref()), (Some(30_000), Some("10.0.0.7")));
    assert_eq!(older.card.unwrap().masked_pan.as_deref(), Some("427601**6064"));
    assert_eq!(older.binding.unwrap().client_id.as_deref(), Some("259753456"));
}

/// SOAP's tree: attributes and text are strings, a list of one is the one, text stands beside attributes.
#[test]
fn soaps_tree_is_read_by_the_same_reader() {
    let tree: Value = serde_json::from_slice(&body("soap-paid")).unwrap();
    let told = status_of(&tree, &scrubber());
    assert_eq!(told, super::tests::told("soap-paid"));
    let answer = told.whole.unwrap().answer;
    assert_eq!(answer.order_id.as_ref().map(OrderId::as_str), Some("694312ed-9dd1-4178-9009-e1ac1aa5fb92"));
    assert_eq!(answer.dates.authorised, Some(Timestamp::from_millis(1_394_094_689_585)));
    let bundle = answer.bundle.unwrap();
    assert_eq!(bundle.created, Some(Timestamp::from_millis(1_373_625_060_000)));
    let item = &bundle.items[0];
    assert_eq!((item.quantity.as_deref(), item.measure.as_deref()), (Some("1.5"), Some("pieces")));
    assert_eq!(item.details[0].value, "red");
    assert_eq!(answer.loyalties[0].payment.as_ref().unwrap().deposited, Some(300));
    assert!(answer.refunds.is_empty());
}

#[test]
fn what_is_for_people_never_makes_an_answer_unreadable() {
    for name in [
        "cardAuthInfo",
        "bindingInfo",
        "bankInfo",
        "payerData",
        "loyaltyInfo",
        "loyaltyInfos",
        "orderBundle",
        "refunds",
        "operations",
        "chargeback",
        "merchantOrderParams",
        "attributes",
        "transactionAttributes",
        "date",
        "ip",
        "terminalId",
        "authRefNum",
        "paymentWay",
        "actionCodeDescription",
        "orderDescription",
    ] {
        for value in ["null", "[]", "{}", "true", "7", "-1.5", r#""""#, r#""text""#, "[1,[2]]", r#"{"x":{"value":{}}}"#]
        {
            let body = format!(r#"{{"errorCode":"0","orderStatus":2,"{name}":{value}}}"#);
            let told = read_status(Ok(body.clone().into_bytes()), &scrubber());
            assert!(matches!(told.answer, StatusAnswer::Known(_)), "{body}");
        }
    }
}
