//! The types of the two services, in the order of the gateway's schema.
//!
//! They are those of the gateway's WSDL of 2018, flattened (it derives types from one another, which no message shows),
//! without what this bank does not offer. What later documents add, and no WSDL was seen of, is here too:
//! additionalOfdParams, billingPayerData, the customer's name, passport and inn, loyaltyInfos and the fields of later
//! status versions; so where those stand is this bank's choice, and requests may have them as attribute or as element.

use super::schema::Kind::{Boolean, Complex, Decimal, Int, Long, Moment, MomentText, Text, Words as OneOf};
use super::schema::{Type, Words, complex, many, maybe, one, worded};

static FEATURE: Words = Words {
    name: "orderFeature",
    values: &[
        "FIXED_BINDING",
        "BINDING_NOT_NEEDED",
        "FIXED_BONUS_AMOUNT",
        "FORCE_TDS",
        "FORCE_SSL",
        "FRAUD_FORCE_TDS",
        "FRAUD_FORCE_SSL",
        "AUTO_PAYMENT",
        "FORCE_NO_CVC",
        "FORCE_FULL_TDS",
        "VERIFY",
        "SKIP_PAYER_EMAIL_NOTIFY",
        "SKIP_PAYER_PHONE_NOTIFY",
        "FORCE_GENERATE_ORDERNUMBER",
        "PAY_BY_CLIENT",
    ],
};

static STATE: Words = Words {
    name: "transactionState",
    values: &["CREATED", "APPROVED", "DECLINED", "REVERSED", "DEPOSITED", "REFUNDED"],
};

static LOYALTY_WORD: Words =
    Words { name: "operation", values: &["PAYMENT", "AWARD", "REVERSE", "REFUND_PAYMENT", "REFUND_AWARD", "VERIFY"] };

static PARAM: Type = complex("serviceParam", &[one("name", Text), one("value", Text)], &[]);

// The cart.

static ITEM_DETAILS_PARAM: Type = worded("itemDetailsParam", Text, &[maybe("name", Text)]);
static ITEM_DETAILS: Type = complex("itemDetails", &[], &[many("itemDetailsParams", Complex(&ITEM_DETAILS_PARAM))]);
static QUANTITY: Type = worded("quantity", Decimal, &[maybe("measure", Text)]);
static DISCOUNT: Type = complex("discount", &[], &[maybe("discountType", Text), maybe("discountValue", Text)]);
static AGENT_INTEREST: Type =
    complex("agentInterest", &[], &[maybe("interestType", Text), maybe("interestValue", Text)]);
static TAX: Type = complex("tax", &[], &[maybe("taxSum", Long), maybe("taxType", Int)]);
static ITEM_ATTRIBUTE: Type = worded("itemAttribute", Text, &[maybe("name", Text)]);
static ITEM_ATTRIBUTES: Type = complex("itemAttributes", &[], &[many("attributes", Complex(&ITEM_ATTRIBUTE))]);
static ITEM: Type = complex(
    "item",
    &[maybe("positionId", Text)],
    &[
        maybe("name", Text),
        maybe("itemDetails", Complex(&ITEM_DETAILS)),
        maybe("quantity", Complex(&QUANTITY)),
        maybe("itemAmount", Long),
        maybe("depositedItemAmount", Long),
        maybe("itemCurrency", Int),
        maybe("itemCode", Text),
        maybe("discount", Complex(&DISCOUNT)),
        maybe("agentInterest", Complex(&AGENT_INTEREST)),
        maybe("tax", Complex(&TAX)),
        maybe("itemPrice", Long),
        maybe("itemAttributes", Complex(&ITEM_ATTRIBUTES)),
    ],
);
static CART_ITEMS: Type = complex("cartItems", &[], &[many("items", Complex(&ITEM))]);

