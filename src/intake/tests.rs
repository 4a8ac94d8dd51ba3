//! Orders as shops write them, right and wrong.

use std::io::BufReader;

use super::*;

const ONE_MERCHANT: &str = "shop";
const TWO_MERCHANTS: &str = "shop kiosk";

/// A configuration with these merchants; the second and later ones take order numbers of 36 characters, in euros.
fn config(merchants: &str) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let table = |(position, name): (usize, &str)| {
        let more = if position == 0 { "" } else { "order_number_max = 36\ncurrency = \"EUR\"" };
        let gateway = format!("gateway = \"http://127.0.0.1:1/{name}/\"\nuser_name = \"{name}\"");
        format!("[[merchant]]\nname = \"{name}\"\n{gateway}\npassword = {{ public = \"p\" }}\n{more}\n")
    };
    let tables: Vec<String> = merchants.split(' ').enumerate().map(table).collect();
    let text = format!("database = \"db\"\nreports = \"reports\"\n{}", tables.concat());
    let path = directory.path().join("reconciled.toml");
    std::fs::write(&path, text).unwrap();
    Config::load_with(&path, &|_| None).unwrap()
}

fn words(rejection: &Rejection) -> Vec<String> {
    let word = |problem: &Problem| match &problem.field {
        Some(field) => format!("{} {field}", problem.code.as_str()),
        None => problem.code.as_str().to_owned(),
    };
    rejection.problems.iter().map(word).collect()
}

#[track_caller]
fn refused(config: &Config, json: &str, expected: &[&str]) {
    let rejection = from_json(json, config).unwrap_err();
    assert_eq!(words(&rejection), expected, "{json}\n{rejection}");
}

fn read(config: &Config, json: &str) -> NewOrder {
    from_json(json, config).unwrap_or_else(|rejection| panic!("{json}\n{rejection}"))
}

