//! Bodies that are read by hand, because a derived reader would stop at the first thing that is wrong: their schemas
//! say what those readers take. A test hands each field's name to its reader.

use serde_json::{Map, Value, json};

use super::describe::Schemas;
use super::words;
use crate::api::body::BATCH_MAX;
use crate::api::reviews::RawWord;
use crate::api::verbs::RawOrder;
use crate::api::views::AddedView;
use crate::domain::money::{AMOUNT_MAX, Currency};
use crate::intake::{FIELDS, Field};

/// A sum that is written in digits.
const MINOR_DIGITS: &str = "^0*[1-9][0-9]{0,11}$";

/// A gateway's id.
const ORDER_ID: &str = "^[!-~]{1,64}$";

/// A host, and what may stand around it. What runs in a buyer's browser (`javascript`, `data`, `vbscript`) is refused.
const URL: &str = r"^[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[1-9][0-9]{0,3})?([/?#][!-~]*)?$";

/// One address, or several with commas between them.
const EMAIL: &str = "^[!-+./-?A-~-]+@[!-+./-?A-~-]+(,[!-+./-?A-~-]+@[!-+./-?A-~-]+)*$";

const PHONE: &str = r"^\+?[0-9]{7,11}$";

/// What the bank prints, in any script.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]*$";

/// Names of the documents, with what their own examples put between the letters.
const NAME: &str = "^[A-Za-z0-9_.:@-]*$";

