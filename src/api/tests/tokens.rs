//! Who may ask for what: scopes, expiry, revocation, and the metrics.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{Face, authorization};
use crate::api::routes::{self, Needs};
use crate::domain::token::{Grant, Scope, TokenName};
use crate::store::Granting;

impl Face {
    /// Makes a token, in force at once as far as the store goes.
    pub(super) async fn grant(&self, name: &str, scopes: &[Scope], life: Option<Duration>) -> String {
        let now = self.api.clock.now();
        let grant = Grant {
            name: TokenName::new(name).unwrap(),
            scopes: scopes.to_vec(),
            expires_at: life.map(|life| now.plus(life)),
        };
        match self.api.store.grant_token(grant, "a test", now).await.unwrap() {
            Granting::Granted(token) => token.expose_secret().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn asked(&self, line: &str, token: &str) -> (u16, String) {
        let answer = self.request(line, &authorization(token), "").await;
        (answer.status, answer.body)
    }

    /// Asks until the answer has `status`: what is known of the tokens is half a second old at most.
    async fn comes_to(&self, line: &str, token: &str, status: u16) {
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let (found, body) = self.asked(line, token).await;
            if found == status {
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{line}: {found} {body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Every route, with a token of each scope: it is let through to the one that it wants and to no other.
#[tokio::test]
async fn a_token_opens_the_routes_of_its_scopes_alone() {
    let face = Face::open().await;
    let mut tokens = Vec::new();
    for scope in Scope::ALL {
        tokens.push((scope, face.grant(&scope.as_str().replace(':', "-"), &[scope], None).await));
    }
    for route in routes::all() {
        let path = route.path.replace("{merchant}", "shop").replace("{order_number}", "none");
        let line = format!("{} {path}", route.method.to_uppercase());
        let Needs::Token(wanted) = route.needs else {
            let answer = face.request(&line, "", "").await;
            assert_ne!(answer.status, 401, "{line}");
            continue;
        };
        assert_eq!(face.request(&line, "", "").await.status, 401, "{line}");
        for (scope, token) in &tokens {
            let (status, body) = face.asked(&line, token).await;
            let is_kept_out = status == 403 && body.contains("scope_missing") && body.contains(wanted.as_str());
            assert_eq!(is_kept_out, *scope != wanted, "{line} with {scope}: {status} {body}");
        }
    }
}

#[tokio::test]
async fn a_token_ends_when_it_is_revoked_or_has_run_out() {
    let face = Face::open().await;
    let token = face.grant("till", &[Scope::OrdersRead], None).await;
    let short = face.grant("short", &[Scope::OrdersRead], Some(Duration::from_millis(300))).await;
    face.comes_to("GET /v1/orders", &token, 200).await;
    face.comes_to("GET /v1/orders", &short, 401).await;
    assert!(face.asked("GET /v1/orders", &short).await.1.contains("short has run out"));
    let (name, now) = (TokenName::new("till").unwrap(), face.api.clock.now());
    face.api.store.revoke_token(&name, "a test", now).await.unwrap().unwrap();
    face.comes_to("GET /v1/orders", &token, 401).await;
    assert!(face.api.store.revoke_token(&name, "a test", now).await.unwrap().is_none());
    // The configuration's token goes on.
    assert_eq!(face.get("/v1/orders").await.status, 200);
}

#[tokio::test]
async fn the_journal_says_which_token_it_was() {
    let face = Face::open().await;
    let till = face.grant("till", &[Scope::OrdersWrite], None).await;
    let headers = format!("{}content-type: application/json\r\n", authorization(&till));
    let order = r#"{"merchant": "shop", "order_number": "A-1", "amount": 100}"#;
    assert_eq!(face.request("POST /v1/orders", &headers, order).await.status, 201);
    assert_eq!(face.post("/v1/orders", &order.replace("A-1", "A-2")).await.status, 201);
    let events = face.get("/v1/events").await.json();
    let cause = |nth: usize| events["events"][nth]["cause"].clone();
    assert_eq!((cause(0), cause(1)), ("shop:till".into(), "shop".into()));
}

#[tokio::test]
async fn a_token_stands_nowhere_but_where_it_was_shown() {
    let face = Face::open().await;
    let token = face.grant("till", &[Scope::OrdersRead], None).await;
    assert_eq!(token.len(), "rcnd_".len() + 64);
    let database = std::fs::read_dir(face.directory.path()).unwrap().map(|entry| entry.unwrap().path());
    for file in database.filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "{}", file.display());
    }
}

#[tokio::test]
async fn the_metrics_want_a_token_only_where_the_configuration_says_so() {
    let face = Face::open().await;
    assert_eq!(face.request("GET /metrics", "", "").await.status, 200);
    let mut closed = (*face.api.config.borrow().clone()).clone();
    closed.metrics_want_token = true;
    face.reload.send_replace(std::sync::Arc::new(closed));
    assert_eq!(face.request("GET /metrics", "", "").await.status, 401);
    assert_eq!(face.get("/metrics").await.status, 200);
    let reader = face.grant("reader", &[Scope::OrdersRead], None).await;
    let prometheus = face.grant("prometheus", &[Scope::Metrics], None).await;
    face.comes_to("GET /metrics", &reader, 403).await;
    face.comes_to("GET /metrics", &prometheus, 200).await;
}
