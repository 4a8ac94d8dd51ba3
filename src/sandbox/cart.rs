//! `orderBundle`: the cart of an order, checked as the documents want it before it is kept and shown again.
//!
//! Everything wrong with a cart is code 8. The order's amount is the sum of its lines, each of them price times
//! quantity rounded half up; no float comes near: a quantity is read digit by digit. Neither price nor sum is mandatory
//! to a store without receipts; where a line has none, there is nothing that the order's amount could be held against.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::currency::Currency;
use super::errors::{self, Refusal};
use super::ofd::{Class, plain};
use super::params::Params;
use super::register::digits;

/// `itemAttributes` that have a row in the documents. Others (excise, country_code, ...) are let pass.
const ATTRIBUTES: [(&str, Class); 17] = [
    ("paymentMethod", Class::Range(1, 7)),
    ("paymentObject", Class::Range(1, 33)),
    ("nomenclature", Class::Bytes(32)),
    ("markQuantity.numerator", Class::Digits(12)),
    ("markQuantity.denominator", Class::Digits(12)),
    ("userData", Class::Text(64)),
    ("agent_info.type", Class::Range(1, 7)),
    ("agent_info.paying.operation", Class::Text(24)),
    ("agent_info.paying.phones", Class::Phones(19)),
    ("agent_info.paymentsOperator.phones", Class::Phones(19)),
    ("agent_info.MTOperator.phones", Class::Phones(19)),
    ("agent_info.MTOperator.name", Class::Text(64)),
    ("agent_info.MTOperator.address", Class::Text(256)),
    ("agent_info.MTOperator.inn", Class::Inn),
    ("supplier_info.phones", Class::Phones(19)),
    ("supplier_info.name", Class::Text(256)),
    ("supplier_info.inn", Class::Inn),
];

/// What a receipt may be measured in under FFD 1.2; before it was free text.
const MEASURES: [i64; 24] =
    [0, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 70, 71, 72, 73, 80, 81, 82, 83, 255];

/// `itemDetails` may take so many bytes.
const DETAILS_BYTES_MAX: usize = 1_024;

/// The cart, if there is one.
pub(super) fn parse(params: &Params, amount_minor: i64, currency: Currency) -> Result<Option<Value>, Refusal> {
    let Some(text) = params.get("orderBundle") else {
        return Ok(None);
    };
    let bundle: Value = serde_json::from_str(text).map_err(|_| errors::CART_WRONG)?;
    check(&bundle, amount_minor, currency)?;
    Ok(Some(bundle))
}

fn check(bundle: &Value, amount_minor: i64, currency: Currency) -> Result<(), Refusal> {
    let root = bundle.as_object().ok_or(errors::CART_WRONG)?;
    optional(root, "orderCreationDate", Class::Text(21))?;
    if let Some(details) = part(root, "customerDetails")? {
        check_customer(details)?;
    }
    let items = bundle.pointer("/cartItems/items").and_then(Value::as_array).ok_or(errors::CART_WRONG)?;
    let mut positions = HashSet::new();
    let mut sum = Sum::Of(0);
    for item in items {
        let item = item.as_object().ok_or(errors::CART_WRONG)?;
        if !positions.insert(required(item, "positionId", Class::Text(12))?) {
            return Err(errors::CART_WRONG);
        }
        sum = sum.and(check_item(item, currency)?);
    }
    if items.is_empty() {
        return Err(errors::CART_WRONG);
    }
    if sum.agrees_with(amount_minor) { Ok(()) } else { Err(errors::CART_SUM) }
}

/// What lines cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// So much, in minor units.
    Of(i64),
    /// One of them has no price.
    Untold,
    /// More than any amount.
    Beyond,
}

impl Sum {
    fn counted(minor: Option<i64>) -> Sum {
        minor.map_or(Sum::Beyond, Sum::Of)
    }

    fn and(self, line: Sum) -> Sum {
        match (self, line) {
            (Sum::Beyond, _) | (_, Sum::Beyond) => Sum::Beyond,
            (Sum::Untold, _) | (_, Sum::Untold) => Sum::Untold,
            (Sum::Of(sum), Sum::Of(line)) => Sum::counted(sum.checked_add(line)),
        }
    }

    fn agrees_with(self, amount_minor: i64) -> bool {
        match self {
            Sum::Of(sum) => sum == amount_minor,
            Sum::Untold => true,
            Sum::Beyond => false,
        }
    }
}

/// One of e-mail and phone must be there.
fn check_customer(details: &Map<String, Value>) -> Result<(), Refusal> {
    // Several addresses may stand here with commas between; each has its own forty characters.
    let mails = details.get("email").map(|value| plain(value).ok_or(errors::CART_WRONG)).transpose()?;
    if mails.iter().flat_map(|mails| mails.split(',')).any(|mail| mail.chars().count() > 40) {
        return Err(errors::CART_WRONG);
    }
    let phone = optional(details, "phone", Class::Phones(12))?;
    if mails.is_none() && phone.is_none() {
        return Err(errors::CART_WRONG);
    }
    optional(details, "contact", Class::Text(40))?;
    optional(details, "fullName", Class::Text(100))?;
    optional(details, "passport", Class::Text(100))?;
    optional(details, "inn", Class::Inn)?;
    if let Some(delivery) = part(details, "deliveryInfo")? {
        optional(delivery, "deliveryType", Class::Text(20))?;
        required(delivery, "country", Class::Text(2))?;
        required(delivery, "city", Class::Text(40))?;
        required(delivery, "postAddress", Class::Text(255))?;
    }
    Ok(())
}

