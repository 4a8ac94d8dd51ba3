//! What is promised of a body with orders, whatever a client sends.

use super::body::{BATCH_MAX, Batch};

/// An array of orders: all are counted, and no more are kept than are taken.
pub(crate) fn body(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(batch) = serde_json::from_str::<Batch>(text) {
        assert!(batch.orders.len() <= BATCH_MAX && batch.orders.len() <= batch.count);
        let all: Result<Vec<serde::de::IgnoredAny>, _> = serde_json::from_str(text);
        assert_eq!(all.map(|all| all.len()).ok(), Some(batch.count), "an order was lost, or made up");
    }
}
