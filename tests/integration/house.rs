//! The rules of the house: who may import whom, read from the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms it may use besides itself (design: the house).
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("sandbox", &[]),
    ("clock", &["domain"]),
    ("timekeeper", &["clock", "domain"]),
    ("progress", &[]),
    ("systemd", &[]),
    ("callback", &["domain"]),
    ("config", &["callback", "domain"]),
    ("intake", &["config", "domain"]),
    ("metrics", &["domain"]),
    ("store", &["domain"]),
    ("gateway", &["config", "domain", "metrics", "timekeeper"]),
    ("delivery", &["config", "domain"]),
    ("report", &["domain"]),
    ("api", &["callback", "clock", "config", "domain", "intake", "metrics", "progress", "store"]),
    (
        "daemon",
        &[
            "api",
            "clock",
            "config",
            "delivery",
            "domain",
            "gateway",
            "intake",
            "metrics",
            "progress",
            "report",
            "store",
            "timekeeper",
        ],
    ),
    ("fuzzing", &["api", "callback", "config", "domain", "gateway", "intake", "sandbox"]),
    ("simulation", &["clock", "config", "daemon", "domain", "intake", "sandbox", "store"]),
    (
        "cli",
        &[
            "clock",
            "config",
            "daemon",
            "domain",
            "intake",
            "metrics",
            "report",
            "sandbox",
            "simulation",
            "store",
            "systemd",
        ],
    ),
];

/// Libraries that live in certain files alone.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/store/"]),
    // Two mouths, each with a client of its own: what is right towards the bank is not towards the shop.
    ("reqwest", &["src/gateway/", "src/delivery/"]),
    ("governor", &["src/gateway/"]),
    ("quick_xml", &["src/gateway/", "src/sandbox/"]),
    ("tower_layer", &["src/gateway/"]),
    ("tower_service", &["src/gateway/"]),
    ("axum", &["src/api/", "src/sandbox/"]),
    ("tokio_cron_scheduler", &["src/daemon/schedule.rs"]),
    ("rustix", &["src/store/", "src/cli/core_dumps.rs", "src/delivery/program.rs"]),
    ("quick_xml", &["src/gateway/", "src/sandbox/"]),
    ("signal_hook", &["src/cli/signals.rs"]),
    ("sd_notify", &["src/systemd.rs"]),
    ("SystemTime", &["src/clock.rs", "src/sandbox/"]),
];

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    for (path, text) in sources() {
        let room = room_of(&path);
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            assert!(["lib", "main"].contains(&room.as_str()), "{path}: the room `{room}` has no rule");
            continue;
        };
        for used in used_rooms(&text) {
            assert!(used == room || allowed.contains(&used.as_str()), "{path}: `{room}` must not use `{used}`");
        }
    }
}

#[test]
fn every_library_lives_where_it_belongs() {
    for (path, text) in sources() {
        for (library, homes) in LIBRARIES {
            let at_home = homes.iter().any(|home| path.starts_with(home));
            let named = code_lines(&text).any(|line| line.contains(&format!("{library}::")));
            assert!(at_home || !named, "{path} must not use {library}, which lives in {homes:?}");
        }
    }
}

/// What is printed is either an error's words or its words with every `source()` behind; a cause in both would be told
/// twice. So it stands in the words, as `cause`, and a `source()` there is only where an error passes for another one.
#[test]
fn an_error_tells_its_cause_in_its_own_words_alone() {
    for (path, text) in sources().into_iter().filter(|(_, text)| text.contains("thiserror::Error")) {
        let mut message = "";
        for line in code_lines(&text).map(str::trim_start) {
            message = if line.starts_with("#[error(") { line } else { message };
            assert!(!line.starts_with("source: ") && !line.contains("#[source]"), "{path}: a cause is named `cause`");
            let passes_for_another = message.starts_with("#[error(transparent)]");
            assert!(!line.contains("#[from]") || passes_for_another, "{path}: #[from] makes a source() of `{line}`");
        }
    }
}

/// The product has none; the tests have one module, the shim below SQLite, which cannot be written without.
#[test]
fn unsafe_code_is_in_one_module_of_the_tests() {
    assert!(fs::read_to_string(root().join("Cargo.toml")).unwrap().contains("unsafe_code = \"deny\""));
    // Put together, so that this very file does not hold what it looks for.
    let (block, way_out) = (format!("{} ", "unsafe"), format!("{}_code", "unsafe"));
    for (path, text) in sources() {
        for line in code_lines(&text) {
            assert!(!line.contains(&block) && !line.contains(&way_out), "{path}: {line}");
        }
    }
    let mut tests = Vec::new();
    collect(&root().join("tests"), &mut tests);
    let unsafe_ones =
        tests.iter().filter(|(_, text)| code_lines(text).any(|line| line.contains(&format!("{block}{{"))));
    assert_eq!(unsafe_ones.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["tests/integration/storage/vfs.rs"]);
}

/// The list of seeded faults, as far as it can rot: a fault that no longer applies would show nothing.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    steps: Vec<String>,
    fault: Vec<Fault>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    rule: String,
    #[serde(default)]
    steps: Vec<String>,
    edits: Vec<Edit>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    find: String,
    replace: String,
}

#[test]
fn every_seeded_fault_still_applies() {
    let listed: Faults = toml::from_str(&fs::read_to_string(root().join("tests/faults/faults.toml")).unwrap()).unwrap();
    assert!(listed.fault.len() >= 20, "only {} faults", listed.fault.len());
    let (mut names, mut without_a_fault) = (BTreeSet::new(), rules());
    for Fault { name, rule, steps, edits } in &listed.fault {
        assert!(names.insert(name), "two faults are named {name:?}");
        assert!(!edits.is_empty(), "{name}");
        assert!(rules().contains(rule) || SUBJECTS.contains(&rule.as_str()), "{name}: there is no rule {rule:?}");
        without_a_fault.remove(rule);
        for step in steps.iter().chain(&listed.steps) {
            assert!(step.starts_with("cargo test "), "{name}: {step}");
        }
        for Edit { file, find, replace } in edits {
            let found = fs::read_to_string(root().join(file)).unwrap().matches(find).count();
            assert_eq!(found, 1, "{name}: how often {find:?} is in {file}");
            assert_ne!(find, replace, "{name}");
        }
    }
    assert!(without_a_fault.is_empty(), "no fault breaks {without_a_fault:?}");
}

/// What a fault may break besides a rule under which money moves.
const SUBJECTS: [&str; 13] = [
    "wire",
    "storage",
    "seals",
    "holds",
    "journey",
    "secrets",
    "budget",
    "report",
    "four eyes",
    "registration",
    "login",
    "delivery",
    "journal",
];

/// The rules under which money moves, as the front page of the source numbers them.
fn rules() -> BTreeSet<String> {
    let front = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let named = front.lines().filter_map(|line| line.strip_prefix("//! * **R")?.split_once("**"));
    let rules: BTreeSet<String> = named.map(|(number, _)| format!("R{number}")).collect();
    assert_eq!(rules.len(), 13, "{rules:?}");
    rules
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file by its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    assert!(found.len() > 40, "the source is not where it was: {} files", found.len());
    found
}

fn collect(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// `src/store/open.rs` and `src/clock.rs` are in the rooms `store` and `clock`.
fn room_of(path: &str) -> String {
    let below = path.strip_prefix("src/").unwrap();
    below.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

fn used_rooms(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for line in code_lines(text) {
        for rest in line.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            rooms.push(name);
        }
    }
    rooms
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}
