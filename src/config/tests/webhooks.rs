//! Whom of the shop's the journal is told: what is taken, and each mistake by itself.

use secrecy::ExposeSecret;

use super::*;
use crate::domain::delivery::address::Reach;
use crate::domain::event::EventKind;
use crate::domain::order::State;

/// A key of 32 bytes.
const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn host() -> Host {
    let host = Host::new();
    host.file("key", KEY, 0o600);
    host.file("next-key", format!("{}\n", KEY.replace("MDEy", "MTIz")), 0o600);
    host.file("short-key", "whsec_c2hvcnQ=", 0o600);
    host
}

/// The least of an endpoint, and `more`.
fn endpoint(more: &str) -> String {
    let key = |key: &str| more.contains(&format!("{key} = "));
    let url = if key("url") || key("command") { "" } else { "url = \"https://shop.example/hooks\", " };
    let keys = if key("keys") || key("command") { "" } else { "keys = [{ file = \"key\" }], " };
    let name = if key("name") { "" } else { "name = \"site\", " };
    format!("{{ {name}{url}{keys}{more} }}").replace(", }", " }").replace(",  }", " }")
}

fn loaded(endpoints: &[&str]) -> Vec<WebhookConfig> {
    let list = format!("[{}]", endpoints.iter().map(|more| endpoint(more)).collect::<Vec<_>>().join(", "));
    host().loaded(&[("merchant.shop.webhook", &list)]).merchants.remove(0).webhooks
}

#[test]
fn what_is_written_arrives() {
    let found = loaded(&[
        "",
        "name = \"two\", keys = [{ file = \"key\" }, { file = \"next-key\" }], timeout = \"3s\", in_flight = 9, \
         kinds = [\"changed\", \"refunded\"], states = [\"deposited\"], changes_only = true",
        "name = \"here\", url = \"http://127.0.0.1:8000/x?route=hook\", allow_private = true",
        "name = \"program\", command = [\"/bin/sh\", \"-c\", \"exit 0\"]",
    ]);
    let [plain, two, here, program] = found.as_slice() else { panic!("{found:?}") };
    let Target::Address(address) = &plain.target else { panic!("{plain:?}") };
    assert_eq!((address.url.as_str(), address.reach), ("https://shop.example/hooks", Reach::Public));
    assert_eq!(address.keys[0].expose_secret(), KEY);
    assert_eq!((plain.timeout, plain.in_flight.get()), (Duration::from_secs(15), 4));
    assert_eq!(plain.filter, crate::domain::delivery::Filter::default());
    let Target::Address(address) = &two.target else { panic!("{two:?}") };
    assert_eq!((address.keys.len(), two.timeout, two.in_flight.get()), (2, Duration::from_secs(3), 9));
    assert_eq!(two.filter.kinds, [EventKind::Changed, EventKind::Refunded]);
    assert_eq!((two.filter.states.as_slice(), two.filter.changes_only), (&[State::Deposited][..], true));
    let Target::Address(address) = &here.target else { panic!("{here:?}") };
    assert_eq!(address.reach, Reach::Private);
    assert_eq!(here.whereabouts(), "http://127.0.0.1:8000", "what stands behind the host may be half a secret");
    let Target::Command(words) = &program.target else { panic!("{program:?}") };
    assert_eq!(words, &["/bin/sh", "-c", "exit 0"]);
    assert_eq!((program.timeout, program.in_flight.get()), (Duration::from_secs(30), 2));
}

