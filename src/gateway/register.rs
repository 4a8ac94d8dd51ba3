//! Registering an order over REST: a request as form fields, and what the bank says to it.
//!
//! What is structured travels as JSON text in one field; `features` repeats (register.do, request parameters).

use std::future::ready;

use tokio::time::Instant;

use super::codes::{self, RegisterCode};
use super::json::Registered;
use super::rest::{framed, refusal, system_error, unreadable};
use super::scrub::{Scrubber, mask_card_numbers};
use super::transport::Reply;
use super::{Asked, Gateway, Named, Permit, last_word};
use crate::domain::bank::StatusAnswer;
use crate::domain::order::{OrderId, OrderNumber};
use crate::domain::registration::journey::RegisterAnswer;
use crate::domain::registration::{Life, Request, Tree, Values, moscow};
use crate::domain::weather::Weather;
use crate::metrics::{Answer, Operation};

/// The longest form URL: `AN..512` of the documents, and room for what other banks append.
const FORM_URL_MAX: usize = 2_048;

impl Gateway {
    /// Registers an order (register.do, or registerPreAuth.do for two phases). The caller has written it in doubt, and
    /// synced, before this is called.
    pub async fn register(&self, request: &Request, permit: Permit) -> RegisterAnswer {
        if let Some(unasked) = self.login.unasked() {
            return RegisterAnswer::NotSent(unasked);
        }
        let request = super::Request::Register(request);
        let (begun, asked) = (Instant::now(), self.timekeeper.moment());
        let heard = last_word::with(Box::pin(ready(Ok(()))), self.transport.post(&request)).await;
        let answer = read(self.heard(heard, &request, (begun, asked)), &self.scrubber);
        if let RegisterAnswer::Refused(refusal) = &answer {
            self.login.heard(Asked::Registration, refusal);
        }
        self.overhead(Weather::of_registration(&answer), || words_of(&answer), begun);
        drop(permit);
        let class = Answer::of_registration(&answer);
        self.metrics.gateway_request(&self.merchant, Operation::Registration, class, begun.elapsed());
        answer
    }

    /// Asks whether the bank has an order of `number`, of which we know nothing else (getOrderStatusExtended.do).
    pub async fn find(&self, number: &OrderNumber, permit: Permit) -> StatusAnswer {
        self.ask(Named::Number(number), permit).await.answer
    }
}

fn words_of(answer: &RegisterAnswer) -> String {
    match answer {
        RegisterAnswer::Registered { .. } => String::new(),
        RegisterAnswer::Refused(refusal) => refusal.to_string(),
        RegisterAnswer::NotSent(unknown) | RegisterAnswer::Unknown(unknown) => unknown.to_string(),
    }
}

/// The last part of the address.
pub(super) const fn method(request: &Request) -> &'static str {
    if request.two_phase { "registerPreAuth.do" } else { "register.do" }
}

/// The form fields, credentials apart.
pub(super) fn fields(request: &Request) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("orderNumber", request.number.as_str().to_owned()),
        ("amount", request.amount.minor().to_string()),
        ("currency", request.currency.to_string()),
        ("returnUrl", request.return_url.clone()),
    ];
    let texts = [
        ("failUrl", &request.fail_url),
        ("dynamicCallbackUrl", &request.dynamic_callback_url),
        ("description", &request.description),
        ("language", &request.language),
        ("pageView", &request.page_view),
        ("clientId", &request.client_id),
        ("merchantLogin", &request.merchant_login),
        ("bindingId", &request.binding_id),
        ("email", &request.email),
        ("phone", &request.phone),
        ("postAddress", &request.post_address),
    ];
    fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
    if !request.params.is_empty() {
        let named = |(name, value): &(String, String)| (name.clone(), Tree::text(value));
        fields.push(("jsonParams", Tree::Object(request.params.iter().map(named).collect()).to_string()));
    }
    match request.life {
        Some(Life::Seconds(seconds)) => fields.push(("sessionTimeoutSecs", seconds.to_string())),
        Some(Life::Until(at)) => fields.push(("expirationDate", moscow(at))),
        None => {}
    }
    fields.extend(request.features.iter().map(|feature| ("features", feature.clone())));
    fields.extend(request.tax_system.map(|system| ("taxSystem", system.to_string())));
    fields.extend(request.autocompletion_at.map(|at| ("autocompletionDate", moscow(at))));
    fields.extend(structured("billingPayerData", &request.billing_payer_data));
    fields.extend(structured("additionalOfdParams", &request.additional_ofd_params));
    fields.extend(request.order_bundle.as_ref().map(|bundle| ("orderBundle", bundle.document().to_string())));
    fields
}

fn structured(name: &'static str, values: &Values) -> Option<(&'static str, String)> {
    (!values.is_empty()).then(|| (name, crate::domain::registration::values(values).to_string()))
}

/// Reads an answer.
pub(super) fn read(reply: Reply, scrubber: &Scrubber) -> RegisterAnswer {
    match reply {
        Err(unknown) if unknown.kind.never_left() => RegisterAnswer::NotSent(unknown),
        Err(unknown) => RegisterAnswer::Unknown(unknown),
        Ok(body) => match framed::<Registered>(&body) {
            Err(unknown) => RegisterAnswer::Unknown(unknown),
            Ok((frame, registered)) => match codes::of_registration(frame.code()) {
                RegisterCode::Registered => accepted(registered, scrubber),
                RegisterCode::Refused => RegisterAnswer::Refused(refusal(&frame, scrubber)),
                RegisterCode::Unknown => RegisterAnswer::Unknown(system_error(&frame, scrubber)),
            },
        },
    }
}

/// An order id makes it registered: without one there is nothing to ask about but the number.
fn accepted(registered: Registered, scrubber: &Scrubber) -> RegisterAnswer {
    let unknown = |why: &str| RegisterAnswer::Unknown(unreadable(why.to_owned()));
    let Some(id) = registered.order_id else { return unknown("no orderId and no error") };
    if id.bytes().all(|byte| byte.is_ascii_digit()) && mask_card_numbers(&id) != id {
        return unknown("orderId looks like a card number");
    }
    match OrderId::new(&id) {
        Ok(order_id) => {
            let form_url = registered.form_url.filter(|url| is_form_url(url) && !scrubber.finds_secret(url));
            RegisterAnswer::Registered { order_id, form_url }
        }
        Err(_) => unknown("orderId is not an id of 1 to 64 visible characters"),
    }
}

/// A buyer is sent there, so it is an address of the web or none.
fn is_form_url(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && text.len() <= FORM_URL_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
