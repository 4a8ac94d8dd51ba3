//! Everything an answer of getOrderStatusExtended.do can tell of an order: each table of the document, response
//! versions 01 to 15 and newer, after the wire has been read.
//!
//! Decisions rest on [`BankView`] alone, which is made of it here. The rest is for people, and stands in its own words:
//! what is absent, or is not what the document says, is `None`. Of card data only what is masked is kept anywhere; what
//! is not is [`Hidden`].

use std::fmt;

use super::bank::{BankAmounts, BankStatus, BankView, PaymentSystem};
use super::money::{AMOUNT_MAX, Currency};
use super::order::OrderId;
use super::time::Timestamp;

/// The longest answer that is kept, in bytes of its text. One with a cart of a hundred lines has some forty thousand.
pub const KEPT_MAX: usize = 64 * 1024;

/// A bank's whole answer as it is kept beside the order and shown to people: its own JSON, with card data masked or
/// left out. Nothing is decided on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    text: String,
}

impl KeptAnswer {
    /// An answer of which card data was taken out already; none where it is longer than [`KEPT_MAX`].
    pub fn new(text: String) -> Option<Self> {
        (text.len() <= KEPT_MAX).then_some(Self { text })
    }

    /// It, as JSON text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Card data that is read and kept nowhere. Its `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides `text`.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// What is hidden: never to be written anywhere.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// A whole answer about one order that the bank knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankAnswer {
    /// `orderNumber`: the shop's number, as the bank repeats it.
    pub order_number: Option<String>,
    /// The gateway's id: `mdOrder` among the attributes.
    pub order_id: Option<OrderId>,
    /// `orderStatus`.
    pub status: BankStatus,
    /// `actionCode`, `actionCodeDescription` and what newer versions add to them.
    pub action: Action,
    /// `amount`: the price in minor units.
    pub amount: Option<i64>,
    /// `currency`.
    pub currency: Option<Currency>,
    /// `date` and its like.
    pub dates: Dates,
    /// `orderDescription`.
    pub description: Option<String>,
    /// `ip`: the buyer's.
    pub ip: Option<String>,
    /// `authRefNum`: the number of the authorisation.
    pub auth_ref_num: Option<String>,
    /// `terminalId`.
    pub terminal_id: Option<String>,
    /// `paymentWay`, such as `CARD`.
    pub payment_way: Option<String>,
    /// `cardAuthInfo`.
    pub card: Option<Card>,
    /// `bindingInfo`.
    pub binding: Option<Binding>,
    /// `paymentAmountInfo`.
    pub sums: Option<Sums>,
    /// `bankInfo`.
    pub bank: Option<IssuingBank>,
    /// `payerData`.
    pub payer: Option<Payer>,
    /// `loyaltyInfos`, or `loyaltyInfo` where that is what there is.
    pub loyalties: Vec<Loyalty>,
    /// `orderBundle`.
    pub bundle: Option<Bundle>,
    /// `refunds`.
    pub refunds: Vec<Refund>,
    /// `operations`.
    pub operations: Vec<BankOperation>,
    /// `chargeback`.
    pub chargeback: Option<bool>,
    /// `autocompletionDate`, wherever it stands.
    pub autocompletion_at: Option<Timestamp>,
    /// `merchantOrderParams`.
    pub merchant_params: Vec<Named>,
    /// `attributes`.
    pub attributes: Vec<Named>,
    /// `transactionAttributes`.
    pub transaction_attributes: Vec<Named>,
}

/// Why an order stands where it stands, as the processing puts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// `actionCode`.
    pub code: Option<i64>,
    /// `actionCodeDescription`, in the language that was asked for.
    pub description: Option<String>,
    /// `originalActionCode`: the processing's own.
    pub original: Option<String>,
}

/// When what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// `date`: when it was registered.
    pub registered: Option<Timestamp>,
    /// `authDateTime`: when the buyer's bank agreed.
    pub authorised: Option<Timestamp>,
    /// `depositedDate`.
    pub deposited: Option<Timestamp>,
    /// `refundedDate`.
    pub refunded: Option<Timestamp>,
    /// `reversedDate`.
    pub reversed: Option<Timestamp>,
}

