//! The page: what it says, and what a browser may do with it.

use super::reviews::with_review;
use crate::domain::event::Cause;
use crate::domain::guard::Scope;
use crate::domain::order::{Heard, MerchantId, Order};
use crate::store::Amendment;

#[tokio::test]
async fn the_page_says_at_a_glance_what_needs_a_person() {
    let face = with_review().await;
    let page = face.request("GET /", "", "").await;
    assert_eq!(page.status, 200);
    for words in
        ["shop", "kiosk", "A-1", "10.00 RUB", "its hold lapses in", "reconciled review show ORDER --merchant shop"]
    {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(page.body.contains("Nothing stands in review"), "kiosk has none");
    assert!(!page.body.contains("class=\"banner\""), "nothing is wrong: {}", page.body);
}

#[tokio::test]
async fn nothing_runs_in_it_and_nothing_is_fetched_from_elsewhere() {
    let face = with_review().await;
    let page = face.request("GET /", "", "").await;
    assert!(page.head.contains("content-security-policy: default-src 'none'; style-src 'self'"), "{}", page.head);
    assert!(!page.body.contains("<script") && !page.body.contains("://") && !page.body.contains("style="));
    assert!(!page.body.contains("<b>10</b>") && page.body.contains("10&#60;"), "texts are escaped: {}", page.body);
    let style = face.request("GET /page.css", "", "").await;
    assert_eq!(style.status, 200);
    assert!(style.head.contains("content-type: text/css") && !style.body.contains("url("), "{}", style.head);
}

#[tokio::test]
async fn a_bank_that_tells_nothing_stands_in_red() {
    let face = with_review().await;
    let (now, merchant) = (face.api.clock.now(), MerchantId::new("shop").unwrap());
    let key = face.api.store.order(&merchant, "A-1").await.unwrap().order.key;
    for (in_a_row, red) in [(4, false), (5, true)] {
        let decide = move |order: &Order, _: Option<&_>| {
            let heard = Some(Heard { at: now, words: "timeout: no answer within 20 s".to_owned() });
            let order = Order { heard, unknown_in_a_row: in_a_row, ..order.clone() };
            Amendment { order: Some(order), ..Amendment::nothing(()) }
        };
        face.api.store.amend(key, now, decide).await.unwrap();
        let page = face.request("GET /", "", "").await.body;
        assert_eq!(page.contains("The bank tells shop nothing: timeout"), red, "{in_a_row} in a row: {page}");
    }
}

/// What stands beside a stop is what lets that one go again, and no other.
#[tokio::test]
async fn each_stop_stands_in_red_with_what_lifts_it() {
    let face = with_review().await;
    let (now, merchant) = (face.api.clock.now(), MerchantId::new("shop").unwrap());
    let order = face.api.store.order(&merchant, "A-1").await.unwrap().order;
    for scope in [Scope::All, Scope::Merchant(merchant), Scope::of_order(&order)] {
        face.api.store.stop_money(scope, Cause::Operator("ann".to_owned()), "odd sums".to_owned(), now).await.unwrap();
    }
    let page = face.request("GET /", "", "").await.body;
    for (scope, command) in [
        ("all money", "<code>reconciled money start --reason …</code>"),
        ("the money of shop", "<code>reconciled money start --merchant shop --reason …</code>"),
        (
            "the money of order A-1 of shop",
            "<code>reconciled money start --merchant shop --order A-1 --reason …</code>",
        ),
    ] {
        assert!(
            page.contains(&format!("Stopped: {scope}, by ann: odd sums")) && page.contains(command),
            "{scope}: {page}"
        );
    }
    assert!(!page.contains('`') && !page.contains(&now.to_string()), "in the merchant's time: {page}");
}
