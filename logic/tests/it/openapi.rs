//! The checked-in OpenAPI description is what the code says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use oort_api::Code;
use serde_json::Value;

fn described() -> Value {
    serde_json::to_value(oort_logic::http::openapi()).expect("serialises")
}

/// Writes the description anew and fails when that changed anything.
#[test]
fn checked_in_description_matches_the_code() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let fresh = oort_logic::http::openapi().to_pretty_json().expect("serialises") + "\n";
    let known = fs::read_to_string(&target).unwrap_or_default();
    if known != fresh {
        fs::write(&target, fresh).expect("writable");
        panic!("docs/openapi.json was written anew: look at it and commit it");
    }
}

#[test]
fn it_lists_every_error_code_in_order() {
    let description = described();
    let listed = &description["components"]["schemas"]["ErrorCode"]["enum"];
    let codes: Vec<Value> = Code::ALL.iter().map(|code| code.as_str().into()).collect();
    assert_eq!(listed, &Value::Array(codes));
    assert_eq!(
        description["components"]["schemas"]["Error"]["properties"]["code"]["$ref"],
        "#/components/schemas/ErrorCode"
    );
    assert!(
        description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")),
        "{}",
        description["openapi"]
    );
}

#[test]
fn every_operation_says_who_may_and_what_comes_back_and_every_reference_leads_somewhere() {
    let description = described();
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let what = format!("{method} {path}");
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{what}");
            assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{what}");
            let responses = operation["responses"].as_object().expect("responses");
            let is_ours = !path.starts_with("/goim/") && operation["tags"][0] != "web4";
            assert_eq!(responses.contains_key("default"), is_ours, "{what}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: Vec<&Value> =
                parameters.iter().filter(|p| p["in"] == "path").map(|p| &p["name"]).collect();
            assert_eq!(in_path.len(), path.matches('{').count(), "{what}");
        }
    }
    check_references(&description, &description);
}

fn check_references(value: &Value, root: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                assert!(root.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
            }
            fields.values().for_each(|field| check_references(field, root));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(item, root)),
        _ => {}
    }
}
