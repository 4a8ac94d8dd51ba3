//! What an operation of the HTTP face is told by: its words, what it takes, and every answer that can come.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::words;
use crate::api::idempotency;
use crate::api::problem::Problem;

/// Who makes the schema of a body: of a type, or of what is read by hand.
pub(in crate::api) type MakesSchema = fn(&mut Schemas) -> Value;

/// The schemas that were asked for so far. What is read and what is answered differ: a field that may be left out of a
/// request is there, and null, in an answer.
pub(in crate::api) struct Schemas {
    read: SchemaGenerator,
    answered: SchemaGenerator,
    by_hand: Map<String, Value>,
    /// The merchants of the configuration: a body or a callback names one of them.
    pub(in crate::api) merchants: Vec<String>,
    /// The longest order number that any of them takes.
    pub(in crate::api) number_max: usize,
}

impl Schemas {
    pub(super) fn new(merchants: Vec<String>, number_max: usize) -> Self {
        let settings = |settings: schemars::generate::SchemaSettings| {
            settings.with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        let base = || settings(schemars::generate::SchemaSettings::draft2020_12());
        Self {
            read: base().for_deserialize().into_generator(),
            answered: base().for_serialize().into_generator(),
            by_hand: Map::new(),
            merchants,
            number_max,
        }
    }

    /// The schema of what is answered.
    pub(in crate::api) fn answered<T: JsonSchema>(&mut self) -> Value {
        self.answered.subschema_for::<T>().into()
    }

    /// The schema of what is read.
    pub(in crate::api) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().into()
    }

    /// The schema of what is read, to be told more of than its type does.
    pub(in crate::api) fn read_in_place<T: JsonSchema>(&mut self) -> Schema {
        T::json_schema(&mut self.read)
    }

    /// Names a schema that no type has, and refers to it.
    pub(in crate::api) fn named(&mut self, name: &str, schema: Value) -> Value {
        self.by_hand.insert(name.to_owned(), schema);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// All that were asked for, by name.
    pub(super) fn into_all(mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        all.extend(self.answered.take_definitions(true));
        all.extend(self.by_hand);
        all
    }
}

/// What a request may carry in its body.
struct Body {
    is_required: bool,
    /// By media type.
    content: Vec<(&'static str, MakesSchema)>,
}

/// One answer.
struct Answer {
    status: u16,
    words: &'static str,
    /// None has no body.
    content: Vec<(&'static str, MakesSchema)>,
    headers: Vec<(&'static str, Value)>,
}

/// One method at one path, as it is told.
pub(in crate::api) struct Operation {
    id: &'static str,
    summary: &'static str,
    words: &'static str,
    parameters: Vec<MakesSchema>,
    query: Option<MakesSchema>,
    body: Option<Body>,
    answers: Vec<Answer>,
    refusals: Vec<(u16, &'static str)>,
}

pub(in crate::api) const JSON: &str = "application/json";
pub(in crate::api) const PROBLEM: &str = "application/problem+json";

/// What any operation may be refused with, whatever it is.
const EVERYWHERE: [(u16, &str); 2] = [
    (500, "The database holds something that this version does not understand; the daemon's log says what."),
    (
        503,
        "Not now: the daemon starts, stops, has no room left on its disk, or did not come to it in time. Sending it again \
         is safe.",
    ),
];

impl Operation {
    /// What it is, in one line.
    pub(in crate::api) fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            words: "",
            parameters: Vec::new(),
            query: None,
            body: None,
            answers: Vec::new(),
            refusals: EVERYWHERE.to_vec(),
        }
    }

    /// More about it.
    pub(in crate::api) fn words(self, words: &'static str) -> Self {
        Self { words, ..self }
    }

    /// A parameter of its own.
    pub(in crate::api) fn parameter(mut self, parameter: MakesSchema) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The merchant and the order that its path names.
    pub(in crate::api) fn of_order(self) -> Self {
        self.parameter(merchant)
            .parameter(order_number)
            .refused(400, "The path cannot be read.")
            .refused(404, "There is no such order.")
    }

    /// The merchant that its path names.
    pub(in crate::api) fn of_merchant(self) -> Self {
        self.parameter(merchant).refused(404, "There is no such merchant.")
    }

    /// It may have a key of the caller's.
    pub(in crate::api) fn keyed(self) -> Self {
        self.parameter(idempotency::parameter)
            .refused(400, "The Idempotency-Key is none.")
            .refused(409, "A request with the same Idempotency-Key is being worked on; send it again in a moment.")
            .refused(422, "The Idempotency-Key is that of another request of the last 24 hours; give this one its own.")
            .refused(429, "Too many requests with keys at once; nothing of this was done.")
    }

    /// What its query may hold.
    pub(in crate::api) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(|schemas| schemas.read_in_place::<T>().into());
        self.refused(400, "The query holds what is not known, or what cannot be read.")
    }

    /// A body that must be there.
    pub(in crate::api) fn body(self, schema: MakesSchema) -> Self {
        self.with_body(true, schema)
    }

    /// A body that may be left out.
    pub(in crate::api) fn optional_body(self, schema: MakesSchema) -> Self {
        self.with_body(false, schema)
    }

    fn with_body(mut self, is_required: bool, schema: MakesSchema) -> Self {
        self.body = Some(Body { is_required, content: vec![(JSON, schema)] });
        self.refused(400, "The body is not JSON, or does not say what is asked for.")
            .refused(413, "The body is longer, or holds more, than is taken at once; nothing of it was.")
            .refused(415, "The body is not declared to be of a kind that is read here.")
    }

