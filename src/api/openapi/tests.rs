use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::api::routes;

fn described() -> Value {
    document(&crate::api::tests::two_merchants())
}

/// Calls `meet` with every object below `value`.
fn walk(value: &Value, meet: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            meet(members);
            members.values().for_each(|member| walk(member, meet));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, meet)),
        _ => {}
    }
}

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let document = described();
    let told = document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
    });
    let served = routes::all().into_iter().map(|route| (route.method.to_owned(), route.path.to_owned()));
    assert_eq!(told.collect::<BTreeSet<_>>(), served.collect::<BTreeSet<_>>());
}

#[test]
fn every_reference_leads_somewhere_and_no_schema_is_there_for_nothing() {
    let document = described();
    let mut referred = BTreeSet::new();
    walk(&document, &mut |members| {
        if let Some(Value::String(to)) = members.get("$ref") {
            let name = to.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{to}"));
            referred.insert(name.to_owned());
        }
    });
    let named: BTreeSet<String> = document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(named, referred);
}

#[test]
fn every_operation_has_its_own_id_an_answer_and_its_refusals() {
    let document = described();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let whose = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{whose}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{whose}");
            let wants_a_token = operation["security"].as_array().unwrap().len() == 1;
            assert_eq!(wants_a_token, path.starts_with("/v1/"), "{whose}");
            for status in ["401", "403"].into_iter().filter(|_| wants_a_token) {
                assert!(responses.contains_key(status), "{whose}: {status}");
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{whose}: {status}");
                assert_ne!(response["description"], "", "{whose}: {status}");
            }
        }
    }
}

#[test]
fn every_kind_of_event_has_a_schema_in_the_feed_and_in_a_webhook() {
    let document = described();
    for kind in crate::domain::event::EventKind::ALL {
        let word = kind.as_str();
        let schema = &document["components"]["schemas"][format!("event.{word}")];
        assert_eq!(schema["properties"]["kind"]["const"], word);
        let posted =
            &document["webhooks"][format!("order.{word}")]["post"]["requestBody"]["content"]["application/json"];
        let data = &posted["schema"]["properties"]["data"]["$ref"];
        assert_eq!(*data, format!("#/components/schemas/event.{word}"));
    }
    let kinds = document["components"]["schemas"]["EventKind"]["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), crate::domain::event::EventKind::ALL.len());
}

/// The reader names, of an unknown field, all that it knows.
#[test]
fn a_registration_has_the_fields_that_its_reader_knows() {
    let config = crate::api::tests::two_merchants();
    let now = crate::domain::time::Timestamp::from_millis(0);
    let refused = crate::intake::registration::from_json("{\"qqqqqqqqqqqqqqqqqq\": 1}", &config, now).unwrap_err();
    let told = refused.into_problems().into_iter().find(|problem| problem.path == "qqqqqqqqqqqqqqqqqq").unwrap();
    let known = told.sentence.split_once("there are: ").unwrap().1;
    let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
    let document = document(&config);
    let schema = &document["components"]["schemas"]["NewRegistration"];
    let written: BTreeSet<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(written, known);
}

#[test]
fn what_may_be_missing_from_an_answer_is_not_required_and_the_rest_is() {
    let document = described();
    let schemas = &document["components"]["schemas"];
    let required = |name: &str| {
        let all = schemas[name]["required"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
        all.collect::<BTreeSet<_>>()
    };
    assert_eq!(required("Added"), ["order_number", "result"].map(str::to_owned).into());
    let order = required("Order");
    assert_eq!(order.len(), schemas["Order"]["properties"].as_object().unwrap().len());
    let problem = required("Problem");
    assert_eq!(problem, ["detail", "status", "title", "type"].map(str::to_owned).into());
    let registration = required("NewRegistration");
    assert_eq!(registration, ["amount", "merchant", "order_number", "return_url"].map(str::to_owned).into());
}
