//! What a receipt says besides the cart (`additionalOfdParams`), however a shop spells it.
//!
//! The documents' table has names with points in them, and has lost those of the rows about `operatingCheckProps` and
//! `sectoralCheckProps`, so that their letter case is not confirmed. A name is therefore known in any case, and the
//! points may be objects in one another, `{"client": {"email": ..}}`; what is kept and sent is the table's own
//! spelling, with points.

use super::Values;
use super::problem::Flaw;
use super::rules::OFD;
use super::section::Section;
use super::tree::Tree;

/// The block at `additional_ofd_params`.
pub(super) fn params(section: &mut Section<'_, '_>) -> Values {
    let name = "additional_ofd_params";
    match section.take(name) {
        None => Values::new(),
        // Its paths are the same with points and as objects.
        Some(Tree::Object(entries)) => {
            let mut plain = Vec::new();
            flatten("", entries, &mut plain);
            let plain = Tree::Object(plain);
            let read = |mut block: Section<'_, '_>| {
                let found = rows(&mut block);
                block.refuse_unknown();
                found
            };
            Section::of(&plain, name.to_owned(), section.problems).map(read).unwrap_or_default()
        }
        Some(other) => {
            Section::of(other, name.to_owned(), section.problems);
            Values::new()
        }
    }
}

/// The members of what is no row but the beginning of some take its place; a row has the spelling of the table.
fn flatten(before: &str, entries: &[(String, Tree)], plain: &mut Vec<(String, Tree)>) {
    for (name, value) in entries {
        let name = format!("{before}{name}");
        match value {
            Tree::Object(inner) if begins_a_row(&name) => flatten(&format!("{name}."), inner, plain),
            value => {
                let row = OFD.iter().find(|row| row.name.eq_ignore_ascii_case(&name));
                plain.push((row.map_or(name, |row| row.name.to_owned()), value.clone()));
            }
        }
    }
}

fn begins_a_row(name: &str) -> bool {
    let begins = |row: &str| {
        row.split_at_checked(name.len())
            .is_some_and(|(start, rest)| start.eq_ignore_ascii_case(name) && rest.starts_with('.'))
    };
    OFD.iter().any(|row| begins(row.name))
}

fn rows(block: &mut Section<'_, '_>) -> Values {
    let found = block.table(&OFD);
    let given = |start: &str| found.iter().any(|(name, _)| name.starts_with(start));
    if given("agent_info.") && !given("agent_info.type") {
        block.missing("agent_info.type", "an agent has a kind");
    }
    if given("client.") && given("client.email") == given("client.phone") {
        block.note(Flaw::Contradiction, "client.email", "of client.email and client.phone the bank wants exactly one");
    }
    found
}
