//! Keys of requests: how long they are kept, and how many.

use crate::domain::claim::{Reply, RequestKey};
use crate::store::{Claimed, NewClaim, fingerprint};

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn request(key: &str, body: &str, is_money: bool) -> NewClaim {
    let key = RequestKey::from_header(key.as_bytes()).unwrap();
    NewClaim { token: None, key, fingerprint: fingerprint("POST", "/orders", body.as_bytes()), is_money }
}

fn reply(bytes: usize) -> Reply {
    Reply { status: 200, content_type: Some("application/json".to_owned()), location: None, body: vec![b' '; bytes] }
}

async fn claim(store: &Store, new: NewClaim, now: Timestamp) -> Claimed {
    store.claim(new, now).await.unwrap()
}

/// Claims a key and keeps a reply of so many bytes.
async fn answered(store: &Store, key: &str, is_money: bool, bytes: usize) {
    let Claimed::Ours(claim) = claim(store, request(key, "", is_money), NOW).await else { panic!("{key}") };
    assert_eq!(store.keep_reply(claim, reply(bytes)).await.unwrap(), reply(bytes));
}

async fn is_kept(store: &Store, key: &str, is_money: bool) -> bool {
    matches!(claim(store, request(key, "", is_money), NOW).await, Claimed::Replied(_))
}

#[tokio::test]
async fn a_key_is_kept_for_a_day() {
    let file = File::new();
    let store = file.open();
    answered(&store, "key", false, 2).await;
    let last = NOW.plus(DAY).minus(Duration::from_millis(1));
    assert_eq!(claim(&store, request("key", "", false), last).await, Claimed::Replied(reply(2)));
    assert_eq!(claim(&store, request("key", "other", false), last).await, Claimed::OtherRequest);
    assert_eq!(store.forget_claims(last).await.unwrap(), 0);
    // Whoever comes then begins anew, whether it was removed already or not.
    assert!(matches!(claim(&store, request("key", "other", false), NOW.plus(DAY)).await, Claimed::Ours(_)));
    assert_eq!(store.forget_claims(NOW.plus(DAY)).await.unwrap(), 0);
    assert_eq!(store.forget_claims(NOW.plus(DAY * 2)).await.unwrap(), 1);
}

#[tokio::test]
async fn the_first_reply_stays_and_only_a_claim_without_one_is_given_up() {
    let file = File::new();
    let store = file.open();
    let Claimed::Ours(first) = claim(&store, request("key", "", false), NOW).await else { panic!() };
    // Of a process that is gone, for all that the store knows.
    assert_eq!(claim(&store, request("key", "", false), NOW).await, Claimed::Ours(first));
    store.give_claim_up(first).await.unwrap();
    let Claimed::Ours(second) = claim(&store, request("key", "other", false), NOW).await else { panic!() };
    assert_ne!(first, second);
    store.keep_reply(second, reply(3)).await.unwrap();
    assert_eq!(store.keep_reply(second, reply(4)).await.unwrap(), reply(3));
    store.give_claim_up(second).await.unwrap();
    assert_eq!(claim(&store, request("key", "other", false), NOW).await, Claimed::Replied(reply(3)));
}

/// The newest has its place; what is about money is not removed for it.
#[tokio::test]
async fn the_oldest_key_makes_room_unless_it_is_about_money() {
    let file = File::new();
    let store = file.open();
    answered(&store, "oldest", false, 2).await;
    answered(&store, "money", true, 2).await;
    answered(&store, "next", false, 2).await;
    file.raw().execute("UPDATE sqlite_sequence SET seq = 100000 WHERE name = 'request_keys'", []).unwrap();
    answered(&store, "new", false, 2).await;
    answered(&store, "newer", false, 2).await;
    assert!(is_kept(&store, "money", true).await && is_kept(&store, "next", false).await);
    answered(&store, "newest", false, 2).await;
    assert!(is_kept(&store, "new", false).await && is_kept(&store, "money", true).await);
    let left: i64 = file.raw().query_row("SELECT count(*) FROM request_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 4, "money, new, newer, newest");
}

#[tokio::test]
async fn keys_about_money_and_long_replies_have_a_number_of_their_own() {
    let file = File::new();
    let store = file.open();
    let fill = |count: u32, money: u8, body: u32| {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO request_keys (token, request_key, fingerprint, claimed_at_ms, money, status, body)
            SELECT 'till', ?2 || '-' || i, zeroblob(32), ?3, ?2, 200, zeroblob(?4) FROM n";
        file.raw().execute(sql, rusqlite::params![count, money, NOW.as_millis(), body]).unwrap();
    };
    fill(9_999, 1, 2);
    answered(&store, "the-last", true, 2).await;
    assert_eq!(claim(&store, request("too-many", "", true), NOW).await, Claimed::TooMany);
    assert!(is_kept(&store, "the-last", true).await);
    assert!(matches!(claim(&store, request("an-orders", "", false), NOW).await, Claimed::Ours(_)));

    answered(&store, "long", false, 5_000).await;
    answered(&store, "short", false, 4_096).await;
    fill(999, 0, 5_000);
    assert!(is_kept(&store, "long", false).await);
    answered(&store, "longer", false, 6_000).await;
    assert!(!is_kept(&store, "long", false).await, "a thousand are longer and newer");
    assert!(is_kept(&store, "short", false).await);
}
