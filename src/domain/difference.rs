//! What an act changes, column by column: what a dry run prints, what the real run prints after the fact, and what the
//! journal keeps.
//!
//! Rows are taken apart by name, so that a new column is a compile error here until somebody says how it is told.

use super::money::for_people;
use super::operation::{CompletionAmount, Operation, OperationKind};
use super::order::Order;

/// One column that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which, in words.
    pub column: &'static str,
    /// What stood there.
    pub before: String,
    /// What stands there then.
    pub after: String,
}

/// Columns that every act moves on: the journal's own time tells them.
const MOVE_ON_ALWAYS: [&str; 2] = ["state since", "next look"];

/// What differs between two versions of an order's row, in the order in which a person reads them.
pub fn of_order(before: &Order, after: &Order) -> Vec<Change> {
    let columns = columns_of_order(before).into_iter().zip(columns_of_order(after));
    columns.filter_map(change).collect()
}

/// Likewise of a completion's row.
pub fn of_operation(before: &Operation, after: &Operation) -> Vec<Change> {
    let columns = columns_of_operation(before).into_iter().zip(columns_of_operation(after));
    columns.filter_map(change).collect()
}

/// The changes as the journal tells them: `state review → held, parked no → yes`.
pub fn in_words(changes: &[Change]) -> String {
    let worth_telling = changes.iter().filter(|change| !MOVE_ON_ALWAYS.contains(&change.column));
    let words = worth_telling.map(|change| format!("{} {} → {}", change.column, change.before, change.after));
    words.collect::<Vec<_>>().join(", ")
}

fn change((before, after): (Column, Column)) -> Option<Change> {
    let ((column, before), (_, after)) = (before, after);
    (before != after).then_some(Change { column, before, after })
}

/// Its name, and what stands in it.
type Column = (&'static str, String);

fn columns_of_order(order: &Order) -> [Column; 16] {
    let Order {
        key: _,
        version: _,
        merchant: _,
        number: _,
        order_id,
        amount: _,
        currency,
        state,
        state_since,
        created_at: _,
        expires_at,
        completion,
        parked,
        released_at,
        hold,
        held_at_first: _,
        complete_at,
        deadline_at,
        lapse_warnings: _,
        payment_system: _,
        autocompletion_at: _,
        autocompletion_told: _,
        kind: _,
        next_look_at,
        unknown_in_a_row: _,
        heard: _,
        view,
        review,
        before_review,
        accepted,
    } = order;
    [
        ("state", state.to_string()),
        ("state since", state_since.to_string()),
        ("order id", text(order_id.as_ref())),
        ("page closes", text(expires_at.as_ref())),
        (
            "to be taken",
            match completion {
                CompletionAmount::Whole => "the whole hold".to_owned(),
                CompletionAmount::Exactly(amount) => for_people(amount.minor(), *currency),
            },
        ),
        ("parked", if *parked { "yes" } else { "no" }.to_owned()),
        ("released", text(released_at.as_ref())),
        ("held", text(hold.map(|hold| hold.held_at).as_ref())),
        ("hold lapses", text(hold.map(|hold| hold.lapses_at).as_ref())),
        ("completion due", text(complete_at.as_ref())),
        ("deadline", text(deadline_at.as_ref())),
        ("next look", text(next_look_at.as_ref())),
        ("bank shows", text(view.as_ref().map(|seen| seen.view.status).as_ref())),
        ("review", text(review.as_ref().map(|review| review.code.as_str()).as_ref())),
        ("before the review", text(before_review.as_ref())),
        ("decided", text(accepted.as_ref().map(|codes| codes.lines().collect::<Vec<_>>().join(" and ")).as_ref())),
    ]
}

fn columns_of_operation(operation: &Operation) -> [Column; 2] {
    let Operation {
        key: _,
        order: _,
        kind,
        amount: _,
        ordered: _,
        state,
        attempt: _,
        unknown_sends: _,
        expected_minor: _,
        refunded_before: _,
        intended_at: _,
        sent_at: _,
        answered_at: _,
        agreeing_reads: _,
        asks: _,
        next_step_at: _,
        note,
    } = operation;
    let [column, its_note] = match kind {
        OperationKind::Completion | OperationKind::Reversal => ["completion", "completion's note"],
        OperationKind::Refund => ["refund", "refund's note"],
        OperationKind::Decline => ["decline", "decline's note"],
    };
    [(column, state.as_str().to_owned()), (its_note, text(note.as_ref()))]
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{NOW, order};
    use super::super::order::State;
    use super::*;

    #[test]
    fn only_what_differs_is_told_and_the_journal_leaves_out_what_always_moves_on() {
        let before = order(State::Held);
        assert_eq!(of_order(&before, &before), []);
        let after = Order { parked: true, complete_at: None, next_look_at: None, state_since: NOW, ..before.clone() };
        let changes = of_order(&before, &after);
        let columns: Vec<_> = changes.iter().map(|change| change.column).collect();
        assert_eq!(columns, ["state since", "parked", "completion due", "next look"]);
        assert_eq!(in_words(&changes), "parked no → yes, completion due 2026-11-20T09:00:00.000Z → none");
    }
}
