//! The gate behind which a login waits that the bank refused. It closes with the very answer that says so, before
//! anybody decides anything about it, and opens when somebody says so.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::watch;

use crate::domain::bank::{CompletionAnswer, Refusal, StatusAnswer, Unknown, UnknownKind};
use crate::domain::login::{OfLogin, Refused, Request, is_refused_after, of_login};

use super::transport::of_kind;

/// Whether one merchant's login may be used.
#[derive(Debug)]
pub struct LoginGate {
    refused: watch::Sender<Option<Refused>>,
    /// Refusals in a row that may have been of the login.
    suspect_in_a_row: AtomicU32,
}

impl LoginGate {
    pub(super) fn open() -> Self {
        Self { refused: watch::Sender::new(None), suspect_in_a_row: AtomicU32::new(0) }
    }

    /// What the bank said, while nothing is sent for it.
    pub fn refused(&self) -> Option<Refused> {
        self.refused.borrow().clone()
    }

    /// Whether nothing is sent.
    pub fn is_closed(&self) -> bool {
        self.refused.borrow().is_some()
    }

    /// Sends nothing from now on. The first refusal is the one that is kept.
    pub fn close(&self, refused: Refused) {
        self.refused.send_if_modified(|present| {
            let closes = present.is_none();
            if closes {
                *present = Some(refused);
            }
            closes
        });
    }

    /// Sends again.
    pub fn reopen(&self) {
        self.suspect_in_a_row.store(0, Ordering::Release);
        self.refused.send_replace(None);
    }

    /// Returns when a gate that is closed now opens; never if it is open. Whether it is closed is seen at the call and
    /// not at the first poll, so that one which opens in between is not missed.
    pub fn reopened(&self) -> impl Future<Output = ()> {
        let mut refused = self.refused.subscribe();
        let is_closed = refused.borrow_and_update().is_some();
        async move {
            if !is_closed {
                return std::future::pending().await;
            }
            // The sender is ours, so it is never gone.
            let _ = refused.wait_for(Option::is_none).await;
        }
    }

    /// Takes note of an answer to a question.
    pub(super) fn heard_status(&self, answer: &StatusAnswer) {
        match answer {
            StatusAnswer::Known(_) => self.suspect_in_a_row.store(0, Ordering::Release),
            StatusAnswer::Refused(refusal) => self.heard(Request::Status, refusal),
            StatusAnswer::Unknown(_) => {}
        }
    }

    /// Takes note of an answer to a send.
    pub(super) fn heard_send(&self, request: Request, answer: &CompletionAnswer) {
        if let CompletionAnswer::Refused(refusal) = answer {
            self.heard(request, refusal);
        }
    }

    /// Takes note of a refusal.
    pub(super) fn heard(&self, request: Request, refusal: &Refusal) {
        let closes = match of_login(request, refusal) {
            OfLogin::Refused => true,
            OfLogin::Suspect => {
                is_refused_after(self.suspect_in_a_row.fetch_add(1, Ordering::AcqRel).saturating_add(1))
            }
            OfLogin::Nothing => false,
        };
        if closes {
            self.close(Refused { request, words: refusal.to_string() });
        }
    }

    /// What stands for an answer while nothing is asked.
    pub(super) fn unasked(&self) -> Option<Unknown> {
        let refused = self.refused()?;
        let words = format!("not asked: the bank refuses the login ({})", refused.words);
        Some(of_kind(UnknownKind::Withheld, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, message: &str) -> StatusAnswer {
        StatusAnswer::Refused(Refusal { code, message: message.to_owned() })
    }

    #[tokio::test]
    async fn the_first_word_closes_it_and_three_doubtful_ones_do() {
        let gate = LoginGate::open();
        for answer in [refused(6, "Access denied"), refused(5, "?"), refused(5, "?"), refused(5, "[orderId] is empty")]
        {
            gate.heard_status(&answer);
        }
        assert!(!gate.is_closed());
        gate.heard_status(&refused(5, "?"));
        assert_eq!(gate.refused().map(|refused| refused.words), Some("errorCode 5: ?".to_owned()));
        gate.heard_status(&refused(5, "Access denied"));
        assert_eq!(gate.refused().map(|refused| refused.words), Some("errorCode 5: ?".to_owned()));
        gate.reopen();
        gate.heard_status(&refused(5, "?"));
        assert!(!gate.is_closed() && gate.unasked().is_none());
        gate.heard_send(
            Request::Reversal,
            &CompletionAnswer::Refused(Refusal { code: 5, message: "Доступ запрещён".to_owned() }),
        );
        assert_eq!(gate.refused().map(|refused| refused.request), Some(Request::Reversal));
        assert!(gate.unasked().is_some());
        let waiting = gate.reopened();
        gate.reopen();
        waiting.await;
    }
}
