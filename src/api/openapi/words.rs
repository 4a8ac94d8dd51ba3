//! The texts that stand in requests and answers, as JSON Schema: closed sets made from the domain's own lists, and the
//! forms that its readers hold a text to. A field names the one it holds with `#[schemars(with = ...)]`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::domain::event::EventKind as Kind;
use crate::domain::money::AMOUNT_MAX;
use crate::domain::operation::{OperationKind as Operation, OperationState as Stage};
use crate::domain::order::State;
use crate::domain::registration::journey::State as Standing;
use crate::domain::review::Way;

/// Control characters, for a class of a pattern. Written out, since not every reader of patterns knows `\p{Cc}`.
macro_rules! controls {
    () => {
        r"\u0000-\u001f\u007f-\u009f"
    };
}

/// Printable, and no white space at either end.
pub(in crate::api) const TRIMMED: &str =
    concat!(r"^[^\s", controls!(), "]([^", controls!(), r"]*[^\s", controls!(), "])?$");

/// On one line, and not of white space alone.
const SAID: &str = concat!("^[^", controls!(), r"]*[^\s", controls!(), "][^", controls!(), "]*$");

/// A merchant's name.
pub(in crate::api) const MERCHANT: &str = "^[a-z0-9_-]{1,32}$";

/// A type for each text: what it is, and what it looks like.
macro_rules! texts {
    ($(#[doc = $doc:literal] $name:ident = $schema:expr;)+) => {$(
        #[doc = $doc]
        #[derive(Debug)]
        pub(in crate::api) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema: Schema = $schema;
                schema.insert("description".to_owned(), $doc.trim().into());
                schema
            }
        }
    )+};
}

texts! {
    /// A moment: RFC 3339, in UTC.
    Moment = json_schema!({ "type": "string", "format": "date-time" });
    /// A merchant by the name the configuration gives it.
    Merchant = json_schema!({ "type": "string", "pattern": MERCHANT });
    /// An ISO 4217 numeric code.
    CurrencyCode = json_schema!({ "type": "string", "pattern": "^[0-9]{3}$", "examples": ["643"] });
    /// A sum in minor units (kopecks).
    Minor = json_schema!({ "type": "integer", "minimum": 1, "maximum": AMOUNT_MAX });
    /// How an order stands.
    OrderState = one_of(State::ALL.map(State::as_str));
    /// What is done with the money.
    OperationKind = one_of(Operation::ALL.map(Operation::as_str));
    /// How far an operation is.
    OperationState = one_of(Stage::ALL.map(Stage::as_str));
    /// How a registration stands.
    RegistrationState = one_of(Standing::ALL.map(Standing::as_str));
    /// A way out of review.
    WayWord = told(Way::ALL.map(|way| (way.as_str(), way.meaning())));
    /// What a person's word came to.
    DecisionOutcome = one_of(["done", "proposed", "withdrawn"]);
    /// Whose money is stopped.
    StopScope = one_of(["all", "merchant", "order"]);
    /// What became of an order that was handed in.
    AddedResult = told([
        ("added", "It is queued."),
        ("exists", "It was queued before, as it is now."),
        ("exists_with_different_amount", "Its number belongs to an order with another amount, which stays."),
        ("order_id_taken", "Its gateway's id belongs to another order."),
        ("refused", "It cannot be queued: `problems` say why."),
        ("not_recorded", "Of lines alone: the database failed at it, or before it; sending it again is safe."),
    ]);
    /// What happened.
    EventKind = told(Kind::ALL.map(|kind| (kind.as_str(), kind.meaning())));
    /// What made it happen: a look at the bank, the completion schedule, the shop (and by which token), the check of our own rows, the bank naming an order, or a person.
    EventCause = json_schema!({ "type": "string", "pattern": r"^(look|callback|schedule|shop(:[a-z0-9_-]{1,32})?|seal|discovery|operator:.+)$" });
    /// The number of an event; 0 is before the first.
    EventNumber = json_schema!({ "type": "string", "pattern": "^(0|[1-9][0-9]{0,17})$" });
    /// How long a page may be waited for: at most 30s.
    Wait = json_schema!({ "type": "string", "pattern": "^([0-9]{1,4}ms|[0-9]s|([12][0-9]|30)s)$" });
    /// How many at most.
    PageLimit = json_schema!({ "type": "integer", "minimum": 1, "maximum": 1_000 });
    /// The `next` of a page before.
    Cursor = json_schema!({ "type": "string", "pattern": "^o[0-9a-f]{1,15}$" });
    /// The `next` of a page of reviews before.
    ReviewCursor = json_schema!({ "type": "string", "pattern": "^r(x|[0-9]{1,18})_[0-9]{3}(_[0-9]{1,18}){3}$" });
    /// A text on one line, of 1 to 64 characters.
    ShortText = json_schema!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": SAID });
    /// A text on one line, of 1 to 400 characters: it stands in the journal for ever.
    Reason = json_schema!({ "type": "string", "minLength": 1, "maxLength": 400, "pattern": SAID });
    /// `about:blank` where the status says all, else a word for programs.
    ProblemType = json_schema!({ "type": "string", "pattern": "^(about:blank|urn:reconciled:problem:[a-z_]+)$" });
}

fn one_of<const N: usize>(words: [&str; N]) -> Schema {
    json_schema!({ "type": "string", "enum": words.to_vec() })
}

/// A closed set whose words are explained.
fn told<const N: usize>(words: [(&str, &str); N]) -> Schema {
    let each = words.map(|(word, meaning)| json!({ "const": word, "description": meaning }));
    json_schema!({ "type": "string", "oneOf": Value::Array(each.to_vec()) })
}