/// One line: what it costs.
fn check_item(item: &Map<String, Value>, currency: Currency) -> Result<Sum, Refusal> {
    required(item, "name", Class::Text(100))?;
    required(item, "itemCode", Class::Text(100))?;
    if optional(item, "itemCurrency", Class::Digits(3))?.is_some_and(|number| number != currency.number()) {
        return Err(errors::CART_CURRENCY);
    }
    if let Some(details) = item.get("itemDetails")
        && details.to_string().len() > DETAILS_BYTES_MAX
    {
        return Err(errors::CART_WRONG);
    }
    if let Some(tax) = part(item, "tax")? {
        optional(tax, "taxType", Class::Digits(2))?;
        optional(tax, "taxSum", Class::Digits(18))?;
    }
    check_attributes(item)?;
    line_minor(item)
}

/// The attributes come as `{"attributes": [{"name", "value"}]}`, or as the list alone; `null` is none of either.
fn check_attributes(item: &Map<String, Value>) -> Result<(), Refusal> {
    let attributes = item.get("itemAttributes").map(|attributes| attributes.get("attributes").unwrap_or(attributes));
    let Some(list) = attributes.filter(|list| !list.is_null()) else {
        return Ok(());
    };
    let list = list.as_array().ok_or(errors::CART_WRONG)?;
    let mut marked = false;
    for attribute in list {
        let attribute = attribute.as_object().ok_or(errors::CART_WRONG)?;
        let name = required(attribute, "name", Class::Text(255))?;
        let value = attribute.get("value").and_then(plain).ok_or(errors::CART_WRONG)?;
        let class = ATTRIBUTES.iter().find(|(row, _)| *row == name).map(|(_, class)| *class);
        if class.is_some_and(|class| !class.takes(&value)) {
            return Err(errors::CART_WRONG);
        }
        marked |= name == "markQuantity.numerator";
    }
    // A part of a marked thing is counted in pieces.
    if marked && measure(item).is_some_and(|measure| measure != "0") {
        return Err(errors::CART_WRONG);
    }
    Ok(())
}

fn measure(item: &Map<String, Value>) -> Option<String> {
    item.get("quantity")?.get("measure").and_then(plain)
}

/// `itemPrice` times quantity; where there is no price, `itemAmount`. Where both are there they must agree.
fn line_minor(item: &Map<String, Value>) -> Result<Sum, Refusal> {
    let quantity = part(item, "quantity")?.ok_or(errors::CART_WRONG)?;
    let count = quantity.get("value").and_then(plain).as_deref().and_then(Quantity::parse).ok_or(errors::CART_WRONG)?;
    let measure = required(quantity, "measure", Class::Text(20))?;
    // A measure in digits is one of FFD 1.2.
    if digits(&measure, 20).is_some_and(|number| !MEASURES.contains(&number)) {
        return Err(errors::CART_WRONG);
    }
    let sum = |name| match optional(item, name, Class::Digits(18))? {
        Some(text) => digits(&text, 18).map(Some).ok_or(errors::CART_WRONG),
        None => Ok(None),
    };
    match (sum("itemPrice")?, sum("itemAmount")?) {
        (None, None) => Ok(Sum::Untold),
        (None, Some(amount)) => Ok(Sum::Of(amount)),
        (Some(price), None) => Ok(Sum::counted(count.times(price))),
        (Some(price), Some(amount)) if count.times(price) == Some(amount) => Ok(Sum::Of(amount)),
        (Some(_), Some(_)) => Err(errors::CART_SUM),
    }
}

/// A decimal number: its digits without the point, and how many stand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quantity {
    digits: i64,
    scale: u32,
}

impl Quantity {
    /// More than nothing, at most 18 digits in all.
    fn parse(text: &str) -> Option<Quantity> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let all = format!("{whole}{part}");
        if whole.is_empty() || all.len() > 18 {
            return None;
        }
        let digits = digits(&all, 18).filter(|digits| *digits > 0)?;
        Some(Quantity { digits, scale: u32::try_from(part.len()).ok()? })
    }

    /// Rounded half up; nothing where no amount can be so large.
    fn times(self, price: i64) -> Option<i64> {
        let unit = 10_i128.pow(self.scale);
        let product = i128::from(self.digits) * i128::from(price);
        i64::try_from((2 * product + unit) / (2 * unit)).ok()
    }
}

fn part<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_object().map(Some).ok_or(errors::CART_WRONG),
    }
}

fn optional(object: &Map<String, Value>, name: &str, class: Class) -> Result<Option<String>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let text = plain(value).filter(|text| class.takes(text)).ok_or(errors::CART_WRONG)?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
    }
}

fn required(object: &Map<String, Value>, name: &str, class: Class) -> Result<String, Refusal> {
    optional(object, name, class)?.ok_or(errors::CART_WRONG)
}

#[cfg(test)]
mod tests;