static DELIVERY: Type = complex(
    "deliveryInfo",
    &[],
    &[maybe("deliveryType", Text), maybe("country", Text), maybe("city", Text), maybe("postAddress", Text)],
);
static CUSTOMER: Type = complex(
    "customerDetails",
    &[],
    &[
        maybe("email", Text),
        maybe("phone", Text),
        maybe("contact", Text),
        maybe("deliveryInfo", Complex(&DELIVERY)),
        maybe("fullName", Text),
        maybe("inn", Text),
        maybe("passport", Text),
    ],
);
static LOYALTY: Type = complex(
    "loyalty",
    &[maybe("loyaltyProgramName", Text), maybe("positionId", Text)],
    &[maybe("bonusAmountForDebit", Long), maybe("bonusAmountForCredit", Long)],
);
static LOYALTIES: Type = complex("loyalties", &[], &[many("loyalties", Complex(&LOYALTY))]);
static AGENT: Type = complex(
    "agent",
    &[],
    &[
        maybe("agentType", Int),
        maybe("payingOperation", Text),
        many("payingPhones", Text),
        many("paymentsOperatorPhones", Text),
        many("mtOperatorPhones", Text),
        maybe("mtOperatorName", Text),
        maybe("mtOperatorAddress", Text),
        maybe("mtOperatorInn", Text),
    ],
);
static BUNDLE: Type = complex(
    "orderBundle",
    &[],
    &[
        maybe("orderCreationDate", Moment),
        maybe("customerDetails", Complex(&CUSTOMER)),
        maybe("cartItems", Complex(&CART_ITEMS)),
        maybe("loyalties", Complex(&LOYALTIES)),
        maybe("agent", Complex(&AGENT)),
        many("supplierPhones", Text),
    ],
);

// Registration.

/// Name and value, as everywhere; whoever writes elements named after the parameters is understood too.
static OFD: Type = complex("additionalOfdParams", &[], &[many("params", Complex(&PARAM))]);
static BILLING: Type = complex(
    "billingPayerData",
    &[],
    &[
        maybe("billingCity", Text),
        maybe("billingCountry", Text),
        maybe("billingAddressLine1", Text),
        maybe("billingAddressLine2", Text),
        maybe("billingAddressLine3", Text),
        maybe("billingPostalCode", Text),
        maybe("billingState", Text),
    ],
);
static FEATURES: Type = complex("features", &[], &[many("feature", OneOf(&FEATURE))]);
pub(super) static ORDER: Type = complex(
    "orderParams",
    &[
        maybe("merchantOrderNumber", Text),
        maybe("description", Text),
        maybe("amount", Long),
        maybe("currency", Text),
        maybe("language", Text),
        maybe("pageView", Text),
        maybe("sessionTimeoutSecs", Int),
        maybe("taxSystem", Int),
        maybe("bindingId", Text),
        maybe("expirationDate", Moment),
        maybe("autocompletionDate", Moment),
    ],
    &[
        maybe("returnUrl", Text),
        maybe("failUrl", Text),
        maybe("merchantLogin", Text),
        maybe("email", Text),
        maybe("postAddress", Text),
        many("params", Complex(&PARAM)),
        maybe("clientId", Text),
        maybe("orderBundle", Complex(&BUNDLE)),
        maybe("features", Complex(&FEATURES)),
        maybe("phone", Text),
        maybe("dynamicCallbackUrl", Text),
        maybe("additionalOfdParams", Complex(&OFD)),
        maybe("billingPayerData", Complex(&BILLING)),
    ],
);

static LOYALTY_OPERATION: Type = complex(
    "loyaltyOperation",
    &[
        maybe("pcId", Long),
        maybe("operation", OneOf(&LOYALTY_WORD)),
        maybe("transactionId", Text),
        maybe("amount", Long),
        maybe("successful", Boolean),
    ],
    &[],
);
pub(super) static REGISTERED: Type = complex(
    "registerOrderResponse",
    &[maybe("orderId", Text), one("errorCode", Int), maybe("errorMessage", Text)],
    &[many("operations", Complex(&LOYALTY_OPERATION)), maybe("formUrl", Text)],
);

// What changes an order.

pub(super) static DEPOSIT: Type = complex(
    "depositOrderParams",
    &[maybe("orderId", Text), one("depositAmount", Long), maybe("language", Text)],
    &[
        maybe("depositItems", Complex(&CART_ITEMS)),
        many("params", Complex(&PARAM)),
        maybe("agent", Complex(&AGENT)),
        many("supplierPhones", Text),
    ],
);
pub(super) static REVERSAL: Type = complex(
    "reversalOrderParams",
    &[maybe("orderId", Text), maybe("merchantLogin", Text), maybe("orderNumber", Text), maybe("language", Text)],
    &[many("params", Complex(&PARAM))],
);
pub(super) static REFUND: Type = complex(
    "refundOrderParams",
    &[maybe("orderId", Text), maybe("refundAmount", Long), maybe("language", Text)],
    &[
        maybe("refundItems", Complex(&CART_ITEMS)),
        many("params", Complex(&PARAM)),
        maybe("expectedDepositedAmount", Long),
    ],
);
pub(super) static DONE: Type = complex(
    "orderResult",
    &[one("errorCode", Int), maybe("errorMessage", Text)],
    &[many("operations", Complex(&LOYALTY_OPERATION)), maybe("amount", Long), maybe("currency", Text)],
);

