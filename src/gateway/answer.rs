//! A tree to a [`BankAnswer`]: every member of the document's tables by its name.
//!
//! What decisions rest on is read from the tree as it came, and is right or the whole answer is unreadable. What is for
//! people is read from the masked tree, and is there or not.

use serde_json::Value;

use crate::domain::answer::{
    Action, BankAnswer, BankOperation, Binding, Bonus, Bundle, BundleLoyalty, Card, Customer, Dates, Delivery, Hidden,
    IssuingBank, Item, Loyalty, Named, Payer, Refund, Sums,
};
use crate::domain::bank::{BankStatus, PaymentSystem};
use crate::domain::money::{AMOUNT_MAX, Currency};
use crate::domain::order::OrderId;
use crate::domain::time::Timestamp;

use super::scrub;
use super::tree::{self, NotThat, at, either, integer, list, named, object, text, truth, words};

/// From 2000 to 2096. Beyond it no deadline is to be counted from a moment; nor is a card number kept that stands in
/// its place: those of 12 digits are less than the first, and longer ones are no less than the last.
pub(super) const MOMENTS_MS: std::ops::Range<i64> = 946_684_800_000..4_000_000_000_000;

/// The documents give it one digit (`N1`); three leave room for what a newer gateway may add.
const STATUS_MAX: i64 = 999;

/// Codes of up to six digits are met; one more is room, and anything beyond is left out, since no decision rests on it.
const ACTION_CODE_MAX: i64 = 9_999_999;

/// `orderStatus`; `None` where an order is not found.
pub(super) fn status_number(answer: &Value) -> Result<Option<i64>, String> {
    decisive(integer, either(answer, "orderStatus", "OrderStatus")?, "orderStatus")
}

/// Reads an answer that knows the order, at the status `number`. `masked` is the same tree, masked.
pub(super) fn read(answer: &Value, masked: &Value, number: i64) -> Result<BankAnswer, String> {
    let sums = sums(at(answer, "paymentAmountInfo"), at(masked, "paymentAmountInfo"))?;
    let action = decisive(integer, at(answer, "actionCode"), "actionCode")?;
    let loyalties = if list(at(answer, "loyaltyInfos")).next().is_some() { "loyaltyInfos" } else { "loyaltyInfo" };
    Ok(BankAnswer {
        order_number: decisive(text, either(answer, "orderNumber", "OrderNumber")?, "orderNumber")?
            .filter(|number| !number.is_empty()),
        order_id: order_id(answer)?,
        status: BankStatus::from_number(within(number, STATUS_MAX, "orderStatus")?),
        action: Action {
            code: action.filter(|code| code.abs() <= ACTION_CODE_MAX),
            description: words(at(masked, "actionCodeDescription")),
            original: words(at(masked, "originalActionCode")),
        },
        amount: sum(either(answer, "amount", "Amount")?, "amount")?,
        currency: decisive(integer, at(answer, "currency"), "currency")?.map(currency).transpose()?,
        dates: Dates {
            registered: moment(at(answer, "date")),
            authorised: moment(at(answer, "authDateTime")),
            deposited: moment(at(answer, "depositedDate")),
            refunded: moment(at(answer, "refundedDate")),
            reversed: moment(at(answer, "reversedDate")),
        },
        description: words(at(masked, "orderDescription")),
        ip: words(either(masked, "ip", "Ip")?),
        auth_ref_num: words(at(masked, "authRefNum")),
        terminal_id: words(at(masked, "terminalId")),
        payment_way: words(at(masked, "paymentWay")),
        card: card(answer, masked),
        binding: binding(masked)?,
        sums,
        bank: object(at(masked, "bankInfo")).map(|bank| IssuingBank {
            name: words(at(bank, "bankName")),
            country_code: words(at(bank, "bankCountryCode")),
            country: words(at(bank, "bankCountryName")),
        }),
        payer: object(at(masked, "payerData")).map(|payer| Payer {
            email: words(at(payer, "email")),
            phone: words(at(payer, "phone")),
            post_address: words(at(payer, "postAddress")),
        }),
        loyalties: list(at(answer, loyalties))
            .zip(list(at(masked, loyalties)))
            .map(|(loyalty, masked)| loyalty_of(loyalty, masked))
            .collect::<Result<_, _>>()?,
        bundle: object(at(masked, "orderBundle")).map(bundle),
        refunds: list(at(masked, "refunds")).map(refund).collect(),
        operations: list(at(masked, "operations")).map(operation).collect(),
        chargeback: truth(at(answer, "chargeback")),
        autocompletion_at: autocompletion_at(answer),
        merchant_params: pairs(at(masked, "merchantOrderParams")),
        attributes: pairs(at(masked, "attributes")),
        transaction_attributes: pairs(at(masked, "transactionAttributes")),
    })
}

fn decisive<T>(
    read: impl Fn(&Value) -> Result<Option<T>, NotThat>,
    value: &Value,
    name: &str,
) -> Result<Option<T>, String> {
    read(value).map_err(|NotThat| tree::wrong_type(name))
}

