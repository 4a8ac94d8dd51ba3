//! The points between two steps of a money operation, at which tests and the simulation let the process die.
//!
//! Each is named in `money-safety` section 3: whatever lies between two steps must be the same state to the next start.
//! A release binary has none of this but an empty check; a debug binary dies where `RECONCILED_DIE_AT` says.

/// A point in a money operation's way at which the process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Peril {
    /// The bank was asked and the budget for the send is had; the intent is not written.
    BeforeIntent,
    /// The intent is on disk; nothing was sent.
    AfterIntent,
    /// The witness has it, and it is synced; nothing was sent.
    AfterWitness,
    /// The answer to the send is there; it is not written.
    AfterAnswer,
    /// The answer is written; no read has settled the operation.
    BeforeSettling,
    /// A read has settled the operation.
    AfterSettling,
    /// The daemon was told to stop and finishes what is in hand.
    Stopping,
    /// A registration is on disk, in doubt; nothing of it was sent.
    RegistrationIntended,
    /// The bank has answered a registration; it is not written.
    RegistrationAnswered,
}

impl Peril {
    /// Every point.
    pub(crate) const ALL: [Self; 9] = [
        Self::BeforeIntent,
        Self::AfterIntent,
        Self::AfterWitness,
        Self::AfterAnswer,
        Self::BeforeSettling,
        Self::AfterSettling,
        Self::Stopping,
        Self::RegistrationIntended,
        Self::RegistrationAnswered,
    ];

    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before_intent",
            Self::AfterIntent => "after_intent",
            Self::AfterWitness => "after_witness",
            Self::AfterAnswer => "after_answer",
            Self::BeforeSettling => "before_settling",
            Self::AfterSettling => "after_settling",
            Self::Stopping => "stopping",
            Self::RegistrationIntended => "registration_intended",
            Self::RegistrationAnswered => "registration_answered",
        }
    }
}

/// What becomes of a process that comes to a point of peril.
#[derive(Clone, Default)]
pub(crate) struct Perils {
    /// Told of every point; the simulation ends the daemon there by never returning.
    watcher: Option<std::sync::Arc<dyn Watcher>>,
}

/// Whoever wants to be told of every point, and decides whether the daemon lives on.
pub(crate) trait Watcher: Send + Sync {
    /// Whether the daemon ends here: it then does nothing more at this point, for ever.
    fn ends_at(&self, peril: Peril) -> bool;
}

impl Perils {
    /// Points of which `watcher` decides.
    pub(crate) fn watched(watcher: std::sync::Arc<dyn Watcher>) -> Self {
        Self { watcher: Some(watcher) }
    }

    /// Goes past `peril`, or never comes back.
    pub(crate) async fn pass(&self, peril: Peril) {
        if self.watcher.as_ref().is_some_and(|watcher| watcher.ends_at(peril)) {
            std::future::pending::<()>().await;
        }
        #[cfg(debug_assertions)]
        die_if_told(peril);
    }
}

impl std::fmt::Debug for Perils {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Perils").field("watched", &self.watcher.is_some()).finish()
    }
}

/// `RECONCILED_DIE_AT=after_intent` ends the process there, as a power cut would: nothing is flushed, nobody is told.
#[cfg(debug_assertions)]
fn die_if_told(peril: Peril) {
    if std::env::var("RECONCILED_DIE_AT").is_ok_and(|at| at == peril.as_str()) {
        std::process::abort();
    }
}
