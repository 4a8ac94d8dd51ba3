//! The host and its administrator: deaths, starts, outages, old copies put back and adopted.

use std::time::Duration;

use super::super::evidence::Backlog;
use super::super::network::Weather;
use super::super::world::World;
use super::{Deed, operator};

/// Old copies put back in a life: after each nothing is sent for a day or so, and then much else is never tried.
const RESTORES_MAX: u32 = 2;

/// The daemon dies and is started again after a while: seconds, as systemd does, or when somebody notices.
pub(in super::super) async fn kill(world: &mut World, how: &'static str) {
    if !world.is_up() {
        return;
    }
    world.crash(how).await;
    world.check().await;
    let seconds = match world.chance.u8(..10) {
        0..7 => world.chance.u64(1..60),
        7..9 => world.chance.u64(60..7_200),
        _ => world.chance.u64(7_200..130_000),
    };
    backups(world);
    world.after(Duration::from_secs(seconds), Deed::Start);
}

/// Copies of the database are made and put back only while nobody has it open.
fn backups(world: &mut World) {
    let percent = world.plan.restore_percent;
    if percent == 0 {
        return;
    }
    if world.restores < RESTORES_MAX
        && world.chance.u8(..100) < percent
        && let Some(backup) = world.backup.take()
    {
        world.restores += 1;
        let now_ms = world.now_ms();
        let lost = world.evidence.forget_since(backup.at_ms, now_ms);
        operator::told_frozen(world);
        let looked_at = Duration::from_secs(world.chance.u64(1_800..130_000));
        world.after(looked_at, Deed::Adopt);
        world.note("host", &format!("an old copy of the database is put back; {} orders are lost", lost.len()));
        if let Err(error) = world.restore(&backup) {
            return world.failed(&error.to_string());
        }
        for index in 0..world.plan.orders.len() {
            if lost.contains(&world.plan.orders[index].number) {
                let is_ours = world.plan.orders[index].through_us;
                let deed = if is_ours { Deed::HandIn(index) } else { Deed::Tell(index) };
                world.after(Duration::from_secs(7_200), deed);
            }
        }
    } else if world.chance.bool()
        && let Err(error) = world.take_backup()
    {
        world.failed(&error.to_string());
    }
}

/// Whoever put the copy back has seen that nobody else works with it, and vouches for it. Nobody adopts on behalf of a
/// daemon at work.
pub(super) async fn adopt(world: &mut World) {
    let was_up = world.is_up();
    world.stop().await;
    match world.adopt().await {
        Ok(words) => {
            operator::told_unfrozen(world);
            world.note("host", &words);
        }
        Err(error) => world.failed(&error),
    }
    if was_up {
        world.after(Duration::from_secs(2), Deed::Start);
    }
}

pub(super) async fn restart(world: &mut World) {
    if world.is_up() {
        world.stop().await;
        world.check().await;
        world.after(Duration::from_secs(2), Deed::Start);
    }
}

pub(super) async fn start(world: &mut World) {
    world.start().await;
    world.note_backlog().await;
}

pub(super) async fn start_rival(world: &mut World) {
    if world.is_up() {
        let is_let_in = world.start_rival().await;
        world.note("rival", if is_let_in { "was let in" } else { "was refused" });
    }
}

pub(super) async fn turn(world: &mut World, weather: Weather) {
    world.network.turn(weather);
    world.note("network", &format!("{weather:?}"));
    world.note_backlog().await;
}

pub(super) async fn judge_backlog(world: &mut World, backlog: Backlog, life: u64) {
    // Interrupted in between, it could not have been worked off.
    if world.is_up() && world.lives() == life && world.network.is_fair() {
        let until_ms = world.must_be_worked_off_at(&backlog);
        if let Ok(wait @ 1..) = u64::try_from(until_ms.saturating_sub(world.now_ms())) {
            world.after(Duration::from_millis(wait), Deed::JudgeBacklog { backlog, life });
            return;
        }
        world.evidence.backlogs.push(Backlog { until_ms, ..backlog });
        world.check().await;
        // Judged once, while the rows still tell when each order was last heard of.
        world.evidence.backlogs.clear();
    }
}

pub(super) async fn calm(world: &mut World) {
    world.network.turn(Weather::Fair);
    world.bank().clear_faults();
    world.note("host", "all rest");
    operator::start_all_money(world).await;
    // A life without perils.
    if world.is_up() {
        world.stop().await;
    }
    if world.restores > 0 {
        adopt(world).await;
    }
    world.start().await;
    world.note_backlog().await;
}
