//! How mistakes are told: all at once, and where; files that are not TOML, or no files at all.

use super::*;

/// Wrong types, limits, relations and unknown keys are all told at once, in the order of the file.
#[test]
fn every_problem_at_once() {
    let error = Host::new()
        .load(
            r#"
database = 1
listen = "nowhere"
reports = "reports"

[[merchant]]
name = "shop"
gateway = "http://bank.example/"
pasword = { credential = "shop-password" }
user_name = "shop-api"

[merchant.budget]
requests = "0/s"
burst = "many"

[merchant.completion]
quiet = "10s"

[[merchant]]
name = "Second Shop"
"#,
        )
        .unwrap_err();
    let path = match &error {
        ConfigError::Problems { path, .. } => path.display().to_string(),
        other => panic!("{other}"),
    };
    assert_eq!(error.to_string().replace(&path, "FILE"), include_str!("problems.txt").trim_end());
}

#[test]
fn a_file_that_is_not_toml_shows_where_and_no_value() {
    let host = Host::new();
    let lines = [
        "database = queue.db".to_owned(),
        format!("password = {CANARY}"),
        format!("token = \"{CANARY}"),
        CANARY.to_owned(),
        format!("[\"{CANARY}"),
        "[merchant".to_owned(),
    ];
    let error = host.load(&lines.join("\n")).unwrap_err();
    let ConfigError::NotToml { mistakes, .. } = &error else {
        panic!("{error}");
    };
    assert!(mistakes.len() >= 5, "{error}");
    let text = error.to_string();
    assert!(text.contains("line 1, column 12: "), "{text}");
    assert!(text.contains("1 | database = ...\n  |            ^"), "{text}");
    assert!(text.contains("6 | [merchant\n"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let host = Host::new();
    let check = |path: &Path, remedy: &str| {
        let text = host.load_file(path).unwrap_err().to_string();
        assert!(text.contains(remedy) && text.contains(&path.display().to_string()), "{text}");
    };
    check(&host.path("none.toml"), "--config");
    check(&host.file("latin.toml", b"# \xff", 0o600), "UTF-8");
    check(&host.file("long.toml", "#".repeat(1 << 21), 0o600), "at most 1 MiB");
    check(host.directory.path(), "a plain file");
}
