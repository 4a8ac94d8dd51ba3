//! The cart of an order (`orderBundle`): who buys, what, how much of it, and whether that is worth the amount.
//!
//! It is written as the bank's own JSON, names and all, because shops have it in that form and the bank takes it as one
//! text.

use super::decimal::Quantity;
use super::problem::{Flaw, shown};
use super::rules::{CUSTOMER, Class, DELIVERY, ITEM_ATTRIBUTES, MEASURES, Named, up_to};
use super::section::{Section, texts_of};
use super::tree::Tree;
use crate::domain::money::Currency;

/// Names with their values, in the order of the bank's tables.
pub type Values = Vec<(String, Vec<String>)>;

/// The greatest sum of a line: `N..18`.
const SUM_MAX: i64 = 999_999_999_999_999_999;

/// What a line's details may have together, in bytes (registerOrderPreAuth, `itemDetails`).
const DETAILS_MAX: usize = 1_024;

/// Everything bought with one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBundle {
    /// `orderCreationDate`: `2026-11-20T14:03:05`.
    pub created: Option<String>,
    /// `customerDetails`, but for the delivery.
    pub customer: Values,
    /// `deliveryInfo`.
    pub delivery: Values,
    /// At least one.
    pub items: Vec<CartItem>,
}

/// One line of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartItem {
    /// `positionId`, unique in the cart.
    pub position: String,
    /// `name`.
    pub name: String,
    /// `itemDetailsParams`: names and values.
    pub details: Vec<(String, String)>,
    /// `quantity.value`.
    pub quantity: Quantity,
    /// `quantity.measure`: a word, or a code of FFD 1.2.
    pub measure: String,
    /// `itemAmount`: what the line is worth, in minor units.
    pub amount: Option<i64>,
    /// `itemCurrency`.
    pub currency: Option<Currency>,
    /// `itemCode`.
    pub code: String,
    /// `tax.taxType`.
    pub tax_type: Option<String>,
    /// `tax.taxSum`, in minor units.
    pub tax_sum: Option<i64>,
    /// `itemPrice`: what one is worth, in minor units.
    pub price: Option<i64>,
    /// `itemAttributes`: FFD 1.05 and 1.2.
    pub attributes: Values,
}

impl CartItem {
    /// What the line is worth: price times quantity, rounded, or the sum that stands there without a price.
    pub fn worth(&self) -> Option<i64> {
        self.price.map_or(self.amount, |price| self.quantity.worth(price))
    }
}

/// Reads the cart; `None` when something is wrong that leaves a hole in it.
pub(super) fn bundle(section: &mut Section<'_, '_>, currency: Option<Currency>) -> Option<OrderBundle> {
    let created = section.text("orderCreationDate", up_to(Class::Printable, 21));
    if created.as_deref().is_some_and(|at| jiff::civil::DateTime::strptime("%Y-%m-%dT%H:%M:%S", at).is_err()) {
        section.note(Flaw::NotATime, "orderCreationDate", "write it as 2026-11-20T14:03:05");
    }
    let (customer, delivery) = section.section("customerDetails", customer).unwrap_or_default();
    let read = |cart: &mut Section<'_, '_>| {
        let items = cart.each("items", |item| self::item(item, currency));
        if items.as_ref().is_none_or(Vec::is_empty) {
            cart.missing("items", "give at least one line");
        }
        let items: Vec<CartItem> = items?.into_iter().collect::<Option<_>>()?;
        for (position, item) in items.iter().enumerate() {
            if items.iter().take(position).any(|before| before.position == item.position) {
                let sentence = format!("the line {} is there already; number the lines", shown(&item.position));
                cart.note(Flaw::Contradiction, &format!("items[{position}].positionId"), sentence);
            }
        }
        Some(items)
    };
    let items = section.section("cartItems", read);
    if items.is_none() {
        section.missing("cartItems", "a cart has lines: {\"items\": [...]}");
    }
    Some(OrderBundle { created, customer, delivery, items: items.flatten()? })
}

