//! What answers say, as tables: the samples of the documents, and every type quirk met in the wild.

use super::*;
use crate::domain::bank::{BankAmounts, BankStatus, BankView, PaymentSystem};
use crate::domain::money::Currency;
use crate::domain::order::OrderId;
use crate::domain::time::Timestamp;

fn status(body: &str) -> StatusAnswer {
    read_status(Ok(body.as_bytes().to_vec()), &scrubber()).answer
}

fn scrubber() -> Scrubber {
    Scrubber::new(&secrecy::SecretString::from("hunter22".to_owned()))
}

fn known(body: &str) -> BankView {
    match status(body) {
        StatusAnswer::Known(view) => *view,
        other => panic!("{body}: {other:?}"),
    }
}

const PAID: &str = r#"{"errorCode":"0","errorMessage":"Successful","orderNumber":"9064","orderStatus":2,"actionCode":0,
    "amount":9800,"currency":"643","date":1584012874234,"ip":"10.99.50.35",
    "attributes":[{"name":"mdOrder","value":"b6f698e1-fb8d-7b6d-8f56-130700ef5d58"}],
    "cardAuthInfo":{"maskedPan":"427601**6064","pan":"427601**6064"},"authDateTime":1584012899096,
    "paymentAmountInfo":{"paymentState":"DEPOSITED","approvedAmount":9800,"depositedAmount":9800,"refundedAmount":0,
    "feeAmount":0},"chargeback":false,"paymentWay":"CARD"}"#;

#[test]
fn a_paid_order_is_read_whole() {
    let view = known(PAID);
    assert_eq!(view.status, BankStatus::Deposited);
    assert_eq!(view.order_number.as_deref(), Some("9064"));
    assert_eq!(view.order_id.as_ref().map(OrderId::as_str), Some("b6f698e1-fb8d-7b6d-8f56-130700ef5d58"));
    assert_eq!(view.amounts, Some(BankAmounts { approved: 9800, deposited: 9800, refunded: 0 }));
    assert_eq!((view.amount, view.currency), (Some(9800), Some(Currency::RUB)));
    assert_eq!(view.authorised_at, Some(Timestamp::from_millis(1_584_012_899_096)));
}

