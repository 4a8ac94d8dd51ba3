//! The daily quota of a simulated login: its blocks are counted here, as the daemon counts them in the database.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::{Block, ON_ITS_WAY, Pacer, SPENT_WITHIN};

/// The quota counts what was sent in this long.
const DAY: Duration = Duration::from_secs(86_400);

/// While the quota is used up, it is looked this often whether a request has grown a day old.
const AGAIN_EVERY: Duration = Duration::from_secs(5);

/// Fills the pacer's purse for ever, where there is a quota.
pub(super) async fn fill(pacer: &Pacer) {
    let Some((daily, wanted)) = pacer.daily_block() else { return };
    let mut blocks = Blocks::default();
    loop {
        let mut is_short = false;
        if pacer.wants_block() {
            let block = blocks.next(pacer.give_back(), daily, wanted);
            is_short = block.requests < wanted;
            pacer.fill(block);
        }
        tokio::select! {
            () = pacer.wants_attention() => {}
            () = tokio::time::sleep(AGAIN_EVERY), if is_short || pacer.is_used_up() => {}
        }
    }
}

/// Blocks of the last 24 hours: until when each could be on its way, and its requests.
#[derive(Default)]
struct Blocks {
    taken: VecDeque<(Instant, u32)>,
}

impl Blocks {
    /// The next block, where so many of the one before it were not spent.
    fn next(&mut self, unspent: u32, daily: NonZeroU32, wanted: u32) -> Block {
        let now = Instant::now();
        if let Some((_, requests)) = self.taken.back_mut() {
            *requests = requests.saturating_sub(unspent);
        }
        while self.taken.front().is_some_and(|(until, _)| *until + DAY <= now) {
            self.taken.pop_front();
        }
        let sent: u64 = self.taken.iter().map(|(_, requests)| u64::from(*requests)).sum();
        let left = u64::from(daily.get()).saturating_sub(sent);
        let requests = u32::try_from(left).unwrap_or(u32::MAX).min(wanted);
        let until = now + SPENT_WITHIN;
        if requests > 0 {
            self.taken.push_back((until + ON_ITS_WAY, requests));
        }
        Block { requests, beyond: left.saturating_sub(requests.into()), until }
    }
}
