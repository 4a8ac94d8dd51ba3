//! The bank's whole answer, from the socket to the database and from there to people.

use ::reconciled::domain::order::State;
use ::reconciled::sandbox::Settings;
use serde_json::Value;

use crate::fixture::{World, add, order, wait_for_state};
use crate::schedule::{reconciled, with_completion};

#[tokio::test(flavor = "multi_thread")]
async fn the_banks_answer_is_shown_whole_and_its_card_data_never_reaches_the_database() {
    let world = World::new(Settings::default(), &with_completion("when = \"release\"")).await;
    let daemon = world.daemon().await;
    let id = world.register_two_phase("A-1", 10_000);
    add(daemon.store(), vec![order("A-1", 10_000)]).await;
    wait_for_state(daemon.store(), "A-1", State::Pending).await;
    world.bank.bank().pay(&id).unwrap();
    wait_for_state(daemon.store(), "A-1", State::Held).await;

    let shown = reconciled(&world, &["order", "show", "A-1", "--raw"]);
    let answer: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&answer["orderNumber"], &answer["orderStatus"]), (&"A-1".into(), &1.into()));
    assert_eq!(answer["paymentAmountInfo"]["approvedAmount"], 10_000);
    assert_eq!(answer["attributes"][0]["value"], id.as_str());
    let card = &answer["cardAuthInfo"];
    assert_eq!((&card["maskedPan"], &card["expiration"]), (&"411111**1111".into(), &"(not kept)".into()));
    assert!(String::from_utf8_lossy(&shown.stderr).contains("As the bank has said since"), "{shown:?}");

    daemon.stop().await;
    // The log first: the last to close the database moves it into the file, maybe only now.
    let files = ["reconciled.db-wal", "reconciled.db"].map(|file| world.directory.path().join("data").join(file));
    let bytes: Vec<u8> = files.iter().flat_map(|path| std::fs::read(path).unwrap_or_default()).collect();
    let holds = |data: &str| bytes.windows(data.len()).any(|part| part == data.as_bytes());
    assert!(holds("411111**1111"), "the masked number is kept");
    assert!(!holds("203412") && !holds("CARDHOLDER NAME"), "card data is in the database");
}