impl Dates {
    /// When the buyer paid, by the bank.
    pub fn of_payment(&self) -> Option<Timestamp> {
        self.authorised.or(self.deposited)
    }
}

/// `cardAuthInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// `maskedPan` or `pan`; where the bank does not mask it, the last four digits.
    pub masked_pan: Option<String>,
    /// `expiration`, `YYYYMM`.
    pub expiration: Option<Hidden>,
    /// `cardholderName`.
    pub cardholder: Option<Hidden>,
    /// `approvalCode`: of the authorisation.
    pub approval_code: Option<String>,
    /// `paymentSystem`.
    pub payment_system: Option<PaymentSystem>,
    /// `product`: such as `MasterCard Gold`.
    pub product: Option<String>,
    /// `secureAuthInfo.eci`.
    pub eci: Option<String>,
    /// `secureAuthInfo.threeDSInfo.cavv`.
    pub cavv: Option<Hidden>,
    /// `secureAuthInfo.threeDSInfo.xid`.
    pub xid: Option<Hidden>,
    /// `secureAuthInfo.paResStatus`.
    pub pa_res_status: Option<String>,
    /// `secureAuthInfo.veResStatus`.
    pub ve_res_status: Option<String>,
}

/// `bindingInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// `clientId`: the shop's name for the buyer.
    pub client_id: Option<String>,
    /// `bindingId`.
    pub binding_id: Option<String>,
}

/// `paymentAmountInfo`, each sum by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// `paymentState`.
    pub state: Option<String>,
    /// `approvedAmount`, in minor units as all of them.
    pub approved: Option<i64>,
    /// `depositedAmount`.
    pub deposited: Option<i64>,
    /// `refundedAmount`.
    pub refunded: Option<i64>,
    /// `feeAmount`.
    pub fee: Option<i64>,
    /// `totalAmount`.
    pub total: Option<i64>,
}

/// `bankInfo`: whose card it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuingBank {
    /// `bankName`.
    pub name: Option<String>,
    /// `bankCountryCode`, or `UNKNOWN`.
    pub country_code: Option<String>,
    /// `bankCountryName`.
    pub country: Option<String>,
}

/// `payerData`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payer {
    /// `email`.
    pub email: Option<String>,
    /// `phone`.
    pub phone: Option<String>,
    /// `postAddress`.
    pub post_address: Option<String>,
}

/// One of `loyaltyInfos`: a bonus programme in which the order takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loyalty {
    /// `loyaltyName`.
    pub name: Option<String>,
    /// `paymentBonus`: points that were paid with.
    pub payment: Option<Bonus>,
    /// `awardBonus`: the sums for which points are given.
    pub award: Option<Bonus>,
}

/// `paymentBonus` or `awardBonus`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bonus {
    /// `approvedAmountBonus` or `approvedAmountAward`.
    pub approved: Option<i64>,
    /// `depositedAmountBonus` or `depositedAmountAward`.
    pub deposited: Option<i64>,
    /// `refundedAmountBonus` or `refundedAmountAward`.
    pub refunded: Option<i64>,
    /// `pcId`: the latest operation's in the programme's processing.
    pub pc_id: Option<String>,
    /// `successful`.
    pub successful: Option<bool>,
    /// `paymentOperation`: the latest operation's kind.
    pub operation: Option<String>,
}

/// `orderBundle`: the cart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// `orderCreationDate`.
    pub created: Option<Timestamp>,
    /// `customerDetails.email`, `.phone`, `.contact`.
    pub customer: Customer,
    /// `customerDetails.deliveryInfo`.
    pub delivery: Option<Delivery>,
    /// `cartItems.items`.
    pub items: Vec<Item>,
    /// `loyalties`.
    pub loyalties: Vec<BundleLoyalty>,
}

/// `customerDetails`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// `email`.
    pub email: Option<String>,
    /// `phone`.
    pub phone: Option<String>,
    /// `contact`: how the buyer would be reached.
    pub contact: Option<String>,
}

/// `deliveryInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// `deliveryType`.
    pub kind: Option<String>,
    /// `country`.
    pub country: Option<String>,
    /// `city`.
    pub city: Option<String>,
    /// `postAddress`.
    pub post_address: Option<String>,
}

