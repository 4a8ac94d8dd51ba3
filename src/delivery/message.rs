//! What is said: an event in the form of the Standard Webhooks, the id by which it is known, and its signature.
//!
//! The id is made of the event alone: of its number and of a digest of all that it says. So it is the same at each try,
//! at every endpoint, after a restart and in a replay; and where a database was put back from an older copy, and its
//! numbers are given out once more, another event has another id, and no shop takes it for one that it has seen.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use serde::Serialize;

use crate::domain::event::Event;
use crate::domain::time::Timestamp;

/// How much of the digest is in the id, in bytes: together with the number more than enough to tell two events apart.
const DIGEST_BYTES: usize = 10;

/// What one endpoint is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `webhook-id`.
    pub id: String,
    /// The body: `type`, `timestamp` and `data`.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct Body<T> {
    r#type: String,
    timestamp: String,
    data: T,
}

impl Message {
    /// An event, with what the feed shows of it.
    pub fn of_event(event: &Event, data: &serde_json::Value) -> Self {
        let id = format!("evt_{}_{}", event.seq, digest_of(event));
        Self::new(id, format!("order.{}", event.kind.as_str()), event.at, data)
    }

    /// A test, which tells nothing of any order.
    pub fn of_test(number: i64, now: Timestamp) -> Self {
        let data = serde_json::json!({ "words": "a test that a person asked for; nothing happened to any order" });
        Self::new(format!("test_{number}_{}", now.as_millis()), "webhook.test".to_owned(), now, &data)
    }

    fn new(id: String, kind: String, at: Timestamp, data: &serde_json::Value) -> Self {
        let body = Body { r#type: kind, timestamp: at.to_string(), data };
        // Texts and numbers under texts: nothing in it that JSON does not have.
        Self { id, body: serde_json::to_vec(&body).unwrap_or_default() }
    }

    /// `webhook-signature` at `timestamp`, in seconds since 1970: one for each key, so that a shop that knows either of
    /// them is content.
    pub(super) fn signature(&self, timestamp: i64, keys: &[hmac::Key]) -> String {
        let signed = [format!("{}.{timestamp}.", self.id).as_bytes(), &self.body].concat();
        let sign = |key| format!("v1,{}", STANDARD.encode(hmac::sign(key, &signed)));
        keys.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

fn digest_of(event: &Event) -> String {
    let Event { seq: _, at, merchant, number, kind, cause, before, after, detail } = event;
    let texts = [merchant.as_str(), number.as_str(), kind.as_str(), cause, before.as_str(), after.as_str(), detail];
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&at.as_millis().to_be_bytes());
    for text in texts {
        // The length first, so that no two events' texts run into one another.
        context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(text.as_bytes());
    }
    hex(context.finish().as_ref().get(..DIGEST_BYTES).unwrap_or_default())
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