// Status.

pub(super) static STATUS_REQUEST: Type =
    complex("orderStatusRequest", &[maybe("orderId", Text), maybe("language", Text)], &[]);
pub(super) static EXTENDED_REQUEST: Type = complex(
    "getOrderStatusExtendedRequest",
    &[maybe("orderId", Text), maybe("language", Text)],
    &[maybe("merchantOrderNumber", Text)],
);

static THREE_DS: Type = complex("threeDSInfo", &[], &[maybe("cavv", Text), maybe("xid", Text)]);
static SECURE: Type = complex(
    "secureAuthInfo",
    &[],
    &[
        maybe("eci", Int),
        maybe("paResCheckStatus", Text),
        maybe("paResStatus", Text),
        maybe("threeDSInfo", Complex(&THREE_DS)),
        maybe("veResStatus", Text),
    ],
);
static CARD: Type = complex(
    "cardAuthInfo",
    &[
        maybe("maskedPan", Text),
        maybe("expiration", Text),
        maybe("cardholderName", Text),
        maybe("approvalCode", Text),
        maybe("paymentSystem", Text),
        maybe("product", Text),
    ],
    &[maybe("secureAuthInfo", Complex(&SECURE))],
);
static BINDING: Type = complex("cardBindingInfo", &[maybe("clientId", Text), maybe("bindingId", Text)], &[]);
static AMOUNTS: Type = complex(
    "paymentAmountInfo",
    &[
        maybe("paymentState", OneOf(&STATE)),
        maybe("approvedAmount", Long),
        maybe("depositedAmount", Long),
        maybe("refundedAmount", Long),
        maybe("feeAmount", Long),
        maybe("totalAmount", Long),
    ],
    &[],
);
static BANK: Type = complex(
    "bankInfo",
    &[maybe("bankName", Text), maybe("bankCountryCode", Text), maybe("bankCountryName", Text)],
    &[],
);
static PAYER: Type =
    complex("payerData", &[maybe("email", Text), maybe("phone", Text), maybe("postAddress", Text)], &[]);
