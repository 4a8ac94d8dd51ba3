//! Every parser of bytes from outside, each as a function that takes bytes and holds what comes of them to its
//! promises.
//!
//! `tests/fuzz` hands these to a fuzzer; the tests here hand them its seeds and a few thousand mutations that are the
//! same each time. A promise is more than "does not panic": what was read is within its bounds, reads the same again,
//! and lets no card number and no secret through. None of this is part of a normal build.

/// A parser under test.
pub type Target = fn(&[u8]);

/// Each target by the name of its seeds' directory.
pub const TARGETS: [(&str, Target); 17] = [
    ("status_answer", crate::gateway::fuzzing::status_answer),
    ("completion_answer", crate::gateway::fuzzing::completion_answer),
    ("soap_answer", crate::gateway::fuzzing::soap_answer),
    ("error_code", crate::gateway::fuzzing::error_code),
    ("retry_after", crate::gateway::fuzzing::retry_after),
    ("scrubber", crate::gateway::fuzzing::scrubber),
    ("configuration", crate::config::fuzzing::configuration),
    ("written_values", crate::config::fuzzing::written_values),
    ("names_and_money", crate::domain::fuzzing::names_and_money),
    ("intake_json", crate::intake::fuzzing::json),
    ("registration_json", crate::intake::fuzzing::registration),
    ("registration_answer", crate::gateway::fuzzing::registration_answer),
    ("intake_file", crate::intake::fuzzing::file),
    ("api_body", crate::api::fuzzing::body),
    ("callback", crate::callback::fuzzing::callback),
    ("sandbox_wire", crate::sandbox::fuzzing::wire),
    ("sandbox_soap", crate::sandbox::fuzzing::soap),
];

/// Hands `bytes` to the target of that name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    assert!(target.is_some(), "there is no target {name}");
    if let Some((_, target)) = target {
        target(bytes);
    }
}

#[cfg(test)]
mod tests;
