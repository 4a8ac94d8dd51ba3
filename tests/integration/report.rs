//! The nightly report: drawn for a missed night, and telling what a person should read.

use reconciled::domain::order::State;
use reconciled::sandbox::{AmountPart, FaultKind, FaultRule, Operation, Settings};

use crate::fixture::{HASTE, World, add, in_time, order, wait_for_state};

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_night_is_caught_up_at_the_next_start() {
    let world = World::new(Settings::default(), HASTE).await;
    let config = world.config();
    let store = reconciled::store::Store::open_or_create(&config.database).unwrap();
    // The daemon was last seen at work three nights ago.
    let now = reconciled::clock::Clock::host().now();
    let three_days_ago = now.minus(std::time::Duration::from_secs(3 * 86_400));
    store.last_report_slot(&crate::fixture::shop(), three_days_ago).await.unwrap();
    drop(store);

    let daemon = world.daemon().await;
    // The reporter works by itself from the start, and rings no bell for its files.
    let three_nights = async {
        loop {
            let written = pages(&config.reports.join("shop"));
            if written.len() >= 3 {
                return written;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let written = in_time(three_nights).await;
    assert_eq!(written.len(), 3, "{written:?}");
    daemon.stop().await;
}

fn pages(directory: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("20") && name.contains(".html")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_another_amount_stands_in_review_and_in_the_report() {
    let world = World::new(Settings::default(), HASTE).await;
    let daemon = world.daemon().await;
    let id = world.register("short", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let fault = FaultKind::WrongAmount { part: AmountPart::Amount, off_by_minor: -100 };
    world.bank.bank().add_fault(FaultRule::always(fault).on(Operation::Status)).unwrap();
    add(daemon.store(), vec![order("short", 10_000)]).await;
    let found = wait_for_state(daemon.store(), "short", State::Review).await;
    assert!(found.review.unwrap().sentence.contains("99.00 RUB"));

    let merchant = &world.config().merchants[0];
    let now = reconciled::clock::Clock::host().now();
    let today = merchant.zone.local(now).date();
    let day =
        reconciled::domain::calendar::BusinessDay::of_date(today, &merchant.zone, merchant.report.cut_off).unwrap();
    let report = reconciled::daemon::draw::draw(daemon.store(), merchant, day, now).await.unwrap();
    let page = reconciled::report::html(&report).unwrap();
    assert!(page.contains("short") && page.contains("99.00"), "{page}");
    daemon.stop().await;
}
