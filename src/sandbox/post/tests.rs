//! What is told of which change, and when it is told again.

use super::super::contract::{Callback, Contract};
use super::super::order::State;
use super::super::registration::Registration;
use super::super::seal::Seal;
use super::*;

fn post(url: Option<&str>) -> Post {
    let seal = Seal::Hmac("123".to_owned());
    let callback = Callback { url: url.map(str::to_owned), seal, ..Callback::default() };
    let usual = Contract { callback, ..Contract::default() };
    Post::new(Contracts { usual, ..Contracts::default() }, 1_000)
}

fn order(registration: Registration) -> Order {
    Order::new("ID".to_owned(), registration, 0, State::Registered { expires_at_ms: 10 })
}

#[test]
fn each_change_is_told_in_the_gateways_words() {
    let check = |effect: Effect, two_phase: bool, told: Option<(&str, &str)>| {
        let mut post = post(Some("http://shop.example/cb"));
        let registration = Registration { two_phase, ..Registration::new("shop", "A-1", 900) };
        post.announce(&order(registration), effect, 1_643_654_812_000);
        let letters = post.letters();
        let letter = letters.first();
        let value = |name: &str| {
            let parameters = &letter?.parameters;
            parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("operation").zip(value("status")), told, "{effect:?}");
        if told.is_some() {
            assert_eq!((value("mdOrder"), value("orderNumber")), (Some("ID"), Some("A-1")));
            assert_eq!(value("callbackCreationDate"), Some("Mon Jan 31 21:46:52 MSK 2022"));
            assert!(value("checksum").is_some() && value("amount").is_none());
        }
    };
    check(Effect::Registered, true, None);
    check(Effect::Challenged, true, None);
    check(Effect::ChargedBack, false, None);
    check(Effect::Held, true, Some(("approved", "1")));
    check(Effect::Deposited, false, Some(("deposited", "1")));
    check(Effect::Completed, true, Some(("deposited", "1")));
    check(Effect::AttemptFailed, false, Some(("deposited", "0")));
    check(Effect::Declined, true, Some(("approved", "0")));
    check(Effect::CalledOff, false, Some(("deposited", "0")));
    check(Effect::Expired, false, Some(("declinedByTimeout", "0")));
    check(Effect::Lapsed, true, Some(("reversed", "1")));
    check(Effect::Reversed, true, Some(("reversed", "1")));
    check(Effect::Refunded, false, Some(("refunded", "1")));
}

#[test]
fn an_orders_own_address_goes_before_the_stores() {
    let check = |usual: Option<&str>, own: Option<&str>, expected: Option<&str>| {
        let mut post = post(usual);
        let callback_url = own.map(str::to_owned);
        post.announce(&order(Registration { callback_url, ..Registration::new("shop", "A-1", 900) }), Effect::Held, 0);
        assert_eq!(post.letters().first().map(|letter| letter.url.as_str()), expected);
    };
    check(None, None, None);
    check(Some("http://a"), None, Some("http://a"));
    check(Some("http://a"), Some("http://b"), Some("http://b"));
    check(None, Some("http://b"), Some("http://b"));
}

#[test]
fn a_letter_is_tried_again_after_twice_the_wait_and_in_the_end_given_up() {
    let mut post = post(Some("http://a"));
    post.announce(&order(Registration::new("shop", "A-1", 900)), Effect::Held, 0);
    let mut now_ms = 0;
    let mut waits = Vec::new();
    while let Some(letter) = post.take_due(now_ms) {
        assert!(post.take_due(now_ms).is_none(), "nobody carries it twice");
        post.settle(letter.seq, Err("500".to_owned()), now_ms);
        let Some(due_ms) = post.next_due_ms() else { break };
        assert!(post.take_due(due_ms - 1).is_none());
        waits.push(due_ms - now_ms);
        now_ms = due_ms;
    }
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]);
    let letter = &post.letters()[0];
    assert_eq!((letter.attempts, letter.next_at_ms, letter.delivered), (ATTEMPTS_MAX, None, false));
}

#[test]
fn what_was_delivered_is_not_told_again() {
    let mut post = post(Some("http://a"));
    post.announce(&order(Registration::new("shop", "A-1", 900)), Effect::Held, 0);
    let letter = post.take_due(0).unwrap();
    post.settle(letter.seq, Ok(()), 1);
    assert!(post.take_due(i64::MAX).is_none() && post.letters()[0].delivered);
}
