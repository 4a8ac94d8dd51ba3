//! A program in place of an address: what hangs is killed and told again, and what it leaves running is killed.

use std::path::Path;

use serde_json::Value;

use super::{journal, numbers, paid, until_scraped, world};
use crate::fixture::{in_time, until};

/// A zombie waits for whoever started it, and does nothing.
fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The processes that the program wrote down as it started them.
fn left(directory: &Path, what: &str) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let of = files.filter(|path| path.extension().is_some_and(|extension| extension == what));
    of.map(|path| std::fs::read_to_string(path).unwrap().trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_hangs_is_killed_and_told_again_and_nothing_of_it_stays() {
    let directory = tempfile::tempdir().unwrap();
    // The first event hangs the first time, with a child; each that ends leaves a child behind.
    let script = "cd \"$0\"; case $WEBHOOK_ID in evt_1_*) [ -e hung ] || { sleep 1000 & echo $! > one.hung; echo $$ > two.hung; \
                  : > hung; wait; };; esac; sleep 1000 & echo $! > \"$WEBHOOK_ID.left\"; echo \"$WEBHOOK_ID\" >> heard";
    let command = format!(
        "[[merchant.webhook]]\nname = \"program\"\ncommand = [\"/bin/sh\", \"-c\", {}, {}]\ntimeout = \"3s\"\n",
        Value::from(script),
        Value::from(directory.path().display().to_string())
    );
    let world = world(&[command]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(1)).await;
    let events: usize = journal(&daemon).await.values().map(Vec::len).sum();
    let heard = || std::fs::read_to_string(directory.path().join("heard")).unwrap_or_default().lines().count();
    in_time(until(|| heard() >= events)).await;
    let timed_out = "reconciled_webhook_deliveries_total{endpoint=\"program\",merchant=\"shop\",verdict=\"timed_out\"}";
    until_scraped(&daemon, timed_out, 1.0).await;
    until_scraped(&daemon, "reconciled_webhook_backlog{endpoint=\"program\",merchant=\"shop\"}", 0.0).await;
    let (hung, behind) = (left(directory.path(), "hung"), left(directory.path(), "left"));
    assert_eq!((hung.len(), behind.len()), (2, events));
    in_time(until(|| !hung.iter().chain(&behind).any(|pid| is_running(pid)))).await;
    daemon.stop().await;
}
