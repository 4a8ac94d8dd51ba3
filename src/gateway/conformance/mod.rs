//! The two wires side by side: each request as it is written on both, and each answer, which must end in the same value
//! whichever of them it came by.

mod answers;
mod parameters;
mod requests;

use std::time::Duration;

use secrecy::SecretString;

use crate::config::{CompletionMethod, Credentials, GatewayConfig, Protocol};
use crate::domain::order::OrderId;

/// With everything in it that either wire has to escape.
const PASSWORD: &str = "p&<ss\"w'0>d +%";

fn config(protocol: Protocol) -> GatewayConfig {
    let url = match protocol {
        Protocol::Rest => "https://bank.example/payment/rest/",
        Protocol::Soap { .. } => "https://bank.example/payment/webservices/merchant-ws",
    };
    GatewayConfig {
        url: url.to_owned(),
        protocol,
        completion_method: CompletionMethod::AutoCompletion,
        credentials: Credentials::Login {
            user_name: "shop-api".to_owned(),
            password: SecretString::from(PASSWORD.to_owned()),
        },
        extra_roots_pem: None,
        client: None,
        proxy: None,
        language: "ru".to_owned(),
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(20),
    }
}

fn soap() -> GatewayConfig {
    let loyalty_url = Some("https://bank.example/payment/webservices/merchant-loyalty-ws".to_owned());
    config(Protocol::Soap { loyalty_url })
}

fn order_id() -> OrderId {
    OrderId::new("b6f698e1-fb8d-7b6d-8f56-130700ef5d58").unwrap()
}
