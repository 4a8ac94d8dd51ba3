//! The columns that whole rows are read from, each with its place. Asked by name, SQLite compares every name before it,
//! and an order has fifty, so rows are read by place.
//!
//! Queries name these columns, so a row has them in this order whatever order the file has them in. What is sealed
//! comes first, in the order of the seal, and the seal comes last.

/// Makes of a table's columns their text for a query, and a type with their places.
macro_rules! columns {
    ($text:ident: $table:literal, $(#[$doc:meta])* $places:ident { sealed: $($sealed:ident)*, others: $($other:ident)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[expect(non_camel_case_types, reason = "columns are spelt as the schema spells them")]
        pub(super) enum $places { $($sealed,)* $($other),* }

        impl $places {
            /// Those that money depends on: their places, which count from nought, and names.
            pub(super) const SEALED: &'static [(usize, &'static str)] =
                &[$(($places::$sealed as usize, stringify!($sealed))),*];

            /// Its place in a row.
            pub(super) const fn at(self) -> usize {
                self as usize
            }
        }

        // With the table's name, since a join may have two of one name.
        macro_rules! $text {
            () => {
                concat!($($table, ".", stringify!($sealed), ", ",)* $($table, ".", stringify!($other), ", "),*)
            };
        }
    };
}

columns!(order_columns: "orders", /// Those of `orders`.
Order {
    sealed: id version merchant order_number order_id amount_minor currency state complete_amount_minor parked released_at_ms
    held_at_ms held_at_first_ms hold_begun_at_ms lapses_at_ms complete_at_ms deadline_at_ms review_code accepted_code
    state_before_review,
    others: state_since_ms created_at_ms expires_at_ms lapse_warnings payment_system autocompletion_at_ms autocompletion_told_ms
    next_look_at_ms unknown_in_a_row heard_at_ms heard bank_seen_at_ms bank_status bank_action_code bank_amount_minor
    bank_currency bank_approved_minor bank_deposited_minor bank_refunded_minor bank_points_approved_minor
    bank_points_deposited_minor bank_points_refunded_minor bank_authorised_at_ms bank_chargeback
    review_sentence two_phase
});

columns!(operation_columns: "operations", /// Those of `operations`.
Operation {
    sealed: id order_key kind amount_minor state attempt unknown_sends expected_minor sent_at_ms answered_at_ms witness_seq
    ordered refunded_before_minor,
    others: intended_at_ms agreeing_reads asks next_step_at_ms note
});

/// `SELECT` with every column of an order, and its seal; what follows begins with `FROM`.
macro_rules! select_order {
    ($($rest:expr),+) => {
        concat!("SELECT ", $crate::store::columns::order_columns!(), "orders.seal ", $($rest),+)
    };
}

/// The same for an operation.
macro_rules! select_operation {
    ($($rest:expr),+) => {
        concat!("SELECT ", $crate::store::columns::operation_columns!(), "operations.seal ", $($rest),+)
    };
}

pub(super) use {operation_columns, order_columns, select_operation, select_order};
