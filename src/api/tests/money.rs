//! `GET /v1/money`: behind the token, and what it tells.

use serde_json::json;

use super::*;
use crate::domain::event::Cause;
use crate::domain::guard::Scope;

#[tokio::test]
async fn what_is_stopped_is_told_to_who_has_the_token() {
    let face = Face::open().await;
    assert_eq!(face.request("GET /v1/money", "", "").await.status, 401);
    let kiosk = Scope::Merchant(MerchantId::new("kiosk").unwrap());
    let maria = Cause::Operator("maria".to_owned());
    let now = Clock::host().now();
    face.api.store.stop_money(kiosk, maria, "odd sums".to_owned(), now).await.unwrap();
    let told = face.get("/v1/money").await.json();
    let stop = json!({
        "scope": "merchant", "merchant": "kiosk", "order_number": null,
        "since": now.to_string(), "by": "operator:maria", "reason": "odd sums",
    });
    assert_eq!(told["stops"], json!([stop]));
    let merchant = |name: &str, stopped: bool| {
        json!({
            "name": name, "stopped": stopped, "in_doubt": 0, "in_doubt_max": 3, "brake": true,
            "sent_last_day": [{ "currency": "643", "sent_minor": 0, "refunded_minor": 0, "max_minor": 100_000_000 }],
        })
    };
    assert_eq!(told["merchants"], json!([merchant("shop", false), merchant("kiosk", true)]));
    let metrics = face.get("/metrics").await.body;
    for line in ["reconciled_money_stopped{merchant=\"kiosk\"} 1", "reconciled_money_stopped{merchant=\"shop\"} 0"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