/// One of `items`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// `positionId`.
    pub position: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `itemDetails.itemDetailsParams`.
    pub details: Vec<Named>,
    /// `quantity.value`: may have decimals, so it stays text.
    pub quantity: Option<String>,
    /// `quantity.measure`.
    pub measure: Option<String>,
    /// `itemAmount`.
    pub amount: Option<i64>,
    /// `itemCurrency`.
    pub currency: Option<String>,
    /// `itemCode`.
    pub code: Option<String>,
    /// `discount.discountType`.
    pub discount_type: Option<String>,
    /// `discount.discountValue`.
    pub discount_value: Option<String>,
}

/// One of the cart's `loyalties`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleLoyalty {
    /// `loyaltyProgramName`.
    pub program: Option<String>,
    /// `positionId`.
    pub position: Option<String>,
    /// `bonusAmountForCredit`.
    pub credit: Option<i64>,
    /// `bonusAmountForDebit`.
    pub debit: Option<i64>,
}

/// One of `refunds`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refund {
    /// `date`.
    pub at: Option<Timestamp>,
    /// `amount`.
    pub amount: Option<i64>,
    /// `externalRefundId`.
    pub external_id: Option<String>,
    /// `approvalCode`.
    pub approval_code: Option<String>,
    /// `actionCode`.
    pub action_code: Option<i64>,
    /// `referenceNumber`.
    pub reference: Option<String>,
}

/// One of `operations`: what the processing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankOperation {
    /// `date`.
    pub at: Option<Timestamp>,
    /// `type`, or `operation`.
    pub kind: Option<String>,
    /// `amount`.
    pub amount: Option<i64>,
    /// `amountBonus`.
    pub points: Option<i64>,
    /// `referenceNumber`.
    pub reference: Option<String>,
    /// `externalRefundId`.
    pub external_id: Option<String>,
    /// `approvalCode`.
    pub approval_code: Option<String>,
    /// `actionCode`.
    pub action_code: Option<i64>,
    /// `pcId`.
    pub pc_id: Option<String>,
    /// `transactionId`.
    pub transaction_id: Option<String>,
    /// `successful`.
    pub successful: Option<bool>,
}

/// A name with its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// `name`.
    pub name: String,
    /// `value`.
    pub value: String,
}

impl BankAnswer {
    /// What decisions rest on.
    pub fn view(&self) -> BankView {
        let (points, are_told) = self.points();
        BankView {
            order_number: self.order_number.clone(),
            order_id: self.order_id.clone(),
            status: self.status,
            action_code: self.action.code,
            // Beside points that are not all told, no sum says what it is of.
            amount: self.amount.filter(|_| are_told),
            currency: self.currency,
            amounts: self.sums.as_ref().and_then(Sums::all).filter(|_| are_told),
            points,
            counted_points: None,
            authorised_at: self.dates.authorised,
            payment_system: self.card.as_ref().and_then(|card| card.payment_system.clone()),
            chargeback: self.chargeback,
            autocompletion_at: self.autocompletion_at,
        }
    }

    /// The points it was paid with, over all programmes, and whether they are told: where one programme's are not all
    /// there, a sum would be too small.
    fn points(&self) -> (Option<BankAmounts>, bool) {
        let mut all: Option<BankAmounts> = None;
        for bonus in self.loyalties.iter().filter_map(|loyalty| loyalty.payment.as_ref()) {
            let more = all_three(bonus.approved, bonus.deposited, bonus.refunded);
            let sum = more.and_then(|more| all.map_or(Some(more), |sums| sums.plus(more)));
            let Some(sum) = sum.filter(|sum| sum.approved.max(sum.deposited).max(sum.refunded) <= AMOUNT_MAX) else {
                return (None, false);
            };
            all = Some(sum);
        }
        (all, true)
    }
}

impl Sums {
    /// All three or none: a sum that is missing cannot be told from zero.
    pub fn all(&self) -> Option<BankAmounts> {
        all_three(self.approved, self.deposited, self.refunded)
    }
}

fn all_three(approved: Option<i64>, deposited: Option<i64>, refunded: Option<i64>) -> Option<BankAmounts> {
    Some(BankAmounts { approved: approved?, deposited: deposited?, refunded: refunded? })
}
