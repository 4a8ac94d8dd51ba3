//! The two services and what each offers.
//!
//! Each request is a REST verb under another name. Of the gateway's other requests (addParams, bindings, wallets, card
//! lists, payment by the shop's own form, getAvailableLoyalty) this bank has none.

use super::super::operation::Operation;
use super::schema::{Service, Verb};
use super::types;

pub(super) static MERCHANT: Service = Service {
    path: "merchant-ws",
    name: "MerchantService",
    namespace: "http://engine.paymentgate.ru/webservices/merchant",
    outer_namespace: "http://soap.merchant.api.web.phoenix.bpc.ru/",
    verbs: &[
        Verb {
            name: "registerOrder",
            rest: "register.do",
            part: "order",
            request: &types::ORDER,
            answer: &types::REGISTERED,
        },
        Verb {
            name: "registerOrderPreAuth",
            rest: "registerPreAuth.do",
            part: "order",
            request: &types::ORDER,
            answer: &types::REGISTERED,
        },
        Verb {
            name: "getOrderStatus",
            rest: "getOrderStatus.do",
            part: "order",
            request: &types::STATUS_REQUEST,
            answer: &types::STATUS,
        },
        Verb {
            name: "getOrderStatusExtended",
            rest: "getOrderStatusExtended.do",
            part: "order",
            request: &types::EXTENDED_REQUEST,
            answer: &types::EXTENDED,
        },
        Verb {
            name: "depositOrder",
            rest: "deposit.do",
            part: "order",
            request: &types::DEPOSIT,
            answer: &types::DONE,
        },
        Verb {
            name: "reverseOrder",
            rest: "reverse.do",
            part: "order",
            request: &types::REVERSAL,
            answer: &types::DONE,
        },
        Verb { name: "refundOrder", rest: "refund.do", part: "order", request: &types::REFUND, answer: &types::DONE },
        Verb {
            name: "getLastOrdersForMerchants",
            rest: "getLastOrdersForMerchants.do",
            part: "request",
            request: &types::LAST_ORDERS_REQUEST,
            answer: &types::LAST_ORDERS,
        },
    ],
};

pub(super) static LOYALTY: Service = Service {
    path: "merchant-loyalty-ws",
    name: "MerchantLoyaltyService",
    namespace: "http://engine.paymentgate.ru/webservices/merchant/loyalty",
    outer_namespace: "http://soap.loyalty.merchant.api.web.phoenix.bpc.ru/",
    verbs: &[
        Verb {
            name: "autoCompletion",
            rest: "autoCompletion.do",
            part: "autoCompletionRequest",
            request: &types::COMPLETION,
            answer: &types::LOYALTY_DONE,
        },
        Verb {
            name: "autoRefund",
            rest: "autoRefund.do",
            part: "autoRefundRequest",
            request: &types::AUTO_REFUND,
            answer: &types::LOYALTY_DONE,
        },
    ],
};

impl Service {
    /// What it offers: of its requests those that the bank can do.
    pub(super) fn offered(&self) -> impl Iterator<Item = (&'static Verb, Operation)> {
        self.verbs.iter().filter_map(|verb| Some((verb, Operation::from_rest(verb.rest)?)))
    }

    /// The request of this name.
    pub(super) fn verb(&self, name: &str) -> Option<(&'static Verb, Operation)> {
        self.offered().find(|(verb, _)| verb.name == name)
    }
}
