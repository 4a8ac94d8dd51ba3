//! The mouth towards the shop: one event to one endpoint, over the network or into a program.
//!
//! It is not the gateway's: the shop is not the bank, nothing said here moves money, and what is said twice does no harm.
//! So it has a client of its own, which signs, follows no redirect, takes no proxy from the environment, waits for a
//! bounded time, reads little of the answer, and connects nowhere that the endpoint may not be. What it does not do:
//! decide what is told, when, and how often ([`crate::domain::delivery`]), or remember anything.
//!
//! Read in this order: this file, [`message`] (what is said), `post` with `resolver` (over the network), `program`
//! (into a program) and `shop` (in virtual time).

pub mod message;
mod post;
mod program;
mod resolver;
mod shop;

#[cfg(test)]
mod tests;

pub use message::Message;
pub use shop::Shop;

use crate::config::{Target, WebhookConfig};
use crate::domain::delivery::Outcome;
use crate::domain::time::Timestamp;

use post::Post;
use program::Program;

/// Why nothing can be told to an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum MessengerError {
    /// The extra root certificate is no PEM certificate.
    #[error("extra_root: {0}; give a PEM file with at least one certificate")]
    ExtraRoot(String),
    /// A key is none.
    #[error("keys: one of them is not whsec_ and 24 to 64 bytes in base64")]
    Key,
    /// TLS or the HTTP client could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// Whoever tells one endpoint.
#[derive(Debug)]
pub struct Messenger(Way);

#[derive(Debug)]
enum Way {
    Post(Box<Post>),
    Program(Program),
    Shop(Shop),
}

impl Messenger {
    /// One for the endpoint of `config`; nothing is sent yet.
    pub fn new(config: &WebhookConfig) -> Result<Self, MessengerError> {
        Ok(Self(match &config.target {
            Target::Address(address) => Way::Post(Box::new(Post::new(address, config.timeout)?)),
            Target::Command(words) => Way::Program(Program::new(words, config.timeout)),
        }))
    }

    /// One for a shop in virtual time.
    pub const fn to_a_shop(shop: Shop) -> Self {
        Self(Way::Shop(shop))
    }

    /// Tells `message`, at `now`, and what came of it.
    pub async fn tell(&self, message: &Message, now: Timestamp) -> Outcome {
        match &self.0 {
            Way::Post(post) => post.tell(message, now).await,
            Way::Program(program) => program.tell(message, now).await,
            Way::Shop(shop) => shop.tell(message, now).await,
        }
    }

    /// A digest of where an endpoint is: another one is another place.
    pub fn place(config: &WebhookConfig) -> String {
        let words = match &config.target {
            Target::Address(address) => format!("url\n{}", address.url),
            Target::Command(words) => format!("command\n{}", words.join("\n")),
        };
        message::hex(ring::digest::digest(&ring::digest::SHA256, words.as_bytes()).as_ref())
    }
}
