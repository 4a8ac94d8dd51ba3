//! What `check` says of a merchant's bank: how it is reached and trusted, and what of it is used.

use super::super::output::Table;
use crate::config::{Budget, CompletionMethod, Credentials, GatewayConfig, MerchantConfig, Protocol, as_written};

/// Where it is, how we are known there, and how much it is asked to bear.
pub(super) fn facts(facts: &mut Table, merchant: &MerchantConfig) {
    let MerchantConfig { gateway, budget, .. } = merchant;
    let known_as = match &gateway.credentials {
        Credentials::Login { user_name, .. } => format!("as {user_name}"),
        Credentials::Token(_) => "by token".to_owned(),
    };
    facts.fact("bank", format!("{} {known_as}", gateway.url));
    facts.fact("wire", wire(gateway));
    facts.fact("TLS", trust(gateway));
    let proxy = || "none; that of the environment is not asked".to_owned();
    facts.fact("proxy", gateway.proxy.clone().unwrap_or_else(proxy));
    if matches!(gateway.credentials, Credentials::Token(_)) {
        facts
            .fact("order ids", "hand every order over with its order_id: with a token, a bank may know it by no other");
    }
    facts.fact(
        "patience",
        format!("{} to connect, {} in all", as_written(gateway.connect_timeout), as_written(gateway.request_timeout)),
    );
    let every = crate::domain::time::in_words(budget.period);
    let Budget { burst, in_flight, reserve, .. } = budget;
    let kept = format!("{reserve} % of that for money");
    facts.fact("budget", format!("a request every {every}, {burst} saved up, {in_flight} at once, {kept}"));
}

/// What of it is used, beside the questions after orders.
pub(super) fn uses(facts: &mut Table, merchant: &MerchantConfig) {
    let registration = &merchant.registration;
    facts.fact(
        "registrations",
        format!(
            "wait {} for the bank's word; what was asked is kept {} after it",
            as_written(registration.wait),
            as_written(registration.keep)
        ),
    );
    let refunds = if merchant.completion.settle.refund_tools {
        "told apart by our id (externalRefundId), so one of unknown outcome may be sent again"
    } else {
        "not told apart by the bank: a part of unknown outcome is sent once"
    };
    facts.fact("refunds", refunds);
    facts.fact("callbacks", callbacks(merchant));
    facts.fact("discovery", discovery(merchant));
}

fn wire(gateway: &GatewayConfig) -> String {
    let method = match gateway.completion_method {
        CompletionMethod::AutoCompletion => "composite completion, money and points",
        CompletionMethod::Deposit => "deposit, money alone",
    };
    match &gateway.protocol {
        Protocol::Rest => format!("REST; {method}"),
        Protocol::Soap { loyalty_url: Some(url) } => format!("SOAP; {method}, at {url}"),
        Protocol::Soap { loyalty_url: None } => format!("SOAP; {method}"),
    }
}

fn trust(gateway: &GatewayConfig) -> String {
    let roots = match &gateway.extra_roots_pem {
        None => "the public roots are trusted".to_owned(),
        Some(pem) => match certificates(pem) {
            1 => "the public roots and one of extra_root are trusted".to_owned(),
            many => format!("the public roots and {many} of extra_root are trusted"),
        },
    };
    let own = if gateway.client.is_some() { "shown where the bank asks for one" } else { "none" };
    format!("{roots}; a certificate of ours: {own}")
}

fn certificates(pem: &[u8]) -> usize {
    String::from_utf8_lossy(pem).matches("-----BEGIN CERTIFICATE-----").count()
}

fn callbacks(merchant: &MerchantConfig) -> String {
    let Some(taken) = &merchant.callbacks else { return "not taken".to_owned() };
    let unknown = if taken.discover { "makes the bank be asked for it" } else { "does nothing" };
    format!(
        "at /callbacks/{}, checksum {}; one of an order that is not queued {unknown}",
        merchant.id,
        taken.key.scheme()
    )
}

fn discovery(merchant: &MerchantConfig) -> String {
    match merchant.discovery_every {
        None => "off: the bank's own list of orders is not asked for".to_owned(),
        Some(every) => format!("the bank's own list of orders is asked for every {}", as_written(every)),
    }
}
