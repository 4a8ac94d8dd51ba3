//! Every request against a book, apart from any wire.

use super::super::book::tests::empty;
use super::super::contract::Contract;
use super::super::mint::Card;
use super::super::params::Params;
use super::super::registration::Registration;
use super::*;

/// A bank with one held order of 900.
fn bank() -> (Book, String) {
    bank_with(Registration::new("shop", "A-1", 900).two_phase())
}

/// A bank with one order that is paid.
fn bank_with(registration: Registration) -> (Book, String) {
    let mut book = empty();
    let id = book.register(registration, 1_000, None).unwrap().id.clone();
    book.pay(Key::Id(&id), Card::default(), 2_000).unwrap();
    (book, id)
}

fn ask(book: &mut Book, operation: Operation, query: &str, twist: Option<Twist>) -> serde_json::Value {
    let call = Call { operation, params: Params::merge(query, b""), origin: "http://bank".to_owned() };
    let asked = Asked { call: &call, login: "shop", request: 42, now_ms: 3_000 };
    let answer = perform(book, asked, twist);
    serde_json::to_value(answer).unwrap()
}

#[test]
fn a_completion_is_judged_by_order_amount_and_state() {
    let check = |query: &str, code: &str, deposited| {
        let (mut book, id) = bank();
        let query = query.replace("ID", &id);
        let answer = ask(&mut book, Operation::Completion, &query, None);
        assert_eq!(answer["errorCode"], code, "{query}");
        let order = book.find(Key::Id(&id), 3_000).unwrap();
        assert_eq!(order.deposited_minor(), deposited, "{query}");
    };
    check("orderId=ID&compositeCompletionAmount=0", "0", 900);
    check("orderId=ID&compositeCompletionAmount=500", "0", 500);
    check("orderId=ID&compositeCompletionAmount=901", "5", 0);
    check("orderId=ID&compositeCompletionAmount=99999999999999999999", "5", 0);
    check("orderId=ID&compositeCompletionAmount=-1", "5", 0);
    check("orderId=ID", "5", 0);
    check("compositeCompletionAmount=0", "5", 0);
    check("orderNumber=A-1&compositeCompletionAmount=0", "5", 0);
    check("orderId=nobody&compositeCompletionAmount=0", "6", 0);
}

#[test]
fn a_second_completion_is_refused() {
    let (mut book, id) = bank();
    let query = format!("orderId={id}&compositeCompletionAmount=500");
    let first = ask(&mut book, Operation::Completion, &query, None);
    let operation = &first["operations"][0];
    assert_eq!((&operation["amount"], &operation["successful"]), (&500.into(), &true.into()));
    assert!(operation["pcId"].is_u64() && operation["transactionId"].is_string());
    let second = ask(&mut book, Operation::Completion, &query, None);
    assert_eq!(second["errorCode"], "7");
    assert_eq!(second["errorMessage"], "Платёж должен быть в корректном состоянии");
}

#[test]
fn only_a_hold_is_reversed_and_only_once() {
    let check = |query: &str, code: i64, status: u8| {
        let (mut book, id) = bank();
        let query = query.replace("ID", &id);
        let answer = ask(&mut book, Operation::Reversal, &query, None);
        let found = answer["errorCode"].as_i64().or_else(|| answer["errorCode"].as_str()?.parse().ok());
        assert_eq!(found, Some(code), "{query}: {answer}");
        assert_eq!(book.find(Key::Id(&id), 3_000).unwrap().state.status(), status, "{query}");
    };
    check("orderId=ID", 0, 3);
    check("orderNumber=A-1", 5, 1);
    check("", 5, 1);
    check("orderId=nobody", 6, 1);
    let (mut book, id) = bank();
    let query = format!("orderId={id}");
    ask(&mut book, Operation::Reversal, &query, None);
    assert_eq!(ask(&mut book, Operation::Reversal, &query, None)["errorCode"], "7");
    let completion = format!("{query}&compositeCompletionAmount=0");
    assert_eq!(ask(&mut book, Operation::Completion, &completion, None)["errorCode"], "7");
    let (mut book, id) = bank();
    ask(&mut book, Operation::Completion, &format!("orderId={id}&compositeCompletionAmount=0"), None);
    assert_eq!(ask(&mut book, Operation::Reversal, &format!("orderId={id}"), None)["errorCode"], "7");
}

