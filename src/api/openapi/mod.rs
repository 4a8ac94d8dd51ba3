//! `GET /openapi.json`: the HTTP face described for programs, as an OpenAPI 3.1 document.
//!
//! It is made of the table from which the router is made, so that no route is without its description, and its schemas
//! of the types that are read and written. There is no secret in it, and it asks for no token: what it tells beyond this
//! source is the merchants' names, which the page and the metrics show as well.
//!
//! Read in this order: this file, [`describe`] (an operation), [`words`] (texts), [`written`] (bodies that are read by
//! hand), [`events`] (every kind of event, and webhooks).

pub(super) mod describe;
mod events;
pub(super) mod words;
pub(super) mod written;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::Context;
use super::routes::{self, Needs};
use crate::config::Config;
use crate::domain::order::ORDER_NUMBER_MAX;
use crate::domain::token::Scope;
use describe::Schemas;

/// The document as it was written last, and for which configuration: it changes with that alone.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<(Arc<Config>, Bytes)>>);

impl Kept {
    fn of(&self, config: Arc<Config>) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, bytes)) if Arc::ptr_eq(of, &config) => bytes.clone(),
            _ => {
                let bytes = Bytes::from(document(&config).to_string());
                *kept = Some((config, bytes.clone()));
                bytes
            }
        }
    }
}

/// `GET /openapi.json`.
pub(super) async fn show(State(shared): Context) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], shared.document.of(shared.config()))
}

/// The whole document.
fn document(config: &Config) -> Value {
    let names = config.merchants.iter().map(|merchant| merchant.id.to_string()).collect();
    let number_max = config.merchants.iter().map(|merchant| merchant.order_number_max).max();
    let mut schemas = Schemas::new(names, number_max.unwrap_or(ORDER_NUMBER_MAX));
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::all() {
        let operation = route.operation.written(&mut schemas, &security(route.needs, config.metrics_want_token));
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    events::name_kinds(&mut schemas);
    let scopes = Scope::ALL.map(|scope| format!("`{scope}`: {}", scope.meaning())).join("; ");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "reconciled",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What became of the money of every order that the shop sent to the bank. Amounts are whole \
                            minor units, times RFC 3339 in UTC, and what is answered with 200 or 201 is on disk. A \
                            request that is sent again yields a word, not a surprise. Every refusal is an RFC 9457 \
                            problem.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "webhooks": events::webhooks(),
        "components": {
            "schemas": schemas.into_all(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": format!("A token of `reconciled token add`, with the scope that the operation names, or \
                                            the configuration's `api_token`, which has all of them. {scopes}."),
                },
            },
        },
    })
}

fn security(needs: Needs, metrics_want_token: bool) -> Value {
    let with = |scope: Scope| json!([{ "token": [scope.as_str()] }]);
    match needs {
        Needs::Token(scope) => with(scope),
        Needs::TokenIfAsked if metrics_want_token => with(Scope::Metrics),
        Needs::TokenIfAsked | Needs::Checksum | Needs::Nothing => json!([]),
    }
}
