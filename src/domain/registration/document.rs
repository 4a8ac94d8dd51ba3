//! A request as the document it was read from: what is kept of it, what two of them differ in, and what is taken out
//! of it once it was sent.

use super::cart::EXACT_DIGITS;
use super::tree::Tree;
use super::{CartItem, Life, OrderBundle, Request, Values};
use crate::domain::operation::CompletionAmount;
use crate::domain::time::Timestamp;

/// What tells who the buyer is. It is sent, and not kept longer than that takes.
const PERSONAL: [&str; 8] = [
    "client_id",
    "email",
    "phone",
    "post_address",
    "billing_payer_data",
    "params",
    "order_bundle.customerDetails",
    "binding_id",
];

/// The same inside `additional_ofd_params`, by the beginning of the name.
const PERSONAL_OFD: &str = "client.";

/// Fields told in a difference at most.
const TOLD_MAX: usize = 16;

/// A moment as the bank reads one: Moscow's clock, which has stood still at UTC+3 since 2014, and no zone.
pub fn moscow(at: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        Err(_) => at.to_string(),
    }
}

/// The moment of such a text, or of one with an offset; to the second, which is all that the bank is told.
pub(super) fn from_moscow(text: &str) -> Option<Timestamp> {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(3));
    let civil = || jiff::civil::DateTime::strptime("%Y-%m-%dT%H:%M:%S", text).ok()?.to_zoned(zone).ok();
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| civil().map(|at| at.timestamp()))?;
    Some(Timestamp::from_millis(moment.as_second().checked_mul(1_000)?))
}

impl Request {
    /// The document: [`super::read()`] makes the same request of it again.
    pub fn document(&self) -> Tree {
        let mut entries = vec![
            ("order_number", Tree::text(self.number.as_str())),
            ("amount", Tree::Integer(self.amount.minor().into())),
            ("currency", Tree::text(self.currency.to_string())),
            ("two_phase", Tree::Truth(self.two_phase)),
            ("return_url", Tree::text(&self.return_url)),
        ];
        if let CompletionAmount::Exactly(part) = self.completion {
            entries.push(("complete_amount", Tree::Integer(part.minor().into())));
        }
        let texts = [
            ("fail_url", &self.fail_url),
            ("dynamic_callback_url", &self.dynamic_callback_url),
            ("description", &self.description),
            ("language", &self.language),
            ("page_view", &self.page_view),
            ("client_id", &self.client_id),
            ("merchant_login", &self.merchant_login),
            ("binding_id", &self.binding_id),
            ("email", &self.email),
            ("phone", &self.phone),
            ("post_address", &self.post_address),
        ];
        entries.extend(texts.into_iter().filter_map(|(name, text)| text.as_ref().map(|text| (name, Tree::text(text)))));
        match self.life {
            Some(Life::Seconds(seconds)) => entries.push(("session_timeout_secs", Tree::Integer(seconds.into()))),
            Some(Life::Until(at)) => entries.push(("expiration_date", Tree::text(moscow(at)))),
            None => {}
        }
        if !self.params.is_empty() {
            entries.push(("params", pairs(&self.params)));
        }
        if !self.features.is_empty() {
            entries.push(("features", Tree::List(self.features.iter().map(Tree::text).collect())));
        }
        entries.extend(self.tax_system.map(|system| ("tax_system", Tree::Integer(system.into()))));
        entries.extend(self.autocompletion_at.map(|at| ("autocompletion_date", Tree::text(moscow(at)))));
        if !self.billing_payer_data.is_empty() {
            entries.push(("billing_payer_data", values(&self.billing_payer_data)));
        }
        if !self.additional_ofd_params.is_empty() {
            entries.push(("additional_ofd_params", values(&self.additional_ofd_params)));
        }
        entries.extend(self.order_bundle.as_ref().map(|bundle| ("order_bundle", bundle.document())));
        object(entries)
    }
}

impl OrderBundle {
    /// As the bank reads it.
    pub fn document(&self) -> Tree {
        let mut customer = entries(&self.customer);
        if !self.delivery.is_empty() {
            customer.push(("deliveryInfo".to_owned(), values(&self.delivery)));
        }
        let items = Tree::List(self.items.iter().map(CartItem::document).collect());
        let mut bundle = Vec::new();
        bundle.extend(self.created.as_ref().map(|at| ("orderCreationDate", Tree::text(at))));
        if !customer.is_empty() {
            bundle.push(("customerDetails", Tree::Object(customer)));
        }
        bundle.push(("cartItems", object(vec![("items", items)])));
        object(bundle)
    }
}

