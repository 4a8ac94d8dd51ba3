//! getLastOrdersForMerchants.do: the bank's own list of orders, by the time of their creation. Newer gateways have it
//! no more, so nothing rests on it.

use serde::Deserialize;

use crate::domain::bank::{BankView, Refusal, StatusAnswer, Unknown};
use crate::domain::time::Timestamp;

use super::codes::{self, StatusCode};
use super::rest;
use super::scrub::Scrubber;
use super::transport::Reply;

/// Orders of one page. The documents allow 200; with a full cart each, so many would be above what is read of an
/// answer.
pub const PAGE_SIZE: usize = 50;

/// Which orders are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastOrders {
    /// Created from then on.
    pub from: Timestamp,
    /// Until then.
    pub to: Timestamp,
    /// The page, from 0.
    pub page: usize,
}

/// An answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastOrdersAnswer {
    /// A page of orders.
    Page {
        /// Those that can be read.
        orders: Vec<BankView>,
        /// How many there are on it.
        count: usize,
    },
    /// The bank's word about the question.
    Refused(Refusal),
    /// Everything else.
    Unknown(Unknown),
}

/// In every state (`transactionStates`).
pub(super) const STATES: [&str; 6] = ["CREATED", "APPROVED", "DEPOSITED", "DECLINED", "REVERSED", "REFUNDED"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    order_statuses: Vec<serde_json::Value>,
}

/// Reads an answer. An order of it that cannot be read is left out, and its neighbours are not.
pub(super) fn read(reply: Reply, scrubber: &Scrubber) -> LastOrdersAnswer {
    let (frame, page) = match reply.and_then(|body| rest::framed::<Page>(&body)) {
        Ok(read) => read,
        Err(unknown) => return LastOrdersAnswer::Unknown(unknown),
    };
    match codes::of_status(frame.code()) {
        StatusCode::Answered => {
            let count = page.order_statuses.len();
            let orders = page.order_statuses.iter().filter_map(|value| view(value, scrubber)).collect();
            LastOrdersAnswer::Page { orders, count }
        }
        StatusCode::Refused => LastOrdersAnswer::Refused(rest::refusal(&frame, scrubber)),
        StatusCode::Unknown => LastOrdersAnswer::Unknown(rest::system_error(&frame, scrubber)),
    }
}

fn view(value: &serde_json::Value, scrubber: &Scrubber) -> Option<BankView> {
    let StatusAnswer::Known(view) = rest::status_of(value, scrubber).answer else { return None };
    // It would become an order's number for good.
    let is_kept = view.order_number.as_ref().is_some_and(|number| scrubber.clean(number) == *number);
    is_kept.then_some(*view)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::domain::bank::UnknownKind;

    fn answer(body: &str) -> LastOrdersAnswer {
        read(Ok(body.as_bytes().to_vec()), &Scrubber::new(&SecretString::from("hunter22".to_owned())))
    }

    #[test]
    fn a_page_is_read_order_by_order() {
        let order = |number: &str, status: &str| {
            format!(
                r#"{{"errorCode":"0","orderNumber":"{number}","orderStatus":{status},"amount":"100","currency":643,
                    "attributes":[{{"name":"mdOrder","value":"b-{number}"}}]}}"#
            )
        };
        let [good, odd, card] = [order("A-1", "2"), order("A-2", "\"x\""), order("4111111111111111", "2")];
        let body = format!(r#"{{"errorCode":0,"orderStatuses":[{good},{odd},7,{card}],"totalCount":4,"page":0}}"#);
        let LastOrdersAnswer::Page { orders, count } = answer(&body) else { panic!("{body}") };
        assert_eq!((orders.len(), count), (1, 4));
        assert_eq!(orders[0].order_id.as_ref().map(ToString::to_string), Some("b-A-1".to_owned()));
        let refused = answer(r#"{"errorCode":"5","errorMessage":"Не заполнено одно из обязательных полей"}"#);
        assert!(matches!(refused, LastOrdersAnswer::Refused(Refusal { code: 5, .. })), "{refused:?}");
        for (body, kind) in [
            ("<html>", UnknownKind::Maintenance),
            ("<a/>", UnknownKind::Unreadable),
            (r#"{"errorCode":7}"#, UnknownKind::SystemError),
            (r#"{"orderStatuses":7}"#, UnknownKind::Unreadable),
        ] {
            assert!(matches!(answer(body), LastOrdersAnswer::Unknown(unknown) if unknown.kind == kind), "{body}");
        }
    }
}