/// A number from nought to so many nines. Beyond that it is not repeated: sixteen digits could be a card's.
fn within(number: i64, max: i64, what: &str) -> Result<i64, String> {
    let fits = (0..=max).contains(&number);
    fits.then_some(number)
        .ok_or_else(|| format!("{what} is not a whole number of at most {} digits", max.to_string().len()))
}

fn sum(value: &Value, name: &str) -> Result<Option<i64>, String> {
    decisive(integer, value, name)?.map(|minor| within(minor, AMOUNT_MAX, name)).transpose()
}

/// A sum for people: none where it is not one.
fn some_sum(value: &Value) -> Option<i64> {
    sum(value, "").ok().flatten()
}

fn order_id(answer: &Value) -> Result<Option<OrderId>, String> {
    let Some(text) = named(at(answer, "attributes"), "mdOrder").and_then(words) else {
        return Ok(None);
    };
    if scrub::mask_card_numbers(&text) != text && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("mdOrder looks like a card number".to_owned());
    }
    OrderId::new(&text).map(Some).map_err(|_| "mdOrder is not an id of 1 to 64 visible characters".to_owned())
}

fn currency(code: i64) -> Result<Currency, String> {
    let known = u16::try_from(code).ok().and_then(|code| Currency::from_numeric(code).ok());
    known.ok_or_else(|| "the currency is none we know".to_owned())
}

/// A number that is no moment of this century is none at all.
fn moment(value: &Value) -> Option<Timestamp> {
    tree::moment_ms(value).filter(|ms| MOMENTS_MS.contains(ms)).map(Timestamp::from_millis)
}

/// Where an answer might carry it is not confirmed: at the top, among the attributes, or among the shop's own
/// parameters.
fn autocompletion_at(answer: &Value) -> Option<Timestamp> {
    const NAME: &str = "autocompletionDate";
    let among = |name| named(at(answer, name), NAME);
    let written = [Some(at(answer, NAME)), among("attributes"), among("merchantOrderParams")];
    let ms = written.into_iter().flatten().find_map(tree::moment_ms)?;
    MOMENTS_MS.contains(&ms).then_some(Timestamp::from_millis(ms))
}

fn sums(info: &Value, shown: &Value) -> Result<Option<Sums>, String> {
    let Some(info) = object(info) else {
        // An empty one tells nothing; a text or a number in its place is no answer of the gateway's.
        let is_empty = matches!(info, Value::Null | Value::Object(_) | Value::Array(_)) || info.as_str() == Some("");
        return if is_empty { Ok(None) } else { Err(tree::wrong_type("paymentAmountInfo")) };
    };
    Ok(Some(Sums {
        state: words(at(shown, "paymentState")).filter(|state| state.len() <= 20),
        approved: sum(at(info, "approvedAmount"), "approvedAmount")?,
        deposited: sum(at(info, "depositedAmount"), "depositedAmount")?,
        refunded: sum(at(info, "refundedAmount"), "refundedAmount")?,
        fee: some_sum(at(info, "feeAmount")),
        total: some_sum(at(info, "totalAmount")),
    }))
}

/// The older getOrderStatus.do has no block of its own for the card.
fn card(answer: &Value, masked: &Value) -> Option<Card> {
    const BLOCK: &str = "cardAuthInfo";
    let inside = object(at(answer, BLOCK)).zip(object(at(masked, BLOCK)));
    let (card, shown) = match inside {
        Some(found) => found,
        None if words(at(masked, "Pan")).is_some() => (answer, masked),
        None => return None,
    };
    let (secure, shown_secure) = (at(card, "secureAuthInfo"), at(shown, "secureAuthInfo"));
    // REST has both values one level deeper than the oldest answers had.
    let three_ds = |name| words(at(at(secure, "threeDSInfo"), name)).or_else(|| words(at(secure, name)));
    let first = |names: &[&str], of| names.iter().find_map(|name| words(at(of, name)));
    Some(Card {
        masked_pan: first(&["maskedPan", "pan", "Pan"], shown),
        expiration: words(at(card, "expiration")).map(Hidden::new),
        cardholder: first(&["cardholderName", "cardHolderName"], card).map(Hidden::new),
        approval_code: words(at(shown, "approvalCode")),
        payment_system: words(at(shown, "paymentSystem")).as_deref().and_then(PaymentSystem::new),
        product: words(at(shown, "product")),
        eci: words(at(shown_secure, "eci")),
        cavv: three_ds("cavv").map(Hidden::new),
        xid: three_ds("xid").map(Hidden::new),
        pa_res_status: words(at(shown_secure, "paResStatus")),
        ve_res_status: words(at(shown_secure, "veResStatus")),
    })
}