    /// Another form of its body.
    pub(in crate::api) fn or_body(mut self, media: &'static str, schema: MakesSchema) -> Self {
        if let Some(body) = &mut self.body {
            body.content.push((media, schema));
        }
        self
    }

    /// An answer in JSON.
    pub(in crate::api) fn answers<T: JsonSchema>(self, status: u16, words: &'static str) -> Self {
        self.answers_as(status, words, JSON, Schemas::answered::<T>)
    }

    /// An answer of another kind.
    pub(in crate::api) fn answers_as(
        mut self,
        status: u16,
        words: &'static str,
        media: &'static str,
        schema: MakesSchema,
    ) -> Self {
        self.answers.push(Answer { status, words, content: vec![(media, schema)], headers: Vec::new() });
        self
    }

    /// An answer without a body.
    pub(in crate::api) fn answers_nothing(mut self, status: u16, words: &'static str) -> Self {
        self.answers.push(Answer { status, words, content: Vec::new(), headers: Vec::new() });
        self
    }

    /// Another form of the latest answer.
    pub(in crate::api) fn or_as(mut self, media: &'static str, schema: MakesSchema) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((media, schema));
        }
        self
    }

    /// A header of the latest answer.
    pub(in crate::api) fn with_header(mut self, name: &'static str, words: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, header(words)));
        }
        self
    }

    /// A refusal, and what it means; the words of one status stand together.
    pub(in crate::api) fn refused(mut self, status: u16, words: &'static str) -> Self {
        self.refusals.push((status, words));
        self
    }

    /// As the document has it.
    pub(super) fn written(&self, schemas: &mut Schemas, security: &Value) -> Value {
        let mut parameters: Vec<Value> = self.parameters.iter().map(|parameter| parameter(schemas)).collect();
        if let Some(query) = self.query {
            parameters.extend(in_query(&query(schemas)));
        }
        let mut responses = Map::new();
        for answer in &self.answers {
            responses.insert(answer.status.to_string(), answer.written(schemas));
        }
        for (status, words) in &self.refusals {
            add_refusal(&mut responses, *status, words, schemas);
        }
        let mut written = json!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": parameters,
            "responses": responses,
            "security": security,
        });
        if !self.words.is_empty() {
            written["description"] = self.words.into();
        }
        if let Some(body) = &self.body {
            written["requestBody"] =
                json!({ "required": body.is_required, "content": content(&body.content, schemas) });
        }
        written
    }
}

impl Answer {
    fn written(&self, schemas: &mut Schemas) -> Value {
        let mut written = json!({ "description": self.words });
        if !self.content.is_empty() {
            written["content"] = content(&self.content, schemas);
        }
        if !self.headers.is_empty() {
            let headers: Map<_, _> =
                self.headers.iter().map(|(name, header)| ((*name).to_owned(), header.clone())).collect();
            written["headers"] = headers.into();
        }
        written
    }
}

fn content(all: &[(&'static str, MakesSchema)], schemas: &mut Schemas) -> Value {
    let each =
        |(media, schema): &(&'static str, MakesSchema)| ((*media).to_owned(), json!({ "schema": schema(schemas) }));
    all.iter().map(each).collect::<Map<_, _>>().into()
}

/// One problem's schema serves all; several reasons for one status are told one after the other.
fn add_refusal(responses: &mut Map<String, Value>, status: u16, words: &str, schemas: &mut Schemas) {
    let response = responses.entry(status.to_string()).or_insert_with(|| {
        let mut response =
            json!({ "description": "", "content": { PROBLEM: { "schema": schemas.answered::<Problem>() } } });
        match status {
            401 => response["headers"] = json!({ "WWW-Authenticate": header("`Bearer`.") }),
            429 | 503 => response["headers"] = json!({ "Retry-After": header("In so many seconds.") }),
            _ => {}
        }
        response
    });
    let before = response["description"].as_str().unwrap_or_default();
    response["description"] = format!("{before} {words}").trim().into();
}

fn header(words: &str) -> Value {
    json!({ "description": words, "required": true, "schema": { "type": "string" } })
}

fn merchant(schemas: &mut Schemas) -> Value {
    let schema = schemas.read::<words::Merchant>();
    let mut parameter = json!({ "name": "merchant", "in": "path", "required": true, "schema": schema });
    if let Some(one) = schemas.merchants.first() {
        parameter["example"] = one.as_str().into();
    }
    parameter
}

fn order_number(_: &mut Schemas) -> Value {
    json!({
        "name": "order_number",
        "in": "path",
        "required": true,
        "description": "The shop's own number of the order; what is no letter or digit in it is percent-encoded.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 36, "pattern": words::TRIMMED },
    })
}

/// A parameter for each member of an object. None is asked for, and none can be null.
fn in_query(schema: &Value) -> Vec<Value> {
    let Some(members) = schema["properties"].as_object() else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        let schema = without_null(schema);
        let mut parameter = json!({ "name": name, "in": "query", "required": false, "schema": schema });
        if schema["type"] == "array" {
            parameter["style"] = "form".into();
            parameter["explode"] = false.into();
        }
        parameter
    };
    members.iter().map(parameter).collect()
}

fn without_null(schema: &Value) -> Value {
    let others =
        schema["anyOf"].as_array().map(|all| all.iter().filter(|one| one["type"] != "null").collect::<Vec<_>>());
    match others.as_deref() {
        Some([only]) => (*only).clone(),
        _ => schema.clone(),
    }
}
