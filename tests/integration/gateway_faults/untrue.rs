//! Answers that can be read and are not true of our order, or no longer.

use super::*;

/// What is wrong with the answer, how it comes to be, and the code of the review it leads to.
type Untrue = (&'static str, fn(&str) -> Vec<u8>, Option<&'static str>);

/// Answers that can be read and are not true of our order: money that contradicts itself is a person's, and what is
/// older than we know decides nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_true_of_our_order_moves_no_money() {
    let table: [Untrue; 8] = [
        (
            "another order's number",
            |text| bent(text, r#""orderNumber":"U-0""#, r#""orderNumber":"X""#),
            Some("another_order_number:X"),
        ),
        ("another order's id", |text| another_id(text), Some("another_order_id:another-id")),
        (
            "another amount",
            |text| bent(text, r#""amount":10000"#, r#""amount":10001"#),
            Some("amount_differs:10000:10001"),
        ),
        (
            "another currency",
            |text| bent(text, r#""currency":"643""#, r#""currency":"840""#),
            Some("currency_differs:643:840"),
        ),
        (
            "approved below the amount",
            |text| bent(text, r#""approvedAmount":10000"#, r#""approvedAmount":9999"#),
            Some("approved_differs:10000:9999"),
        ),
        (
            "deposited while held",
            |text| bent(text, r#""depositedAmount":0"#, r#""depositedAmount":10001"#),
            Some("deposited_while_held:10001"),
        ),
        ("deposited above the amount", |text| deposited_above(text), Some("deposited_impossible:10000:10001")),
        ("a status going backwards", |text| bent(text, r#""orderStatus":1"#, r#""orderStatus":0"#), None),
    ];
    for (name, bend, review) in table {
        // Nobody else looks at what is held meanwhile: the answer is for the question before the send.
        let tables = HASTE.replace("quiet = \"1s\"", "quiet = \"20s\"").replace("held = \"200ms\"", "held = \"1h\"");
        let world = World::new(Settings::default(), &tables).await.patient("20s");
        let front = Front::start(world.bank.addr()).await;
        let config = world.config_behind(&front.rest_url());
        let process = Process::start(&config.path).drained();
        // The first look is true: it is the question before the send that gets the other answer.
        let id = world.register_two_phase("U-0", AMOUNT);
        front.next(Operation::Status, "U-0", &id, Deed::Pass);
        front.next(Operation::Status, "U-0", &id, Deed::Bend(bend));
        world.bank.bank().pay(&id).unwrap();
        assert_eq!(process.post_order(&wire_order("U-0", AMOUNT)).0, 201);
        let store = Store::open(&config.database).unwrap();
        let Some(code) = review else {
            wait_for_state(&store, "U-0", State::Deposited).await;
            assert_eq!(world.completions("U-0"), (1, 1), "{name}");
            continue;
        };
        let found = wait_for_state(&store, "U-0", State::Review).await;
        assert_eq!(found.review.unwrap().code, code, "{name}");
        assert_eq!(world.completions("U-0"), (0, 0), "{name}");
    }
}

fn bent(text: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(text.contains(from), "{text}");
    ok(text.replace(from, to).as_bytes())
}

fn another_id(text: &str) -> Vec<u8> {
    let (before, rest) = text.split_once(r#"{"name":"mdOrder","value":""#).unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    ok(format!(r#"{before}{{"name":"mdOrder","value":"another-id"{after}"#).as_bytes())
}

fn deposited_above(text: &str) -> Vec<u8> {
    let text = text.replace(r#""orderStatus":1"#, r#""orderStatus":2"#);
    bent(&text, r#""depositedAmount":0"#, r#""depositedAmount":10001"#)
}

/// R4: whoever changes the row while the bank is asked has overtaken the answer, so it is asked once more before
/// anything is sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_overtaken_by_a_change_of_the_row_moves_no_money() {
    let world = World::new(Settings::default(), HASTE).await;
    let front = Front::start(world.bank.addr()).await;
    let patient = std::fs::read_to_string(world.config_behind(&front.rest_url()).path).unwrap();
    let patient =
        patient.replace("_timeout = \"500ms\"", "_timeout = \"10s\"").replace("quiet = \"1s\"", "quiet = \"20s\"");
    std::fs::write(world.path(), patient).unwrap();
    let id = world.register_two_phase("A-1", AMOUNT);
    world.bank.bank().pay(&id).unwrap();
    // The look that finds the hold, the question before the send, and the one after the change.
    let [overtaken, fresh] = [(); 2].map(|()| Arc::new(tokio::sync::Notify::new()));
    front.next(Operation::Status, "A-1", &id, Deed::Pass);
    front.next(Operation::Status, "A-1", &id, Deed::Later(Arc::clone(&overtaken)));
    front.next(Operation::Status, "A-1", &id, Deed::Later(Arc::clone(&fresh)));
    let daemon = Daemon::start(Config::load(&world.path()).unwrap()).await.unwrap();
    add(daemon.store(), vec![order("A-1", AMOUNT)]).await;
    in_time(front.seen(Operation::Status, 2)).await;

    let before = daemon.store().order(&shop(), "A-1").await.unwrap().order;
    let warned = |order: &Order| Order { lapse_warnings: order.lapse_warnings + 1, ..order.clone() };
    let touch = move |order: &Order, _: Option<&_>| Amendment { order: Some(warned(order)), ..Amendment::nothing(()) };
    daemon.store().amend(before.key, Clock::host().now(), touch).await.unwrap();
    overtaken.notify_one();
    in_time(front.seen(Operation::Status, 3)).await;
    assert_eq!(world.completions("A-1"), (0, 0), "the bank was not asked again");

    fresh.notify_one();
    wait_for_state(daemon.store(), "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
    daemon.stop().await;
}
