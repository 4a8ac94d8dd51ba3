//! Each mistake by itself, in tables.

use super::*;

/// A key with a wrong value gives one problem, about that key, with `remedy` in it.
fn check(key: &str, value: &str, remedy: &str) {
    check_many(&[(key, value)], key, remedy);
}

/// The values of `changed` together give one problem, about `key`.
fn check_many(changed: &[(&str, &str)], key: &str, remedy: &str) {
    let problems = Host::new().problems(changed);
    let [problem] = problems.as_slice() else {
        panic!("{changed:?}: not one problem but {problems:#?}");
    };
    assert_eq!(problem.key, key, "{changed:?}");
    assert!(problem.remedy.contains(remedy), "{changed:?}: {}", problem.remedy);
    assert!(problem.line.is_some() || problem.value.is_empty(), "{changed:?}: no line");
}

#[test]
fn the_whole_file() {
    check("database", "", "name the database");
    check("database", r#""""#, "name the database");
    check("database", "7", "in quotes");
    check("reports", "", "name the directory");
    check("listen", r#""9642""#, "an address and a port");
    check("listen", r#""localhost:9642""#, "an address and a port");
    check_many(&[("listen", r#""0.0.0.0:9642""#)], "api_token", "open to other hosts");
    check("shutdown_grace", r#""0s""#, "1s to 10m");
    check("shutdown_grace", "30", "in quotes");
    check(
        "colour",
        r#""red""#,
        "known here: database, reports, spool, listen, api_token, metrics_want_token, shutdown_grace, clock_tolerance, integrity, retention, budget, merchant",
    );
}

#[test]
fn the_guards() {
    let form = "write a list of references";
    check("integrity.keys", r#""canary""#, form);
    check("integrity.keys", "[]", form);
    check("integrity.keys", "[7]", "never stands in this file");
    check("integrity.keys", r#"[{ file = "no-such" }]"#, "chmod 600");
    check("integrity.keys", r#"[{ public = "0123456789012345678901234567890123" }]"#, "everybody may read");
    check("integrity.keys", r#"[{ credential = "api-token" }]"#, "at least 32 characters");
    check("integrity.witness", r#""""#, "name the witness's file");
}

#[test]
fn a_merchant() {
    check_many(&[("merchant.shop.name", "")], "merchant[1].name", "name the merchant");
    check_many(&[("merchant.shop.name", r#""Shop""#)], "merchant[1].name", "a-z");
    check("merchant.shop.gateway", "", "address of the bank");
    check("merchant.shop.gateway", r#""http://bank.example/""#, "use https");
    check("merchant.shop.gateway", r#""https://bank.example/rest""#, "end the address with /");
    check("merchant.shop.user_name", "", "either user_name and password, or token");
    check("merchant.shop.user_name", r#"" shop""#, "without space");
    check("merchant.shop.password", "", "either user_name and password, or token");
    check("merchant.shop.token", r#"{ credential = "api-token" }"#, "never both");
    check("merchant.shop.extra_root", r#""no-such.pem""#, "name a readable PEM file");
    check("merchant.shop.extra_root", r#""reconciled.toml""#, "no certificate");
    check("merchant.shop.extra_root", r#"".""#, "not a plain file");
    check("merchant.shop.language", r#""Russian""#, "two lower-case letters");
    check("merchant.shop.connect_timeout", r#""99ms""#, "100ms to 2m");
    check("merchant.shop.connect_timeout", r#""21s""#, "21s, must be at most request_timeout, 20s");
    check("merchant.shop.request_timeout", r#""121s""#, "100ms to 2m");
    check("merchant.shop.currency", r#""ROUBLE""#, "ISO 4217");
    check("merchant.shop.currency", "643", "in quotes");
    check("merchant.shop.zone", r#""Moscow""#, "IANA zone");
    check("merchant.shop.order_number_max", "31", "32 to 36");
    check("merchant.shop.order_number_max", "37", "32 to 36");
    check("merchant.shop.order_number_max", r#""32""#, "a whole number");
    check("merchant.shop.pasword", r#"{ credential = "x" }"#, "known here: name, ");
}

#[test]
fn a_wire_and_what_it_lacks() {
    check("merchant.shop.protocol", r#""xml""#, "\"rest\" or \"soap\"");
    check("merchant.shop.completion_method", r#""refund""#, "\"auto_completion\" or \"deposit\"");
    let loyalty = r#""https://bank.example/ws/merchant-loyalty-ws""#;
    check("merchant.shop.loyalty_gateway", loyalty, "take it out");
    let soap = |more: &[(&'static str, &'static str)], key: &str, remedy: &str| {
        let soap =
            [("merchant.shop.protocol", r#""soap""#), ("merchant.shop.gateway", r#""https://bank.example/merchant""#)];
        check_many(&[more, soap.as_slice()].concat(), key, remedy);
    };
    let deposit = ("merchant.shop.completion_method", r#""deposit""#);
    soap(&[], "merchant.shop.loyalty_gateway", "completion_method = \"deposit\"");
    soap(&[deposit, ("merchant.shop.loyalty_gateway", loyalty)], "merchant.shop.loyalty_gateway", "take it out");
    let token = ("merchant.shop.token", r#"{ credential = "api-token" }"#);
    let nobody = [("merchant.shop.user_name", ""), ("merchant.shop.password", "")];
    soap(&[deposit, token, nobody[0], nobody[1]], "merchant.shop.token", "SOAP knows no token");
    soap(&[deposit, ("merchant.shop.refund_tools", "true")], "merchant.shop.refund_tools", "no externalRefundId");
    let rest_address = [("merchant.shop.protocol", r#""soap""#), deposit];
    check_many(&rest_address, "merchant.shop.gateway", "the service's own address");
}

/// The way to the bank: certificates, our own with its key, and a proxy.
#[test]
fn a_way_to_the_bank() {
    check("merchant.shop.protocol", "7", "in quotes");
    check("merchant.shop.completion_method", "true", "in quotes");
    check("merchant.shop.refund_tools", r#""yes""#, "true or false");
    check("merchant.shop.extra_root", "7", "in quotes");
    let key = r#"{ file = "client.key" }"#;
    check("merchant.shop.client_certificate", r#""no-such.pem""#, "name a readable PEM file");
    check("merchant.shop.client_certificate", r#""reconciled.toml""#, "no certificate");
    check("merchant.shop.client_certificate", r#"".""#, "not a plain file");
    check("merchant.shop.client_key", r#""canary-hunter2-0123456789""#, "never stands in this file");
    check("merchant.shop.client_key", r#"{ file = "no-such.key" }"#, "chmod 600");
    check("merchant.shop.client_key", r#"{ credential = "shop-password" }"#, "PEM");
    check("merchant.shop.proxy", r#""proxy.example""#, "http://proxy.example:3128");
    check("merchant.shop.proxy", r#""socks5://proxy.example:1080""#, "http://proxy.example:3128");
    check("merchant.shop.proxy", r#""http://proxy.example:3128/path""#, "http://proxy.example:3128");
    check("merchant.shop.proxy", r#""http://:3128""#, "name a host");
    check("merchant.shop.proxy", r#""http://proxy.example:0""#, "a port from 1 to 65535");
    check(
        "merchant.shop.proxy",
        r#""http://canary-hunter2-0123456789@proxy.example:3128""#,
        "take the credentials out",
    );
    check("merchant.shop.proxy", "3128", "in quotes");

    let host = Host::new();
    host.file("chain.pem", "-----BEGIN CERTIFICATE-----\n", 0o644);
    let pem = ["-----BEGIN PRIVATE", " KEY-----\nAA==\n-----END PRIVATE KEY-----\n"].concat();
    host.file("client.key", &pem, 0o600);
    host.file("mixed.pem", format!("-----BEGIN CERTIFICATE-----\n{pem}"), 0o600);
    let one = |changed: &[(&str, &str)], key: &str, remedy: &str| {
        let problems = host.problems(changed);
        let [problem] = problems.as_slice() else { panic!("{changed:?}: not one problem but {problems:#?}") };
        assert_eq!(problem.key, key, "{changed:?}");
        assert!(problem.remedy.contains(remedy), "{changed:?}: {}", problem.remedy);
    };
    let (chain, mixed) = (r#""chain.pem""#, r#""mixed.pem""#);
    one(&[("merchant.shop.client_certificate", chain)], "merchant.shop.client_key", "give both");
    one(&[("merchant.shop.client_key", key)], "merchant.shop.client_certificate", "give both");
    one(&[("merchant.shop.extra_root", mixed)], "merchant.shop.extra_root", "a private key in it");
    let both = [("merchant.shop.client_certificate", mixed), ("merchant.shop.client_key", key)];
    one(&both, "merchant.shop.client_certificate", "a private key in it");
    let local = [
        ("merchant.shop.gateway", r#""http://127.0.0.1:8642/rest/""#),
        ("merchant.shop.proxy", r#""http://proxy.example:3128""#),
    ];
    one(&local, "merchant.shop.proxy", "leave it out");
}

#[test]
fn callbacks() {
    let check_with = |scheme: &str, key: &str, value: &str, remedy: &str| {
        let key = format!("merchant.shop.callbacks.{key}");
        check_many(&[("merchant.shop.callbacks.checksum", scheme), (&key, value)], &key, remedy);
    };
    let (hmac, rsa) = (r#""hmac-sha256""#, r#""rsa-sha512""#);
    let secret = ("merchant.shop.callbacks.secret", r#"{ credential = "shop-password" }"#);
    check("merchant.shop.callbacks.checksum", r#""md5""#, "hmac- or rsa- with sha256, sha384 or sha512");
    check("merchant.shop.callbacks.checksum", "256", "in quotes");
    check_many(&[secret], "merchant.shop.callbacks.checksum", "say how the bank makes it");
    check_many(&[("merchant.shop.callbacks.checksum", hmac)], "merchant.shop.callbacks.secret", "the bank's console");
    check_many(&[("merchant.shop.callbacks.checksum", rsa)], "merchant.shop.callbacks.public_key", "name the PEM file");
    check_with(hmac, "secret", r#""canary-hunter2-0123456789""#, "never stands in this file");
    check_with(hmac, "secret", r#"{ file = "no-such" }"#, "chmod 600");
    check_with(hmac, "secret", r#"{ public = "123" }"#, "for a sandbox on a loopback address");
    check_with(hmac, "public_key", r#""bank.pem""#, "an HMAC has a secret and no public key");
    check_with(rsa, "secret", r#"{ credential = "shop-password" }"#, "a public key and no secret");
    check_with(rsa, "public_key", r#""no-such.pem""#, "no-such.pem");
    check_with(rsa, "public_key", r#"".""#, "not a plain file");
    check_with(rsa, "public_key", r#""reconciled.toml""#, "reconciled.toml: ");
    check_with(rsa, "public_key", "7", "in quotes");
    check("merchant.shop.callbacks.unknown", r#""ask""#, "\"ignore\" or \"discover\"");
    check("merchant.shop.callbacks.unknown", "true", "in quotes");
    check("merchant.shop.callbacks.key", r#""123""#, "known here: checksum, secret, public_key, unknown");
    check("merchant.shop.callbacks", r#""off""#, "under a line [merchant.shop.callbacks]");
}

#[test]
fn discovery_registration_and_what_is_kept() {
    let table = [
        ("merchant.shop.discovery.every", r#""4m59s""#, "5m to 1d"),
        ("merchant.shop.discovery.every", r#""25h""#, "5m to 1d"),
        ("merchant.shop.discovery.every", r#""on""#, "such as \"1h30m\""),
        ("merchant.shop.discovery.every", "false", "in quotes"),
        ("merchant.shop.discovery.often", r#""1h""#, "known here: every"),
        ("merchant.shop.registration.wait", r#""99ms""#, "100ms to 20s"),
        ("merchant.shop.registration.wait", r#""21s""#, "100ms to 20s"),
        ("merchant.shop.registration.wait", "10", "in quotes"),
        ("merchant.shop.registration.keep", r#""59s""#, "1m to 400d"),
        ("merchant.shop.registration.keep", r#""401d""#, "1m to 400d"),
        ("merchant.shop.registration.keep", r#""for ever""#, "such as \"1h30m\""),
        ("merchant.shop.registration.url", r#""x""#, "known here: wait, keep"),
        ("merchant.shop.review.four_eyes", r#""yes""#, "true or false"),
        ("retention.answers", r#""23h""#, "1d to 3650d"),
        ("retention.answers", r#""3651d""#, "1d to 3650d"),
        ("retention.answers", r#""never""#, "such as \"1h30m\""),
        ("retention.answers", "90", "in quotes"),
        ("retention.answer", r#""90d""#, "known here: answers"),
    ];
    for (key, value, remedy) in table {
        check(key, value, remedy);
    }
}

#[test]
fn a_budget() {
    check("merchant.shop.budget.requests", r#""0/s""#, "1/h to 1000/s");
    check("merchant.shop.budget.requests", r#""1001/s""#, "1/h to 1000/s");
    check("merchant.shop.budget.requests", r#""5 per second""#, "such as \"5/s\"");
    check("merchant.shop.budget.requests", "5", "in quotes");
    check("merchant.shop.budget.burst", "0", "1 to 1000");
    check("merchant.shop.budget.burst", "1001", "1 to 1000");
    check("merchant.shop.budget.burst", "-1", "a whole number");
    check("merchant.shop.budget.burst", "5.0", "a whole number");
    check("merchant.shop.budget.in_flight", "65", "1 to 64");
    check("merchant.shop.budget", "5", "under a line [merchant.shop.budget]");
    check("merchant.shop.budget.rate", r#""5/s""#, "known here: requests, burst, in_flight, reserve, daily, shared");
    check("merchant.shop.budget.reserve", "91", "0 to 90");
    check("merchant.shop.budget.daily", "99", "100 to 100000000");
    check("merchant.shop.budget.shared", r#""bank""#, "the name of a [[budget]]");
    check("budget", "5", "[[budget]]");
}

#[test]
fn looks() {
    check("merchant.shop.looks.held", r#""99ms""#, "100ms to 7d");
    check("merchant.shop.looks.held", r#""8d""#, "100ms to 7d");
    check("merchant.shop.looks.held", r#""10 minutes""#, "such as \"1h30m\"");
    check("merchant.shop.looks.late", r#"["1d", "1h"]"#, "ascending");
    check("merchant.shop.looks.late", r#"["1h", "1h"]"#, "ascending");
    check("merchant.shop.looks.late", r#"["1h", 2]"#, "in quotes");
    check("merchant.shop.looks.late", r#"["401d"]"#, "1s to 400d");
    check("merchant.shop.looks.late", r#""1h""#, "write a list");
    check("merchant.shop.looks.payment_time", r#""9s""#, "10s to 30d");
    check("merchant.shop.looks.payment_time", r#""31d""#, "10s to 30d");
    check("merchant.shop.looks.backoff_max", r#""1s""#, "1s, must be at least backoff, 5s");
    check_many(&[("merchant.shop.looks.backoff", r#""11m""#)], "merchant.shop.looks.backoff", "at least backoff");
    let tiers = "merchant.shop.looks.pending";
    check(tiers, r#""10s""#, "write a list of { until_age");
    check(tiers, r#"["10s"]"#, "write a list of { until_age");
    check(tiers, r#"[{ until_age = "2m", every = "1s" }, { until_age = "1m", every = "1s" }]"#, "ascending");
    let first =
        |tier: &str, key: &str, remedy: &str| check_many(&[(tiers, tier)], &format!("{tiers}[1].{key}"), remedy);
    first(r#"[{ until_age = "2m" }]"#, "every", "write a list of { until_age");
    first(r#"[{ until_age = "2m", every = "1ms" }]"#, "every", "100ms to 7d");
    first(r#"[{ until_age = "2m", every = "1s", then = 1 }]"#, "then", "known here: until_age, every");
}

#[test]
fn completion_and_holds() {
    check("merchant.shop.completion.when", r#""later""#, "\"after\" (with delay)");
    check_many(
        &[("merchant.shop.completion.when", r#""after""#)],
        "merchant.shop.completion.delay",
        "how long after the hold",
    );
    check_many(&[("merchant.shop.completion.when", r#""window""#)], "merchant.shop.completion.cron", "say when");
    check("merchant.shop.completion.delay", r#""1d""#, "belongs to when = \"after\"");
    check("merchant.shop.completion.cron", r#""0 3 * * *""#, "belongs to when = \"window\"");
    check("merchant.shop.completion.quiet", r#""19s""#, "19s, must be at least request_timeout, 20s");
    check("merchant.shop.completion.quiet", r#""25h""#, "1s to 1d");
    check("merchant.shop.completion.resend", "true", "in quotes");
    check("merchant.shop.completion.resend", r#""partial""#, "\"whole\"");
    check("merchant.shop.completion.attempts", "0", "1 to 10");
    check("merchant.shop.completion.attempts", "11", "1 to 10");
    check("merchant.shop.completion.ask_every", r#""6m""#, "at least ask_every");
    check("merchant.shop.completion.in_flight", "0", "1 to 64");
    check("merchant.shop.money.in_doubt", "0", "1 to 1000");
    check("merchant.shop.money.in_doubt", "1001", "1 to 1000");
    check("merchant.shop.money.daily_sum", "1000000", "in quotes");
    check("merchant.shop.money.daily_sum", r#""1000000.0""#, "such as \"1000000.00\"");
    check("merchant.shop.money.daily_sum", r#""0""#, "less would stop every completion");
    check("merchant.shop.money.brake", r#""yes""#, "true or false");
    check("merchant.shop.hold.lifetime", r#""59s""#, "1m to 60d");
    check("merchant.shop.hold.warn_before", r#""5d""#, "warn_at has taken its place: write warn_at = [");
    check("merchant.shop.hold.warn_at", r#"["5d"]"#, "120h, must be less than the shortest lifetime, 5d");
    check("merchant.shop.hold.warn_at", r#"["6h", "24h"]"#, "in descending order");
    check("merchant.shop.hold.warn_at", r#"["6h", "6h"]"#, "each once");
    check("merchant.shop.hold.warn_at", "[]", "1 to 8 levels");
    check("merchant.shop.hold.warn_at", r#"["9h","8h","7h","6h","5h","4h","3h","2h","1h"]"#, "1 to 8 levels");
    check("merchant.shop.hold.warn_at", r#""48h""#, "write a list");
    check("merchant.shop.hold.warn_at", r#"["31d"]"#, "1s to 30d");
    check("merchant.shop.hold.act_before", r#""49h""#, "2d1h, must be at most the first of warn_at, 48h");
    check("merchant.shop.hold.act_before", r#""8d""#, "1s to 7d");
    check("merchant.shop.hold.at_deadline", r#""give up""#, "\"review\" (a person decides)");
    check("merchant.shop.hold.by_system", r#""7d""#, "write a table");
    check_by_system(r#"{ visa = "7d", VISA = "8d" }"#, "name it once");
    check_by_system("{ visa = 7 }", "in quotes");
    check_by_system(r#"{ visa = "61d" }"#, "1m to 60d");
    check_by_system(r#"{ "4111 1111" = "7d" }"#, "name a payment system");
    let systems = |shortest: &str| format!("{{ mir = \"{shortest}\" }}");
    let with_warning = |shortest: &str| {
        let table = systems(shortest);
        let changed = [("merchant.shop.hold.by_system", table.as_str()), ("merchant.shop.hold.warn_at", r#"["2d"]"#)];
        Host::new().problems(&changed).len()
    };
    assert_eq!((with_warning("49h"), with_warning("48h")), (0, 1), "the shortest lifetime counts");
}

/// One problem somewhere in the table of payment systems.
fn check_by_system(table: &str, remedy: &str) {
    let problems = Host::new().problems(&[("merchant.shop.hold.by_system", table)]);
    let [problem] = problems.as_slice() else { panic!("{table}: not one problem but {problems:#?}") };
    assert!(problem.key.starts_with("merchant.shop.hold.by_system"), "{table}: {}", problem.key);
    assert!(problem.remedy.contains(remedy), "{table}: {}", problem.remedy);
}

/// Limits are included on both sides.
#[test]
fn the_last_value_that_is_allowed() {
    let host = Host::new();
    let allowed = [
        ("shutdown_grace", r#""1s""#, r#""10m""#),
        ("merchant.shop.order_number_max", "32", "36"),
        ("merchant.shop.connect_timeout", r#""100ms""#, r#""20s""#),
        ("merchant.shop.request_timeout", r#""5s""#, r#""2m""#),
        ("merchant.shop.budget.requests", r#""1/h""#, r#""1000/s""#),
        ("merchant.shop.budget.burst", "1", "1000"),
        ("merchant.shop.budget.in_flight", "1", "64"),
        ("merchant.shop.budget.reserve", "0", "90"),
        ("merchant.shop.budget.daily", "100", "100000000"),
        ("merchant.shop.looks.held", r#""100ms""#, r#""7d""#),
        ("merchant.shop.looks.payment_time", r#""10s""#, r#""30d""#),
        ("merchant.shop.looks.backoff", r#""100ms""#, r#""10m""#),
        ("merchant.shop.completion.quiet", r#""20s""#, r#""1d""#),
        ("merchant.shop.completion.attempts", "1", "10"),
        ("merchant.shop.completion.in_flight", "1", "64"),
        ("merchant.shop.money.in_doubt", "1", "1000"),
        ("merchant.shop.money.daily_sum", r#""0.01""#, r#""9999999999999.99""#),
        ("merchant.shop.hold.lifetime", r#""1m""#, r#""60d""#),
        ("merchant.shop.hold.warn_at", r#"["1s"]"#, r#"["119h59m"]"#),
        ("merchant.shop.hold.act_before", r#""1s""#, r#""48h""#),
        ("merchant.shop.hold.by_system", r#"{ Mir = "1m" }"#, r#"{ UNION_PAY = "60d" }"#),
        ("merchant.shop.report.stuck_after", r#""1s""#, r#""30d""#),
        ("merchant.shop.discovery.every", r#""5m""#, r#""1d""#),
        ("merchant.shop.registration.wait", r#""100ms""#, r#""20s""#),
        ("merchant.shop.registration.keep", r#""1m""#, r#""400d""#),
        ("retention.answers", r#""1d""#, r#""3650d""#),
    ];
    for (key, least, most) in allowed {
        for value in [least, most] {
            assert_eq!(host.problems(&[(key, value)]), [], "{key} = {value}");
        }
    }
}

/// The window or delay must leave the hold alive, and out of alarm.
#[test]
fn completion_comes_before_the_last_warning_of_the_hold() {
    let after = |delay: &str, remedy: &str| {
        let changed = [("merchant.shop.completion.when", r#""after""#), ("merchant.shop.completion.delay", delay)];
        check_many(&changed, "merchant.shop.completion.delay", remedy);
    };
    after(r#""114h1m""#, "wait longer than 4d18h");
    after(r#""61d""#, "0s to 60d");
    let just_in_time =
        [("merchant.shop.completion.when", r#""after""#), ("merchant.shop.completion.delay", r#""114h""#)];
    assert_eq!(Host::new().problems(&just_in_time), []);
    let window = |cron: &str, remedy: &str| {
        let changed = [("merchant.shop.completion.when", r#""window""#), ("merchant.shop.completion.cron", cron)];
        check_many(&changed, "merchant.shop.completion.cron", remedy);
    };
    window(r#""0 3 1 * *""#, "wait longer than 4d18h");
    window(r#""0 3 * * 1""#, "wait longer than 4d18h");
    window(r#""0 3 * 1-11 *""#, "wait longer than 4d18h");
    window(r#""* * * * * *""#, "minute, hour, day of month");
    window(r#""0 25 * * *""#, "minute, hour, day of month");
    for cron in [r#""30 2 * * *""#, r#""*/5 * * * *""#, r#""0 3 * * 1-5""#] {
        let changed = [
            ("merchant.shop.zone", r#""Europe/Berlin""#),
            ("merchant.shop.completion.when", r#""window""#),
            ("merchant.shop.completion.cron", cron),
        ];
        assert_eq!(Host::new().problems(&changed), [], "{cron}");
    }
}

#[test]
fn a_report() {
    check("merchant.shop.report.at", r#""3:15""#, "minute, hour, day of month");
    check("merchant.shop.report.at", r#""0 0 30 2 *""#, "never comes");
    check("merchant.shop.report.cut_off", r#""24:00""#, "00:00");
    check("merchant.shop.report.cut_off", "00:00:00", "in quotes");
    check("merchant.shop.report.stuck_after", r#""0s""#, "1s to 30d");
}

#[test]
fn merchants_together() {
    let host = Host::new();
    let merchant = |name: &str, login: &str| {
        format!(
            "[[merchant]]\nname = {name:?}\ngateway = \"https://BANK.example/rest/\"\nuser_name = {login:?}\npassword = \
             {{ credential = \"shop-password\" }}\n"
        )
    };
    let problem_of = |second: &str, key: &str, remedy: &str| {
        let error = host.load(&(written(&[]) + second)).unwrap_err();
        let [problem] = error.problems() else { panic!("{error}") };
        assert_eq!(problem.key, key);
        assert!(problem.remedy.contains(remedy), "{problem}");
    };
    problem_of(&merchant("shop", "another"), "merchant[2].name", "its own name");
    problem_of(&merchant("other", "shop-api"), "merchant.other.user_name", "budgets would add up");
    assert!(host.load(&(written(&[]) + &merchant("other", "another"))).is_ok());

    let none = "database = \"q\"\nreports = \"r\"\n";
    for source in [none.to_owned(), format!("merchant = []\n{none}"), format!("{none}[merchant]\nname = \"shop\"\n")] {
        let error = host.load(&source).unwrap_err();
        let [problem] = error.problems() else { panic!("{error}") };
        assert_eq!(problem.key, "merchant");
        assert!(problem.remedy.contains("[[merchant]]"), "{problem}");
    }
    let many: String = (0..=100).map(|n| merchant(&format!("m{n}"), &format!("l{n}"))).collect();
    let error = host.load(&(none.to_owned() + &many)).unwrap_err();
    assert!(error.to_string().contains("at most 100"), "{error}");
}

#[test]
fn a_consequence_of_a_problem_is_not_another_one() {
    let wrong_and_short =
        [("merchant.shop.request_timeout", r#""soon""#), ("merchant.shop.completion.quiet", r#""10s""#)];
    check_many(&wrong_and_short, "merchant.shop.request_timeout", "such as \"1h30m\"");
}
