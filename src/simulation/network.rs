//! The wire between daemon and bank: up, refusing or silent. Every connection takes its milliseconds.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::daemon::{Connecting, Connector};
use crate::sandbox::InProcess;

/// The longest way to the bank and back, in milliseconds.
pub(super) const LATENCY_MAX_MS: u64 = 20;

/// The network of one simulation.
#[derive(Debug, Default)]
pub(super) struct Network {
    weather: AtomicU8,
    refused: AtomicU64,
    hung: AtomicU64,
}

/// Whether the bank can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Fair,
    Refusing,
    Silent,
}

impl Network {
    /// From now on.
    pub(super) fn turn(&self, weather: Weather) {
        self.weather.store(weather as u8, Ordering::Relaxed);
    }

    pub(super) fn is_fair(&self) -> bool {
        self.weather.load(Ordering::Relaxed) == Weather::Fair as u8
    }

    /// Connections that were refused, and that never came to be.
    pub(super) fn unmade(&self) -> [(&'static str, u64); 2] {
        [("refused", self.refused.load(Ordering::Relaxed)), ("silent", self.hung.load(Ordering::Relaxed))]
    }

    /// Opens connections to `bank`, as the weather allows.
    pub(super) fn connector(self: &Arc<Self>, bank: &Arc<InProcess>) -> Connector {
        let (network, bank) = (Arc::clone(self), Arc::clone(bank));
        Arc::new(move || -> Connecting {
            let (network, bank) = (Arc::clone(&network), Arc::clone(&bank));
            let latency = Duration::from_millis(fastrand::u64(1..=LATENCY_MAX_MS));
            Box::pin(async move {
                tokio::time::sleep(latency).await;
                let weather = network.weather.load(Ordering::Relaxed);
                if weather == Weather::Refusing as u8 {
                    network.refused.fetch_add(1, Ordering::Relaxed);
                    return Err(Error::from(ErrorKind::ConnectionRefused));
                }
                if weather == Weather::Silent as u8 {
                    network.hung.fetch_add(1, Ordering::Relaxed);
                    std::future::pending::<()>().await;
                }
                Ok(bank.connect())
            })
        })
    }
}
