//! Health, readiness and the scrape.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Extracted;
use tokio::sync::watch;

use super::super::{Shared, scrape};
use super::Face;
use crate::domain::operation::OperationState;
use crate::domain::order::State;
use crate::progress::Phase;

#[tokio::test]
async fn healthz_names_the_worker_that_stands_still() {
    let face = Face::open().await;
    let lively = face.api.progress.heart("looks of shop".to_owned(), Duration::from_secs(3_600));
    let answer = face.get("/healthz").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    // It promised to come round in no time at all, so it is late already.
    let stalled = face.api.progress.heart("completions of shop".to_owned(), Duration::ZERO);
    let answer = face.get("/healthz").await;
    assert_eq!(answer.status, 503);
    let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("completions of shop") && !detail.contains("looks of shop"), "{detail}");
    drop(stalled);
    assert_eq!(face.get("/healthz").await.status, 200);
    drop(lively);
}

#[tokio::test]
async fn readyz_follows_the_phase() {
    let face = Face::open().await;
    for (phase, status, words) in
        [(Phase::Starting, 503, "is starting"), (Phase::Ready, 200, "ready"), (Phase::Stopping, 503, "is stopping")]
    {
        face.api.progress.enter(phase);
        let answer = face.get("/readyz").await;
        assert_eq!(answer.status, status, "{phase:?}");
        assert!(answer.body.contains(words), "{answer:?}");
    }
}

#[tokio::test]
async fn every_state_of_every_merchant_has_a_series() {
    let face = Face::open().await;
    let empty = face.get("/metrics").await;
    assert_eq!(empty.status, 200);
    assert!(empty.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{}", empty.head);
    for merchant in ["shop", "kiosk"] {
        for state in State::ALL {
            let series = format!("reconciled_orders{{merchant=\"{merchant}\",state=\"{state}\"}} 0\n");
            assert!(empty.body.contains(&series), "{series}{}", empty.body);
        }
        for state in OperationState::ALL.map(OperationState::as_str) {
            let series = format!("reconciled_operations{{merchant=\"{merchant}\",state=\"{state}\"}} 0\n");
            assert!(empty.body.contains(&series), "{series}{}", empty.body);
        }
        assert!(empty.body.contains(&format!("reconciled_look_lag_seconds{{merchant=\"{merchant}\"}} 0\n")));
    }
    face.post("/v1/orders", r#"{"merchant": "shop", "order_number": "A-1", "amount": 1}"#).await;
    let one = face.get("/metrics").await.body;
    for series in [
        "reconciled_orders{merchant=\"shop\",state=\"pending\"} 1\n",
        "reconciled_orders{merchant=\"kiosk\",state=\"pending\"} 0\n",
        "reconciled_looks_overdue{merchant=\"shop\"} 1\n",
    ] {
        assert!(one.contains(series), "{series}{one}");
    }
    check_exposition(&one);
}

/// What Prometheus refuses, or warns of: a sample without HELP and TYPE, a value that is no number, a line twice.
fn check_exposition(text: &str) {
    assert!(text.ends_with('\n'));
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        assert!(seen.insert(line), "twice: {line}");
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        assert!(text.contains(&format!("# HELP {family} ")) && text.contains(&format!("# TYPE {family} ")), "{line}");
    }
}

#[tokio::test]
async fn a_scrape_waits_for_the_one_before() {
    let face = Face::open().await;
    let shared = Arc::new(Shared::new(face.api.clone(), watch::channel(false).1));
    let before = shared.scrape.lock().await;
    let mut second = pin!(scrape::scrape(Extracted(Arc::clone(&shared))));
    tokio::select! {
        biased;
        _ = &mut second => panic!("two at once"),
        () = tokio::task::yield_now() => {}
    }
    drop(before);
    assert!(second.await.is_ok());
}
