//! A person's word about an order's money: decided, written down, and told; the same for a dry run, which writes
//! nothing.

use super::super::desk::Desk;
use super::super::failure::Failure;
use super::super::output::{Output, Table, cell};
use super::open;
use super::show::money;
use crate::config::MerchantConfig;
use crate::domain::order::Order;
use crate::domain::review::proposal::{Decision, LASTS, Outcome, Word, decide};
use crate::domain::time::in_words;
use crate::store::{Amendment, OrderWithOperation};

/// Decides against the order as it is in the same transaction, and writes it; a dry run decides against what was read.
pub(in super::super) async fn spoken(
    desk: &Desk,
    found: &OrderWithOperation,
    merchant: &MerchantConfig,
    word: Word,
    dry_run: bool,
) -> Result<Decision, Failure> {
    let (policy, four_eyes, now) = (merchant.policy(), merchant.review.four_eyes, desk.now);
    let decided = if dry_run {
        let standing = desk.store.proposal(found.order.key).await?;
        decide(&found.order, open(found), standing.as_ref(), &word, &policy, four_eyes, now)
    } else {
        let done = desk.store.amend_review(found.order.key, now, move |order, open, standing| {
            Amendment::of_decision(decide(order, open, standing, &word, &policy, four_eyes, now), standing)
        });
        done.await?
    };
    let number = &found.order.number;
    decided.map_err(|refused| Failure::failed(format!("order {number} stays as it is: {refused}")))
}

/// Says what changed, what the journal keeps and what may be sent: the same before and after the fact.
pub(in super::super) fn tell(
    decision: &Decision,
    before: &Order,
    merchant: &MerchantConfig,
    dry_run: bool,
    desk: &Desk,
    output: &Output,
) -> Result<(), Failure> {
    let (number, after) = (&before.number, decision.event.after);
    if dry_run {
        output.heading("Nothing is written. It would be so:")?;
    }
    output.heading(match decision.outcome {
        Outcome::Done if after == before.state => format!("Order {number} is {after}, and changed"),
        Outcome::Done => format!("Order {number} is out of review: {after}"),
        Outcome::Proposed => format!("Order {number}: proposed, to be confirmed by a second person"),
        Outcome::Withdrawn => format!("Order {number}: what was proposed is taken back"),
    })?;
    if decision.outcome == Outcome::Proposed {
        output.line(format!("Within {}; it changes then:", in_words(LASTS)))?;
    }
    if !decision.changes.is_empty() {
        let mut table = Table::new(&["", "COLUMN", "BEFORE", "AFTER"]);
        for change in &decision.changes {
            table.row(vec![cell(""), cell(change.column), cell(&change.before), cell(&change.after)]);
        }
        output.table(table)?;
    }
    let event = &decision.event;
    let mut facts = Table::facts();
    facts.fact("journal", format!("{} by {}: {}", event.kind.as_str(), event.cause.to_text(), event.detail));
    let money = money(decision.sends, &merchant.zone, desk.now);
    match decision.outcome {
        Outcome::Done => facts.fact("money", money),
        Outcome::Proposed => facts.fact("money", format!("once it is confirmed, {money}")),
        Outcome::Withdrawn => {}
    }
    output.table(facts)?;
    if decision.outcome == Outcome::Done && decision.sends.may_move_money() && !dry_run {
        desk.remark_idle();
    }
    Ok(())
}
