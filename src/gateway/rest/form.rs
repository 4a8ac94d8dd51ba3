//! What is asked over REST: a path below the gateway's prefix, and a form.

use std::borrow::Cow;

use secrecy::ExposeSecret;

use super::super::last_orders::{LastOrders, PAGE_SIZE, STATES};
use super::super::register;
use super::super::request::{Encoded, Named, Request, completion_amount, in_moscow};
use crate::config::{Credentials, GatewayConfig};

type Form<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// `request` as a form POST. Credentials travel in the body alone: a URL ends up in logs.
pub(in super::super) fn encode(request: &Request<'_>, config: &GatewayConfig) -> Encoded {
    let (path, fields) = path_and_fields(request, &config.language);
    let mut body = String::new();
    match &config.credentials {
        Credentials::Login { user_name, password } => {
            append(&mut body, "userName", user_name);
            append(&mut body, "password", password.expose_secret());
        }
        Credentials::Token(token) => append(&mut body, "token", token.expose_secret()),
    }
    for (name, value) in &fields {
        append(&mut body, name, value);
    }
    Encoded {
        url: format!("{}{path}", config.url),
        content_type: "application/x-www-form-urlencoded",
        soap_action: None,
        body,
    }
}

/// The request's path and its own fields, in the order of the documents.
fn path_and_fields<'a>(request: &Request<'a>, language: &'a str) -> (&'static str, Form<'a>) {
    match *request {
        Request::Register(registration) => {
            let fields = register::fields(registration).into_iter();
            (register::method(registration), fields.map(|(name, value)| (name, value.into())).collect())
        }
        Request::Status { order } => ("getOrderStatusExtended.do", vec![named(order), ("language", language.into())]),
        Request::AutoCompletion { order_id, amount } => (
            "autoCompletion.do",
            vec![
                ("orderId", order_id.as_str().into()),
                ("compositeCompletionAmount", completion_amount(amount).into()),
            ],
        ),
        Request::Deposit { order_id, amount } => {
            ("deposit.do", vec![("orderId", order_id.as_str().into()), ("amount", completion_amount(amount).into())])
        }
        // Without an amount: a hold is let go whole.
        Request::Reverse { order_id } => ("reverse.do", vec![("orderId", order_id.as_str().into())]),
        Request::Refund { order_id, minor, external_refund_id, expected_deposited_minor } => {
            let mut form: Form<'a> =
                vec![("orderId", order_id.as_str().into()), ("amount", minor.get().to_string().into())];
            form.extend(external_refund_id.map(|id| ("externalRefundId", id.into())));
            form.extend(expected_deposited_minor.map(|sum| ("expectedDepositedAmount", sum.to_string().into())));
            ("refund.do", form)
        }
        Request::Decline { order_id, order_number } => (
            "decline.do",
            vec![
                ("orderId", order_id.as_str().into()),
                ("orderNumber", order_number.as_str().into()),
                ("language", language.into()),
            ],
        ),
        Request::LastOrders(asked) => ("getLastOrdersForMerchants.do", last_orders(asked, language)),
    }
}

fn named(order: Named<'_>) -> (&'static str, Cow<'_, str>) {
    match order {
        Named::Id(id) => ("orderId", id.as_str().into()),
        Named::Number(number) => ("orderNumber", number.as_str().into()),
    }
}

/// `merchants` stays empty, which means every login that ours may see, and has to be there all the same.
fn last_orders(asked: LastOrders, language: &str) -> Form<'_> {
    let digits = |at| in_moscow(at).strftime("%Y%m%d%H%M%S").to_string();
    vec![
        ("language", language.into()),
        ("page", asked.page.to_string().into()),
        ("size", PAGE_SIZE.to_string().into()),
        ("from", digits(asked.from).into()),
        ("to", digits(asked.to).into()),
        ("transactionStates", STATES.join(",").into()),
        ("merchants", "".into()),
        // By payment, orders that nobody paid would be missing.
        ("searchByCreatedDate", "true".into()),
    ]
}

/// Appends a field as `application/x-www-form-urlencoded` writes it.
fn append(form: &mut String, name: &str, value: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    escape(name, form);
    form.push('=');
    escape(value, form);
}

fn escape(value: &str, form: &mut String) {
    use std::fmt::Write;
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => form.push(char::from(byte)),
            b' ' => form.push('+'),
            // Writing into a text cannot fail.
            _ => drop(write!(form, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_a_browser_would() {
        let mut form = String::new();
        append(&mut form, "a b", "1&2=3");
        append(&mut form, "number", "№1");
        assert_eq!(form, "a+b=1%262%3D3&number=%E2%84%961");
    }
}