#[test]
fn status_finds_by_id_before_number_and_misses_without_a_status() {
    let (mut book, id) = bank();
    let found = ask(&mut book, Operation::Status, &format!("orderId={id}&orderNumber=B-9"), None);
    assert_eq!((&found["orderStatus"], &found["orderNumber"]), (&1.into(), &"A-1".into()));
    let by_number = ask(&mut book, Operation::Status, "orderNumber=A-1", None);
    assert_eq!(by_number["attributes"][0]["value"], *id);
    let missing = ask(&mut book, Operation::Status, "orderNumber=B-9&language=en", None);
    assert_eq!(missing, serde_json::json!({"errorCode": "6", "errorMessage": "Unregistered OrderId"}));
    assert_eq!(ask(&mut book, Operation::Status, "", None)["errorCode"], "1");
}

#[test]
fn twists_bend_the_answer_and_not_the_book() {
    let (mut book, id) = bank();
    book.register(Registration::new("shop", "A-2", 5), 2_500, None).unwrap();
    let query = format!("orderId={id}");
    let mut bent = |twist| ask(&mut book, Operation::Status, &query, Some(twist));
    assert_eq!(bent(Twist::Stale)["orderStatus"], 0);
    assert_eq!(bent(Twist::AnotherOrder)["orderNumber"], "A-2");
    let part = AmountPart::Approved;
    let amounts = &bent(Twist::Amount { part, off_by_minor: -100 })["paymentAmountInfo"];
    assert_eq!(amounts["approvedAmount"], 800);
    assert_eq!(book.find(Key::Id(&id), 3_000).unwrap().approved_minor(), 900);
}

#[test]
fn a_registration_is_answered_without_an_error_code() {
    let (mut book, _) = bank();
    let query = "orderNumber=C-1&amount=100&returnUrl=https://shop.example/&language=en";
    let answer = ask(&mut book, Operation::RegisterPreAuth, query, None);
    let id = answer["orderId"].as_str().unwrap();
    assert_eq!(answer["formUrl"], format!("http://bank/payment/merchants/sandbox/payment_en.html?mdOrder={id}"));
    assert!(answer.get("errorCode").is_none());
    assert!(book.find(Key::Id(id), 3_000).unwrap().registration.two_phase);
    assert_eq!(ask(&mut book, Operation::Register, query, None)["errorCode"], "1");
}

