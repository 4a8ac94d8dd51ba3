//! The events of the journal as JSON Schema: one for each kind, and each as a webhook tells it.

use serde_json::{Map, Value, json};

use super::describe::Schemas;
use crate::api::views::FeedEventView;
use crate::domain::event::EventKind;

/// Names the schema of each kind, all made of the one that the feed shows.
pub(super) fn name_kinds(schemas: &mut Schemas) {
    for kind in EventKind::ALL {
        let of_kind = json!({
            "title": kind.as_str(),
            "description": kind.meaning(),
            "allOf": [schemas.answered::<FeedEventView>()],
            "properties": { "kind": { "const": kind.as_str() } },
        });
        schemas.named(&name_of(kind), of_kind);
    }
}

fn name_of(kind: EventKind) -> String {
    format!("event.{}", kind.as_str())
}

/// What is posted to a shop's endpoint (`[[merchant.webhook]]`), by its `type`.
pub(super) fn webhooks() -> Map<String, Value> {
    let of_kind = |kind: EventKind| {
        let data = json!({ "$ref": format!("#/components/schemas/{}", name_of(kind)) });
        let kind_told = format!("order.{}", kind.as_str());
        (kind_told.clone(), webhook(&kind_told, kind.meaning(), &data))
    };
    let mut all: Map<String, Value> = EventKind::ALL.map(of_kind).into_iter().collect();
    let test = json!({ "type": "object", "properties": { "words": { "type": "string" } }, "required": ["words"] });
    all.insert("webhook.test".to_owned(), webhook("webhook.test", "A test that a person asked for.", &test));
    all
}

fn webhook(kind: &str, words: &str, data: &Value) -> Value {
    let header = |name: &str, words: &str| json!({ "name": name, "in": "header", "required": true, "description": words, "schema": { "type": "string" } });
    let body = json!({
        "type": "object",
        "properties": {
            "type": { "const": kind },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it was written." },
            "data": data,
        },
        "required": ["type", "timestamp", "data"],
    });
    json!({
        "post": {
            "summary": words,
            "parameters": [
                header("webhook-id", "The same at each try: whoever has seen it has worked through it."),
                header("webhook-timestamp", "When this try was signed, in seconds since 1970."),
                header("webhook-signature", "`v1,` and the HMAC-SHA256 of id, timestamp and body; one for each live key."),
            ],
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
            "responses": {
                "2XX": { "description": "It is taken." },
                "410": { "description": "The endpoint wants no more, ever: it is disabled." },
                "429": { "description": "Too much; `Retry-After` is respected." },
                "default": { "description": "It is told again, later and later, for three days." },
            },
        }
    })
}
