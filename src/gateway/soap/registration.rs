//! A registration as the `<order>` of registerOrder and registerOrderPreAuth: attributes, and child elements in the
//! order of the gateway's schema.
//!
//! Two blocks are in the documents (registerOrderPreAuth) and in no schema that was ever published. They stand behind
//! the others, and are written as the documents speak of them: `billingPayerData` and `additionalOfdParams` *contain
//! the elements* of their tables, one for each value.

use super::super::request::NoWord;
use super::node::Node;
use crate::domain::registration::{CartItem, Life, OrderBundle, Request, Values, moscow};

/// What of `customerDetails` stands before the delivery; everything else follows it.
const BEFORE_DELIVERY: [&str; 3] = ["email", "phone", "contact"];

/// The order to register. A date has the form of the documents, Moscow's clock without a zone: `ANS..19` has no room
/// for one.
pub(super) fn order(request: &Request) -> Result<Node, NoWord> {
    // To leave one away would register another order than was asked for.
    if request.dynamic_callback_url.is_some() {
        return Err(NoWord("dynamicCallbackUrl"));
    }
    if request.phone.is_some() {
        return Err(NoWord("phone of an order"));
    }
    let (seconds, until) = match request.life {
        Some(Life::Seconds(seconds)) => (Some(seconds.to_string()), None),
        Some(Life::Until(at)) => (None, Some(moscow(at))),
        None => (None, None),
    };
    let element = |name: &'static str, text: &Option<String>| text.as_ref().map(|text| Node::text(name, text));
    let param = |(name, value): &(String, String)| Node::new("params").with("name", name).with("value", value);
    let features = request.features.iter().map(|feature| Node::text("feature", feature));
    Ok(Node::new("order")
        .with("merchantOrderNumber", request.number.as_str())
        .with_any("description", request.description.as_ref())
        .with("amount", request.amount.minor().to_string())
        .with("currency", request.currency.to_string())
        .with_any("language", request.language.as_ref())
        .with_any("pageView", request.page_view.as_ref())
        .with_any("sessionTimeoutSecs", seconds)
        .with_any("taxSystem", request.tax_system.map(|system| system.to_string()))
        .with_any("bindingId", request.binding_id.as_ref())
        .with_any("expirationDate", until)
        .with_any("autocompletionDate", request.autocompletion_at.map(moscow))
        .holding([Node::text("returnUrl", &request.return_url)])
        .holding(element("failUrl", &request.fail_url))
        .holding(element("merchantLogin", &request.merchant_login))
        .holding(element("email", &request.email))
        .holding(element("postAddress", &request.post_address))
        .holding(request.params.iter().map(param))
        .holding(element("clientId", &request.client_id))
        .holding(request.order_bundle.as_ref().map(bundle))
        .holding(Node::new("features").holding(features).if_any())
        .holding(Node::new("additionalOfdParams").holding(elements(&request.additional_ofd_params)).if_any())
        .holding(Node::new("billingPayerData").holding(elements(&request.billing_payer_data)).if_any()))
}

/// One element for each value: a name with several of them stands there several times. The names are those of the
/// documents' tables; nothing else comes through the reading of a registration.
fn elements(values: &Values) -> impl Iterator<Item = Node> {
    values.iter().flat_map(|(name, all)| all.iter().map(|value| Node::text(name.clone(), value)))
}

fn bundle(bundle: &OrderBundle) -> Node {
    let (before, after): (Values, Values) =
        bundle.customer.iter().cloned().partition(|(name, _)| BEFORE_DELIVERY.contains(&name.as_str()));
    let customer = Node::new("customerDetails")
        .holding(elements(&before))
        .holding(Node::new("deliveryInfo").holding(elements(&bundle.delivery)).if_any())
        .holding(elements(&after));
    Node::new("orderBundle")
        .holding(bundle.created.as_ref().map(|at| Node::text("orderCreationDate", at)))
        .holding(customer.if_any())
        .holding([Node::new("cartItems").holding(bundle.items.iter().map(item))])
}

fn item(item: &CartItem) -> Node {
    let detail = |(name, value): &(String, String)| Node::text("itemDetailsParams", value).with("name", name);
    let named = |(name, all): &(String, Vec<String>)| {
        let each = |value: &String| Node::text("attributes", value).with("name", name);
        all.iter().map(each).collect::<Vec<_>>()
    };
    let number = |name: &'static str, number: Option<i64>| number.map(|number| Node::text(name, number.to_string()));
    let tax = Node::new("tax")
        .holding(item.tax_type.as_ref().map(|kind| Node::text("taxType", kind)))
        .holding(number("taxSum", item.tax_sum));
    Node::new("items")
        .with("positionId", &item.position)
        .holding([Node::text("name", &item.name)])
        .holding(Node::new("itemDetails").holding(item.details.iter().map(detail)).if_any())
        .holding([Node::text("quantity", item.quantity.to_string()).with("measure", &item.measure)])
        .holding(number("itemAmount", item.amount))
        .holding(item.currency.map(|currency| Node::text("itemCurrency", currency.to_string())))
        .holding([Node::text("itemCode", &item.code)])
        .holding(tax.if_any())
        .holding(number("itemPrice", item.price))
        .holding(Node::new("itemAttributes").holding(item.attributes.iter().flat_map(named)).if_any())
}