/// What the answer says, a number or text.
fn code(answer: &serde_json::Value) -> i64 {
    let code = &answer["errorCode"];
    code.as_i64().or_else(|| code.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn a_deposit_is_a_completion_in_money_alone() {
    let check = |query: &str, expected: i64, deposited| {
        let (mut book, id) = bank();
        let query = query.replace("ID", &id);
        let answer = ask(&mut book, Operation::Deposit, &query, None);
        assert_eq!(code(&answer), expected, "{query}: {answer}");
        assert_eq!(book.find(Key::Id(&id), 3_000).unwrap().deposited_minor(), deposited, "{query}");
    };
    check("orderId=ID&amount=0", 0, 900);
    check("orderId=ID&amount=900", 0, 900);
    check("orderId=ID&amount=100", 0, 100);
    check("orderId=ID&amount=99", 7, 0);
    check("orderId=ID&amount=901", 5, 0);
    check("orderId=ID&amount=1e2", 5, 0);
    check("orderId=ID", 5, 0);
    check("amount=0", 5, 0);
    check("orderId=nobody&amount=0", 6, 0);
    let (mut book, id) = bank_with(Registration::new("shop", "A-1", 900).two_phase().with_points("p", 5));
    assert_eq!(code(&ask(&mut book, Operation::Deposit, &format!("orderId={id}&amount=0"), None)), 7);
}

#[test]
fn refunds_add_up_to_the_deposit_and_a_named_one_is_done_once() {
    let (mut book, id) = bank_with(Registration::new("shop", "A-1", 900));
    let contract = Contract { deposited_net_of_refunds: true, ..Contract::default() };
    book.post.contracts.set("shop".to_owned(), contract).unwrap();
    let mut check = |query: &str, expected: i64, refunded| {
        let answer = ask(&mut book, Operation::Refund, &format!("orderId={id}&{query}"), None);
        assert_eq!(code(&answer), expected, "{query}: {answer}");
        assert_eq!(book.find(Key::Id(&id), 3_000).unwrap().refunded_minor(), refunded, "{query}");
    };
    check("amount=901", 7, 0);
    check("amount=x", 5, 0);
    check("", 5, 0);
    check("amount=100&externalRefundId=R-1", 0, 100);
    check("amount=100&externalRefundId=R-1", 0, 100);
    check("amount=100&externalRefundId=R-2", 0, 200);
    check("amount=100&expectedDepositedAmount=900", 7, 200);
    check("amount=100&expectedDepositedAmount=700", 0, 300);
    check("amount=601", 7, 300);
    check("amount=0", 0, 900);
    check("amount=0", 7, 900);
    let shown = ask(&mut book, Operation::Status, &format!("orderId={id}"), None);
    assert_eq!(shown["paymentAmountInfo"]["depositedAmount"], 0);
    book.post.contracts.set("shop".to_owned(), Contract::default()).unwrap();
    let shown = ask(&mut book, Operation::Status, &format!("orderId={id}"), None);
    assert_eq!(shown["paymentAmountInfo"]["depositedAmount"], 900);
    let unpaid = ask(&mut book, Operation::Refund, "orderId=nobody&amount=1", None);
    assert_eq!(code(&unpaid), 6);
    let (mut book, id) = bank();
    assert_eq!(code(&ask(&mut book, Operation::Refund, &format!("orderId={id}&amount=1"), None)), 7);
}

#[test]
fn points_are_completed_and_refunded_as_in_the_documents() {
    let registration = Registration::new("shop", "A-1", 100_000).two_phase().with_points("sbrf_spasibo", 200);
    let (mut book, id) = bank_with(registration);
    let completion = format!("orderId={id}&compositeCompletionAmount=90000");
    let answer = ask(&mut book, Operation::Completion, &completion, None);
    let told = |answer: &serde_json::Value| {
        let operations = answer["operations"].as_array().unwrap().iter();
        operations.map(|one| (one["operation"].to_string(), one["amount"].as_i64().unwrap())).collect::<Vec<_>>()
    };
    let pair = |back, less| vec![("\"REFUND_PAYMENT\"".to_owned(), back), ("\"REFUND_AWARD\"".to_owned(), less)];
    assert_eq!(told(&answer), pair(20, 10_180));
    let status = ask(&mut book, Operation::Status, &format!("orderId={id}"), None);
    let info = &status["loyaltyInfos"][0];
    assert_eq!(
        (&info["loyaltyName"], &info["paymentBonus"]["depositedAmountBonus"]),
        (&"sbrf_spasibo".into(), &180.into())
    );
    assert_eq!((&info["awardBonus"]["depositedAmountAward"], &status["amount"]), (&89_820.into(), &100_000.into()));
    assert_eq!(status["operations"][1]["amountBonus"], 180);
    let refund = format!("orderId={id}&compositeRefundAmount=45000");
    assert_eq!(told(&ask(&mut book, Operation::AutoRefund, &refund, None)), pair(90, 44_910));
    let again = format!("orderId={id}&compositeAmount=45001");
    assert_eq!(code(&ask(&mut book, Operation::AutoRefund, &again, None)), 7);
    assert_eq!(code(&ask(&mut book, Operation::AutoRefund, &format!("orderId={id}"), None)), 5);
}

#[test]
fn a_reversal_that_ended_in_error_spoils_the_next() {
    let mut book = empty();
    let id = book.register(Registration::new("shop", "A-1", 900).two_phase(), 1_000, None).unwrap().id.clone();
    let query = format!("orderId={id}");
    assert_eq!(code(&ask(&mut book, Operation::Reversal, &query, None)), 7);
    book.pay(Key::Id(&id), Card::default(), 2_000).unwrap();
    assert_eq!(code(&ask(&mut book, Operation::Reversal, &query, None)), 7);
    let (mut book, id) = bank();
    let part = ask(&mut book, Operation::Reversal, &format!("orderId={id}&amount=100"), None);
    assert_eq!((code(&part), book.find(Key::Id(&id), 3_000).unwrap().state.status()), (7, 1));
    assert_eq!(code(&ask(&mut book, Operation::Reversal, &format!("orderId={id}&amount=900"), None)), 0);
}

#[test]
fn only_what_nobody_has_paid_is_called_off() {
    let (mut book, held) = bank();
    assert_eq!(code(&ask(&mut book, Operation::Decline, &format!("orderId={held}"), None)), 7);
    book.register(Registration::new("shop", "A-2", 900), 2_500, None).unwrap();
    assert_eq!(code(&ask(&mut book, Operation::Decline, "orderNumber=A-2", None)), 0);
    let status = ask(&mut book, Operation::Status, "orderNumber=A-2", None);
    assert_eq!((&status["orderStatus"], &status["actionCode"]), (&3.into(), &4005.into()));
    assert_eq!(status["paymentAmountInfo"]["paymentState"], "REVERSED");
    assert_eq!(code(&ask(&mut book, Operation::Decline, "orderNumber=A-2", None)), 7);
}

#[test]
fn the_older_status_writes_its_names_large() {
    let (mut book, id) = bank();
    let found = ask(&mut book, Operation::OldStatus, &format!("orderId={id}&language=en"), None);
    for (name, value) in [
        ("ErrorCode", serde_json::json!("0")),
        ("OrderStatus", 1.into()),
        ("OrderNumber", "A-1".into()),
        ("Amount", 900.into()),
        ("depositAmount", 0.into()),
        ("authCode", 2.into()),
        ("Pan", "411111**1111".into()),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
    let missing = ask(&mut book, Operation::OldStatus, "orderId=nobody&language=en", None);
    assert_eq!(missing, serde_json::json!({"ErrorCode": "6", "ErrorMessage": "Unregistered OrderId"}));
    assert_eq!(ask(&mut book, Operation::OldStatus, "orderNumber=A-1", None)["ErrorCode"], "5");
    book.register(Registration::new("shop", "A-2", 5), 2_500, None).unwrap();
    let id = book.find(Key::Number { login: "shop", number: "A-2" }, 2_500).unwrap().id.clone();
    book.decline(Key::Id(&id), 2_600).unwrap();
    let declined = ask(&mut book, Operation::OldStatus, &format!("orderId={id}"), None);
    assert_eq!((&declined["ErrorCode"], &declined["OrderStatus"]), (&"2".into(), &6.into()));
}

#[test]
fn last_orders_come_in_pages_and_only_as_asked() {
    let mut book = empty();
    for number in 0..5 {
        let registration = Registration::new("shop", &format!("A-{number}"), 900);
        let id = book.register(registration, 1_000, None).unwrap().id.clone();
        if number < 3 {
            book.pay(Key::Id(&id), Card::default(), 2_000).unwrap();
        }
    }
    book.register(Registration::new("kiosk", "K-1", 1), 1_000, None).unwrap();
    let day = "from=19700101000000&to=19700102000000";
    let mut check = |rest: &str, numbers: &[&str], total: i64| {
        let answer = ask(&mut book, Operation::LastOrders, &format!("{day}&{rest}"), None);
        let statuses = answer["orderStatuses"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let found: Vec<_> = statuses.iter().map(|one| one["orderNumber"].as_str().unwrap()).collect();
        assert_eq!((&*found, &answer["totalCount"]), (numbers, &total.into()), "{rest}");
        assert_eq!(answer["errorCode"], 0);
    };
    let all = "transactionStates=CREATED,DEPOSITED";
    check(&format!("page=0&size=2&{all}&merchants="), &["A-0", "A-1"], 3);
    check(&format!("page=1&size=2&{all}"), &["A-2"], 3);
    check(&format!("page=9&size=2&{all}"), &[], 3);
    check(&format!("page=0&size=999&{all}&searchByCreatedDate=true"), &["A-0", "A-1", "A-2", "A-3", "A-4"], 5);
    check("page=0&size=9&transactionStates=CREATED&searchByCreatedDate=true", &["A-3", "A-4"], 2);
    check("page=0&size=9&transactionStates=CREATED", &[], 0);
    check(&format!("page=0&size=9&{all}&merchants=kiosk"), &[], 0);
    check(&format!("page=0&size=9&{all}&merchants=shop,kiosk"), &["A-0", "A-1", "A-2"], 3);
    for bad in ["", "page=0&size=9", "page=0&size=0&transactionStates=CREATED", "page=0&size=9&transactionStates=PAID"]
    {
        let answer = ask(&mut book, Operation::LastOrders, &format!("{day}&{bad}"), None);
        assert_eq!(code(&answer), 5, "{bad}");
    }
}

#[test]
fn the_version_of_a_contract_decides_what_a_status_shows() {
    let (mut book, id) = bank();
    for (version, amounts, dates) in [(1, false, false), (4, true, true), (46, true, true)] {
        let contract = Contract { status_version: version, ..Contract::default() };
        book.post.contracts.set("shop".to_owned(), contract).unwrap();
        let status = ask(&mut book, Operation::Status, &format!("orderId={id}"), None);
        assert_eq!(status.get("paymentAmountInfo").is_some(), amounts, "{version}");
        assert_eq!(status.get("authDateTime").is_some(), dates, "{version}");
    }
}
