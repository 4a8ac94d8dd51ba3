//! What is said, where, and what is made of the answer.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use secrecy::SecretString;

use super::post::retry_after;
use super::resolver::allowed;
use super::*;
use crate::config::AddressConfig;
use crate::domain::delivery::Verdict;
use crate::domain::delivery::address::Reach;
use crate::domain::event::{Event, EventKind};
use crate::domain::order::{MerchantId, OrderNumber, State};

/// 2026-11-20T09:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

fn event(seq: i64) -> Event {
    Event {
        seq,
        at: NOW,
        merchant: MerchantId::new("shop").unwrap(),
        number: OrderNumber::new("A-1", 32).unwrap(),
        kind: EventKind::Changed,
        cause: "look".to_owned(),
        before: State::Pending,
        after: State::Held,
        detail: "the bank shows it held".to_owned(),
    }
}

/// The example of the Standard Webhooks' own libraries.
#[test]
fn a_message_is_signed_as_the_standard_has_it() {
    let message = Message { id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), body: br#"{"test": 2432232314}"#.to_vec() };
    let key = |text: &str| hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(text).unwrap());
    let first = key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(message.signature(1_614_265_330, std::slice::from_ref(&first)), one);
    let both = message.signature(1_614_265_330, &[first, key("C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]);
    let (before, after) = both.split_once(' ').unwrap();
    assert_eq!((before, after.starts_with("v1,"), after == one), (one, true, false));
}

/// What a shop throws away as seen before is told by its id alone.
#[test]
fn an_id_is_the_events_own() {
    let told = |event: &Event| Message::of_event(event, &serde_json::json!({ "seq": event.seq }));
    let message = told(&event(7));
    assert_eq!(message, told(&event(7)));
    assert!(message.id.starts_with("evt_7_") && !message.id.contains('.'), "{}", message.id);
    assert_eq!(
        String::from_utf8(message.body.clone()).unwrap(),
        r#"{"type":"order.changed","timestamp":"2026-11-20T09:00:00.000Z","data":{"seq":7}}"#
    );
    let others = [
        event(8),
        Event { at: NOW.plus(Duration::from_millis(1)), ..event(7) },
        Event { number: OrderNumber::new("A-2", 32).unwrap(), ..event(7) },
        Event { kind: EventKind::Refunded, ..event(7) },
        Event { after: State::Deposited, ..event(7) },
        Event { cause: "shop".to_owned(), ..event(7) },
        Event { detail: String::new(), ..event(7) },
    ];
    for other in others {
        assert_ne!(told(&other).id, message.id, "{other:?}");
    }
}

#[test]
fn how_long_an_endpoint_asks_to_be_left_alone_is_told_in_seconds_or_by_a_date() {
    const DATE: &str = "Fri, 20 Nov 2026 08:00:00 GMT";
    let table = [
        (Some("7"), None, Some(7)),
        (Some(" 120 "), Some(DATE), Some(120)),
        (Some("18446744073709551615"), None, Some(u64::MAX)),
        (Some("Fri, 20 Nov 2026 08:01:30 GMT"), Some(DATE), Some(90)),
        (Some("Fri, 20 Nov 2026 09:01:30 GMT"), None, Some(90)),
        (Some("Fri, 20 Nov 2026 07:00:00 GMT"), None, Some(0)),
        (Some("soon"), Some(DATE), None),
        (Some("-1"), None, None),
        (None, Some(DATE), None),
    ];
    for (asked, date, wait) in table {
        let mut headers = HeaderMap::new();
        for (name, value) in [("retry-after", asked), ("date", date)] {
            headers.extend(value.map(|value| (HeaderName::from_static(name), HeaderValue::from_static(value))));
        }
        assert_eq!(retry_after(&headers, NOW), wait.map(Duration::from_secs), "{asked:?} at {date:?}");
    }
}

#[test]
fn of_the_addresses_of_a_name_those_count_where_the_endpoint_may_be() {
    let addresses = |texts: &[&str]| texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect();
    let both = ["93.184.216.34", "127.0.0.1", "169.254.169.254"];
    let table = [
        (Reach::Public, &both[..], Some(&both[..1])),
        (Reach::Anywhere, &both[..], Some(&both[..2])),
        (Reach::Private, &both[..], Some(&both[1..2])),
        (Reach::Public, &both[1..], None),
        (Reach::Anywhere, &both[2..], None),
        (Reach::Private, &both[..1], None),
        (Reach::Public, &[], Some(&[])),
    ];
    for (reach, found, expected) in table {
        let expected: Option<Vec<_>> = expected.map(addresses);
        assert_eq!(allowed(addresses(found), reach).ok(), expected, "{reach:?} of {found:?}");
    }
}

/// A messenger to `url`, whatever the configuration would say to it.
fn to(url: &str, reach: Reach) -> Messenger {
    let key = SecretString::from(format!("whsec_{}", STANDARD.encode([7; 24])));
    let config = AddressConfig { url: url.to_owned(), reach, keys: vec![key], extra_roots_pem: None };
    Messenger(Way::Post(Box::new(Post::new(&config, Duration::from_secs(20)).unwrap())))
}

/// A name that leads elsewhere than it did is found out where the connection is made.
#[tokio::test]
async fn a_name_that_leads_home_is_not_connected_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let outcome = to(&format!("http://localhost:{port}/"), Reach::Public).tell(&Message::of_test(1, NOW), NOW).await;
    assert_eq!(outcome.verdict, Verdict::Forbidden, "{outcome:?}");
    assert!(outcome.words.contains("allow_private"), "{outcome:?}");
    let nobody = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}

/// A program of `words`, told a test.
async fn run(words: &[&str], timeout: Duration) -> Outcome {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    Program::new(&words, timeout).tell(&Message::of_test(1, NOW), NOW).await
}

const PATIENT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_exit_code_is_its_answer() {
    let table = [
        (&["/bin/sh", "-c", "exit 0"][..], Verdict::Delivered, "exit code 0"),
        (&["/bin/sh", "-c", "cat > /dev/null; exit 3"], Verdict::Failed, "exit code 3"),
        (&["/bin/sh", "-c", "echo no such order >&2; exit 1"], Verdict::Failed, "exit code 1, and said: no such order"),
        (&["/bin/sh", "-c", "kill -9 $$"], Verdict::Failed, "ended by a signal"),
        (&["/no/such/program"], Verdict::Unreachable, "cannot be started"),
        (&["/bin/sh", "-c", "head -c 3000000 /dev/zero >&2; exit 4"], Verdict::Failed, "exit code 4"),
    ];
    for (words, verdict, said) in table {
        let outcome = run(words, PATIENT).await;
        assert_eq!(outcome.verdict, verdict, "{words:?}: {outcome:?}");
        assert!(outcome.words.starts_with(said), "{words:?}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_handed_the_event_and_next_to_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let script = "cat > \"$0\"; env | sort > \"$1\"; pwd >> \"$1\"";
    let outcome = run(&["/bin/sh", "-c", script, &path("in"), &path("env")], PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Delivered, "{outcome:?}");
    let input: serde_json::Value = serde_json::from_slice(&std::fs::read(path("in")).unwrap()).unwrap();
    assert_eq!(input["type"], "webhook.test");
    let environment = std::fs::read_to_string(path("env")).unwrap();
    let names: Vec<_> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, ["LANG", "PATH", "PWD", "WEBHOOK_ID", "WEBHOOK_TIMESTAMP"]);
    assert!(environment.ends_with("\n/\n"), "{environment}");
}

/// What it has started goes with it: else a program that hangs leaves one more behind each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_end_is_killed_with_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let script = "sleep 1000 & echo $! > \"$0.new\"; echo $$ >> \"$0.new\"; mv \"$0.new\" \"$0\"; wait";
    let words = ["/bin/sh", "-c", script, &pids.display().to_string()];
    // Long enough for the program to say who it is on a busy machine.
    let outcome = run(&words, Duration::from_secs(5)).await;
    assert_eq!(outcome.verdict, Verdict::TimedOut, "{outcome:?}");
    for pid in std::fs::read_to_string(&pids).unwrap().lines() {
        while is_running(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A zombie waits for whoever started it, and does nothing.
fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Each event would leave one more behind. Work that is to outlive the program has a session of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_leaves_running_is_killed_when_it_ends_but_for_a_session_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let script = "sleep 1000 & echo $! > \"$0\"; setsid sleep 1000 2> /dev/null & echo $! > \"$1\";
        until [ \"$(cut -d' ' -f6 /proc/$(cat \"$1\")/stat)\" = \"$(cat \"$1\")\" ]; do :; done";
    let outcome = run(&["/bin/sh", "-c", script, &path("left"), &path("session")], PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Delivered, "{outcome:?}");
    let pid = |name: &str| std::fs::read_to_string(path(name)).unwrap().trim().to_owned();
    while is_running(&pid("left")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(is_running(&pid("session")));
    assert!(std::process::Command::new("kill").args(["-9", &pid("session")]).status().unwrap().success());
}