#[test]
fn what_is_left_out_is_the_merchants() {
    let order = read(&config(ONE_MERCHANT), r#"{"order_number": "A-1", "amount": 1050}"#);
    assert_eq!(order.merchant.as_str(), "shop");
    assert_eq!((order.amount.minor(), order.currency), (1050, Currency::RUB));
    assert_eq!((order.order_id, order.expires_at, order.completion), (None, None, CompletionAmount::Whole));
    let order = read(&config(TWO_MERCHANTS), r#"{"merchant": "kiosk", "order_number": "A-1", "amount": 1}"#);
    assert_eq!(order.currency.alpha(), "EUR");
}

#[test]
fn everything_can_be_written() {
    let long_number = "x".repeat(36);
    let json = format!(
        r#"{{"merchant": "kiosk", "order_number": "{long_number}", "amount": "1050", "currency": 643, "order_id": "ab-1",
            "expires_at": "2026-11-20T14:03:05.25+03:00", "complete_amount": 1000}}"#
    );
    let order = read(&config(TWO_MERCHANTS), &json);
    assert_eq!(order.number.as_str(), long_number);
    assert_eq!(order.currency, Currency::RUB);
    assert_eq!(order.order_id.unwrap().as_str(), "ab-1");
    assert_eq!(order.expires_at.unwrap().to_string(), "2026-11-20T11:03:05.250Z");
    assert_eq!(order.completion, CompletionAmount::Exactly(Amount::new(1000).unwrap()));
    for currency in [r#""643""#, r#""RUB""#, r#""rub""#, "643", "null"] {
        let order =
            read(&config(ONE_MERCHANT), &format!(r#"{{"order_number": "A", "amount": 1, "currency": {currency}}}"#));
        assert_eq!(order.currency, Currency::RUB, "{currency}");
    }
}

#[test]
fn amounts_are_whole_minor_units() {
    let config = config(ONE_MERCHANT);
    let table = [
        ("0", "amount_zero amount"),
        ("-1", "amount_negative amount"),
        ("-99999999999999999999999999999999999999999999", "not_minor_units amount"),
        ("1000000000000", "amount_too_large amount"),
        ("18446744073709551615", "amount_too_large amount"),
        (r#""99999999999999999999999999999999999999999999""#, "amount_too_large amount"),
        ("10.50", "not_minor_units amount"),
        ("10.0", "not_minor_units amount"),
        ("1e3", "not_minor_units amount"),
        (r#""10.50""#, "not_minor_units amount"),
        (r#""10,50""#, "not_minor_units amount"),
        (r#""1 000""#, "not_minor_units amount"),
        (r#""+5""#, "not_minor_units amount"),
        (r#""-""#, "not_minor_units amount"),
        (r#""""#, "not_minor_units amount"),
        ("true", "wrong_type amount"),
        ("[1]", "wrong_type amount"),
        (r#"{"amount": 1}"#, "wrong_type amount"),
        ("null", "missing amount"),
    ];
    for (amount, expected) in table {
        refused(&config, &format!(r#"{{"order_number": "A", "amount": {amount}}}"#), &[expected]);
    }
    assert_eq!(read(&config, r#"{"order_number": "A", "amount": 999999999999}"#).amount.minor(), 999_999_999_999);
}

#[test]
fn each_field_is_refused_for_its_own_reason() {
    let config = config(TWO_MERCHANTS);
    let good = r#""merchant": "shop", "order_number": "A", "amount": 100"#;
    let long_number = format!(r#"{{"merchant": "shop", "order_number": "{}", "amount": 1}}"#, "x".repeat(33));
    let long_id = format!(r#"{{{good}, "order_id": "{}"}}"#, "x".repeat(65));
    let table: [(&str, &[&str]); 21] = [
        (r#"{"order_number": "A", "amount": 1}"#, &["missing merchant"]),
        (r#"{"merchant": "other", "order_number": "A", "amount": 1}"#, &["unknown_merchant merchant"]),
        (r#"{"merchant": "../x", "order_number": "A", "amount": 1}"#, &["unknown_merchant merchant"]),
        (r#"{"merchant": "shop", "amount": 1}"#, &["missing order_number"]),
        (r#"{"merchant": "shop", "order_number": 17, "amount": 1}"#, &["wrong_type order_number"]),
        (r#"{"merchant": "shop", "order_number": " A", "amount": 1}"#, &["forbidden_character order_number"]),
        (&long_number, &["too_long order_number"]),
        (&long_id, &["too_long order_id"]),
        (&format!(r#"{{{good}, "currency": "QQQ"}}"#), &["unknown_currency currency"]),
        (&format!(r#"{{{good}, "currency": 99999999}}"#), &["unknown_currency currency"]),
        (&format!(r#"{{{good}, "currency": 643.0}}"#), &["wrong_type currency"]),
        (&format!(r#"{{{good}, "expires_at": "2026-11-20 14:00"}}"#), &["not_a_time expires_at"]),
        (&format!(r#"{{{good}, "complete_amount": 101}}"#), &["completion_above_amount complete_amount"]),
        (&format!(r#"{{{good}, "complete_amount": 0}}"#), &["amount_zero complete_amount"]),
        (&format!(r#"{{{good}, "autocompletion_date": "2026-11-20"}}"#), &["not_a_time autocompletion_date"]),
        (
            &format!(r#"{{{good}, "autocompletion_date": "2026-11-20T12:00:00.5"}}"#),
            &["not_a_time autocompletion_date"],
        ),
        (&format!(r#"{{{good}, "autocompletion_date": 7}}"#), &["wrong_type autocompletion_date"]),
        (&format!(r#"{{{good}, "two_phase": "yes"}}"#), &["wrong_type two_phase"]),
        (&format!(r#"{{{good}, "two_phase": 1}}"#), &["wrong_type two_phase"]),
        (&format!(r#"{{{good}, "colour": {{"a": [1]}}}}"#), &["unknown_field colour"]),
        (&format!(r#"{{{good}, "amount": 200}}"#), &["duplicate_field amount"]),
    ];
    for (json, expected) in table {
        refused(&config, json, expected);
    }
}

#[test]
fn every_problem_of_an_order_is_told_at_once() {
    let json = r#"{"order_number": "A\n", "amount": 10.5, "currency": "gold", "complete_amount": -3, "color": 1}"#;
    let expected = [
        "unknown_field color",
        "missing merchant",
        "forbidden_character order_number",
        "not_minor_units amount",
        "unknown_currency currency",
        "amount_negative complete_amount",
    ];
    refused(&config(TWO_MERCHANTS), json, &expected);
}

#[test]
fn whatever_is_no_order_is_refused_as_such() {
    let config = config(ONE_MERCHANT);
    for (json, expected) in [
        ("{", "not_json"),
        (r#"{"order_number": "A", "amount": 01}"#, "not_json"),
        ("{} {}", "not_json"),
        ("null", "not_an_object"),
        ("7", "not_an_object"),
        (r#""A-1""#, "not_an_object"),
        ("[{}]", "not_an_object"),
    ] {
        refused(&config, json, &[expected]);
    }
    refused(&config, &"[".repeat(100_000), &["not_json"]);
}

#[test]
fn a_release_may_say_how_much() {
    let table: [(&str, Result<Option<i64>, &str>); 8] = [
        ("", Ok(None)),
        (" ", Ok(None)),
        ("{}", Ok(None)),
        (r#"{"amount": 100}"#, Ok(Some(100))),
        (r#"{"amount": 1.5}"#, Err("not_minor_units amount")),
        (r#"{"amount": 0}"#, Err("amount_zero amount")),
        (r#"{"amount": 1, "order_number": "A"}"#, Err("unknown_field order_number")),
        ("100", Err("not_an_object")),
    ];
    for (json, expected) in table {
        let read = release_from_json(json).map(|amount| amount.map(Amount::minor));
        assert_eq!(read.map_err(|rejection| words(&rejection).join(" ")), expected.map_err(str::to_owned), "{json}");
    }
}

#[test]
fn an_answer_is_no_multiple_of_the_question() {
    let names: Vec<String> = (0..1_000).map(|number| format!("\"f{number}\": 0")).collect();
    let rejection = from_json(&format!("{{{}}}", names.join(",")), &config(ONE_MERCHANT)).unwrap_err();
    assert_eq!(rejection.problems.len(), 16 + 2, "sixteen names, and the two fields that are missing");
}

/// What each line of a file became: its number, and the order's number or the words of its refusal.
fn lines(bytes: &[u8], format: Format) -> Vec<(u64, String)> {
    let config = config(ONE_MERCHANT);
    // A buffer smaller than a line, so that lines are put together from several reads.
    let file = OrderFile::new(BufReader::with_capacity(7, bytes), format, &config).unwrap();
    file.map(|line| {
        let line = line.unwrap();
        (line.number, line.order.map_or_else(|error| words(&error).join(" "), |order| order.number.to_string()))
    })
    .collect()
}

fn expected(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    lines.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
}

#[test]
fn json_lines_are_read_one_by_one() {
    let text = "\u{feff}{\"order_number\": \"A\", \"amount\": 1}\r\n\n  \nnonsense\n{\"order_number\": \"заказ\", \"amount\": 2}";
    let found = lines(text.as_bytes(), Format::JsonLines);
    assert_eq!(found, expected(&[(1, "A"), (4, "not_json"), (5, "заказ")]));
}

#[test]
fn csv_comes_as_spreadsheets_write_it() {
    for separator in [",", ";", "\t"] {
        let text = "\u{feff}amount,order_number,order_id\r\n100,A,\r\n\r\n\"200\",\"B \"\"2\"\"\",id-2\r\n10.50,C,\r\n1,D\r\n2,\"E,,\r\n3,F,";
        let found = lines(text.replace(',', separator).as_bytes(), Format::Csv);
        let words =
            [(2, "A"), (4, "B \"2\""), (5, "not_minor_units amount"), (6, "not_a_row"), (7, "not_a_row"), (8, "F")];
        assert_eq!(found, expected(&words), "{separator:?}");
    }
}

/// The bug: the line was queued as far as it had come.
#[test]
fn regression_a_value_that_goes_on_in_the_next_line_is_refused() {
    let text = "order_number,amount,order_id\nA,1,\"id\nand more\"\nB,2,\nC,3,\"id-3\"\n\"D\"\"\",4,\n";
    let words = [(2, "not_a_row"), (3, "not_a_row"), (4, "B"), (5, "C"), (6, "D\"")];
    assert_eq!(lines(text.as_bytes(), Format::Csv), expected(&words));
}

#[test]
fn a_line_in_another_encoding_or_without_end_spoils_nothing_else() {
    let mut bytes = b"order_number,amount\nA,1\n".to_vec();
    bytes.extend_from_slice(b"\xc7\xe0\xea\xe0\xe7,2\n");
    bytes.extend_from_slice("x".repeat(40_000).as_bytes());
    bytes.extend_from_slice(b"\nB,3\n");
    assert_eq!(lines(&bytes, Format::Csv), expected(&[(2, "A"), (3, "not_utf8"), (4, "line_too_long"), (5, "B")]));
    let config = config(ONE_MERCHANT);
    let file = OrderFile::new(b"\xff\xfeo\0r\0" as &[u8], Format::JsonLines, &config).unwrap();
    let told = file.map(|line| line.unwrap().order.unwrap_err().to_string()).collect::<String>();
    assert!(told.contains("Windows-1251"), "{told}");
}

#[test]
fn a_header_is_refused_with_all_that_is_wrong_with_it() {
    let config = config(ONE_MERCHANT);
    let table: [(&str, &[&str]); 4] = [
        ("", &["not_a_row"]),
        ("number,amount,amount\n", &["unknown_field number", "duplicate_field amount", "missing order_number"]),
        ("A-1,100\n", &["unknown_field A-1", "unknown_field 100", "missing order_number", "missing amount"]),
        ("order_number, amount\nA,1\n", &[]),
    ];
    for (text, expected) in table {
        match OrderFile::new(text.as_bytes(), Format::Csv, &config) {
            Ok(_) => assert!(expected.is_empty(), "{text:?}"),
            Err(HeadError::Columns { rejection, .. }) => assert_eq!(words(&rejection), expected, "{text:?}"),
            Err(HeadError::Io(error)) => panic!("{error}"),
        }
    }
}

/// A header of somebody else's, what is said of it, and what its row becomes; or what is wrong with the two together.
#[test]
fn columns_of_other_names_are_taken_for_what_they_are_said_to_be() {
    type Row = (&'static str, &'static [(Field, &'static str)], bool, Result<&'static str, &'static [&'static str]>);
    let config = config(ONE_MERCHANT);
    let table: [Row; 8] = [
        ("Номер;Копейки", &[(Field::OrderNumber, "Номер"), (Field::Amount, "Копейки")], false, Ok("A 100")),
        (" Номер ;amount", &[(Field::OrderNumber, "Номер")], false, Ok("A 100")),
        ("Номер;amount;Клиент", &[(Field::OrderNumber, "Номер")], false, Err(&["unknown_field Клиент"])),
        ("Номер;amount;Клиент", &[(Field::OrderNumber, "Номер")], true, Ok("A 100")),
        // What another column is said to be is not our name's column any more.
        ("order_number;amount;Сумма", &[(Field::Amount, "Сумма")], true, Ok("A 7")),
        ("order_number;amount;Сумма", &[(Field::Amount, "Сумма")], false, Err(&["unknown_field amount"])),
        ("order_number;amount", &[(Field::OrderId, "Ид")], true, Err(&["missing order_id"])),
        ("Номер;Номер;amount", &[(Field::OrderNumber, "Номер")], true, Err(&["duplicate_field order_number"])),
    ];
    for (header, columns, ignores_others, expected) in table {
        let columns = columns.iter().map(|(field, name)| (*field, (*name).to_owned())).collect();
        let text = format!("{header}\nA;100;7\n")
            .replace(";7\n", if header.matches(';').count() == 2 { ";7\n" } else { "\n" });
        let mapping = Mapping { columns, ignores_others };
        match (OrderFile::mapped(text.as_bytes(), Format::Csv, &mapping, &config), expected) {
            (Ok(mut file), Ok(expected)) => {
                let order = file.next().unwrap().unwrap().order.unwrap();
                assert_eq!(format!("{} {}", order.number, order.amount.minor()), expected, "{header}");
            }
            (Err(HeadError::Columns { rejection, .. }), Err(expected)) => {
                assert_eq!(words(&rejection), expected, "{header}");
            }
            (found, _) => panic!("{header}: {:?}", found.map(|_| ())),
        }
    }
}

/// From which line it is gone on with, and what is read then.
#[test]
fn a_file_is_gone_on_with_from_a_line() {
    let config = config(ONE_MERCHANT);
    let csv = "order_number,amount\nA,1\n\nnonsense\nB,2\n";
    let json = "{\"order_number\": \"A\", \"amount\": 1}\nnonsense\n\n\n{\"order_number\": \"B\", \"amount\": 2}";
    for (text, format) in [(csv, Format::Csv), (json, Format::JsonLines)] {
        for (from, read) in
            [(1, "A?B"), (2, if format == Format::Csv { "A?B" } else { "?B" }), (5, "B"), (6, ""), (99, "")]
        {
            let mut file = OrderFile::new(text.as_bytes(), format, &config).unwrap();
            file.skip_to(from).unwrap();
            let told: String = file
                .map(|line| line.unwrap())
                .map(|line| line.order.map_or_else(|_| "?".to_owned(), |order| order.number.to_string()))
                .collect();
            assert_eq!(told, read, "{format:?} from {from}");
        }
    }
}

/// The gateway's own form has no zone and means Moscow's clock; an offset says its own.
#[test]
fn the_gateways_own_schedule_is_in_moscow_time_unless_it_says_otherwise() {
    let host = config(ONE_MERCHANT);
    let nine = Some(Timestamp::from_millis(1_795_165_200_000));
    for written in ["2026-11-20T12:00:00", "2026-11-20T09:00:00Z", "2026-11-20T10:00:00+01:00"] {
        let json = format!(r#"{{"order_number": "A-1", "amount": 100, "autocompletion_date": "{written}"}}"#);
        assert_eq!(read(&host, &json).autocompletion_at, nine, "{written}");
    }
    assert_eq!(read(&host, r#"{"order_number": "A-1", "amount": 100}"#).autocompletion_at, None);
}

/// What is written of an order, and how it is taken to be paid.
#[test]
fn an_order_is_two_phase_if_it_is_said_or_if_only_such_a_one_has_it() {
    let host = config(ONE_MERCHANT);
    let (one, two) = (Some(Kind::OnePhase), Some(Kind::TwoPhase));
    let table = [
        ("", None),
        (r#", "two_phase": null"#, None),
        (r#", "two_phase": true"#, two),
        (r#", "two_phase": "true""#, two),
        (r#", "two_phase": false"#, one),
        (r#", "complete_amount": 50"#, two),
        (r#", "autocompletion_date": "2026-11-20T12:00:00""#, two),
    ];
    for (written, kind) in table {
        let json = format!(r#"{{"order_number": "A-1", "amount": 100{written}}}"#);
        assert_eq!(read(&host, &json).kind, kind, "{written}");
    }
}
