//! `check`: what a configuration means, and everything that is wrong with one.

use super::*;

#[test]
fn check_names_every_problem_at_once() {
    let host = Host::configured("databse = 1\nlisten = \"here\"\n[[merchant]]\nname = \"Shop\"\n");
    let ran = host.run(&["check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""));
    for key in
        ["databse", "database is missing", "reports is missing", "listen", "merchant[1].name", "gateway is missing"]
    {
        assert!(ran.stderr.contains(key), "{key}: {}", ran.stderr);
    }
    let ran = host.run(&["check", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &document["in_order"]), (78, &json!(false)));
    assert!(document["problems"].as_array().unwrap().len() > 5, "{document}");
}

#[test]
fn check_says_what_the_configuration_means() {
    let host = Host::new();
    let words = host.done(&["check"]);
    for said in ["Merchant shop", "https://bank.example/rest/ as shop-api", "Europe/Moscow", "next 20"] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert_eq!(host.json(&["check", "--json"])["merchants"][0]["name"], "shop");
    assert!(!words.contains("order_id"), "a login finds orders by their number too: {words}");
    let login = "user_name = \"shop-api\"\npassword = { credential = \"only-the-daemon-has-it\" }";
    let by_token = Host::configured(&SHOP.replace(login, "token = { credential = \"only-the-daemon-has-it\" }"));
    let words = by_token.done(&["check"]);
    assert!(words.contains("by token") && words.contains("hand every order over with its order_id"), "{words}");
}

/// Each line says what is used of the bank, and what is not.
#[test]
fn check_says_what_of_the_bank_is_used() {
    let one_line = |host: &Host| host.done(&["check"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let words = one_line(&Host::new());
    for said in [
        "answers the bank's whole answers are kept for 90d after an order's end",
        "wire REST; composite completion, money and points",
        "TLS the public roots are trusted; a certificate of ours: none",
        "proxy none; that of the environment is not asked",
        "registrations wait 10s for the bank's word; what was asked is kept 30d after it",
        "refunds not told apart by the bank",
        "callbacks not taken",
        "discovery off",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let more = "completion_method = \"deposit\"\nrefund_tools = true\nproxy = \"http://proxy.example:3128\"\n\
                extra_root = \"root.pem\"\n[merchant.registration]\nwait = \"5s\"\nkeep = \"1d\"\n[merchant.callbacks]\n\
                checksum = \"hmac-sha512\"\nsecret = { credential = \"only-the-daemon-has-it\" }\nunknown = \"discover\"\n\
                [merchant.discovery]\nevery = \"1h\"\n[retention]\nanswers = \"30d\"\n";
    let host = Host::configured(&format!("{SHOP}{more}"));
    let root = rcgen::generate_simple_self_signed(["bank.example".to_owned()]).unwrap().cert.pem();
    host.file("root.pem", &root);
    let words = one_line(&host);
    for said in [
        "are kept for 30d",
        "REST; deposit, money alone",
        "the public roots and one of extra_root are trusted",
        "proxy http://proxy.example:3128",
        "registrations wait 5s for the bank's word; what was asked is kept 1d after it",
        "refunds told apart by our id",
        "at /callbacks/shop, checksum hmac-sha512; one of an order that is not queued makes the bank be asked for it",
        "asked for every 1h",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let merchant = &host.json(&["check", "--json"])["merchants"][0];
    let [protocol, method, callbacks, discovery] =
        ["protocol", "completion_method", "callbacks", "discovery"].map(|name| &merchant[name]);
    assert_eq!(
        (protocol, method, callbacks, discovery),
        (&json!("rest"), &json!("deposit"), &json!("hmac-sha512"), &json!(true))
    );
}
