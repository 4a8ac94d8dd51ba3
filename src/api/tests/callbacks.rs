//! What a bank may say, and what everybody else may not.

use std::time::Duration;

use ring::hmac;

use super::*;
use crate::domain::event::Cause;
use crate::domain::money::{Amount, Currency};
use crate::domain::operation::CompletionAmount;
use crate::domain::order::{Heard, NewOrder, Order, OrderId, OrderNumber};
use crate::store::{Amendment, Discovery, HINTED_LOOKS_EVERY};

const HOUR: Duration = Duration::from_secs(3_600);

/// `name=value` pairs with the checksum that the bank would give them.
fn signed(params: &str) -> String {
    let mut pairs: Vec<_> = params.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    pairs.sort_unstable();
    let text = pairs.iter().flat_map(|(name, value)| [*name, ";", *value, ";"]).collect::<String>();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"123"), text.as_bytes());
    format!("{params}&checksum={}", tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}")))
}

impl Face {
    /// Without a token: the checksum is the proof.
    async fn callback(&self, query: &str) -> u16 {
        self.request(&format!("GET /callbacks/shop?{query}"), "", "").await.status
    }

    async fn counted(&self, outcome: &str) -> u64 {
        let metrics = self.get("/metrics").await.body;
        let series = format!("reconciled_callbacks_total{{merchant=\"shop\",outcome=\"{outcome}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
    }

    async fn order(&self, number: &str) -> Order {
        self.api.store.order(&MerchantId::new("shop").unwrap(), number).await.unwrap().order
    }

    /// An order that was looked at just now, and is again in an hour.
    async fn looked_at(&self, number: &str, order_id: Option<&str>, unknown_in_a_row: u32) -> Order {
        let new = NewOrder {
            merchant: MerchantId::new("shop").unwrap(),
            number: OrderNumber::new(number, 32).unwrap(),
            order_id: order_id.map(|id| OrderId::new(id).unwrap()),
            amount: Amount::new(10_000).unwrap(),
            currency: Currency::RUB,
            expires_at: None,
            completion: CompletionAmount::Whole,
            autocompletion_at: None,
            kind: None,
        };
        let now = self.api.clock.now();
        self.api.store.add_orders(vec![new], Cause::Shop, now).await.unwrap();
        let key = self.order(number).await.key;
        let looked = move |order: &Order, _: Option<&_>| {
            let heard = Some(Heard { at: now, words: "the bank shows it registered".to_owned() });
            let next_look_at = Some(now.plus(HOUR));
            let next = Order { next_look_at, unknown_in_a_row, heard, ..order.clone() };
            Amendment { order: Some(next), ..Amendment::nothing(()) }
        };
        self.api.store.amend(key, now, looked).await.unwrap();
        self.order(number).await
    }
}

#[tokio::test]
async fn a_good_callback_makes_a_look_due_and_no_more_than_one() {
    let face = Face::open().await;
    let by_number = face.looked_at("A-1", None, 0).await;
    let by_id = face.looked_at("A-2", Some("b-2"), 0).await;
    let said = "operation=deposited&status=1";
    let number = signed(&format!("mdOrder=unknown-here&orderNumber=A-1&{said}"));
    let id = signed(&format!("mdOrder=b-2&{said}"));
    for _ in 0..20 {
        assert_eq!(face.callback(&number).await, 200);
        let headers = "content-type: application/x-www-form-urlencoded\r\n";
        assert_eq!(face.request("POST /callbacks/shop", headers, &id).await.status, 200);
    }
    for before in [by_number, by_id] {
        let after = face.order(before.number.as_str()).await;
        let soon = before.heard.as_ref().unwrap().at.plus(HINTED_LOOKS_EVERY);
        // The look is all that comes of it: neither the state, nor the version, nor the journal knows of it.
        assert_eq!(after, Order { next_look_at: Some(soon), ..before });
        assert_eq!(face.api.store.events_of(after.key).await.unwrap().len(), 1);
    }
    assert_eq!((face.counted("hinted").await, face.counted("as_planned").await), (2, 38));
}

#[tokio::test]
async fn while_the_bank_tells_nothing_its_backoff_stands() {
    let face = Face::open().await;
    let before = face.looked_at("A-1", None, 3).await;
    assert_eq!(face.callback(&signed("orderNumber=A-1&operation=deposited&status=1")).await, 200);
    assert_eq!(face.order("A-1").await, before);
}

/// A look that was asked before the callback came, and answered after it.
#[tokio::test]
async fn a_callback_during_a_look_brings_another_one() {
    let face = Face::open().await;
    let order = face.looked_at("A-1", None, 0).await;
    let (asked_at, store) = (face.api.clock.now(), &face.api.store);
    let far = asked_at.plus(HOUR);
    let plan = move |order: &Order, _: Option<&_>| {
        let next = Order { next_look_at: Some(far), ..order.clone() };
        Amendment { order: Some(next), ..Amendment::nothing(()) }
    };
    assert_eq!(face.callback(&signed("orderNumber=A-1&operation=deposited&status=1")).await, 200);
    let now = face.api.clock.now();
    store.amend_after_look(order.key, asked_at, now, plan).await.unwrap();
    assert_eq!(face.order("A-1").await.next_look_at, Some(now.plus(HINTED_LOOKS_EVERY)));
    // One that is asked later has seen what it told of.
    store.amend_after_look(order.key, now.plus(HINTED_LOOKS_EVERY), now, plan).await.unwrap();
    assert_eq!(face.order("A-1").await.next_look_at, Some(far));
}

#[tokio::test]
async fn forged_ones_change_nothing_but_a_counter() {
    let face = Face::open().await;
    let before = face.looked_at("A-1", None, 0).await;
    let good = signed("orderNumber=A-1&operation=deposited&status=1");
    let forged = [
        good.replace("deposited", "reversed"),
        good.replace("A-1", "A-2"),
        good.replace("&checksum=", "&checksums="),
        "orderNumber=A-1".to_owned(),
        String::new(),
    ];
    for query in &forged {
        assert_eq!(face.callback(query).await, 403, "{query}");
    }
    let malformed = [format!("{good}&orderNumber=A-1"), "=1".to_owned(), "a&".repeat(100)];
    for query in &malformed {
        assert_eq!(face.callback(query).await, 400, "{query}");
    }
    let long = format!("orderNumber=A-1&a={}", "x".repeat(20_000));
    assert_eq!(face.request("POST /callbacks/shop", "", &long).await.status, 413);
    assert_eq!(face.order("A-1").await, before);
    assert_eq!((face.counted("forged").await, face.counted("malformed").await), (5, 4));
    // Where none are taken, there is no such address.
    for path in ["kiosk", "nobody", "A", ""] {
        assert_eq!(face.request(&format!("GET /callbacks/{path}?{good}"), "", "").await.status, 404, "{path}");
    }
    assert_eq!(face.request("PUT /callbacks/shop", "", "").await.status, 405);
}

#[tokio::test]
async fn an_unknown_order_is_noted_for_the_bank_to_be_asked_about() {
    let face = Face::open().await;
    let query = signed("mdOrder=b-1&orderNumber=A-1&operation=approved&status=1");
    for _ in 0..3 {
        assert_eq!(face.callback(&query).await, 200);
    }
    // A number alone is not asked about, and a stored card's callback names no order.
    assert_eq!(face.callback(&signed("orderNumber=A-1&operation=approved&status=1")).await, 200);
    assert_eq!(face.callback(&signed("bindingId=1&operation=bindingCreated&status=1")).await, 200);
    let (shop, now) = (MerchantId::new("shop").unwrap(), face.api.clock.now());
    let due = face.api.store.due_discoveries(&shop, now, 10).await.unwrap();
    assert_eq!(due, [Discovery { order_id: OrderId::new("b-1").unwrap(), asks: 0 }]);
    let counted =
        [face.counted("discovery").await, face.counted("unknown_order").await, face.counted("no_order").await];
    assert_eq!(counted, [3, 1, 1]);
}
