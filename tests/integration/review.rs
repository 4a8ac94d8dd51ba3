//! Review as a person works in it: the real binary beside a daemon that goes on looking.

use std::path::Path;
use std::process::{Command, Output};

use reconciled::domain::event::EventKind;
use reconciled::domain::order::{Order, State};
use reconciled::sandbox::{AmountPart, FaultKind, FaultRule, Operation, Settings};
use serde_json::{Value, json};

use crate::fixture::{HASTE, World, add, kinds, order, wait_for_state};

/// An operator at a shell of the host.
struct Operator<'a> {
    name: &'a str,
    config: &'a Path,
}

impl Operator<'_> {
    fn runs(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.arg("review").args(args).env_clear().env("USER", self.name).env("RECONCILED_CONFIG", self.config);
        command.output().unwrap()
    }

    fn reads(&self, args: &[&str]) -> String {
        let output = self.runs(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.reads(&[args, &["--json"]].concat())).unwrap()
    }

    /// The words with which it is refused.
    fn is_refused(&self, args: &[&str]) -> String {
        let output = self.runs(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// A world whose bank gives every order a price that is a rouble below ours.
async fn world_with_another_price(merchant: &str) -> World {
    let world = World::new(Settings::default(), &format!("{HASTE}{merchant}")).await;
    let fault = FaultKind::WrongAmount { part: AmountPart::Amount, off_by_minor: -100 };
    world.bank.bank().add_fault(FaultRule::always(fault).on(Operation::Status)).unwrap();
    world
}

const NUMBER: &str = "заказ №1";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_listed_shown_tried_and_resolved() {
    let world = world_with_another_price("").await;
    let daemon = world.daemon().await;
    let config = world.config().path;
    let ivan = Operator { name: "ivan", config: &config };
    assert_eq!(ivan.json(&["list"]), json!([]));
    let id = world.register_two_phase(NUMBER, 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order(NUMBER, 10_000)]).await;
    let found = wait_for_state(daemon.store(), NUMBER, State::Review).await;

    let listed = ivan.json(&["list"]);
    assert_eq!((&listed[0]["order_number"], &listed[0]["advice"]["way"]), (&json!(NUMBER), &json!("bank")));
    assert!(ivan.reads(&["list"]).contains("another price"));
    let shown = ivan.json(&["show", NUMBER]);
    let differing: Vec<&Value> = shown["sides"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["differs"] == true)
        .map(|line| &line["what"])
        .collect();
    assert!(differing.contains(&&json!("price")), "{differing:?}");
    let words = ivan.reads(&["show", NUMBER]);
    for expected in ["99.00 RUB", "≠", "reconciled review resolve --as ours --reason \"...\" 'заказ №1'"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }

    let before = kinds(daemon.store(), &found).await;
    let resolve = ["resolve", NUMBER, "--as", "ours", "--reason", "their price is a mistake, ticket 17"];
    let tried = ivan.json(&[&resolve[..], &["--dry-run"]].concat());
    assert_eq!((&tried["outcome"], &tried["sends"]["may_move_money"]), (&json!("done"), &json!(true)));
    assert_eq!(kinds(daemon.store(), &found).await, before, "a dry run writes nothing");
    let unreasoned = ivan.json(&["resolve", NUMBER, "--as", "ours", "--dry-run"]);
    assert_eq!(unreasoned["outcome"], tried["outcome"], "a dry run needs no reason");
    assert!(unreasoned["event"]["detail"].as_str().unwrap().contains("no reason given yet"), "{unreasoned}");
    let refused = ivan.runs(&["resolve", NUMBER, "--as", "ours"]);
    assert_eq!(refused.status.code(), Some(64), "what is written needs one: {refused:?}");
    let done = ivan.json(&resolve);
    let of = |document: &Value, column: &str| {
        let changes = document["changes"].as_array().unwrap().clone();
        changes.into_iter().find(|change| change["column"] == column)
    };
    for column in ["state", "review", "decided", "before the review"] {
        assert_eq!(of(&tried, column), of(&done, column), "{column}: what was shown is what was done");
    }
    assert!(done["event"]["detail"].as_str().unwrap().contains("ticket 17"), "{done}");
    // The bank goes on showing its price, which is no news any more; the hold is completed as it was planned.
    let ended = wait_for_state(daemon.store(), NUMBER, State::Deposited).await;
    assert_eq!(world.completions(NUMBER), (1, 1));
    let happened = kinds(daemon.store(), &ended).await;
    assert_eq!(happened.iter().filter(|kind| **kind == EventKind::ReviewOpened).count(), 1, "{happened:?}");
    assert!(ivan.is_refused(&resolve).contains("deposited, not in review"));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_takes_two_people_where_the_merchant_says_so() {
    let world = world_with_another_price("[merchant.review]\nfour_eyes = true\n").await;
    let daemon = world.daemon().await;
    let config = world.config().path;
    let [ivan, maria] = ["ivan", "maria"].map(|name| Operator { name, config: &config });
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    let found = wait_for_state(daemon.store(), "A-1", State::Review).await;

    let resolve = ["resolve", "A-1", "--as", "ours", "--reason", "their price is a mistake"];
    let confirm = ["resolve", "A-1", "--confirm", "--reason", "I asked them too"];
    assert!(ivan.is_refused(&confirm).contains("nothing is proposed"));
    assert_eq!(ivan.json(&resolve)["outcome"], "proposed");
    assert!(ivan.is_refused(&confirm).contains("a second person"));
    assert!(maria.is_refused(&resolve).contains("ivan has proposed `ours` already"));
    assert_eq!(maria.json(&["resolve", "A-1", "--withdraw", "--reason", "not yet"])["outcome"], "withdrawn");
    assert_eq!(ivan.json(&resolve)["outcome"], "proposed");
    // Looks go on meanwhile and show the same: the proposal stands.
    let heard_at = |order: &Order| order.heard.as_ref().map(|heard| heard.at);
    crate::fixture::wait_for(daemon.store(), "A-1", |now| heard_at(&now.order) > heard_at(&found)).await;
    assert!(maria.reads(&["show", "A-1"]).contains("ivan proposed `ours`"));
    assert_eq!(world.completions("A-1"), (0, 0), "nothing is sent on one person's word");
    let done = maria.json(&confirm);
    assert_eq!((&done["outcome"], &done["event"]["cause"]), (&json!("done"), &json!("operator:maria")));
    let detail = done["event"]["detail"].as_str().unwrap();
    assert!(detail.contains("proposed by ivan, confirmed by maria"), "{detail}");
    let ended = wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    let happened = kinds(daemon.store(), &ended).await;
    let expected = [
        EventKind::ReviewOpened,
        EventKind::ResolutionProposed,
        EventKind::ResolutionWithdrawn,
        EventKind::ResolutionProposed,
        EventKind::ReviewResolved,
    ];
    let from = happened.iter().position(|kind| *kind == EventKind::ReviewOpened).unwrap();
    assert_eq!(happened[from..from + expected.len()], expected);
    daemon.stop().await;
}
