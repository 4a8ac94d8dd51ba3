//! Power cuts. The long form, with its figures:
//! `RECONCILED_CUTS=60000 cargo test --release --test integration power_cut -- --nocapture`.

use std::time::Instant;

use reconciled::store::Store;
use rusqlite::Connection;

use super::checker::{self, Checked};
use super::disk::{Op, Replay, Sectors};
use super::script::{Script, Story, Told};
use super::{Bench, Images};

/// Cuts when nobody asks for more: some seconds.
const CUTS: usize = 3_000;

/// Cuts in one run of the script; the next seed goes on.
const CUTS_PER_SEED: usize = 1_000;

/// Steps of a script: dozens of orders, some hundred commits, every kind of checkpoint and some restarts.
const STEPS: usize = 150;

/// One cut in so many is followed by more work on what was found.
const GO_ON_EVERY: usize = 16;

/// What a campaign saw.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) cuts: usize,
    /// Acknowledged changes that had to be there, over all cuts, and the sends among them.
    pub(super) told: usize,
    pub(super) sends: usize,
    /// Cuts after which a change was there that nobody had been told of.
    pub(super) untold: usize,
    pub(super) sectors: Sectors,
    pub(super) failures: Vec<String>,
}

impl Totals {
    fn add(&mut self, checked: Checked) {
        self.told += checked.told;
        self.sends += checked.sends;
        self.untold += usize::from(checked.untold > 0);
    }

    pub(super) fn assert_sound(&self) {
        let failures = self.failures.len();
        assert_eq!(failures, 0, "{failures} of {} cuts; the first:\n{}", self.cuts, self.failures[0]);
    }
}

/// Cuts the power at `cuts` moments of `log`, in order, and holds what is found against the story.
pub(super) async fn cut(log: &[Op], story: &Story, cuts: usize, seed: u64, totals: &mut Totals) {
    cut_from(0, log, story, cuts, seed, totals).await;
}

/// Likewise, at moments after the first `from` operations.
pub(super) async fn cut_from(from: usize, log: &[Op], story: &Story, cuts: usize, seed: u64, totals: &mut Totals) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut replay, mut images) = (Replay::new(log), Images::new());
    for (index, position) in moments(from, log, cuts).into_iter().enumerate() {
        replay.advance(position, &mut rng);
        let files = replay.cut(&mut rng, &mut totals.sectors);
        totals.cuts += 1;
        let image = images.put(&files);
        let mut found = checker::check(&image.database(), story, position);
        if let Ok(checked) = &found
            && index % GO_ON_EVERY == 0
            && checked.told > 0
        {
            found = checker::goes_on(&image.database(), story.told_by(position)).await.map(|()| *checked);
        }
        match found {
            Ok(checked) => totals.add(checked),
            Err(words) => totals.failures.push(format!("seed {seed}, after operation {position}: {words}")),
        }
    }
}

/// Half of them spread evenly, half just before a sync: there a whole commit is written, and nothing of it is sure.
fn moments(from: usize, log: &[Op], cuts: usize) -> Vec<usize> {
    let spread = |index: usize| from + ((index + 1) * (log.len() - from)) / cuts;
    let before_sync = |at: usize| {
        let sync = log[at..].iter().position(|op| matches!(op, Op::Synced { .. } | Op::SyncFailed { .. }));
        sync.map_or(at, |distance| at + distance)
    };
    let mut moments: Vec<usize> =
        (0..cuts).map(|index| if index % 2 == 0 { spread(index) } else { before_sync(spread(index)) }).collect();
    moments.sort_unstable();
    moments
}

fn cuts_wanted() -> usize {
    std::env::var("RECONCILED_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap())
}

#[tokio::test]
async fn a_power_cut_takes_nothing_that_was_acknowledged() {
    let (wanted, began) = (cuts_wanted(), Instant::now());
    let (mut totals, mut operations, mut changes, mut seed) = (Totals::default(), 0, 0, 0);
    while totals.cuts < wanted {
        seed += 1;
        let bench = Bench::new();
        let mut script = Script::begin(&bench.database(), &bench.disk, seed).unwrap();
        script.run(STEPS).await;
        let (story, log) = (script.end().await, bench.disk.take_log());
        assert_eq!((story.refused, story.unread.len()), (0, 0), "the disk was sound");
        operations += log.len();
        changes += story.told.len();
        cut(&log, &story, CUTS_PER_SEED.min(wanted - totals.cuts), seed, &mut totals).await;
    }
    let Totals { cuts, told, sends, untold, sectors, failures } = &totals;
    println!(
        "power_cut: {cuts} cuts in {:.1} s over {seed} scripts of {operations} operations and {changes} changes; \
         unsynced sectors kept {}, lost {}, torn {}; acknowledged changes checked {told}, sends among them {sends}, \
         cuts that left an unacknowledged change {untold}; failures {}",
        began.elapsed().as_secs_f64(),
        sectors.kept,
        sectors.lost,
        sectors.torn,
        failures.len()
    );
    totals.assert_sound();
    // A campaign in which nothing was at stake says nothing.
    let cuts_made = u64::try_from(*cuts).unwrap();
    assert!(sectors.lost > cuts_made && sectors.torn > cuts_made / 4, "{sectors:?}");
    assert!(*sends > *cuts && *untold > cuts / 100, "{sends} sends, {untold} cuts in mid-commit");
}

/// Transactions of the control.
const CONTROL_CHANGES: i64 = 60;

/// The same disk, the same checker, plain connections that differ in one word.
async fn control(synchronous: &str) -> Totals {
    let bench = Bench::new();
    drop(Store::open_or_create(&bench.database()).unwrap());
    let connection = Connection::open(bench.database()).unwrap();
    connection.pragma_update(None, "synchronous", synchronous).unwrap();
    let mut story = Story::default();
    for seq in 1..=CONTROL_CHANGES {
        let number = format!("A-{seq}");
        story.begun.push(bench.disk.position());
        let row =
            "INSERT INTO orders (merchant, order_number, amount_minor, currency, state, state_since_ms, created_at_ms,
                       next_look_at_ms) VALUES ('shop', ?1, 1, 643, 'pending', 0, 0, 0)";
        let event = "INSERT INTO events (at_ms, order_key, kind, cause, state_before, state_after, detail)
                         VALUES (0, last_insert_rowid(), 'added', 'shop', 'pending', 'pending', 'entered the queue')";
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection.execute(row, [&number]).unwrap();
        connection.execute(event, []).unwrap();
        connection.execute_batch("COMMIT").unwrap();
        let (at, detail) = (bench.disk.position(), "entered the queue".to_owned());
        story.told.push(Told { at, seq, number, detail });
    }
    drop(connection);
    bench.disk.wait_closed();
    let mut totals = Totals::default();
    cut(&bench.disk.take_log(), &story, 400, 1, &mut totals).await;
    totals
}

/// The power of the test above: with one word changed it must fail, or it could not see the difference.
#[tokio::test]
async fn power_cut_negative_control_a_log_that_is_not_synced_loses_what_was_acknowledged() {
    control("FULL").await.assert_sound();
    let lost = control("NORMAL").await.failures;
    println!("power_cut: with synchronous=NORMAL, {} of 400 cuts lost what was acknowledged", lost.len());
    assert!(lost.len() > 40, "only {} cuts lost anything", lost.len());
    assert!(lost.iter().all(|words| words.contains("acknowledged")), "{lost:#?}");
}
