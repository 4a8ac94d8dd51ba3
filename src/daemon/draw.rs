//! Drawing a report: the books of the store, laid against the merchant's yardstick.

use crate::config::MerchantConfig;
use crate::domain::calendar::BusinessDay;
use crate::domain::reconciliation::{Report, Yardstick, findings, holds_left};
use crate::domain::time::Timestamp;
use crate::store::{Store, StoreError};

/// The report of `merchant`'s business `day`, as the books stand at `now`.
pub async fn draw(
    store: &Store,
    merchant: &MerchantConfig,
    day: BusinessDay,
    now: Timestamp,
) -> Result<Report, StoreError> {
    let books = store.day_books(&merchant.id, &day).await?;
    let mut stops = store.money_stops().await?;
    stops.retain(|stop| stop.scope.concerns(&merchant.id));
    let yardstick =
        Yardstick { looks: &merchant.looks, holds: &merchant.holds, stuck_after: merchant.report.stuck_after };
    Ok(Report {
        merchant: merchant.id.clone(),
        day,
        zone: merchant.zone.clone(),
        drawn_at: now,
        stops,
        entered: books.entered,
        ended: books.ended,
        standing: books.standing,
        holds: holds_left(&books.candidates, &merchant.holds, now),
        findings: findings(&books.candidates, yardstick, now),
        head: books.head,
    })
}
