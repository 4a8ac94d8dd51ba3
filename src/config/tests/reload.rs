//! What a reload finds changed.

use super::*;

/// The keys that differ between the least and the least with `changed`, in both directions.
fn check(changed: &[(&str, &str)], expected: &[(&str, Effect)]) {
    let host = Host::new();
    let (old, new) = (host.loaded(&[]), host.loaded(changed));
    for found in [changes(&old, &new), changes(&new, &old)] {
        let found: Vec<_> = found.iter().map(|change| (change.key.as_str(), change.effect)).collect();
        assert_eq!(found, expected, "{changed:?}");
    }
    let whole_file = |key: &str| !key.starts_with("merchant.");
    let same = expected.iter().all(|(key, _)| whole_file(key));
    assert_eq!(old.merchants[0].same_as(&new.merchants[0]), same, "{changed:?}");
}

#[test]
fn a_change_is_named_by_its_key() {
    use Effect::{AtOnce, NeedsRestart};
    check(&[], &[]);
    check(&[("database", r#""other.db""#)], &[("database", NeedsRestart)]);
    check(&[("listen", r#""127.0.0.1:1""#)], &[("listen", NeedsRestart)]);
    check(&[("integrity.witness", r#""witness""#)], &[("integrity.witness", NeedsRestart)]);
    check(&[("retention.answers", r#""30d""#)], &[("retention.answers", AtOnce)]);
    check(&[("reports", r#""elsewhere""#)], &[("reports", AtOnce)]);
    check(&[("shutdown_grace", r#""1m""#)], &[("shutdown_grace", AtOnce)]);
    check(&[("api_token", r#"{ credential = "api-token" }"#)], &[("api_token (content)", AtOnce)]);
    let merchant = [
        ("merchant.shop.gateway", r#""https://bank.example/other/""#),
        ("merchant.shop.user_name", r#""other-api""#),
        ("merchant.shop.language", r#""en""#),
        ("merchant.shop.connect_timeout", r#""4s""#),
        ("merchant.shop.request_timeout", r#""19s""#),
        ("merchant.shop.currency", r#""EUR""#),
        ("merchant.shop.zone", r#""UTC""#),
        ("merchant.shop.order_number_max", "36"),
        ("merchant.shop.budget.requests", r#""4/s""#),
        ("merchant.shop.budget.burst", "2"),
        ("merchant.shop.budget.in_flight", "1"),
        ("merchant.shop.budget.reserve", "0"),
        ("merchant.shop.budget.daily", "100000"),
        ("merchant.shop.looks.pending_old", r#""5h""#),
        ("merchant.shop.looks.trust_callbacks", "false"),
        ("merchant.shop.looks.held", r#""1m""#),
        ("merchant.shop.looks.review", r#""1m""#),
        ("merchant.shop.looks.late", "[]"),
        ("merchant.shop.looks.payment_time", r#""10m""#),
        ("merchant.shop.looks.backoff", r#""1s""#),
        ("merchant.shop.looks.backoff_max", r#""1m""#),
        ("merchant.shop.completion.quiet", r#""10m""#),
        ("merchant.shop.completion.resend", r#""never""#),
        ("merchant.shop.completion.attempts", "1"),
        ("merchant.shop.completion.ask_every", r#""1s""#),
        ("merchant.shop.completion.ask_every_max", r#""1m""#),
        ("merchant.shop.completion.in_flight", "1"),
        ("merchant.shop.money.in_doubt", "4"),
        ("merchant.shop.money.daily_sum", r#""1.00""#),
        ("merchant.shop.money.brake", "false"),
        ("merchant.shop.hold.lifetime", r#""6d""#),
        ("merchant.shop.hold.by_system", r#"{ visa = "7d" }"#),
        ("merchant.shop.hold.warn_at", r#"["2d"]"#),
        ("merchant.shop.hold.act_before", r#""2h""#),
        ("merchant.shop.hold.at_deadline", r#""reverse""#),
        ("merchant.shop.report.at", r#""15 4 * * *""#),
        ("merchant.shop.report.cut_off", r#""01:00""#),
        ("merchant.shop.report.stuck_after", r#""2h""#),
        ("merchant.shop.refund_tools", "true"),
        ("merchant.shop.discovery.every", r#""1h""#),
        ("merchant.shop.registration.wait", r#""1s""#),
        ("merchant.shop.registration.keep", r#""1d""#),
        ("merchant.shop.review.four_eyes", "true"),
        ("merchant.shop.proxy", r#""http://proxy.example:3128""#),
    ];
    for change in merchant {
        check(&[change], &[(change.0, AtOnce)]);
    }
    // Where intervals are written, old orders are looked at more often than where looks come by themselves.
    let looks = ["merchant.shop.looks.pending", "merchant.shop.looks.pending_old"];
    check(&[(looks[0], "[]")], &looks.map(|key| (key, AtOnce)));
    check(&[("merchant.shop.completion_method", r#""deposit""#)], &[("merchant.shop.completion_method", AtOnce)]);
    let soap = [
        ("merchant.shop.protocol", r#""soap""#),
        ("merchant.shop.gateway", r#""https://bank.example/merchant-ws""#),
        ("merchant.shop.loyalty_gateway", r#""https://bank.example/points""#),
    ];
    let keys = ["gateway", "protocol", "loyalty_gateway"].map(|key| format!("merchant.shop.{key}"));
    check(&soap, &keys.each_ref().map(|key| (key.as_str(), AtOnce)));
    let after = [("merchant.shop.completion.when", r#""after""#), ("merchant.shop.completion.delay", r#""1h""#)];
    check(&after, &[("merchant.shop.completion.when", AtOnce)]);
}

#[test]
fn a_secret_that_changed_is_named_though_its_reference_did_not() {
    let host = Host::new();
    let old = host.loaded(&[]);
    host.file("credentials/shop-password", "another", 0o600);
    let new = host.loaded(&[]);
    let found = changes(&old, &new);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].key, "merchant.shop.password (content)");
    assert!(!old.merchants[0].same_as(&new.merchants[0]));
}

#[test]
fn merchants_come_and_go() {
    let host = Host::new();
    let (old, new) = (host.loaded(&[]), host.loaded(&[("merchant.shop.name", r#""store""#)]));
    let found: Vec<_> = changes(&old, &new).into_iter().map(|change| change.key).collect();
    assert_eq!(found, ["merchant.store (added)", "merchant.shop (removed)"]);
}
