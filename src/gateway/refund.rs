//! refund.do and decline.do: typed requests as fields. Each name stands here once, as the documents spell it.

use crate::domain::operation::RefundTools;
use crate::domain::order::{OrderId, OrderNumber};

/// refund.do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refund<'a> {
    pub(super) order_id: &'a OrderId,
    /// Never the wire's 0, which means *everything* there: whoever gives all that is left back says how much that is.
    pub(super) minor: std::num::NonZeroI64,
    /// Where the bank carries out no refund twice.
    pub(super) tools: Option<&'a RefundTools>,
}

/// decline.do. Some banks want the number beside the id, and the others take both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decline<'a> {
    pub(super) order_id: &'a OrderId,
    pub(super) order_number: &'a OrderNumber,
}

/// The fields of a refund.
pub(super) fn of_refund(refund: &Refund<'_>) -> Vec<(&'static str, String)> {
    let mut fields = vec![("orderId", refund.order_id.as_str().to_owned()), ("amount", refund.minor.get().to_string())];
    if let Some(tools) = refund.tools {
        fields.push(("expectedDepositedAmount", tools.expected_deposited.to_string()));
        fields.push(("externalRefundId", tools.external_id.clone()));
    }
    fields
}

/// The fields of a decline.
pub(super) fn of_decline(decline: &Decline<'_>) -> Vec<(&'static str, String)> {
    vec![("orderId", decline.order_id.as_str().to_owned()), ("orderNumber", decline.order_number.as_str().to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_says_its_sum_and_the_tools_only_where_the_bank_has_them() {
        let order_id = OrderId::new("id-1").unwrap();
        let minor = std::num::NonZeroI64::new(500).unwrap();
        let plain = of_refund(&Refund { order_id: &order_id, minor, tools: None });
        assert_eq!(plain, [("orderId", "id-1".to_owned()), ("amount", "500".to_owned())]);
        let tools = RefundTools { external_id: "r7-1".to_owned(), expected_deposited: 900 };
        let with_tools = of_refund(&Refund { order_id: &order_id, minor, tools: Some(&tools) });
        let expected = [("expectedDepositedAmount", "900".to_owned()), ("externalRefundId", "r7-1".to_owned())];
        assert_eq!(with_tools.split_at(2), (&plain[..], &expected[..]));
    }

    #[test]
    fn a_decline_names_its_order_by_both() {
        let (order_id, order_number) = (OrderId::new("id-1").unwrap(), OrderNumber::new("A-1", 32).unwrap());
        let fields = of_decline(&Decline { order_id: &order_id, order_number: &order_number });
        assert_eq!(fields, [("orderId", "id-1".to_owned()), ("orderNumber", "A-1".to_owned())]);
    }
}