impl CartItem {
    fn document(&self) -> Tree {
        let value = self.quantity.to_string();
        // A reader makes a float of more digits than that, and would read another quantity.
        let value = if value.len() > EXACT_DIGITS { Tree::Text(value) } else { Tree::Fraction(value) };
        let quantity = vec![("value", value), ("measure", Tree::text(&self.measure))];
        let mut item = vec![
            ("positionId", Tree::text(&self.position)),
            ("name", Tree::text(&self.name)),
            ("quantity", object(quantity)),
            ("itemCode", Tree::text(&self.code)),
        ];
        let number = |(name, number): (&'static str, Option<i64>)| Some((name, Tree::Integer(number?.into())));
        item.extend([("itemAmount", self.amount), ("itemPrice", self.price)].into_iter().filter_map(number));
        item.extend(self.currency.map(|currency| ("itemCurrency", Tree::text(currency.to_string()))));
        let mut tax = Vec::new();
        tax.extend(self.tax_type.as_ref().map(|kind| ("taxType", Tree::text(kind))));
        tax.extend(self.tax_sum.map(|sum| ("taxSum", Tree::Integer(sum.into()))));
        if !tax.is_empty() {
            item.push(("tax", object(tax)));
        }
        if !self.details.is_empty() {
            let params = self.details.iter().map(|(name, value)| named(name, value)).collect();
            item.push(("itemDetails", object(vec![("itemDetailsParams", Tree::List(params))])));
        }
        if !self.attributes.is_empty() {
            // One with several values stands there several times, as an element of XML would.
            let all = self.attributes.iter().flat_map(|(name, all)| all.iter().map(|value| named(name, value)));
            item.push(("itemAttributes", object(vec![("attributes", Tree::List(all.collect()))])));
        }
        object(item)
    }
}

fn object(entries: Vec<(&str, Tree)>) -> Tree {
    Tree::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn named(name: &str, value: &str) -> Tree {
    object(vec![("name", Tree::text(name)), ("value", Tree::text(value))])
}

fn pairs(pairs: &[(String, String)]) -> Tree {
    Tree::Object(pairs.iter().map(|(name, value)| (name.clone(), Tree::text(value))).collect())
}

fn entries(values: &Values) -> Vec<(String, Tree)> {
    let one = |all: &[String]| match all {
        [only] => Tree::text(only),
        several => Tree::List(several.iter().map(Tree::text).collect()),
    };
    values.iter().map(|(name, all)| (name.clone(), one(all))).collect()
}

/// Names with one value, or with the list of several.
pub fn values(values: &Values) -> Tree {
    Tree::Object(entries(values))
}

/// The document without what tells who the buyer is.
#[must_use]
pub fn without_personal_data(document: &Tree) -> Tree {
    strip(document, "")
}

fn strip(tree: &Tree, path: &str) -> Tree {
    let Tree::Object(entries) = tree else { return tree.clone() };
    let kept = entries.iter().filter_map(|(name, value)| {
        let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let of_client = path == "additional_ofd_params" && name.starts_with(PERSONAL_OFD);
        if PERSONAL.contains(&at.as_str()) || of_client {
            return None;
        }
        let deeper = matches!(at.as_str(), "order_bundle" | "additional_ofd_params");
        Some((name.clone(), if deeper { strip(value, &at) } else { value.clone() }))
    });
    Tree::Object(kept.collect())
}

/// The paths in which two documents differ; the first few.
pub fn differences(kept: &Tree, new: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    compare(kept, new, "", &mut found);
    found
}

fn compare(kept: &Tree, new: &Tree, path: &str, found: &mut Vec<String>) {
    if kept == new || found.len() >= TOLD_MAX {
        return;
    }
    match (kept, new) {
        (Tree::Object(of_kept), Tree::Object(of_new)) => {
            let mut names: Vec<&str> = of_kept.iter().chain(of_new).map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let at = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                let (kept, new) = (kept.get(name).unwrap_or(&Tree::Null), new.get(name).unwrap_or(&Tree::Null));
                compare(kept, new, &at, found);
            }
        }
        (Tree::List(kept), Tree::List(new)) if kept.len() == new.len() => {
            for (position, (kept, new)) in kept.iter().zip(new).enumerate() {
                compare(kept, new, &format!("{path}[{position}]"), found);
            }
        }
        _ if kept.to_string() == new.to_string() => {}
        _ => found.push(path.to_owned()),
    }
}
