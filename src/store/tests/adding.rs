//! Taking orders in: the words of an addition, and what an acknowledgement is worth.

use std::sync::mpsc;

use tokio::task::JoinSet;

use super::super::StoreError;
use super::*;

#[tokio::test]
async fn an_order_handed_in_again_is_answered_with_a_word() {
    let file = File::new();
    let store = file.open();
    let with_id = |text, id| NewOrder { order_id: Some(order_id(id)), ..new_order(text) };
    let other = || NewOrder { merchant: MerchantId::new("other").unwrap(), ..with_id("A-1", "id-1") };
    let euro = Currency::from_numeric(978).unwrap();
    let table = [
        ("new", with_id("A-1", "id-1"), Added::New),
        ("the same again", with_id("A-1", "id-1"), Added::Exists),
        ("the same without its id", new_order("A-1"), Added::Exists),
        (
            "another amount",
            NewOrder { amount: Amount::new(9).unwrap(), ..new_order("A-1") },
            Added::ExistsWithDifferentAmount { amount_minor: 10_000 },
        ),
        (
            "another currency",
            NewOrder { currency: euro, ..new_order("A-1") },
            Added::ExistsWithDifferentAmount { amount_minor: 10_000 },
        ),
        ("another order's id", with_id("A-2", "id-1"), Added::OrderIdTaken { by: number("A-1") }),
        ("another merchant's order", other(), Added::New),
    ];
    for (what, new, word) in table {
        assert_eq!(add(&store, vec![new]).await, [word], "{what}");
    }
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 2, "an event for each that is new");
}

#[tokio::test]
async fn within_one_batch_each_line_has_its_word() {
    let file = File::new();
    let store = file.open();
    let batch = vec![new_order("A-1"), new_order("A-1"), new_order("A-2")];
    assert_eq!(add(&store, batch).await, [Added::New, Added::Exists, Added::New]);
    let found = order(&store, "A-2").await;
    assert_eq!((found.state, found.next_look_at), (State::Pending, Some(NOW)), "the first look is due at once");
}

/// A line that the file refuses takes the batch with it, and the caller hears so: never half a batch unsaid.
#[tokio::test]
async fn a_batch_that_is_refused_leaves_nothing() {
    let file = File::new();
    let store = file.open();
    let above = CompletionAmount::Exactly(Amount::new(10_001).unwrap());
    let batch = vec![new_order("A-1"), NewOrder { completion: above, ..new_order("A-2") }];
    let refused = store.add_orders(batch, Cause::Shop, NOW).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert!(store.order(&shop(), "A-1").await.is_err());
    assert_eq!(add(&store, vec![new_order("A-1")]).await, [Added::New]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_acknowledged_is_there_after_reopening() {
    const CALLERS: usize = 200;
    let file = File::new();
    let store = file.open();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move { add(&store, vec![new_order(&format!("A-{caller}"))]).await });
    }
    let words: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(words, vec![Added::New; CALLERS]);
    drop(store);
    let again = file.open();
    for caller in 0..CALLERS {
        order(&again, &format!("A-{caller}")).await;
    }
    assert_eq!(again.events_after(0, 1_000).await.unwrap().len(), CALLERS);
}

/// One transaction with five changes in it, two of which fail: one refused by the file, one that panics.
#[tokio::test]
async fn a_change_that_fails_takes_nothing_of_its_neighbours_with_it() {
    let file = File::new();
    let store = file.open();
    let key = added(&store, "A-1").await.key;
    let (go, wait) = mpsc::channel();
    let blocker = store.amend(key, NOW, move |_, _| {
        wait.recv().unwrap();
        Amendment::nothing(())
    });
    let silent = store.amend(key, NOW, |order, _| {
        let next = Order { next_look_at: None, ..order.clone() };
        Amendment { order: Some(next), ..Amendment::nothing(()) }
    });
    let panics = store.amend(key, NOW, |_, _| -> Amendment<()> { panic!("a decision that panics") });
    // The blocker holds the writer until the others wait behind it, so that they share its commit.
    let (blocked, before, silent, panicked, after, ()) = tokio::join!(
        blocker,
        add(&store, vec![new_order("before")]),
        silent,
        panics,
        add(&store, vec![new_order("after")]),
        async { go.send(()).unwrap() }
    );
    blocked.unwrap();
    assert_eq!((before, after), (vec![Added::New], vec![Added::New]));
    assert!(matches!(silent, Err(StoreError::Refused(words)) if words.contains("CHECK constraint failed")));
    assert!(matches!(panicked, Err(StoreError::Refused(words)) if words == "the change panicked"));
    drop(store);
    let again = file.open();
    for text in ["before", "after"] {
        order(&again, text).await;
    }
    assert_eq!(order(&again, "A-1").await.next_look_at, Some(NOW));
}
