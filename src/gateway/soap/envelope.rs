//! What is asked over SOAP 1.1, rpc/literal: the wrapper in the service's namespace, everything below it in none, and the
//! login in a WS-Security header (`protocol` reference, section 3).

use quick_xml::escape::escape;
use secrecy::ExposeSecret;

use super::super::last_orders::{LastOrders, PAGE_SIZE, STATES};
use super::super::request::{Encoded, Named, NoWord, Request, completion_amount, in_moscow};
use super::Service;
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
    let mut xml = Xml::new();
    let (envelope, operation) = (super::ENVELOPE, super::operation(request));
    xml.open("soapenv:Envelope", &[("xmlns:soapenv", envelope), ("xmlns:mer", service.namespace())]);
    xml.open("soapenv:Header", &[]);
    xml.open("wsse:Security", &[("xmlns:wsse", SECURITY)]);
    xml.open("wsse:UsernameToken", &[]);
    xml.text("wsse:Username", &[], user_name);
    xml.text("wsse:Password", &[("Type", PASSWORD_TEXT)], password.expose_secret());
    xml.close("wsse:UsernameToken").close("wsse:Security").close("soapenv:Header");
    xml.open("soapenv:Body", &[]);
    let wrapper = format!("mer:{operation}");
    xml.open(&wrapper, &[]);
    body.write(&mut xml);
    xml.close(&wrapper).close("soapenv:Body").close("soapenv:Envelope");
    Ok(Encoded { url, content_type: "text/xml; charset=utf-8", soap_action: Some("\"\""), body: xml.0 })
}

fn address(service: Service, config: &GatewayConfig) -> Option<String> {
    match (service, &config.protocol) {
        (Service::Merchant, _) => Some(config.url.clone()),
        (Service::Loyalty, Protocol::Soap { loyalty_url }) => loyalty_url.clone(),
        (Service::Loyalty, Protocol::Rest) => None,
    }
}

/// The one part of a request: its name, its attributes, and its child elements.
struct Part {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Child>,
}

/// A child element: a text, or a list of texts by one name.
enum Child {
    Text(&'static str, String),
    Texts(&'static str, Vec<String>),
}

impl Part {
    /// `<order orderId=".." language="..">`, as most requests have it.
    fn order<const N: usize>(attributes: [(&'static str, String); N]) -> Self {
        Self { name: "order", attributes: attributes.into(), children: Vec::new() }
    }

    fn write(&self, xml: &mut Xml) {
        let attributes: Vec<_> = self.attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        xml.open(self.name, &attributes);
        for child in &self.children {
            match child {
                Child::Text(name, text) => xml.text(name, &[], text),
                Child::Texts(name, texts) => {
                    xml.open(name, &[]);
                    for text in texts {
                        xml.text(name, &[], text);
                    }
                    xml.close(name);
                }
            }
        }
        xml.close(self.name);
    }
}

fn body(request: &Request<'_>, language: &str) -> Result<Part, NoWord> {
    let language = || ("language", language.to_owned());
    let id = |id: &str| ("orderId", id.to_owned());
    Ok(match *request {
        Request::Register(_) => return Err(NoWord("registration")),
        Request::Status { order: Named::Id(order_id) } => Part::order([id(order_id.as_str()), language()]),
        Request::Status { order: Named::Number(number) } => Part {
            children: vec![Child::Text("merchantOrderNumber", number.as_str().to_owned())],
            ..Part::order([language()])
        },
        Request::AutoCompletion { order_id, amount } => Part {
            name: "autoCompletionRequest",
            ..Part::order([id(order_id.as_str()), ("compositeCompletionAmount", completion_amount(amount)), language()])
        },
        Request::Deposit { order_id, amount } => {
            Part::order([id(order_id.as_str()), ("depositAmount", completion_amount(amount)), language()])
        }
        Request::Reverse { order_id } => Part::order([id(order_id.as_str()), language()]),
        // To leave the id away would make a repetition that the caller takes to be harmless a second refund.
        Request::Refund { external_refund_id: Some(_), .. } => return Err(NoWord("externalRefundId")),
        Request::Refund { order_id, minor, external_refund_id: None, expected_deposited_minor } => {
            let expected = expected_deposited_minor.map(|sum| Child::Text("expectedDepositedAmount", sum.to_string()));
            let refunded = ("refundAmount", minor.get().to_string());
            Part {
                children: expected.into_iter().collect(),
                ..Part::order([id(order_id.as_str()), refunded, language()])
            }
        }
        Request::Decline { .. } => return Err(NoWord("decline")),
        Request::LastOrders(asked) => last_orders(asked),
    })
}

fn last_orders(asked: LastOrders) -> Part {
    let children = vec![
        Child::Text("page", asked.page.to_string()),
        Child::Text("size", PAGE_SIZE.to_string()),
        Child::Text("from", in_moscow(asked.from).strftime("%Y-%m-%dT%H:%M:%S+03:00").to_string()),
        Child::Text("to", in_moscow(asked.to).strftime("%Y-%m-%dT%H:%M:%S+03:00").to_string()),
        Child::Texts("transactionStates", STATES.iter().map(|state| (*state).to_owned()).collect()),
        Child::Texts("merchants", Vec::new()),
        Child::Text("searchByCreatedDate", "true".to_owned()),
    ];
    Part { name: "request", attributes: Vec::new(), children }
}

/// A document in the making: everything that is written into it is escaped.
struct Xml(String);

impl Xml {
    fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned())
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.0.push_str(&escape(*value));
            self.0.push('"');
        }
        self.0.push('>');
    }

    fn close(&mut self, name: &str) -> &mut Self {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }

    fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.0.push_str(&escape(text));
        self.close(name);
    }
}
