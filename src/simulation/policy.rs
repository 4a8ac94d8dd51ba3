//! The merchant's side of a seed: a configuration file, as an administrator would write it.
//!
//! It goes through the same reader as everybody's, so a combination that no merchant may write cannot be drawn either.

use std::fmt::Write as _;

/// What an administrator decided.
#[derive(Clone, Debug)]
pub(super) struct PolicyPlan {
    /// The file.
    pub(super) toml: String,
    /// Whether holds wait for somebody's release.
    pub(super) on_release: bool,
}

/// The login of every simulation's shop.
pub(super) const LOGIN: &str = "shop-api";

/// Draws a merchant.
pub(super) fn draw(chance: &mut fastrand::Rng) -> PolicyPlan {
    let mut pick = |of: &[&'static str]| of[chance.usize(..of.len())];
    let completion = pick(&[
        "when = \"after\"\ndelay = \"0s\"",
        "when = \"after\"\ndelay = \"10m\"",
        "when = \"after\"\ndelay = \"6h\"",
        "when = \"after\"\ndelay = \"60h\"",
        "when = \"window\"\ncron = \"0 3 * * *\"",
        "when = \"window\"\ncron = \"*/30 * * * *\"",
        "when = \"release\"",
    ]);
    let pending = pick(&[
        r#"[{ until_age = "2m", every = "15s" }, { until_age = "20m", every = "90s" }, { until_age = "1d", every = "1h" }]"#,
        r#"[{ until_age = "20m", every = "3m" }, { until_age = "1d", every = "2h" }]"#,
        r#"[{ until_age = "1h", every = "5m" }]"#,
        r#""learned""#,
    ]);
    let mut toml = String::from("database = \"reconciled.db\"\nreports = \"reports\"\nlisten = \"127.0.0.1:0\"\n\n");
    let merchant = [
        ("name", "shop"),
        ("gateway", "http://127.0.0.1:1/payment/rest/"),
        ("user_name", LOGIN),
        ("zone", pick(&["Europe/Moscow", "Europe/Berlin", "UTC"])),
        ("connect_timeout", pick(&["1s", "5s"])),
        ("request_timeout", pick(&["5s", "20s", "60s"])),
    ];
    toml.push_str("[[merchant]]\npassword = { public = \"not-a-secret\" }\n");
    table(&mut toml, &merchant);
    push(&mut toml, &format!("refund_tools = {}\n", pick(&["false", "true"])));
    push(&mut toml, &format!("completion_method = \"{}\"\n", pick(&["auto_completion", "auto_completion", "deposit"])));
    let (burst, in_flight) = (pick(&["1", "5", "20"]), pick(&["1", "4", "16"]));
    toml.push_str("\n[merchant.budget]\n");
    table(&mut toml, &[("requests", pick(&["6/m", "1/s", "5/s", "20/s"]))]);
    push(&mut toml, &format!("burst = {burst}\nin_flight = {in_flight}\n"));
    push(&mut toml, &format!("\n[merchant.looks]\npending = {pending}\n"));
    let looks = [
        ("pending_old", pick(&["6h", "12h"])),
        ("held", pick(&["2h", "6h", "12h"])),
        ("review", pick(&["6h", "12h", "1d"])),
        ("backoff", pick(&["5s", "1m"])),
        ("backoff_max", pick(&["30m", "2h"])),
    ];
    table(&mut toml, &looks);
    push(&mut toml, &format!("\n[merchant.completion]\n{completion}\n"));
    let settle = [
        ("quiet", pick(&["5m", "15m", "1h"])),
        ("resend", pick(&["whole", "whole", "never"])),
        ("ask_every", pick(&["5s", "1m"])),
        ("ask_every_max", pick(&["30m", "1h"])),
    ];
    table(&mut toml, &settle);
    let (attempts, at_once) = (pick(&["1", "3", "5"]), pick(&["1", "3", "8"]));
    push(&mut toml, &format!("attempts = {attempts}\nin_flight = {at_once}\n"));
    // The dearest order is ten thousand: the least sum lets a handful through, the others more than there is.
    let daily_sum = pick(&["10000000.00", "100000.00", "40000.00"]);
    let (in_doubt, brake) = (pick(&["3", "3", "50"]), pick(&["true", "true", "false"]));
    push(&mut toml, &format!("\n[merchant.money]\nin_doubt = {in_doubt}\nbrake = {brake}\n"));
    table(&mut toml, &[("daily_sum", daily_sum)]);
    toml.push_str("\n[merchant.hold]\nlifetime = \"5d\"\nwarn_at = [\"1d\"]\n");
    let by_system = pick(&["{}", "{ visa = \"6d\", mir = \"4d\" }"]);
    push(&mut toml, &format!("by_system = {by_system}\n"));
    let at_deadline = [
        ("act_before", pick(&["3h", "3h", "12h"])),
        ("at_deadline", pick(&["review", "complete", "reverse", "reverse"])),
    ];
    table(&mut toml, &at_deadline);
    PolicyPlan { toml, on_release: completion.contains("release") }
}

fn table(toml: &mut String, pairs: &[(&str, &str)]) {
    for (key, value) in pairs {
        // Writing into a text cannot fail.
        let _ = writeln!(toml, "{key} = \"{value}\"");
    }
}

fn push(toml: &mut String, text: &str) {
    toml.push_str(text);
}