static PAYMENT_BONUS: Type = complex(
    "paymentBonus",
    &[
        maybe("approvedAmountBonus", Long),
        maybe("depositedAmountBonus", Long),
        maybe("refundedAmountBonus", Long),
        maybe("pcId", Text),
        maybe("successful", Boolean),
        maybe("paymentOperation", OneOf(&LOYALTY_WORD)),
    ],
    &[],
);
static AWARD_BONUS: Type = complex(
    "awardBonus",
    &[
        maybe("approvedAmountAward", Long),
        maybe("depositedAmountAward", Long),
        maybe("refundedAmountAward", Long),
        maybe("pcId", Text),
        maybe("successful", Boolean),
        maybe("paymentOperation", OneOf(&LOYALTY_WORD)),
    ],
    &[],
);
static LOYALTY_INFO: Type = complex(
    "loyaltyInfo",
    &[maybe("loyaltyName", Text)],
    &[many("paymentBonus", Complex(&PAYMENT_BONUS)), many("awardBonus", Complex(&AWARD_BONUS))],
);
static REFUND_INFO: Type = complex(
    "refund",
    &[
        maybe("referenceNumber", Text),
        maybe("actionCode", Text),
        maybe("amount", Long),
        maybe("approvalCode", Text),
        maybe("date", MomentText),
        maybe("externalRefundId", Text),
    ],
    &[],
);
/// With the names that the gateway's JSON has: an order's answer says the same on both wires.
static PROCESSING: Type = complex(
    "processingOperation",
    &[
        maybe("date", Moment),
        maybe("type", Text),
        maybe("amount", Long),
        maybe("amountBonus", Long),
        maybe("referenceNumber", Text),
        maybe("externalRefundId", Text),
        maybe("approvalCode", Text),
        maybe("actionCode", Text),
    ],
    &[],
);
pub(super) static EXTENDED: Type = complex(
    "getOrderStatusExtendedResponse",
    &[
        maybe("orderNumber", Text),
        maybe("orderStatus", Int),
        maybe("actionCode", Int),
        maybe("actionCodeDescription", Text),
        maybe("originalActionCode", Text),
        maybe("amount", Long),
        maybe("currency", Text),
        maybe("date", Moment),
        maybe("depositedDate", Moment),
        maybe("refundedDate", Moment),
        maybe("reversedDate", Moment),
        maybe("orderDescription", Text),
        maybe("ip", Text),
        maybe("errorCode", Text),
        maybe("errorMessage", Text),
        maybe("userMessage", Text),
        maybe("displayErrorMessage", Text),
        maybe("feUtrnno", Text),
        maybe("avsCode", Text),
    ],
    &[
        many("merchantOrderParams", Complex(&PARAM)),
        many("transactionAttributes", Complex(&PARAM)),
        many("attributes", Complex(&PARAM)),
        maybe("cardAuthInfo", Complex(&CARD)),
        maybe("bindingInfo", Complex(&BINDING)),
        maybe("authDateTime", Moment),
        maybe("terminalId", Text),
        maybe("authRefNum", Text),
        maybe("paymentAmountInfo", Complex(&AMOUNTS)),
        maybe("bankInfo", Complex(&BANK)),
        maybe("payerData", Complex(&PAYER)),
        maybe("orderBundle", Complex(&BUNDLE)),
        maybe("loyaltyInfo", Complex(&LOYALTY_INFO)),
        many("loyaltyInfos", Complex(&LOYALTY_INFO)),
        many("refunds", Complex(&REFUND_INFO)),
        maybe("chargeback", Boolean),
        many("operations", Complex(&PROCESSING)),
        maybe("paymentWay", Text),
    ],
);
/// The gateway calls status, amount and authCode required, although an unknown order has none of them.
pub(super) static STATUS: Type = complex(
    "orderStatusResponse",
    &[
        maybe("orderStatus", Int),
        maybe("orderNumber", Text),
        maybe("pan", Text),
        maybe("expiration", Text),
        maybe("cardholderName", Text),
        maybe("amount", Long),
        maybe("depositAmount", Long),
        maybe("currency", Text),
        maybe("approvalCode", Text),
        maybe("authCode", Int),
        maybe("ip", Text),
        maybe("date", Moment),
        maybe("orderDescription", Text),
        maybe("merchantLogin", Text),
        maybe("actionCodeDescription", Text),
        maybe("clientId", Text),
        maybe("bindingId", Text),
        one("errorCode", Int),
        maybe("errorMessage", Text),
    ],
    &[
        many("operations", Complex(&LOYALTY_OPERATION)),
        many("params", Complex(&PARAM)),
        maybe("orderBundle", Complex(&BUNDLE)),
    ],
);

// The last orders.

static STATES: Type = complex("transactionStates", &[], &[many("transactionStates", OneOf(&STATE))]);
static MERCHANTS: Type = complex("merchants", &[], &[many("merchants", Text)]);
pub(super) static LAST_ORDERS_REQUEST: Type = complex(
    "getLastOrdersForMerchantsRequest",
    &[maybe("language", Text)],
    &[
        maybe("page", Int),
        maybe("size", Int),
        maybe("from", Moment),
        maybe("to", Moment),
        maybe("transactionStates", Complex(&STATES)),
        maybe("merchants", Complex(&MERCHANTS)),
        maybe("searchByCreatedDate", Boolean),
    ],
);
pub(super) static LAST_ORDERS: Type = complex(
    "getLastOrdersForMerchantsResponse",
    &[one("errorCode", Int), maybe("errorMessage", Text)],
    &[
        many("operations", Complex(&LOYALTY_OPERATION)),
        many("orderStatuses", Complex(&EXTENDED)),
        maybe("totalCount", Long),
        maybe("page", Int),
        maybe("pageSize", Int),
    ],
);

// The loyalty service.

pub(super) static COMPLETION: Type = complex(
    "autoCompletionRequest",
    &[maybe("orderId", Text), maybe("compositeCompletionAmount", Long), maybe("language", Text)],
    &[],
);
/// The amount's name is a guess by analogy: no document was seen that has it.
pub(super) static AUTO_REFUND: Type = complex(
    "autoRefundRequest",
    &[maybe("orderId", Text), maybe("compositeRefundAmount", Long), maybe("language", Text)],
    &[],
);
pub(super) static LOYALTY_DONE: Type = complex(
    "loyaltyResponse",
    &[one("errorCode", Int), maybe("errorMessage", Text)],
    &[many("operations", Complex(&LOYALTY_OPERATION))],
);
