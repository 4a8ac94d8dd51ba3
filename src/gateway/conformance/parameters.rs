//! The documents' tables of registration parameters, row by row: what of each is taken, and how it goes over either
//! wire.

use super::super::register::fields;
use super::super::request::Request;
use super::super::soap as soap_wire;
use super::soap;
use crate::domain::money::Currency;
use crate::domain::registration::{Problem, Request as Registration, Table, Terms, Tree, read};

/// A parameter of register.do and registerOrderPreAuth: its name at the bank, what a shop writes, and what is sent.
struct Row {
    name: &'static str,
    written: &'static str,
    rest: &'static str,
    /// What of it stands in the envelope; nothing where SOAP's document has no row for it.
    soap: &'static str,
}

const fn row(name: &'static str, written: &'static str, rest: &'static str, soap: &'static str) -> Row {
    Row { name, written, rest, soap }
}

/// register.do has 22 rows, registerOrderPreAuth 19; `userName`, `password` and `token` come of the configuration. The
/// last two are in the gateway's own lists and its WSDL alone.
const PARAMETERS: [Row; 23] = [
    row("orderNumber", r#""order_number": "A-2""#, "A-2", r#" merchantOrderNumber="A-2""#),
    row("amount", r#""amount": 700"#, "700", r#" amount="700""#),
    row("currency", r#""currency": "USD""#, "840", r#" currency="840""#),
    row("returnUrl", r#""return_url": "app://x""#, "app://x", "<returnUrl>app://x</returnUrl>"),
    row("failUrl", r#""fail_url": "app://y""#, "app://y", "<failUrl>app://y</failUrl>"),
    row("dynamicCallbackUrl", r#""dynamic_callback_url": "https://c.example/""#, "https://c.example/", ""),
    row("description", r#""description": "Tea""#, "Tea", r#" description="Tea""#),
    row("language", r#""language": "EN""#, "en", r#" language="en""#),
    row("pageView", r#""page_view": "MOBILE""#, "MOBILE", r#" pageView="MOBILE""#),
    row("clientId", r#""client_id": "117""#, "117", "<clientId>117</clientId>"),
    row("merchantLogin", r#""merchant_login": "child""#, "child", "<merchantLogin>child</merchantLogin>"),
    row("jsonParams", r#""params": {"a": 1}"#, r#"{"a":"1"}"#, r#"<params name="a" value="1">"#),
    row("sessionTimeoutSecs", r#""session_timeout_secs": 600"#, "600", r#" sessionTimeoutSecs="600""#),
    row(
        "expirationDate",
        r#""session_timeout_secs": 600, "expiration_date": "2027-01-01T00:00:00""#,
        "2027-01-01T00:00:00",
        r#" expirationDate="2027-01-01T00:00:00">"#,
    ),
    row("bindingId", r#""binding_id": "b-1""#, "b-1", r#" bindingId="b-1""#),
    row("features", r#""features": ["FORCE_TDS"]"#, "FORCE_TDS", "<features><feature>FORCE_TDS</feature></features>"),
    row("email", r#""email": "a@b""#, "a@b", "<email>a@b</email>"),
    row("phone", r#""phone": "+79123456789""#, "+79123456789", ""),
    row("taxSystem", r#""tax_system": 5"#, "5", r#" taxSystem="5""#),
    row(
        "autocompletionDate",
        r#""two_phase": true, "autocompletion_date": "2027-01-01T00:00:00""#,
        "2027-01-01T00:00:00",
        r#" autocompletionDate="2027-01-01T00:00:00""#,
    ),
    row(
        "billingPayerData",
        r#""billing_payer_data": {"billingCity": "Ufa"}"#,
        r#"{"billingCity":"Ufa"}"#,
        "<billingPayerData><billingCity>Ufa</billingCity></billingPayerData>",
    ),
    row(
        "additionalOfdParams",
        r#""additional_ofd_params": {"cashier": "Ivan"}"#,
        r#"{"cashier":"Ivan"}"#,
        "<additionalOfdParams><cashier>Ivan</cashier></additionalOfdParams>",
    ),
    row(
        "postAddress",
        r#""post_address": "Arbat 1""#,
        "Arbat 1",
        "<email>e@f</email><postAddress>Arbat 1</postAddress>",
    ),
];

fn read_by(table: Table, members: &str) -> Result<Registration, Vec<Problem>> {
    let mut document = vec![
        ("order_number".to_owned(), Tree::text("A-1")),
        ("amount".to_owned(), Tree::Integer(100)),
        ("return_url".to_owned(), Tree::text("https://shop.example/")),
        ("email".to_owned(), Tree::text("e@f")),
    ];
    let Ok(Tree::Object(more)) = Tree::from_json(&format!("{{{members}}}")) else { panic!("{members}") };
    document.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    document.extend(more);
    let terms = Terms { table, number_max: 32, currency: Currency::RUB, now: None };
    read(&Tree::Object(document), &terms)
}

#[test]
fn every_parameter_of_the_documents_is_taken_and_sent() {
    for Row { name, written, rest, soap: over_soap } in PARAMETERS {
        let request = read_by(Table::RegisterDo, written).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let sent: Vec<_> = fields(&request).into_iter().filter(|(field, _)| *field == name).collect();
        assert_eq!(sent, [(name, rest.to_owned())]);
        let narrow = read_by(Table::RegisterOrder, written);
        if over_soap.is_empty() {
            let problems = narrow.unwrap_err();
            assert!(matches!(&problems[..], [only] if only.sentence.contains("SOAP")), "{name}: {problems:?}");
            continue;
        }
        let encoded = soap_wire::encode(&Request::Register(&narrow.unwrap()), &soap()).unwrap();
        assert!(encoded.body.contains(over_soap), "{name}: {}", encoded.body);
    }
}

/// What no table of the documents has, and what is not the shop's to say: it is told, and not passed over.
#[test]
fn what_is_not_taken_is_refused_by_name() {
    // Alfa's alone: the bank lets the hold go at that moment, and the daemon's own deadline would not know.
    let table = ["userName", "password", "token", "autoReverseDate", "auto_reverse_date", "returnUrl"];
    for name in table {
        let problems = read_by(Table::RegisterDo, &format!(r#""{name}": "2027-01-01T00:00:00""#)).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.path.as_str()).collect::<Vec<_>>(), [name]);
    }
}

/// A block of the documents: where a shop writes it, what stands around it, and its rows as they are written.
struct Block {
    ours: &'static str,
    around: (&'static str, &'static str),
    /// `name=value`; the name is also what stands in the document that is kept.
    rows: &'static [&'static str],
}

const LINE: &str =
    r#""name": "Tea", "itemCode": "t", "itemPrice": 100, "quantity": {"value": 1, "measure": "0"}, "positionId": "1""#;

/// The tables within the tables: billingPayerData has 7 rows, additionalOfdParams 31, customerDetails and
/// deliveryInfo 7 and 4, the attributes of a line 17.
const BLOCKS: [Block; 5] = [
    Block {
        ours: "billing_payer_data",
        around: ("{", "}"),
        rows: &[
            "billingCity=Ufa",
            "billingCountry=RU",
            "billingAddressLine1=a",
            "billingAddressLine2=b",
            "billingAddressLine3=c",
            "billingPostalCode=450000",
            "billingState=BA",
        ],
    },
    Block {
        ours: "additional_ofd_params",
        around: (r#"{"agent_info.type": "1", "client.email": "a@b", "#, "}"),
        rows: &[
            "agent_info.paying.operation=op",
            "agent_info.paying.phones=+79123456789",
            "agent_info.paymentsOperator.phones=+79123456789",
            "agent_info.MTOperator.address=Moscow",
            "agent_info.MTOperator.inn=8634330204",
            "agent_info.MTOperator.name=MT",
            "agent_info.MTOperator.phones=+79123456789",
            "supplier_info.phones=+79123456789",
            "cashier=Ivan",
            "additional_check_props=x",
            "additional_user_props.name=n",
            "additional_user_props.value=v",
            "cashier_inn=123456789012",
            "client.address=Arbat",
            "client.birth_date=31.12.1990",
            "client.citizenship=643",
            "client.document_code=21",
            "client.passport_number=4507 443564",
            "client.inn=516974792202",
            "client.name=Ivan",
            "operatingCheckProps=x",
            "operatingCheckProps.name=n",
            "operatingCheckProps.timestamp=t",
            "operatingCheckProps.value=v",
            "sectoralCheckProps.date=10.10.2021",
            "sectoralCheckProps.federalId=001",
            "sectoralCheckProps.number=123",
            "sectoralCheckProps.value=v",
        ],
    },
    Block {
        ours: "additional_ofd_params",
        around: ("{", "}"),
        rows: &["agent_info.type=7", "client.email=a@b", "client.phone=+79123456789"],
    },
    Block {
        ours: "order_bundle",
        around: (r#"{"customerDetails": {"email": "e@f", "#, "}, \"cartItems\": {\"items\": [{LINE}]}}"),
        rows: &["contact=Ivan", "phone=+79123456789", "fullName=Ivan", "passport=4507 443564", "inn=516974792202"],
    },
    Block {
        ours: "order_bundle",
        around: (
            r#"{"cartItems": {"items": [{LINE, "itemAttributes": {"attributes": [{"name": "agent_info.type", "value": 1},
                {"name": "#,
            "}]}}]}}",
        ),
        rows: &[
            "paymentMethod=1",
            "paymentObject=30",
            "nomenclature=010463003407001221CMK45BrhN0WLf",
            "userData=data",
            "agent_info.paying.operation=op",
            "agent_info.paying.phones=+79123456789",
            "agent_info.paymentsOperator.phones=+79123456789",
            "agent_info.MTOperator.phones=+79123456789",
            "agent_info.MTOperator.name=MT",
            "agent_info.MTOperator.address=Moscow",
            "agent_info.MTOperator.inn=8634330204",
            "supplier_info.phones=+79123456789",
            "supplier_info.name=Supplier",
            "supplier_info.inn=287381373424",
            "excise=10.0",
            "sectoralItemProps[0].federalId=001",
        ],
    },
];

#[test]
fn every_row_of_the_blocks_is_taken_and_sent_over_either_wire() {
    for Block { ours, around: (before, after), rows } in BLOCKS {
        let in_attributes = before.ends_with("\"name\": ");
        for row in rows {
            let (name, value) = row.split_once('=').unwrap();
            let member = if in_attributes {
                format!(r#""{name}", "value": "{value}""#)
            } else {
                format!(r#""{name}": "{value}""#)
            };
            let document = format!("{before}{member}{after}").replace("LINE", LINE);
            for table in [Table::RegisterDo, Table::RegisterOrder] {
                let request = read_by(table, &format!(r#""{ours}": {document}"#))
                    .unwrap_or_else(|problems| panic!("{row}: {problems:?}"));
                let sent = fields(&request).into_iter().map(|(_, text)| text).collect::<String>();
                assert!(sent.contains(&format!("\"{name}\"")) && sent.contains(value), "{row}: {sent}");
                let encoded = soap_wire::encode(&Request::Register(&request), &soap()).unwrap();
                let [element, attribute] = [format!("<{name}>{value}</{name}>"), format!("name=\"{name}\">{value}<")];
                assert!(
                    encoded.body.contains(&element) || encoded.body.contains(&attribute),
                    "{row}: {}",
                    encoded.body
                );
            }
        }
    }
}
