//! The two services and what each offers.
//!
//! Each request is one of the bank's operations, which REST has under another name. Of the gateway's other requests
//! (addParams, bindings, wallets, card lists, payment by the shop's own form, getAvailableLoyalty) this bank has none.

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
            operation: Operation::Register,
            part: "order",
            request: &types::ORDER,
            answer: &types::REGISTERED,
        },
        Verb {
            name: "registerOrderPreAuth",
            operation: Operation::RegisterPreAuth,
            part: "order",
            request: &types::ORDER,
            answer: &types::REGISTERED,
        },
        Verb {
            name: "getOrderStatus",
            operation: Operation::OldStatus,
            part: "order",
            request: &types::STATUS_REQUEST,
            answer: &types::STATUS,
        },
        Verb {
            name: "getOrderStatusExtended",
            operation: Operation::Status,
            part: "order",
            request: &types::EXTENDED_REQUEST,
            answer: &types::EXTENDED,
        },
        Verb {
            name: "depositOrder",
            operation: Operation::Deposit,
            part: "order",
            request: &types::DEPOSIT,
            answer: &types::DONE,
        },
        Verb {
            name: "reverseOrder",
            operation: Operation::Reversal,
            part: "order",
            request: &types::REVERSAL,
            answer: &types::DONE,
        },
        Verb {
            name: "refundOrder",
            operation: Operation::Refund,
            part: "order",
            request: &types::REFUND,
            answer: &types::DONE,
        },
        Verb {
            name: "getLastOrdersForMerchants",
            operation: Operation::LastOrders,
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
            operation: Operation::Completion,
            part: "autoCompletionRequest",
            request: &types::COMPLETION,
            answer: &types::LOYALTY_DONE,
        },
        Verb {
            name: "autoRefund",
            operation: Operation::AutoRefund,
            part: "autoRefundRequest",
            request: &types::AUTO_REFUND,
            answer: &types::LOYALTY_DONE,
        },
    ],
};

impl Service {
    /// The request of this name.
    pub(super) fn verb(&self, name: &str) -> Option<&'static Verb> {
        self.verbs.iter().find(|verb| verb.name == name)
    }
}