/// An order to be queued.
pub(in crate::api) fn order(schemas: &mut Schemas) -> Value {
    let properties: Map<_, _> =
        FIELDS.into_iter().map(|field| (field.as_str().to_owned(), field_schema(field, schemas))).collect();
    let required = match schemas.merchants.len() {
        1 => json!(["order_number", "amount"]),
        _ => json!(["merchant", "order_number", "amount"]),
    };
    let schema = json!({
        "description": "An order to be queued. Values that are null are left out.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    schemas.named("NewOrder", schema)
}

fn field_schema(field: Field, schemas: &Schemas) -> Value {
    match field {
        Field::Merchant => merchant(schemas),
        Field::OrderNumber => order_number(schemas),
        Field::Amount => told(minor(), "The price in minor units (kopecks)."),
        Field::Currency => currency("Its currency; left out, it is the merchant's."),
        Field::OrderId => {
            told(or_null(json!({ "type": "string", "pattern": ORDER_ID })), "The gateway's id of the order.")
        }
        Field::ExpiresAt => {
            told(or_null(json!({ "type": "string", "format": "date-time" })), "When the payment page closes, RFC 3339.")
        }
        Field::CompleteAmount => {
            told(or_null(minor()), "What a completion takes, if less than the whole: at most `amount`.")
        }
        Field::AutocompletionDate => told(
            or_null(json!({ "type": "string", "format": "date-time" })),
            "When the gateway completes the hold by itself, as it was registered. Without an offset it is Moscow time.",
        ),
        Field::TwoPhase => told(truth(), "Whether the money is held first and taken later."),
    }
}

/// One order, or several; each of several is read by itself.
pub(in crate::api) fn orders(schemas: &mut Schemas) -> Value {
    let order = order(schemas);
    let words =
        format!("Orders, {BATCH_MAX} at most. What is none is refused alone, in its place, and no other with it.");
    let several = json!({
        "type": "array",
        "items": { "anyOf": [order.clone(), {}] },
        "description": words,
    });
    json!({ "anyOf": [order, several] })
}

/// Orders, one in each line.
pub(in crate::api) fn order_lines(schemas: &mut Schemas) -> Value {
    lines(&order(schemas), "An order in each line; a line that is none is refused alone. Empty lines are passed over.")
}

/// What became of them, one in each line.
pub(in crate::api) fn added_lines(schemas: &mut Schemas) -> Value {
    let of_line = json!({
        "description": "What became of the order in a line.",
        "allOf": [schemas.answered::<AddedView>()],
        "properties": { "line": { "type": "integer", "minimum": 1, "description": "Counted from 1." } },
        "required": ["line"],
    });
    let of_line = schemas.named("AddedLine", of_line);
    lines(&of_line, "What became of each line's order, one in each line.")
}

fn lines(one: &Value, words: &str) -> Value {
    json!({ "type": "string", "description": words, "contentMediaType": "application/x-ndjson", "contentSchema": one })
}

/// What a release may say.
pub(in crate::api) fn release(schemas: &mut Schemas) -> Value {
    let schema = json!({
        "description": "What is completed: the whole, or `amount` minor units.",
        "type": "object",
        "properties": { "amount": or_null(minor()) },
        "additionalProperties": false,
    });
    schemas.named("Release", schema)
}

/// Parking says nothing.
pub(in crate::api) fn nothing(_: &mut Schemas) -> Value {
    json!({ "type": "object", "maxProperties": 0 })
}

/// A reversal or a decline that is ordered.
pub(in crate::api) fn ordered(schemas: &mut Schemas) -> Value {
    let mut schema = of_one_wish(schemas.read_in_place::<RawOrder>().into(), &["take_back", "confirm", "withdraw"]);
    schema["properties"]["amount"] = json!({ "type": "null" });
    schemas.named("Ordered", schema)
}

/// A refund that is ordered.
pub(in crate::api) fn ordered_refund(schemas: &mut Schemas) -> Value {
    let mut schema = of_one_wish(schemas.read_in_place::<RawOrder>().into(), &["take_back", "confirm", "withdraw"]);
    schema["properties"]["amount"] = json!({
        "description": "What is given back; left out, it is all that is left.",
        "anyOf": [schemas.read::<words::Minor>(), { "type": "null" }],
    });
    // No amount stands beside a word about what was ordered before.
    let about_an_earlier_one = any_is_true(&["take_back", "confirm", "withdraw"]);
    schema["if"] = about_an_earlier_one;
    schema["then"] = json!({ "properties": { "amount": { "type": "null" } } });
    schemas.named("OrderedRefund", schema)
}

/// A word about a review: exactly one of a way out, a confirmation and a withdrawal.
pub(in crate::api) fn review_word(schemas: &mut Schemas) -> Value {
    let mut schema = of_one_wish(schemas.read_in_place::<RawWord>().into(), &["confirm", "withdraw"]);
    schema["if"] = any_is_true(&["confirm", "withdraw"]);
    schema["then"] = json!({ "properties": { "as": { "type": "null" } } });
    schema["else"] = json!({ "properties": { "as": { "type": "string" } }, "required": ["as"] });
    schemas.named("ReviewWord", schema)
}

/// Not two of `wishes` at once.
fn of_one_wish(mut schema: Value, wishes: &[&str]) -> Value {
    let pairs =
        wishes.iter().enumerate().flat_map(|(at, one)| wishes.iter().skip(at + 1).map(move |other| [one, other]));
    let both = |[one, other]: [&&str; 2]| json!({ "allOf": [is_true(one), is_true(other)] });
    schema["not"] = json!({ "anyOf": pairs.map(both).collect::<Vec<_>>() });
    schema
}

fn any_is_true(wishes: &[&str]) -> Value {
    json!({ "anyOf": wishes.iter().map(|wish| is_true(wish)).collect::<Vec<_>>() })
}

fn is_true(wish: &str) -> Value {
    json!({ "properties": { wish: { "const": true } }, "required": [wish] })
}

/// An order to be registered at the bank. Whatever it wants in texts may be a number or a truth: it stands for its text.
pub(in crate::api) fn registration(schemas: &mut Schemas) -> Value {
    let cart = schemas.named("OrderBundle", order_bundle());
    let members = [
        ("merchant", merchant(schemas)),
        ("order_number", number_as_text(schemas)),
        ("amount", told(minor(), "The price in minor units (kopecks); that of the cart, where there is one.")),
        ("currency", currency("Its currency; left out, it is the merchant's.")),
        ("two_phase", told(truth(), "Whether the money is held first and taken later.")),
        ("complete_amount", told(or_null(minor()), "What a completion takes of a two-phase order: at most `amount`.")),
        ("return_url", told(url(), "Where the buyer goes after paying, with the scheme.")),
        ("fail_url", told(or_null(url()), "Where the buyer goes after a payment that failed.")),
        ("dynamic_callback_url", told(or_null(url()), "Where the bank reports this order's payment; REST only.")),
        (
            "description",
            told(text(r"^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff%+]*$", 598), "For the buyer; at most 512 over SOAP."),
        ),
        ("language", told(or_null(json!({ "type": "string", "pattern": "^[A-Za-z]{2}$" })), "Of the payment page.")),
        ("page_view", told(text(PRINTABLE, 20), "Which payment page.")),
        ("client_id", told(text(PRINTABLE, 255), "The buyer's id in the shop, for cards the bank keeps.")),
        ("merchant_login", told(text(NAME, 255), "The child merchant for which the order is registered.")),
        (
            "params",
            json!({
                "description": "The shop's own parameters.",
                "type": ["object", "null"],
                "propertyNames": { "pattern": r"\S" },
                "additionalProperties": json!({
                    "type": ["string", "integer", "number", "boolean", "null"],
                    "pattern": PRINTABLE,
                }),
            }),
        ),
        ("session_timeout_secs", told(or_null(whole(1, 9_999_999_999)), "How long the buyer may take.")),
        ("expiration_date", told(or_null(moment()), "Until when the buyer may pay: a moment to come.")),
        ("binding_id", told(text(NAME, 255), "A card that the bank keeps.")),
        (
            "features",
            json!({
                "description": "Features, such as `FORCE_TDS`.",
                "anyOf": [text(NAME, 255), { "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": NAME }, "uniqueItems": true }],
            }),
        ),
        ("email", or_null(email(40))),
        ("phone", told(or_null(phone()), "REST only.")),
        ("post_address", text(PRINTABLE, 255)),
        ("tax_system", told(or_null(whole(0, 99)), "The shop's tax system.")),
        (
            "autocompletion_date",
            told(
                or_null(moment()),
                "When the bank completes the hold of a two-phase order by itself: a moment to come.",
            ),
        ),
        (
            "billing_payer_data",
            object_or_null(
                &[
                    "billingCity",
                    "billingCountry",
                    "billingAddressLine1",
                    "billingAddressLine2",
                    "billingAddressLine3",
                    "billingPostalCode",
                    "billingState",
                ]
                .map(|name| (name, text("^[ -~]*$", 50))),
                &[],
            ),
        ),
        (
            "additional_ofd_params",
            json!({
                "description": "What the receipt says besides: `additionalOfdParams` of registerOrderPreAuth, with points \
                                in its names or as objects in one another.",
                "type": ["object", "null"],
            }),
        ),
        ("order_bundle", json!({ "anyOf": [cart, { "type": "null" }] })),
    ];
    let mut required = vec!["order_number", "amount", "return_url"];
    if schemas.merchants.len() != 1 {
        required.push("merchant");
    }
    let mut schema = object(&members, &required);
    schema["description"] =
        "An order that the bank is to hear of first. Values that are null are left out; a number or a \
                             truth stands for its own text."
            .into();
    schemas.named("NewRegistration", schema)
}

fn order_bundle() -> Value {
    let customer = object_or_null(
        &[
            ("email", or_null(email(40))),
            ("phone", or_null(phone())),
            ("contact", text(PRINTABLE, 40)),
            ("fullName", text(PRINTABLE, 100)),
            ("passport", text(PRINTABLE, 100)),
            (
                "inn",
                or_null(
                    json!({ "type": ["string", "integer"], "pattern": "^[0-9]{10,12}$", "minimum": 1_000_000_000, "maximum": 999_999_999_999_i64 }),
                ),
            ),
            (
                "deliveryInfo",
                object_or_null(
                    &[
                        ("deliveryType", text(PRINTABLE, 20)),
                        ("country", json!({ "type": "string", "pattern": "^[A-Za-z]{2}$" })),
                        ("city", text_there(PRINTABLE, 40)),
                        ("postAddress", text_there(PRINTABLE, 255)),
                    ],
                    &["country", "city", "postAddress"],
                ),
            ),
        ],
        &[],
    );
    let sum = || or_null(whole(0, 999_999_999_999_999_999));
    let named_value = || object(&[("name", text_there(PRINTABLE, 255)), ("value", json!({}))], &["name", "value"]);
    let several = |one: Value| json!({ "anyOf": [one.clone(), { "type": "array", "items": one }] });
    let quantity = object(
        &[
            (
                "value",
                json!({ "type": ["string", "integer", "number"], "exclusiveMinimum": 0, "pattern": r"^[0-9]+(\.[0-9]+)?$" }),
            ),
            ("measure", text_there(PRINTABLE, 20)),
        ],
        &["value", "measure"],
    );
    let item = object(
        &[
            ("positionId", told(text_there(PRINTABLE, 12), "Unique in the cart.")),
            ("name", text_there(PRINTABLE, 100)),
            ("itemCode", text_there(PRINTABLE, 100)),
            ("quantity", quantity),
            ("itemPrice", told(sum(), "What one is worth, in minor units; this or `itemAmount` is needed.")),
            ("itemAmount", told(sum(), "What the line is worth: price times quantity, rounded.")),
            ("itemCurrency", currency("The order's.")),
            (
                "tax",
                object_or_null(
                    &[
                        (
                            "taxType",
                            or_null(
                                json!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,2}$", "minimum": 0, "maximum": 99 }),
                            ),
                        ),
                        ("taxSum", sum()),
                    ],
                    &[],
                ),
            ),
            ("itemDetails", object_or_null(&[("itemDetailsParams", or_null(several(named_value())))], &[])),
            (
                "itemAttributes",
                told(object_or_null(&[("attributes", or_null(several(named_value())))], &[]), "FFD 1.05 and 1.2."),
            ),
        ],
        &["positionId", "name", "itemCode", "quantity"],
    );
    let lines = object(&[("items", several(item))], &["items"]);
    let created =
        or_null(json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$" }));
    let mut bundle =
        object(&[("orderCreationDate", created), ("customerDetails", customer), ("cartItems", lines)], &["cartItems"]);
    bundle["description"] =
        "The cart, as the bank writes it (`orderBundle`): what its lines are worth is the amount.".into();
    bundle
}

fn merchant(schemas: &Schemas) -> Value {
    let words = "Whose order it is; may be left out where there is one merchant only.";
    match schemas.merchants.len() {
        1 => told(or_null(json!({ "type": "string", "enum": schemas.merchants })), words),
        _ => told(json!({ "type": "string", "enum": schemas.merchants }), words),
    }
}

fn order_number(schemas: &Schemas) -> Value {
    let schema =
        json!({ "type": "string", "minLength": 1, "maxLength": schemas.number_max, "pattern": words::TRIMMED });
    told(schema, "The shop's own number of the order, unique for its merchant.")
}

/// Where a number stands for its own text.
fn number_as_text(schemas: &Schemas) -> Value {
    let mut schema = order_number(schemas);
    schema["type"] = json!(["string", "integer", "number", "boolean"]);
    schema
}

/// By number or letters.
fn currency(words: &str) -> Value {
    let codes = Currency::all().flat_map(|currency| [currency.to_string(), currency.alpha().to_owned()]);
    let numbers = Currency::all().map(Currency::numeric);
    let mut known: Vec<Value> = codes.map(Value::from).chain(numbers.map(Value::from)).collect();
    // The rouble before 1998 stands for the rouble, as in the bank's documents.
    known.extend([json!("810"), json!(810), Value::Null]);
    json!({ "description": words, "enum": known })
}

/// An amount as a number, or in digits.
fn minor() -> Value {
    json!({ "type": ["integer", "string"], "minimum": 1, "maximum": AMOUNT_MAX, "pattern": MINOR_DIGITS })
}

fn whole(min: i64, max: i64) -> Value {
    let digits = max.to_string().len() - 1;
    let first = if min == 0 { "[0-9]" } else { "[1-9]" };
    let pattern = format!("^0*{first}[0-9]{{0,{digits}}}$");
    json!({ "type": ["integer", "string"], "minimum": min, "maximum": max, "pattern": pattern })
}

fn truth() -> Value {
    json!({ "enum": [true, false, "true", "false", null] })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn url() -> Value {
    json!({ "type": "string", "maxLength": 512, "pattern": URL })
}

fn email(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max, "pattern": EMAIL })
}

fn phone() -> Value {
    json!({ "type": ["string", "integer"], "pattern": PHONE, "minimum": 1_000_000, "maximum": 999_999_999_999_i64 })
}

/// A text that may be left out.
fn text(pattern: &str, max: usize) -> Value {
    or_null(text_there(pattern, max))
}

fn text_there(pattern: &str, max: usize) -> Value {
    json!({ "type": ["string", "integer", "number", "boolean"], "minLength": 1, "maxLength": max, "pattern": pattern })
}

fn or_null(mut schema: Value) -> Value {
    match &mut schema["type"] {
        Value::String(one) => schema["type"] = json!([one.clone(), "null"]),
        Value::Array(several) => several.push("null".into()),
        _ => schema = json!({ "anyOf": [without_type(schema), { "type": "null" }] }),
    }
    schema
}

/// Asking after a member that is not there has made it null.
fn without_type(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.remove("type");
    }
    schema
}

fn told(mut schema: Value, words: &str) -> Value {
    schema["description"] = words.into();
    schema
}

fn object(members: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<_, _> = members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn object_or_null(members: &[(&str, Value)], required: &[&str]) -> Value {
    or_null(object(members, required))
}