#[test]
fn every_type_quirk_reads_the_same() {
    let plain =
        known(r#"{"errorCode":"0","orderNumber":"7","orderStatus":1,"actionCode":0,"amount":100,"currency":"643"}"#);
    let quirks = [
        r#"{"orderNumber":"7","orderStatus":1,"actionCode":0,"amount":100,"currency":"643"}"#,
        r#"{"errorCode":0,"orderNumber":"7","orderStatus":1,"actionCode":"0","amount":"100","currency":643}"#,
        r#"{"ErrorCode":"0","OrderNumber":7,"OrderStatus":"1","actionCode":0,"Amount":100,"currency":"810"}"#,
        r#"{"errorCode":null,"orderNumber":" 7 ","orderStatus":1,"actionCode":0,"amount":100,"currency":"643","attributes":{}}"#,
        "\u{feff}{\"errorCode\":\"0\",\"orderNumber\":\"7\",\"orderStatus\":1,\"actionCode\":0,\"amount\":100,\"currency\":\"643\",\"attributes\":[]}",
    ];
    for body in quirks {
        assert_eq!(known(body), plain, "{body}");
    }
}

/// The shapes of answers that others have recorded: older and newer gateways, those of other countries, and emulators.
#[test]
fn answers_that_others_have_recorded_are_read() {
    use BankStatus::{Declined, Deposited, Registered};
    let id = "b6f698e1-fb8d-7b6d-8f56-130700ef5d58";
    let rouble = Some(Currency::RUB);
    let of = |number| Currency::from_numeric(number).ok();
    #[rustfmt::skip]
    let table = [
        // The attributes of one name without their list, and numbers for texts.
        (format!(r#"{{"errorCode":0,"actionCode":0,"actionMessage":"","orderStatus":2,"amount":100,"orderNumber":7,
            "attributes":{{"name":"mdOrder","value":"{id}"}},"bindingInfo":{{"clientId":32,"bindingId":"x"}}}}"#),
            Deposited, Some(id), Some(100), None),
        // A parameter that has no value, and what no document names.
        (format!(r#"{{"errorCode":"0","orderNumber":"7","orderStatus":2,"actionCode":0,"amount":100,"currency":"946",
            "merchantOrderParams":[{{"name":"paymentTime","value":"201.794"}},{{"name":"discountedAmount"}}],
            "attributes":[{{"name":"mdOrder","value":"{id}"}}],"cofOriginalTransactionId":"484115410572523",
            "orderBundle":{{"customerDetails":{{"billingInfo":{{"country":"642"}}}}}}}}"#),
            Deposited, Some(id), Some(100), of(946)),
        // The same attribute twice, and a moment of refund where nothing was refunded.
        (format!(r#"{{"errorCode":"0","orderNumber":"7","orderStatus":2,"amount":100,"currency":"643",
            "attributes":[{{"name":"mdOrder","value":"{id}"}},{{"name":"mdOrder","value":"{id}"}}],
            "refundedDate":1580819041633}}"#),
            Deposited, Some(id), Some(100), rouble),
        // A cart whose quantity is written with a point, in an order that nobody has paid.
        (format!(r#"{{"errorCode":"0","orderNumber":"7","orderStatus":0,"actionCode":-100,"displayErrorMessage":"",
            "amount":100,"currency":"643","attributes":[{{"name":"mdOrder","value":"{id}"}}],"orderBundle":{{"cartItems":
            {{"items":[{{"positionId":"1","quantity":{{"value":1.0,"measure":"0"}},"itemPrice":100}}]}}}}}}"#),
            Registered, Some(id), Some(100), rouble),
        // No code, no id, no sum: little, but what it says is plain.
        (r#"{"orderNumber":"7","orderStatus":2,"actionCodeDescription":""}"#.to_owned(), Deposited, None, None, None),
        // The older request elsewhere: a currency with a nought in front, and words of the processing beside.
        (r#"{"depositAmount":100,"currency":"012","approvalCode":"913180","actionCode":0,"ErrorCode":"0","OrderStatus":2,
            "OrderNumber":"7","Pan":"6280****7215","Amount":100,"params":{"respCode":"00"},"SvfeResponse":"00"}"#.to_owned(),
            Deposited, None, Some(100), of(12)),
        (r#"{"depositAmount":0,"currency":"788","authCode":2,"ErrorCode":"2","ErrorMessage":"Payment is declined",
            "OrderStatus":6,"OrderNumber":"7","Amount":100}"#.to_owned(),
            Declined, None, Some(100), of(788)),
    ];
    for (body, status, order_id, amount, currency) in table {
        let view = known(&body);
        assert_eq!((view.status, view.amount, view.currency), (status, amount, currency), "{body}");
        assert_eq!(view.order_id.as_ref().map(OrderId::as_str), order_id, "{body}");
        assert_eq!(view.order_number.as_deref(), Some("7"), "{body}");
    }
}