#[test]
fn each_mistake_has_its_remedy() {
    let table = [
        ("name = \"Site\"", "name", "a-z"),
        ("name = \"\"", "name", "empty"),
        ("url = 7", "url", "in quotes"),
        ("url = \"shop.example/hooks\"", "url", "whole address"),
        ("url = \"ftp://shop.example/\"", "url", "https://"),
        ("url = \"http://shop.example/\"", "url", "use https"),
        ("url = \"https://user:canary@shop.example/\"", "url", "credentials"),
        ("url = \"https://user@shop.example/\"", "url", "credentials"),
        ("url = \"https://shop.example/#part\"", "url", "fragment"),
        ("url = \"https://localhost/\"", "url", "allow_private"),
        ("url = \"https://app.localhost./\"", "url", "allow_private"),
        ("url = \"https://127.0.0.1/\"", "url", "allow_private"),
        ("url = \"https://2130706433/\"", "url", "allow_private"),
        ("url = \"https://0x7f.1/\"", "url", "allow_private"),
        ("url = \"https://[::1]/\"", "url", "allow_private"),
        ("url = \"https://[::ffff:10.0.0.1]/\"", "url", "allow_private"),
        ("url = \"https://10.0.0.1/\"", "url", "allow_private"),
        ("url = \"https://169.254.169.254/latest\"", "url", "no shop is at"),
        ("url = \"https://169.254.169.254/latest\", allow_private = true", "url", "no shop is at"),
        ("url = \"http://93.184.216.34/\", allow_private = true", "url", "use https"),
        ("allow_private = \"yes\"", "allow_private", "true or false"),
        ("keys = []", "keys", "refer to one key"),
        ("keys = { file = \"key\" }", "keys", "refer to one key"),
        ("keys = [{ file = \"key\" }, { file = \"key\" }, { file = \"key\" }]", "keys", "or to two"),
        ("keys = [\"canary\"]", "keys", "never stands in this file"),
        ("keys = [{ file = \"no-such\" }]", "keys", "chmod 600"),
        ("keys = [{ file = \"short-key\" }]", "keys", "openssl rand"),
        ("keys = [{ credential = \"api-token\" }]", "keys", "openssl rand"),
        ("keys = [{ public = \"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\" }]", "keys", "anybody could sign"),
        ("extra_root = \"no-such.pem\"", "extra_root", "PEM"),
        (
            "command = [\"/bin/sh\"], url = \"https://shop.example/\", keys = [{ file = \"key\" }]",
            "command",
            "never both",
        ),
        ("command = \"/bin/sh\"", "command", "whole path"),
        ("command = []", "command", "whole path"),
        ("command = [\"sh\"]", "command", "whole path"),
        ("command = [7]", "command", "whole path"),
        ("command = [\"/no/such/program\"]", "command", "there is no program"),
        ("command = [\"/bin/sh\"], keys = [{ file = \"key\" }]", "keys", "leave the keys out"),
        ("command = [\"/bin/sh\"], timeout = \"11m\"", "timeout", "1s to 10m"),
        ("command = [\"/bin/sh\"], in_flight = 17", "in_flight", "1 to 16"),
        ("timeout = \"61s\"", "timeout", "1s to 1m"),
        ("timeout = \"500ms\"", "timeout", "1s to 1m"),
        ("in_flight = 0", "in_flight", "1 to 64"),
        ("kinds = \"changed\"", "kinds", "write a list"),
        ("kinds = [\"paid\"]", "kinds", "there are: added, discovered"),
        ("states = [\"paid\"]", "states", "there are: pending, held"),
        ("changes_only = 1", "changes_only", "true or false"),
        ("typo = 1", "typo", "known here: name, command, allow_private, url, keys, extra_root, kinds, states"),
    ];
    let host = host();
    for (more, key, remedy) in table {
        let problems = host.problems(&[("merchant.shop.webhook", &format!("[{}]", endpoint(more)))]);
        let [problem] = problems.as_slice() else { panic!("{more}: not one problem but {problems:#?}") };
        assert_eq!(problem.key, format!("merchant.shop.webhook[1].{key}"), "{more}");
        assert!(problem.remedy.contains(remedy), "{more}: {}", problem.remedy);
        assert!(!problem.to_string().contains("canary"), "{more}: {problem}");
    }
}

#[test]
fn what_must_be_there_is_asked_for() {
    let host = host();
    let problem_of = |list: &str, key: &str, remedy: &str| {
        let problems = host.problems(&[("merchant.shop.webhook", list)]);
        let [problem] = problems.as_slice() else { panic!("{list}: not one problem but {problems:#?}") };
        assert_eq!(problem.key, format!("merchant.shop.webhook{key}"), "{list}");
        assert!(problem.remedy.contains(remedy), "{list}: {}", problem.remedy);
    };
    problem_of("7", "", "[[merchant.webhook]]");
    problem_of("[{ name = \"site\" }]", "[1].url", "or a command");
    problem_of("[{ url = \"https://shop.example/\", keys = [{ file = \"key\" }] }]", "[1].name", "name the endpoint");
    problem_of("[{ name = \"site\", url = \"https://shop.example/\" }]", "[1].keys", "refer to one key");
    problem_of(&format!("[{}, {}]", endpoint(""), endpoint("")), "[2].name", "its own name");
    let many: Vec<_> = (0..=100).map(|nth| endpoint(&format!("name = \"n{nth}\""))).collect();
    problem_of(&format!("[{}]", many.join(", ")), "", "at most 100");
}

/// The command line reads no secrets, and need not see the daemon's programs.
#[test]
fn whoever_reads_no_secrets_reads_endpoints_all_the_same() {
    let host = host();
    let endpoints = [
        endpoint("keys = [{ credential = \"only-the-daemon-has-it\" }]"),
        endpoint("name = \"program\", command = [\"/only/the/daemon/sees/it\"]"),
    ];
    let list = format!("[{}]", endpoints.join(", "));
    let path = host.file("reconciled.toml", written(&[("merchant.shop.webhook", &list)]), 0o600);
    let config = Config::load_partly(&path, Reading::NoSecrets).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.merchants[0].webhooks.len(), 2);
}

#[test]
fn whatever_changes_is_a_change() {
    let one = loaded(&[""]);
    let others = [
        "name = \"other\"",
        "url = \"https://shop.example/other\"",
        "keys = [{ file = \"next-key\" }]",
        "keys = [{ file = \"key\" }, { file = \"next-key\" }]",
        "allow_private = true",
        "timeout = \"3s\"",
        "in_flight = 5",
        "kinds = [\"changed\"]",
        "states = [\"held\"]",
        "changes_only = true",
        "command = [\"/bin/sh\"]",
    ];
    let host = host();
    let config = |more: &str| host.loaded(&[("merchant.shop.webhook", &format!("[{}]", endpoint(more)))]);
    assert_eq!(one.len(), 1);
    for more in others {
        let found: Vec<_> = changes(&config(""), &config(more)).into_iter().map(|change| change.key).collect();
        assert_eq!(found, ["merchant.shop.webhook (content)"], "{more}");
    }
    assert_eq!(changes(&config(""), &config("")), []);
}
