//! What is asked over SOAP 1.1, rpc/literal: the wrapper in the service's namespace, everything below it in none, and
//! the login in a WS-Security header (`protocol` reference, section 3).

use secrecy::ExposeSecret;

use super::super::last_orders::{LastOrders, PAGE_SIZE, STATES};
use super::super::request::{Encoded, Named, NoWord, Request, completion_amount, in_moscow};
use super::Service;
use super::node::Node;
use super::registration;
use crate::config::{Credentials, GatewayConfig, Protocol};

const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const PASSWORD_TEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";

/// `request` as an envelope, or the word that SOAP lacks for it.
pub(in super::super) fn encode(request: &Request<'_>, config: &GatewayConfig) -> Result<Encoded, NoWord> {
    let body = body(request, &config.language)?;
    let service = Service::of(request);
    let (Credentials::Login { user_name, password }, Some(url)) = (&config.credentials, address(service, config))
    else {
        // The configuration is refused before it comes to this.
        return Err(NoWord("way in for this login"));
    };
    let token = Node::new("wsse:UsernameToken").holding([
        Node::text("wsse:Username", user_name),
        Node::text("wsse:Password", password.expose_secret()).with("Type", PASSWORD_TEXT),
    ]);
    let security = Node::new("wsse:Security").with("xmlns:wsse", SECURITY).holding([token]);
    let wrapper = Node::new(format!("mer:{}", super::operation(request))).holding([body]);
    let envelope = Node::new("soapenv:Envelope")
        .with("xmlns:soapenv", super::ENVELOPE)
        .with("xmlns:mer", service.namespace())
        .holding([Node::new("soapenv:Header").holding([security]), Node::new("soapenv:Body").holding([wrapper])]);
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
    envelope.write(&mut xml);
    Ok(Encoded { url, content_type: "text/xml; charset=utf-8", soap_action: Some("\"\""), body: xml })
}

fn address(service: Service, config: &GatewayConfig) -> Option<String> {
    match (service, &config.protocol) {
        (Service::Merchant, _) => Some(config.url.clone()),
        (Service::Loyalty, Protocol::Soap { loyalty_url }) => loyalty_url.clone(),
        (Service::Loyalty, Protocol::Rest) => None,
    }
}

/// `<order orderId=".." language="..">`, as most requests have it.
fn order<const N: usize>(attributes: [(&'static str, String); N]) -> Node {
    attributes.into_iter().fold(Node::new("order"), |node, (name, value)| node.with(name, value))
}

fn body(request: &Request<'_>, language: &str) -> Result<Node, NoWord> {
    let language = || ("language", language.to_owned());
    let id = |id: &str| ("orderId", id.to_owned());
    Ok(match *request {
        Request::Register(asked) => registration::order(asked)?,
        Request::Status { order: Named::Id(order_id) } => order([id(order_id.as_str()), language()]),
        Request::Status { order: Named::Number(number) } => {
            order([language()]).holding([Node::text("merchantOrderNumber", number.as_str())])
        }
        Request::AutoCompletion { order_id, amount } => Node::new("autoCompletionRequest")
            .with("orderId", order_id.as_str())
            .with("compositeCompletionAmount", completion_amount(amount))
            .with("language", language().1),
        Request::Deposit { order_id, amount } => {
            order([id(order_id.as_str()), ("depositAmount", completion_amount(amount)), language()])
        }
        Request::Reverse { order_id } => order([id(order_id.as_str()), language()]),
        // To leave the id away would make a repetition that the caller takes to be harmless a second refund.
        Request::Refund { external_refund_id: Some(_), .. } => return Err(NoWord("externalRefundId")),
        Request::Refund { order_id, minor, external_refund_id: None, expected_deposited_minor } => {
            let expected = expected_deposited_minor.map(|sum| Node::text("expectedDepositedAmount", sum.to_string()));
            let refunded = ("refundAmount", minor.get().to_string());
            order([id(order_id.as_str()), refunded, language()]).holding(expected)
        }
        Request::Decline { .. } => return Err(NoWord("decline")),
        Request::LastOrders(asked) => last_orders(asked),
    })
}

fn last_orders(asked: LastOrders) -> Node {
    let moment = |at| in_moscow(at).strftime("%Y-%m-%dT%H:%M:%S+03:00").to_string();
    let states = STATES.iter().map(|state| Node::text("transactionStates", *state));
    Node::new("request").holding([
        Node::text("page", asked.page.to_string()),
        Node::text("size", PAGE_SIZE.to_string()),
        Node::text("from", moment(asked.from)),
        Node::text("to", moment(asked.to)),
        Node::new("transactionStates").holding(states),
        Node::new("merchants"),
        Node::text("searchByCreatedDate", "true"),
    ])
}
