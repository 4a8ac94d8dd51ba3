//! Every check as a table: what is written, and what is told of it.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

fn terms() -> Terms {
    Terms { table: Table::RegisterDo, number_max: 32, currency: Currency::RUB, now: Some(NOW) }
}

/// `GOOD` with some of its members replaced or added; a `null` takes one away.
fn with(members: &str) -> Tree {
    let good = r#"{"order_number": "A-1", "amount": 10000, "return_url": "https://shop.example/thanks"}"#;
    let (Tree::Object(mut entries), Tree::Object(more)) =
        (Tree::from_json(good).unwrap(), Tree::from_json(&format!("{{{members}}}")).unwrap())
    else {
        panic!("no object")
    };
    entries.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    entries.extend(more);
    Tree::Object(entries)
}

#[track_caller]
fn told(tree: &Tree) -> Vec<(String, &'static str)> {
    let problems = match read(tree, &terms()) {
        Ok(request) => passed(&request, NOW),
        Err(problems) => problems,
    };
    problems.into_iter().map(|problem| (problem.path, problem.flaw.as_str())).collect()
}

/// What SOAP's document takes less of.
#[test]
fn the_narrower_table_tells_what_it_has_no_row_for() {
    let long = |length: usize| format!(r#""description": "{}""#, "x".repeat(length));
    let table = [
        (long(512), None),
        (long(513), Some(("description", "too_long"))),
        (r#""phone": "+79123456789""#.to_owned(), Some(("phone", "unknown_field"))),
        (
            r#""dynamic_callback_url": "https://shop.example/told""#.to_owned(),
            Some(("dynamic_callback_url", "unknown_field")),
        ),
        (r#""session_timeout_secs": 999999999"#.to_owned(), None),
        (r#""session_timeout_secs": 1000000000"#.to_owned(), Some(("session_timeout_secs", "out_of_range"))),
        (r#""phone": null, "email": "a@b""#.to_owned(), None),
    ];
    for (members, expected) in table {
        let tree = with(&members);
        let problems = read(&tree, &Terms { table: Table::RegisterOrder, ..terms() }).err().unwrap_or_default();
        let found: Vec<_> = problems.iter().map(|problem| (problem.path.as_str(), problem.flaw.as_str())).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{members}");
        assert!(read(&tree, &terms()).is_ok(), "{members}");
    }
}

#[track_caller]
fn check(members: &str, path: &str, word: &str) {
    let found = told(&with(members));
    let expected: Vec<(String, &str)> = if word.is_empty() { Vec::new() } else { vec![(path.to_owned(), word)] };
    assert_eq!(found, expected, "{members}");
}

#[test]
fn each_parameter_is_as_the_banks_table_wants_it() {
    let long = |length: usize| "x".repeat(length);
    let table = [
        (r#""order_number": null"#.to_owned(), "order_number", "missing"),
        (format!(r#""order_number": "{}""#, long(33)), "order_number", "too_long"),
        (r#""order_number": 17"#.to_owned(), "", ""),
        (r#""order_number": "a\nb""#.to_owned(), "order_number", "forbidden_character"),
        (r#""amount": null"#.to_owned(), "amount", "missing"),
        (r#""amount": 0"#.to_owned(), "amount", "out_of_range"),
        (r#""amount": -5"#.to_owned(), "amount", "out_of_range"),
        (r#""amount": 999999999999"#.to_owned(), "", ""),
        (r#""amount": 1000000000000"#.to_owned(), "amount", "out_of_range"),
        (r#""amount": 10.5"#.to_owned(), "amount", "wrong_type"),
        (r#""amount": "100""#.to_owned(), "", ""),
        (r#""amount": "1 00""#.to_owned(), "amount", "wrong_type"),
        (r#""currency": "RUB""#.to_owned(), "", ""),
        (r#""currency": 978"#.to_owned(), "", ""),
        (r#""currency": "999""#.to_owned(), "currency", "unknown_currency"),
        (r#""return_url": null"#.to_owned(), "return_url", "missing"),
        (r#""return_url": "shop.example""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "/thanks""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://?""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://?orderId=1""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://#top""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://:443/thanks""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://shop@/thanks""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https:///thanks""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://shop.example:99999/""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "myshop://?back""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://[::1]:8080/?a=b#c""#.to_owned(), "", ""),
        (r#""return_url": "https://магазин.рф/спасибо""#.to_owned(), "", ""),
        (r#""fail_url": "https://?""#.to_owned(), "fail_url", "not_a_url"),
        (r#""return_url": "JavaScript://%0aalert(1)""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "https://a/b c""#.to_owned(), "return_url", "not_a_url"),
        (r#""return_url": "myshop://back""#.to_owned(), "", ""),
        (format!(r#""return_url": "https://{}""#, long(505)), "return_url", "too_long"),
        (r#""fail_url": "kzntest.ru/fail.html""#.to_owned(), "fail_url", "not_a_url"),
        (r#""dynamic_callback_url": "x""#.to_owned(), "dynamic_callback_url", "not_a_url"),
        (r#""description": "Заказ №1, two pcs.""#.to_owned(), "", ""),
        (r#""description": "50%""#.to_owned(), "description", "forbidden_character"),
        (r#""description": "1+1""#.to_owned(), "description", "forbidden_character"),
        (r#""description": "a\rb""#.to_owned(), "description", "forbidden_character"),
        (r#""description": "a\nb""#.to_owned(), "description", "forbidden_character"),
        (r#""description": "a\uffff""#.to_owned(), "description", "forbidden_character"),
        (format!(r#""description": "{}""#, long(598)), "", ""),
        (format!(r#""description": "{}""#, long(599)), "description", "too_long"),
        (r#""language": "rus""#.to_owned(), "language", "too_long"),
        (r#""language": "r1""#.to_owned(), "language", "forbidden_character"),
        (format!(r#""page_view": "{}""#, long(21)), "page_view", "too_long"),
        (format!(r#""client_id": "{}""#, long(256)), "client_id", "too_long"),
        (r#""merchant_login": "merch_child""#.to_owned(), "", ""),
        (r#""merchant_login": "a b""#.to_owned(), "merchant_login", "forbidden_character"),
        (r#""params": {"a": 1, "b": ""}"#.to_owned(), "", ""),
        (r#""params": {"a": 1, "a": 2}"#.to_owned(), "params.a", "duplicate_field"),
        (r#""params": {"a": []}"#.to_owned(), "params.a", "wrong_type"),
        (r#""params": {"a": "1", "z": null}"#.to_owned(), "", ""),
        (r#""params": [1]"#.to_owned(), "params", "wrong_type"),
        (r#""session_timeout_secs": 0"#.to_owned(), "session_timeout_secs", "out_of_range"),
        (r#""session_timeout_secs": 9999999999"#.to_owned(), "", ""),
        (r#""session_timeout_secs": 10000000000"#.to_owned(), "session_timeout_secs", "out_of_range"),
        (r#""session_timeout_secs": "20m""#.to_owned(), "session_timeout_secs", "wrong_type"),
        (r#""expiration_date": "2026-11-22T03:00:01""#.to_owned(), "", ""),
        (r#""expiration_date": "2026-11-22T03:00:00""#.to_owned(), "expiration_date", "past"),
        (r#""expiration_date": "2027-01-01""#.to_owned(), "expiration_date", "not_a_time"),
        (r#""session_timeout_secs": 60, "expiration_date": "2027-01-01T00:00:00""#.to_owned(), "", ""),
        (r#""binding_id": "9c5e-1""#.to_owned(), "", ""),
        (r#""features": "FORCE_TDS""#.to_owned(), "", ""),
        (r#""features": ["A", "A"]"#.to_owned(), "features[1]", "duplicate_field"),
        (r#""features": ["A B"]"#.to_owned(), "features[0]", "forbidden_character"),
        (r#""email": "ivan""#.to_owned(), "email", "wrong_form"),
        (format!(r#""email": "{}@b""#, long(39)), "email", "too_long"),
        (r#""phone": "+79123456789""#.to_owned(), "", ""),
        (r#""phone": "8 912 345""#.to_owned(), "phone", "forbidden_character"),
        (r#""phone": "123""#.to_owned(), "phone", "wrong_form"),
        (r#""post_address": "117312, Москва, ул. Вавилова, 19""#.to_owned(), "", ""),
        (format!(r#""post_address": "{}""#, long(256)), "post_address", "too_long"),
        (r#""tax_system": 100"#.to_owned(), "tax_system", "out_of_range"),
        (r#""two_phase": "yes""#.to_owned(), "two_phase", "wrong_type"),
        (r#""autocompletion_date": "2027-01-01T00:00:00""#.to_owned(), "autocompletion_date", "contradiction"),
        (r#""two_phase": true, "autocompletion_date": "2027-01-01T00:00:00""#.to_owned(), "", ""),
        (r#""two_phase": true, "complete_amount": 10001"#.to_owned(), "complete_amount", "out_of_range"),
        (r#""complete_amount": 5"#.to_owned(), "complete_amount", "contradiction"),
        (
            format!(r#""billing_payer_data": {{"billingCity": "{}"}}"#, long(51)),
            "billing_payer_data.billingCity",
            "too_long",
        ),
        (r#""billing_payer_data": {"billingTown": "x"}"#.to_owned(), "billing_payer_data.billingTown", "unknown_field"),
        (r#""amount": 1, "amount": 2"#.to_owned(), "amount", "duplicate_field"),
        (r#""colour": "red""#.to_owned(), "colour", "unknown_field"),
    ];
    for (members, path, word) in table {
        check(&members, path, word);
    }
}

/// What was registered while its date was to come is the same request ever after.
#[test]
fn a_date_that_has_passed_is_told_with_what_else_is_wrong_and_alone_is_no_reason_not_to_read() {
    let gone =
        r#""two_phase": true, "expiration_date": "2026-11-22T03:00:00", "autocompletion_date": "2026-11-21T00:00:00""#;
    let request = read(&with(gone), &terms()).unwrap();
    let paths = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.path).collect::<Vec<_>>();
    assert_eq!(paths(passed(&request, NOW)), ["expiration_date", "autocompletion_date"]);
    assert_eq!(paths(passed(&request, NOW.minus(std::time::Duration::from_secs(1)))), ["autocompletion_date"]);
    let also = format!(r#"{gone}, "description": "50%""#);
    assert_eq!(
        paths(read(&with(&also), &terms()).unwrap_err()),
        ["description", "expiration_date", "autocompletion_date"]
    );
}

#[test]
fn a_receipts_parameters_are_as_the_banks_table_wants_them() {
    let table = [
        (r#""cashier": "Ivan", "cashier_inn": "123456789012""#, "", ""),
        (r#""agent_info.type": "7", "agent_info.MTOperator.inn": "1234567890""#, "", ""),
        (r#""agent_info.MTOperator.inn": "1234567890""#, ".agent_info.type", "missing"),
        (
            r#""agent_info.type": "7", "agent_info.MTOperator.inn": "123456789""#,
            ".agent_info.MTOperator.inn",
            "too_short",
        ),
        (r#""supplier_info.phones": ["+37121234567", "x"]"#, ".supplier_info.phones[1]", "forbidden_character"),
        (r#""client.name": "Ivan""#, ".client.email", "contradiction"),
        (r#""client.email": "a@b", "client.phone": "+37121234567""#, ".client.email", "contradiction"),
        (r#""client.email": "a@b", "client.birth_date": "31.12.1990""#, "", ""),
        (r#""client.email": "a@b", "client.birth_date": "31.13.1990""#, ".client.birth_date", "wrong_form"),
        (r#""client.email": "a@b", "client.citizenship": "64""#, ".client.citizenship", "too_short"),
        (r#""sectoralCheckProps.federalId": "001""#, "", ""),
    ];
    for (members, path, word) in table {
        check(&format!(r#""additional_ofd_params": {{{members}}}"#), &format!("additional_ofd_params{path}"), word);
    }
}

/// The letter case of some names is not confirmed, and JSON has objects where the documents have points: each way of
/// writing is the same registration, and is sent as the documents' table has it.
#[test]
fn a_receipts_parameters_are_known_in_any_case_and_with_points_or_as_objects() {
    let same = [
        r#""operatingCheckProps.name": "n", "client.email": "a@b", "sectoralCheckProps.federalId": "001""#,
        r#""operatingcheckprops.NAME": "n", "CLIENT.email": "a@b", "sectoralcheckprops.federalid": "001""#,
        r#""operatingCheckProps": {"name": "n", "value": null}, "client": {"email": "a@b"}, "sectoralCheckProps": {"federalId": "001"}"#,
        r#""OperatingCheckProps": {"Name": "n"}, "Client": {"Email": "a@b"}, "cashier": null, "SECTORALCHECKPROPS": {"FEDERALID": "001"}"#,
    ];
    let request = |members: &str| read(&with(&format!(r#""additional_ofd_params": {{{members}}}"#)), &terms());
    for members in same {
        let found = request(members).unwrap_or_else(|problems| panic!("{members}: {problems:?}"));
        assert_eq!(
            values(&found.additional_ofd_params).to_string(),
            r#"{"client.email":"a@b","operatingCheckProps.name":"n","sectoralCheckProps.federalId":"001"}"#
        );
        assert!(!without_personal_data(&found.document()).to_string().contains("a@b"));
    }
    let deep = request(r#""agent_info": {"type": 7, "mtoperator": {"INN": "8634330204"}}, "operatingCheckProps": "x""#);
    assert_eq!(
        values(&deep.unwrap().additional_ofd_params).to_string(),
        r#"{"agent_info.MTOperator.inn":"8634330204","agent_info.type":"7","operatingCheckProps":"x"}"#
    );
    let table = [
        (r#""client": {"email": "a@b", "colour": "red"}"#, ".client.colour", "unknown_field"),
        (r#""client": {"email": {}}"#, ".client.email", "wrong_type"),
        (r#""client": {"email": "a@b"}, "client.Email": "c@d""#, ".client.email", "duplicate_field"),
        (r#""client": {"email": "ab"}"#, ".client.email", "wrong_form"),
        (r#""colour": {"red": 1}"#, ".colour", "unknown_field"),
    ];
    for (members, path, word) in table {
        check(&format!(r#""additional_ofd_params": {{{members}}}"#), &format!("additional_ofd_params{path}"), word);
    }
    check(r#""additional_ofd_params": "cashier""#, "additional_ofd_params", "wrong_type");
}

/// One line of a cart worth 10000, with members replaced or added.
fn cart(members: &str) -> String {
    let good = r#"{"positionId": "1", "name": "Tea", "itemCode": "t-1", "itemPrice": 10000,
        "quantity": {"value": 1, "measure": "pcs"}}"#;
    let (Tree::Object(mut item), Tree::Object(more)) =
        (Tree::from_json(good).unwrap(), Tree::from_json(&format!("{{{members}}}")).unwrap())
    else {
        panic!("no object")
    };
    item.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    item.extend(more);
    format!(r#""order_bundle": {{"cartItems": {{"items": [{}]}}}}"#, Tree::Object(item))
}

#[test]
fn a_carts_line_is_as_the_banks_table_wants_it() {
    let marked = |measure: &str, attributes: &str| {
        let list: Vec<_> = attributes
            .split(' ')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| format!(r#"{{"name": "{name}", "value": "{value}"}}"#))
            .collect();
        let list = list.join(", ");
        format!(r#""quantity": {{"value": 1, "measure": "{measure}"}}, "itemAttributes": {{"attributes": [{list}]}}"#)
    };
    let part = "nomenclature=010463 markQuantity.numerator=1 markQuantity.denominator=2";
    let table = [
        (String::new(), "", ""),
        (r#""positionId": null"#.to_owned(), ".positionId", "missing"),
        (r#""positionId": "1234567890123""#.to_owned(), ".positionId", "too_long"),
        (format!(r#""name": "{}""#, "x".repeat(101)), ".name", "too_long"),
        (r#""itemCode": null"#.to_owned(), ".itemCode", "missing"),
        (r#""itemPrice": null"#.to_owned(), ".itemPrice", "missing"),
        (r#""itemPrice": null, "itemAmount": 10000"#.to_owned(), "", ""),
        (r#""itemPrice": 100.5"#.to_owned(), ".itemPrice", "wrong_type"),
        (r#""itemAmount": 9999"#.to_owned(), ".itemAmount", "sum_differs"),
        (
            r#""itemPrice": 6667, "quantity": {"value": 1.5, "measure": "kg"}, "itemAmount": 10001"#.to_owned(),
            "AMOUNT",
            "sum_differs",
        ),
        (r#""quantity": null"#.to_owned(), ".quantity", "missing"),
        (r#""quantity": 1"#.to_owned(), ".quantity", "wrong_type"),
        (r#""quantity": {"value": 0, "measure": "pcs"}"#.to_owned(), ".quantity.value", "wrong_form"),
        (r#""quantity": {"value": "1,5", "measure": "pcs"}"#.to_owned(), ".quantity.value", "wrong_form"),
        (r#""quantity": {"value": 0.1234567890123456, "measure": "kg"}"#.to_owned(), ".quantity.value", "wrong_form"),
        (r#""quantity": {"value": 1}"#.to_owned(), ".quantity.measure", "missing"),
        (r#""itemCurrency": "643""#.to_owned(), "", ""),
        (r#""itemCurrency": "978""#.to_owned(), ".itemCurrency", "contradiction"),
        (r#""tax": {"taxType": "123"}"#.to_owned(), ".tax.taxType", "too_long"),
        (r#""itemDetails": {"itemDetailsParams": [{"name": "a", "value": "b"}]}"#.to_owned(), "", ""),
        (
            r#""itemDetails": {"itemDetailsParams": [{"value": "b"}]}"#.to_owned(),
            ".itemDetails.itemDetailsParams[0].name",
            "missing",
        ),
        (marked("0", part), "", ""),
        (marked("pcs", part), ".quantity.measure", "wrong_form"),
        (marked("11", part), ".quantity.measure", "contradiction"),
        (marked("0", "markQuantity.numerator=1 markQuantity.denominator=2"), ".itemAttributes", "missing"),
        (marked("0", "nomenclature=1 markQuantity.numerator=1"), ".itemAttributes", "missing"),
        (
            marked("0", "nomenclature=1 markQuantity.numerator=3 markQuantity.denominator=2"),
            ".itemAttributes",
            "out_of_range",
        ),
        (marked("pcs", "paymentMethod=1 paymentObject=30 excise=10.0 country_code=810"), "", ""),
        (marked("pcs", "paymentMethod=123"), ".itemAttributes.attributes[0].value", "too_long"),
        (marked("pcs", "paymentMethod=1 paymentMethod=2"), ".itemAttributes.attributes", "duplicate_field"),
        (
            marked("pcs", "agent_info.type=7 supplier_info.phones=+79123456789 supplier_info.phones=+79123456780"),
            "",
            "",
        ),
        (marked("pcs", "agent_info.MTOperator.name=x"), ".itemAttributes", "missing"),
        (r#""colour": "red""#.to_owned(), ".colour", "unknown_field"),
    ];
    for (members, path, word) in table {
        let path =
            if path == "AMOUNT" { "amount".to_owned() } else { format!("order_bundle.cartItems.items[0]{path}") };
        check(&cart(&members), &path, word);
    }
}

/// Prices and quantities.
type Lines = &'static [(i64, &'static str)];

/// registerOrderPreAuth, `amount`: each line is rounded by itself, five and more up.
#[test]
fn the_amount_is_the_sum_of_the_rounded_lines() {
    let line = |position: usize, price: i64, quantity: &str| {
        format!(
            r#"{{"positionId": {position}, "name": "n", "itemCode": "c", "itemPrice": {price},
                "quantity": {{"value": {quantity}, "measure": "kg"}}}}"#
        )
    };
    let table: [(Lines, i64, &str); 6] = [
        (&[(100, "1"), (50, "2")], 200, ""),
        (&[(333, "1.5")], 500, ""),
        (&[(333, "1.5"), (333, "1.5")], 1_000, ""),
        (&[(333, "1.5"), (333, "1.5")], 999, "sum_differs"),
        (&[(1, "0.4"), (1, "0.4"), (1, "0.4")], 1, "sum_differs"),
        (&[(1, "0.5"), (1, "0.5")], 2, ""),
    ];
    for (lines, amount, word) in table {
        let items: Vec<_> =
            lines.iter().enumerate().map(|(at, (price, quantity))| line(at, *price, quantity)).collect();
        let items = items.join(", ");
        check(
            &format!(r#""amount": {amount}, "order_bundle": {{"cartItems": {{"items": [{items}]}}}}"#),
            "amount",
            word,
        );
    }
}

#[test]
fn a_cart_has_lines_with_numbers_of_their_own_and_a_buyer_who_can_be_told() {
    let bundle = "order_bundle";
    let line = r#"{"positionId": 1, "name": "n", "itemCode": "c", "itemPrice": 5000, "quantity": {"value": 1, "measure": "kg"}}"#;
    let table = [
        (r#""cartItems": {"items": []}"#.to_owned(), ".cartItems.items", "missing"),
        (String::new(), ".cartItems", "missing"),
        (format!(r#""cartItems": {{"items": [{line}, {line}]}}"#), ".cartItems.items[1].positionId", "contradiction"),
    ];
    for (members, path, word) in table {
        check(&format!(r#""{bundle}": {{{members}}}"#), &format!("{bundle}{path}"), word);
    }
    let one = line.replace("5000", "10000");
    let customers = [
        (r#"{"email": "a@b,c@d"}"#, "", ""),
        (r#"{"contact": "Ivan"}"#, ".email", "missing"),
        (r#"{"email": "a@b", "inn": "123"}"#, ".inn", "too_short"),
        (r#"{"email": "a@b", "deliveryInfo": {"country": "RU", "city": "M"}}"#, ".deliveryInfo.postAddress", "missing"),
    ];
    for (customer, path, word) in customers {
        let members = format!(r#""{bundle}": {{"customerDetails": {customer}, "cartItems": {{"items": [{one}]}}}}"#);
        check(&members, &format!("{bundle}.customerDetails{path}"), word);
    }
}

#[test]
fn a_document_reads_as_the_request_it_was_made_of() {
    let tree = with(
        r#""two_phase": true, "complete_amount": 5, "params": {"b": "2", "a": "1"}, "features": ["B", "A"], "tax_system": 3,
           "expiration_date": "2027-01-01T00:00:00", "autocompletion_date": "2027-01-02T00:00:00+01:00",
           "billing_payer_data": {"billingCity": "Ufa"}, "additional_ofd_params": {"supplier_info.phones": ["+79123456789", "+79123456780"]},
           "order_bundle": {"orderCreationDate": "2026-11-20T14:03:05", "customerDetails": {"email": "a@b"}, "cartItems": {"items": [
             {"positionId": 1, "name": "n \"q\" \\", "itemCode": "c", "itemPrice": 6667, "quantity": {"value": "1.50", "measure": "kg"},
              "itemDetails": {"itemDetailsParams": [{"name": "a", "value": "b"}]}, "tax": {"taxType": 6, "taxSum": 1},
              "itemAttributes": {"attributes": [{"name": "supplier_info.phones", "value": ["+79123456789", "+79123456780"]}]}},
             {"positionId": 2, "name": "n", "itemCode": "c", "itemAmount": 0, "quantity": {"value": "0.123456789012345678", "measure": "kg"}}]}}, "amount": 10001"#,
    );
    let request = read(&tree, &terms()).unwrap();
    let text = request.document().to_string();
    let again = read(&Tree::from_json(&text).unwrap(), &Terms { now: None, ..terms() }).unwrap();
    assert_eq!(again, request);
    assert_eq!(again.document().to_string(), text);
}

#[test]
fn what_differs_is_told_by_its_path_and_personal_data_is_not_kept() {
    let document = |members: &str| read(&with(members), &terms()).unwrap().document();
    let one = document(&format!(r#""email": "a@b", "params": {{"x": "1"}}, {}"#, cart("")));
    let other = document(&format!(r#""description": "d", "params": {{"x": "2"}}, {}"#, cart(r#""name": "Coffee""#)));
    let expected = ["description", "email", "order_bundle.cartItems.items[0].name", "params.x"];
    assert_eq!(differences(&one, &other), expected);
    assert_eq!(differences(&one, &one), [""; 0]);
    let kept = [one, other].map(|document| without_personal_data(&document));
    assert_eq!(differences(&kept[0], &kept[1]), ["description", "order_bundle.cartItems.items[0].name"]);
    let everything = document(&format!(
        r#""email": "p1@x", "phone": "+79999999999", "post_address": "p0", "client_id": "p2", "binding_id": "p3", "params": {{"p4": "p5"}},
           "billing_payer_data": {{"billingCity": "p6"}}, "additional_ofd_params": {{"client.email": "p7@x", "cashier": "C"}},
           {}"#,
        cart("").replace("\"cartItems\"", r#""customerDetails": {"email": "p8@x"}, "cartItems""#)
    ));
    let kept = without_personal_data(&everything).to_string();
    for personal in ["p0", "p1", "999", "p2", "p3", "p4", "p5", "p6", "p7", "p8"] {
        assert!(everything.to_string().contains(personal) && !kept.contains(personal), "{personal}: {kept}");
    }
    assert!(kept.contains("Tea") && kept.contains("cashier"), "{kept}");
}

#[test]
fn a_thousand_wrong_lines_are_not_answered_with_a_thousand_problems() {
    let items = vec!["{}"; 1_000].join(", ");
    let found = told(&with(&format!(r#""order_bundle": {{"cartItems": {{"items": [{items}]}}}}"#)));
    assert_eq!(found.len(), 64);
}

/// Some dozens of names for every slip would bury what is wrong.
#[test]
fn an_unknown_field_is_told_with_the_nearest_one_and_the_list_stands_there_once() {
    let text = r#"{"order_number": "A-1", "amount": 100, "returnUrl": "https://a/b", "descripton": "x", "colour": "red",
        "taste": "sweet", "smell": "none"}"#;
    let problems = read(&Tree::from_json(text).unwrap(), &terms()).unwrap_err();
    let said = |path: &str| {
        let found = problems.iter().find(|problem| problem.path == path);
        found.map(|problem| problem.sentence.as_str()).unwrap_or_default()
    };
    assert_eq!(said("returnUrl"), "there is no such field here; the nearest is return_url");
    assert_eq!(said("descripton"), "there is no such field here; the nearest is description");
    assert!(said("colour").contains("there are: ") && said("colour").contains("return_url"), "{}", said("colour"));
    assert_eq!([said("taste"), said("smell")], ["there is no such field here"; 2]);
}