fn binding(masked: &Value) -> Result<Option<Binding>, String> {
    let inside = object(either(masked, "bindingInfo", "BindingInfo")?);
    // The older getOrderStatus.do has both at the top.
    let found = inside.unwrap_or(masked);
    let binding = Binding { client_id: words(at(found, "clientId")), binding_id: words(at(found, "bindingId")) };
    Ok(Some(binding).filter(|binding| *binding != Binding::default()))
}

/// The points paid with count as money does, and are as strictly read; those awarded are for people.
fn loyalty_of(loyalty: &Value, masked: &Value) -> Result<Loyalty, String> {
    let payment = object(at(loyalty, "paymentBonus")).zip(object(at(masked, "paymentBonus")));
    let award = object(at(masked, "awardBonus"));
    Ok(Loyalty {
        name: words(at(masked, "loyaltyName")),
        payment: payment
            .map(|(bonus, masked)| {
                Ok::<_, String>(Bonus {
                    approved: sum(at(bonus, "approvedAmountBonus"), "approvedAmountBonus")?,
                    deposited: sum(at(bonus, "depositedAmountBonus"), "depositedAmountBonus")?,
                    refunded: sum(at(bonus, "refundedAmountBonus"), "refundedAmountBonus")?,
                    ..latest_of(masked)
                })
            })
            .transpose()?,
        award: award.map(|bonus| Bonus {
            approved: some_sum(at(bonus, "approvedAmountAward")),
            deposited: some_sum(at(bonus, "depositedAmountAward")),
            refunded: some_sum(at(bonus, "refundedAmountAward")),
            ..latest_of(bonus)
        }),
    })
}

fn latest_of(bonus: &Value) -> Bonus {
    Bonus {
        pc_id: words(at(bonus, "pcId")),
        successful: truth(at(bonus, "successful")),
        operation: words(at(bonus, "paymentOperation")),
        ..Bonus::default()
    }
}

fn bundle(bundle: &Value) -> Bundle {
    let customer = at(bundle, "customerDetails");
    let delivery = object(at(customer, "deliveryInfo"));
    Bundle {
        created: moment(at(bundle, "orderCreationDate")),
        customer: Customer {
            email: words(at(customer, "email")),
            phone: words(at(customer, "phone")),
            contact: words(at(customer, "contact")),
        },
        delivery: delivery.map(|delivery| Delivery {
            kind: words(at(delivery, "deliveryType")),
            country: words(at(delivery, "country")),
            city: words(at(delivery, "city")),
            post_address: words(at(delivery, "postAddress")),
        }),
        items: list(at(at(bundle, "cartItems"), "items")).map(item).collect(),
        loyalties: list(at(bundle, "loyalties"))
            .map(|loyalty| BundleLoyalty {
                program: words(at(loyalty, "loyaltyProgramName")),
                position: words(at(loyalty, "positionId")),
                credit: some_sum(at(loyalty, "bonusAmountForCredit")),
                debit: some_sum(at(loyalty, "bonusAmountForDebit")),
            })
            .collect(),
    }
}

fn item(item: &Value) -> Item {
    let (quantity, discount) = (at(item, "quantity"), at(item, "discount"));
    Item {
        position: words(at(item, "positionId")),
        name: words(at(item, "name")),
        details: pairs(at(at(item, "itemDetails"), "itemDetailsParams")),
        quantity: words(quantity),
        measure: words(at(quantity, "measure")),
        amount: some_sum(at(item, "itemAmount")),
        currency: words(at(item, "itemCurrency")),
        code: words(at(item, "itemCode")),
        discount_type: words(at(discount, "discountType")),
        discount_value: words(at(discount, "discountValue")),
    }
}

fn refund(refund: &Value) -> Refund {
    Refund {
        at: moment(at(refund, "date")),
        amount: some_sum(at(refund, "amount")),
        external_id: words(at(refund, "externalRefundId")),
        approval_code: words(at(refund, "approvalCode")),
        action_code: integer(at(refund, "actionCode")).ok().flatten(),
        reference: words(at(refund, "referenceNumber")),
    }
}

fn operation(operation: &Value) -> BankOperation {
    BankOperation {
        at: moment(at(operation, "date")),
        kind: words(at(operation, "type")).or_else(|| words(at(operation, "operation"))),
        amount: some_sum(at(operation, "amount")),
        points: some_sum(at(operation, "amountBonus")),
        reference: words(at(operation, "referenceNumber")),
        external_id: words(at(operation, "externalRefundId")),
        approval_code: words(at(operation, "approvalCode")),
        action_code: integer(at(operation, "actionCode")).ok().flatten(),
        pc_id: words(at(operation, "pcId")),
        transaction_id: words(at(operation, "transactionId")),
        successful: truth(at(operation, "successful")),
    }
}

/// `[{"name":..,"value":..}]`; a pair without a name is none.
fn pairs(value: &Value) -> Vec<Named> {
    let pair =
        |pair| Some(Named { name: words(at(pair, "name"))?, value: words(at(pair, "value")).unwrap_or_default() });
    list(value).filter_map(pair).collect()
}

#[cfg(test)]
mod tests;
