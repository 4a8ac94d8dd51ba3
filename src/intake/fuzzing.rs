//! What is promised of orders, whatever a shop writes.

use std::path::Path;
use std::sync::OnceLock;

use super::{Format, OrderFile, Rejection, from_json, release_from_json};
use crate::config::Config;
use crate::domain::money::AMOUNT_MAX;
use crate::domain::operation::CompletionAmount;
use crate::domain::order::NewOrder;
use crate::domain::registration::{Table, Terms, Tree, read};
use crate::domain::time::Timestamp;

/// Two merchants, so that an order has to say whose it is.
fn settings() -> Option<&'static Config> {
    static SETTINGS: OnceLock<Option<Config>> = OnceLock::new();
    let merchant = |name: &str| {
        format!(
            "[[merchant]]\nname = \"{name}\"\ngateway = \"http://127.0.0.1:1/{name}/\"\nuser_name = \"{name}\"\n\
             password = {{ public = \"any\" }}\n"
        )
    };
    let text = || format!("database = \"db\"\nreports = \"reports\"\n{}{}", merchant("shop"), merchant("kiosk"));
    SETTINGS.get_or_init(|| Config::of_text(Path::new("/nonexistent/reconciled.toml"), &text()).ok()).as_ref()
}

pub(super) fn assert_order(order: &Result<NewOrder, Rejection>) {
    match order {
        Ok(order) => {
            assert!((1..=AMOUNT_MAX).contains(&order.amount.minor()));
            assert!((1..=32).contains(&order.number.as_str().chars().count()));
            if let CompletionAmount::Exactly(part) = order.completion {
                assert!(part <= order.amount, "more would be taken than was ordered");
            }
        }
        Err(rejection) => {
            assert!(!rejection.problems.is_empty(), "refused without a word");
            assert!(rejection.to_string().len() <= 16 * 1_024, "an answer much longer than the question");
        }
    }
}

/// One JSON object, as an order and as what a release says.
pub(crate) fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(config) = settings() else { return assert!(bytes.is_empty(), "the settings are wrong") };
    assert_order(&from_json(text, config));
    if let Ok(Some(part)) = release_from_json(text) {
        assert!((1..=AMOUNT_MAX).contains(&part.minor()));
    }
}

/// A file, as JSON lines and as CSV.
pub(crate) fn file(bytes: &[u8]) {
    let Some(config) = settings() else { return assert!(bytes.is_empty(), "the settings are wrong") };
    for format in [Format::JsonLines, Format::Csv] {
        let Ok(lines) = OrderFile::new(bytes, format, config) else { continue };
        let mut last = 0;
        for line in lines.flatten() {
            assert!(line.number > last, "lines are told in their order");
            last = line.number;
            assert_order(&line.order);
        }
        let written = bytes.split(|byte| *byte == b'\n').count();
        assert!(usize::try_from(last).is_ok_and(|last| last <= written), "a line that is not in the file");
    }
}

/// One JSON object, as what is to be registered: what was read reads the same again, cart and all.
pub(crate) fn registration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(config) = settings() else { return assert!(bytes.is_empty(), "the settings are wrong") };
    match super::registration::from_json(text, config, Timestamp::from_millis(0)) {
        Ok((merchant, request)) => {
            assert!((1..=AMOUNT_MAX).contains(&request.amount.minor()));
            if let Some(bundle) = &request.order_bundle {
                let sum = bundle.items.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.worth()?));
                assert_eq!(sum, Some(request.amount.minor()), "the cart is worth something else");
            }
            let document = request.document().to_string();
            let terms = Terms {
                table: Table::RegisterDo,
                number_max: merchant.order_number_max,
                currency: merchant.currency,
                now: None,
            };
            let again = Tree::from_json(&document).ok().and_then(|tree| read(&tree, &terms).ok());
            assert_eq!(again.as_ref(), Some(&request), "what is kept is another request");
        }
        Err(refused) => {
            assert!(!refused.to_string().is_empty(), "refused without a word");
            assert!(refused.into_problems().len() <= 65, "an answer much longer than the question");
        }
    }
}