fn customer(section: &mut Section<'_, '_>) -> (Values, Values) {
    let customer = section.table(&CUSTOMER);
    if !["email", "phone"].iter().any(|name| section.is_given(name)) {
        section.missing("email", "the bank wants the buyer's e-mail or phone");
    }
    let delivery = section.section("deliveryInfo", |delivery| {
        let found = delivery.table(&DELIVERY);
        for Named { name, .. } in DELIVERY.iter().skip(1) {
            if !delivery.is_given(name) {
                delivery.missing(name, "a delivery has a country, a city and an address");
            }
        }
        found
    });
    (customer, delivery.unwrap_or_default())
}

fn item(section: &mut Section<'_, '_>, order_currency: Option<Currency>) -> Option<CartItem> {
    let position = section.required_text("positionId", up_to(Class::Printable, 12), "number the lines");
    let name = section.required_text("name", up_to(Class::Printable, 100), "say what is sold");
    let code = section.required_text("itemCode", up_to(Class::Printable, 100), "give the shop's own id of the goods");
    let details = section.section("itemDetails", details).unwrap_or_default();
    let quantity = section.section("quantity", quantity);
    if quantity.is_none() {
        section.missing("quantity", "write {\"value\": 1, \"measure\": \"pcs\"}");
    }
    let amount = section.number("itemAmount", 0, SUM_MAX);
    let price = section.number("itemPrice", 0, SUM_MAX);
    if !section.is_given("itemAmount") && !section.is_given("itemPrice") {
        section.missing("itemPrice", "give what one is worth in minor units, or the line's itemAmount");
    }
    let currency = currency(section, order_currency);
    let tax =
        section.section("tax", |tax| (tax.text("taxType", up_to(Class::Digits, 2)), tax.number("taxSum", 0, SUM_MAX)));
    let (tax_type, tax_sum) = tax.unwrap_or_default();
    let attributes = section.section("itemAttributes", attributes).unwrap_or_default();
    let (quantity, measure) = quantity.flatten()?;
    check_marking(section, &attributes, &measure);
    let item = CartItem {
        position: position?,
        name: name?,
        details,
        quantity,
        measure,
        amount,
        currency,
        code: code?,
        tax_type,
        tax_sum,
        price,
        attributes,
    };
    check_line(section, &item);
    Some(item)
}

fn quantity(section: &mut Section<'_, '_>) -> Option<(Quantity, String)> {
    let measure = section.required_text("measure", up_to(Class::Printable, 20), "say in what it is counted");
    let written = section.required("value", "say how much of it is sold")?;
    let text = match written {
        Tree::Integer(number) => number.to_string(),
        Tree::Fraction(text) if text.len() > EXACT_DIGITS => {
            section.note(
                Flaw::WrongForm,
                "value",
                "write a number of so many digits in quotes, so that it stays what it is",
            );
            return None;
        }
        Tree::Text(text) | Tree::Fraction(text) => text.clone(),
        other => {
            section.note(Flaw::WrongType, "value", format!("{} stands where a quantity belongs", other.kind()));
            return None;
        }
    };
    let value = Quantity::parse(&text);
    if value.is_none() {
        let sentence = format!("{} is no quantity; write more than 0, with a point: 1.5", shown(&text));
        section.note(Flaw::WrongForm, "value", sentence);
    }
    Some((value?, measure?))
}

/// A JSON number of so many characters, its point among them, comes through a reader unchanged.
pub(super) const EXACT_DIGITS: usize = 16;

fn currency(section: &mut Section<'_, '_>, of_order: Option<Currency>) -> Option<Currency> {
    let text = section.text("itemCurrency", up_to(Class::Name, 3))?;
    match Currency::parse(&text) {
        Ok(found) if of_order.is_none_or(|order| order == found) => Some(found),
        Ok(_) => {
            section.note(
                Flaw::Contradiction,
                "itemCurrency",
                "it is not the order's; leave it out, or write the order's",
            );
            None
        }
        Err(error) => {
            section.note(Flaw::UnknownCurrency, "itemCurrency", error.to_string());
            None
        }
    }
}

fn details(section: &mut Section<'_, '_>) -> Vec<(String, String)> {
    let each = section.each("itemDetailsParams", |detail| {
        let name = detail.required_text("name", up_to(Class::Printable, 255), "say what the value means");
        let value = detail.required_text("value", up_to(Class::Printable, 255), "give its value");
        name.zip(value)
    });
    let found: Vec<(String, String)> = each.unwrap_or_default().into_iter().flatten().collect();
    let bytes: usize = found.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > DETAILS_MAX {
        let sentence = format!("the details have {bytes} bytes; the bank takes {DETAILS_MAX} of a line at most");
        section.note(Flaw::TooLong, "itemDetailsParams", sentence);
    }
    found
}