#[test]
fn dates_are_read_in_each_of_their_forms() {
    let forms = [
        ("1513069932000", Some(1_513_069_932_000)),
        (r#""1513069932000""#, Some(1_513_069_932_000)),
        (r#""2017-12-12T12:12:12""#, Some(1_513_069_932_000)),
        (r#""2017-12-12T12:12:12+03:00""#, Some(1_513_069_932_000)),
        (r#""yesterday""#, None),
        // The bug: any number was a moment, a card's too.
        ("4111111111111111", None),
        (r#""4222222222222""#, None),
        ("-1", None),
        ("null", None),
    ];
    for (form, ms) in forms {
        let view = known(&format!(r#"{{"orderStatus":1,"authDateTime":{form}}}"#));
        assert_eq!(view.authorised_at, ms.map(Timestamp::from_millis), "{form}");
    }
}

#[test]
fn status_numbers_beyond_the_documents_are_kept() {
    assert_eq!(known(r#"{"errorCode":"0","orderStatus":9}"#).status, BankStatus::Other(9));
}

#[test]
fn sums_are_all_there_or_not_believed() {
    let part = r#"{"orderStatus":2,"paymentAmountInfo":{"approvedAmount":5,"depositedAmount":5}}"#;
    assert_eq!(known(part).amounts, None);
}

#[test]
fn answers_fall_into_three_classes() {
    let refused = [
        (r#"{"errorCode":"6","errorMessage":"Заказ не найден"}"#, 6),
        (r#"{"errorCode":5,"errorMessage":"Access denied"}"#, 5),
        (r#"{"error":{"code":"5","description":"Access denied"}}"#, 5),
        (r#"{"error":{"code":5,"description":"Processing Error","message":"Access denied"},"success":false}"#, 5),
        (r#"{"errorCode":"6","errorMessage":"Заказ не найден","merchantOrderParams":[],"attributes":[]}"#, 6),
        (r#"{"errorCode":"1","errorMessage":"[orderId] or [orderNumber] expected"}"#, 1),
    ];
    for (body, code) in refused {
        assert!(matches!(status(body), StatusAnswer::Refused(refusal) if refusal.code == code), "{body}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let unknown = [
        r#"{"errorCode":"7","errorMessage":"System error"}"#,
        r#"{"errorCode":"99","orderStatus":2}"#,
        r#"{"errorCode":"0"}"#,
        "{}",
        "",
        "<html>maintenance</html>",
        r#"{"errorCode":"0","orderStatus":2,"amount":"#,
        r#"{"errorCode":"0","orderStatus":2,"amount":10.5}"#,
        r#"{"errorCode":"0","orderStatus":2,"amount":[1]}"#,
        r#"{"errorCode":"0","orderStatus":2,"orderStatus":1}"#,
        r#"{"errorCode":"0","orderStatus":2,"currency":"12345"}"#,
        r#"{"errorCode":"0","orderStatus":2} trailing"#,
        // Another request's answer, which holds one of these; and the names of nobody's gateway.
        r#"{"success":true,"data":{"orderId":"a-1"},"orderStatus":{"errorCode":"0","orderStatus":2,"amount":100}}"#,
        r#"{"orderNumber":"7","ordered_status":2,"action_code":0,"error_code":"","error_message":"Success","amount":"100"}"#,
        r#"{"error":{"code":10,"description":"Processing Error","message":"Auth is invalid"},"success":false}"#,
        r#"{"ErrorCode":"0","OrderStatus":-1,"OrderNumber":"7","Amount":100,"params":{}}"#,
        &deep,
    ];
    for body in unknown {
        assert!(matches!(status(body), StatusAnswer::Unknown(_)), "{body:.80}");
    }
    assert!(matches!(read_status(Ok(vec![0xff, 0xfe, 0x7b]), &scrubber()).answer, StatusAnswer::Unknown(_)));
}

/// A card number, or our own password, in any field that is kept.
#[test]
fn neither_card_numbers_nor_secrets_come_through_any_field() {
    let bodies = [
        r#"{"orderStatus":2,"amount":{"pan":"4111111111111111"}}"#,
        r#"{"orderStatus":2,"amount":4111111111111111}"#,
        r#"{"orderStatus":4111111111111111}"#,
        r#"{"orderStatus":2,"actionCode":4111111111111111}"#,
        r#"{"orderStatus":2,"currency":4111111111111111}"#,
        r#"{"orderStatus":2,"authDateTime":4111111111111111}"#,
        r#"{"orderStatus":2,"paymentAmountInfo":{"approvedAmount":1,"depositedAmount":4111111111111111,"refundedAmount":0}}"#,
        r#"{"orderStatus":2,"attributes":[{"name":"mdOrder","value":"4111111111111111"}]}"#,
        r#"{"errorCode":"4111111111111111","errorMessage":"no"}"#,
        r#"{"errorCode":"5","errorMessage":"card 4111 1111 1111 1111, password hunter22"}"#,
        r#"{"errorCode":"7","ErrorMessage":"4111111111111111 hunter22"}"#,
        r#"{"error":{"code":"5","message":"4111-1111-1111-1111 HUNTER22"}}"#,
    ];
    for body in bodies {
        let (status, completion) = (status(body), read_completion(Ok(body.as_bytes().to_vec()), &scrubber()));
        let words = format!("{status:?} {completion:?}").to_lowercase().replace([' ', '-'], "");
        assert!(!words.contains("411111111111") && !words.contains("hunter22"), "{body}: {words}");
    }
}

#[test]
fn a_completion_is_acknowledged_only_in_so_many_words() {
    let sample = r#"{"operations":[{"pcId":2699110,"operation":"REFUND_PAYMENT","amount":20,"successful":true,
        "transactionId":"1642"}],"errorCode":"0"}"#;
    let failed = r#"{"operations":[{"successful":true},{"successful":false}],"errorCode":"0"}"#;
    let read = |body: &str| read_completion(Ok(body.as_bytes().to_vec()), &scrubber());
    for body in [r#"{"errorCode":"0"}"#, r#"{"errorCode":"0","operations":[]}"#] {
        assert_eq!(read(body), CompletionAnswer::Acknowledged, "{body}");
    }
    let done = |body| match read(body) {
        CompletionAnswer::Itemised(parts) => parts.iter().map(|part| part.successful).collect::<Vec<_>>(),
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(done(sample), [true]);
    assert_eq!(done(r#"{"operations":[{"successful":"true"}]}"#), [true]);
    assert_eq!(done(r#"{"operations":{"successful":"true"}}"#), [true], "one without its list");
    assert_eq!(done(failed), [true, false]);
    assert_eq!(done(r#"{"operations":[{},{"successful":true}]}"#), [false, true], "only a clear yes is one");
    for body in [
        "{}",
        r#"{"errorCode":"7","errorMessage":"Payment must be in correct state"}"#,
        "<html>",
        r#"{"errorCode":"0","operations":[{}]}"#,
        r#"{"errorCode":"0","operations":[{"successful":false},{"successful":"no"}]}"#,
        r#"{"errorCode":"0","operations":[7]}"#,
        r#"{"errorCode":"0","operations":"PAYMENT"}"#,
    ] {
        assert!(matches!(read(body), CompletionAnswer::Unknown(_)), "{body}");
    }
    for body in [r#"{"errorCode":"5","errorMessage":"Access denied"}"#, r#"{"errorCode":6}"#] {
        assert!(matches!(read(body), CompletionAnswer::Refused(_)), "{body}");
    }
    let unreachable = of_kind(UnknownKind::Unreachable, String::new());
    assert!(matches!(read_completion(Err(unreachable), &scrubber()), CompletionAnswer::NotSent(_)));
    for kind in [UnknownKind::Timeout, UnknownKind::Broken, UnknownKind::HttpStatus, UnknownKind::ServerError] {
        assert!(
            matches!(read_completion(Err(of_kind(kind, String::new())), &scrubber()), CompletionAnswer::Unknown(_)),
            "{kind:?}"
        );
    }
}

#[test]
fn a_reversal_is_acknowledged_by_a_code_alone() {
    let read = |body: &str| read_bare(Ok(body.as_bytes().to_vec()), &scrubber());
    for body in [r#"{"errorCode":"0","errorMessage":"Успешно"}"#, r#"{"errorCode":0}"#, r#"{"ErrorCode":"0"}"#] {
        assert_eq!(read(body), CompletionAnswer::Acknowledged, "{body}");
    }
    for body in [
        "{}",
        "<html>",
        r#"{"errorMessage":"Success"}"#,
        r#"{"errorCode":"7","errorMessage":"Операция невозможна для текущего состояния платежа"}"#,
        r#"{"errorCode":"1"}"#,
        r#"{"errorCode":"-1"}"#,
        r#"{"errorCode":"4111111111111111"}"#,
    ] {
        assert!(matches!(read(body), CompletionAnswer::Unknown(_)), "{body}");
    }
    for body in [r#"{"errorCode":"5","errorMessage":"Access denied"}"#, r#"{"errorCode":6}"#] {
        assert!(matches!(read(body), CompletionAnswer::Refused(_)), "{body}");
    }
    let of = |kind| read_bare(Err(of_kind(kind, String::new())), &scrubber());
    assert!(matches!(of(UnknownKind::Unreachable), CompletionAnswer::NotSent(_)));
    for kind in [UnknownKind::Timeout, UnknownKind::Broken, UnknownKind::HttpStatus, UnknownKind::ServerError] {
        assert!(matches!(of(kind), CompletionAnswer::Unknown(_)), "{kind:?}");
    }
}

/// A status answer with these members besides.
fn with_members(members: &str) -> BankView {
    known(&format!(r#"{{"errorCode":"0","orderStatus":1,{members}}}"#))
}

#[test]
fn the_payment_system_is_read_from_the_card_and_nothing_else_of_it() {
    let table = [
        (r#""cardAuthInfo":{"pan":"427601**6064","paymentSystem":"VISA","expiration":"203412"}"#, Some("visa")),
        (r#""cardAuthInfo":{"paymentSystem":" Mir "}"#, Some("mir")),
        (r#""cardAuthInfo":{"paymentSystem":"hunter22"}"#, None),
        (r#""cardAuthInfo":{"paymentSystem":"4276011234566064"}"#, None),
        (r#""cardAuthInfo":{"paymentSystem":7}"#, None),
        (r#""cardAuthInfo":{"paymentSystem":null}"#, None),
        (r#""cardAuthInfo":{}"#, None),
        (r#""cardAuthInfo":[]"#, None),
        (r#""cardAuthInfo":[{"paymentSystem":"VISA"}]"#, Some("visa")),
        (r#""cardAuthInfo":null"#, None),
        (r#""cardAuthInfo":"VISA""#, None),
        (r#""cardAuthInfo":true"#, None),
        (r#""cardAuthInfo":-1.5"#, None),
        (r#""paymentSystem":"VISA""#, None),
    ];
    for (members, expected) in table {
        let view = with_members(members);
        assert_eq!(view.payment_system.as_ref().map(PaymentSystem::as_str), expected, "{members}");
    }
}

#[test]
fn a_chargeback_is_a_truth_value_in_any_spelling_or_not_told() {
    let table = [
        (r#""chargeback":true"#, Some(true)),
        (r#""chargeback":"true""#, Some(true)),
        (r#""chargeback":false"#, Some(false)),
        (r#""chargeback":null"#, None),
        (r#""chargeback":{}"#, None),
        (r#""amount":1"#, None),
    ];
    for (members, expected) in table {
        assert_eq!(with_members(members).chargeback, expected, "{members}");
    }
}

/// Where an answer might carry it is not confirmed; noon in Moscow is nine o'clock in UTC.
#[test]
fn the_gateways_own_schedule_is_read_wherever_it_may_stand() {
    let noon = Some(1_795_165_200_000);
    let table = [
        (r#""autocompletionDate":"2026-11-20T12:00:00""#, noon),
        (r#""autocompletionDate":1795165200000"#, noon),
        (r#""autocompletionDate":"2026-11-20T12:00:00+03:00""#, noon),
        (r#""attributes":[{"name":"autocompletionDate","value":"2026-11-20T12:00:00"}]"#, noon),
        (r#""merchantOrderParams":[{"name":"autocompletionDate","value":"2026-11-20T12:00:00"}]"#, noon),
        (r#""merchantOrderParams":{}"#, None),
        (r#""autocompletionDate":"soon""#, None),
        (r#""autocompletionDate":7"#, None),
        (r#""autocompletionDate":4276011234566064"#, None),
        (r#""autocompletionDate":[]"#, None),
    ];
    for (members, expected) in table {
        assert_eq!(with_members(members).autocompletion_at.map(Timestamp::as_millis), expected, "{members}");
    }
}

/// Over all programmes: the newer list where there is one, else the one of old.
#[test]
fn points_are_added_up_over_the_programmes() {
    use crate::domain::bank::BankAmounts;
    let bonus = |approved: &str, deposited: &str| {
        format!(
            r#"{{"paymentBonus":{{"approvedAmountBonus":{approved},"depositedAmountBonus":{deposited},"refundedAmountBonus":0}}}}"#
        )
    };
    let (one, two) = (bonus("300", "300"), bonus(r#""100""#, "0"));
    let table = [
        (format!(r#""loyaltyInfo":{one}"#), Some((300, 300))),
        (format!(r#""loyaltyInfos":[{one},{two}]"#), Some((400, 300))),
        (format!(r#""loyaltyInfos":{two}"#), Some((100, 0))),
        (format!(r#""loyaltyInfo":{one},"loyaltyInfos":[{one},{two}]"#), Some((400, 300))),
        (r#""loyaltyInfos":[]"#.to_owned(), None),
        (r#""loyaltyInfo":{"awardBonus":{"approvedAmountAward":1}}"#.to_owned(), None),
        (r#""loyaltyInfo":7"#.to_owned(), None),
    ];
    for (members, expected) in table {
        let expected = expected.map(|(approved, deposited)| BankAmounts { approved, deposited, refunded: 0 });
        assert_eq!(with_members(&members).points, expected, "{members}");
    }
    // Points are decided on as money is, so one that cannot be read leaves nothing known.
    for wrong in ["-1", "[]"] {
        let body = format!(r#"{{"errorCode":"0","orderStatus":1,"loyaltyInfo":{}}}"#, bonus(wrong, "0"));
        let answer = read_status(Ok(body.into_bytes()), &scrubber()).answer;
        assert!(matches!(answer, StatusAnswer::Unknown(_)), "{wrong}: {answer:?}");
    }
}