/// `{"attributes": [{"name": "paymentMethod", "value": "1"}, ...]}`; the order of the names is the bank's tables',
/// others follow as they were written.
fn attributes(section: &mut Section<'_, '_>) -> Values {
    let each = section.each("attributes", |attribute| {
        let name = attribute.required_text("name", up_to(Class::Printable, 255), "name the attribute");
        let value = attribute.required("value", "give its value");
        let known = name.as_ref().and_then(|name| ITEM_ATTRIBUTES.iter().find(|known| known.name == name));
        let (rule, listed) = known.map_or((up_to(Class::Printable, 1_024), false), |known| (known.rule, known.listed));
        let path = attribute.at("value");
        let values = value.map(|value| texts_of(value, &path, rule, listed, attribute.problems)).unwrap_or_default();
        let too_long = name.as_deref() == Some("nomenclature") && values.iter().any(|value| value.len() > 32);
        if too_long {
            attribute.note(Flaw::TooLong, "value", "a nomenclature has 32 bytes at most");
        }
        Some((name?, values))
    });
    let mut found: Values = Vec::new();
    for (name, values) in each.into_iter().flatten().flatten() {
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(values),
            None => found.push((name, values)),
        }
    }
    let listed = |name: &str| ITEM_ATTRIBUTES.iter().any(|known| known.listed && known.name == name);
    for (name, values) in &found {
        if values.len() > 1 && !listed(name) {
            section.note(Flaw::DuplicateField, "attributes", format!("{} is given twice; give it once", shown(name)));
        }
    }
    found.retain(|(_, values)| !values.is_empty());
    found
}

/// FFD 1.2: a part of a marked thing has its code, is counted in nothing, and is a part.
fn check_marking(section: &mut Section<'_, '_>, attributes: &Values, measure: &str) {
    let value = |name: &str| {
        let found = attributes.iter().find(|(known, _)| known == name)?;
        found.1.first().map(String::as_str)
    };
    let part = (value("markQuantity.numerator"), value("markQuantity.denominator"));
    if attributes.iter().any(|(name, _)| name.starts_with("agent_info.")) && value("agent_info.type").is_none() {
        section.note(
            Flaw::Missing,
            "itemAttributes",
            "agent_info is given without agent_info.type; name the agent's kind",
        );
    }
    match part {
        (None, None) => return,
        (Some(numerator), Some(denominator)) => {
            let number = |text: &str| text.parse::<u64>().unwrap_or(0);
            if number(denominator) == 0 || number(numerator) == 0 || number(numerator) > number(denominator) {
                let sentence = "markQuantity is no part of a whole; give a numerator from 1 up to the denominator";
                section.note(Flaw::OutOfRange, "itemAttributes", sentence);
            }
        }
        _ => {
            let sentence = "markQuantity is a fraction; give its numerator and its denominator";
            section.note(Flaw::Missing, "itemAttributes", sentence);
        }
    }
    if value("nomenclature").is_none() {
        section.note(
            Flaw::Missing,
            "itemAttributes",
            "markQuantity is given without nomenclature; give the code of the mark",
        );
    }
    if !MEASURES.contains(&measure) {
        section.note(Flaw::WrongForm, "quantity.measure", "with FFD 1.2 a measure is a code; a marked thing's is 0");
    } else if measure != "0" {
        section.note(Flaw::Contradiction, "quantity.measure", "with nomenclature and markQuantity it is always 0");
    }
}

fn check_line(section: &mut Section<'_, '_>, item: &CartItem) {
    let (Some(price), Some(amount)) = (item.price, item.amount) else { return };
    match item.quantity.worth(price) {
        Some(worth) if worth == amount => {}
        Some(worth) => {
            let sentence =
                format!("{} at {price} are worth {worth} minor units, not {amount}; mend one of them", item.quantity);
            section.note(Flaw::SumDiffers, "itemAmount", sentence);
        }
        None => section.note(Flaw::OutOfRange, "itemPrice", "price times quantity is more than any amount"),
    }
}
