//! A login that the bank refuses: nothing is sent with it, by this process and those after it, and one alert says so.
//!
//! The gateway's gate closes with the answer. What is written down here keeps it closed across restarts, for systemd
//! would otherwise knock once more with each of them, and a bank locks whoever knocks too often. It opens when the
//! credentials are others, or when a person says so. No order changes by it: what is due stays due, and is told as
//! overdue.

use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use crate::config::{Credentials, GatewayConfig, MerchantConfig};
use crate::domain::login::{Refused, Request};
use crate::domain::order::MerchantId;
use crate::gateway::Gateway;
use crate::store::StoreError;

use super::merchant::Desk;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, Shared, told_to_stop};

/// A merchant's credentials, as the database knows them.
#[derive(Debug)]
pub(super) struct Login {
    fingerprint: String,
    /// Whether the refusal that closed the gate is on disk.
    noted: AtomicBool,
}

/// The merchant's credentials as the database knows them; closes the gate where they were refused before.
pub(super) async fn examine(
    merchant: &MerchantConfig,
    gateway: &Gateway,
    shared: &Shared,
) -> Result<Login, StoreError> {
    let fingerprint = shared.store.fingerprint(credentials(&merchant.gateway)).await?;
    let login = Login { fingerprint, noted: AtomicBool::new(false) };
    compare(&merchant.id, gateway, &login, shared).await?;
    Ok(login)
}

/// What a bank lets in, or not: the right login at the wrong address is refused like a wrong one.
fn credentials(gateway: &GatewayConfig) -> SecretString {
    let (user_name, secret) = match &gateway.credentials {
        Credentials::Login { user_name, password } => (user_name.as_str(), password),
        Credentials::Token(token) => ("", token),
    };
    SecretString::from(format!("{}\n{user_name}\n{}", gateway.url, secret.expose_secret()))
}

/// Works until told to stop.
pub(super) async fn run(desk: Desk, mut stop: watch::Receiver<bool>) {
    let heart = desk.shared.progress.heart(format!("doorkeeper of {}", desk.merchant), HEART_LIMIT);
    loop {
        heart.beat();
        let wait = match compare(&desk.merchant, &desk.gateway, &desk.login, &desk.shared).await {
            Ok(()) => desk.shared.setting.rhythm.vigil,
            Err(error) => {
                tracing::error!(%error, merchant = %desk.merchant, "Cannot read whether the login of {} is refused", desk.merchant);
                desk.shared.metrics.store_error("doorkeeper");
                AFTER_STORE_ERROR
            }
        };
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Writes down a refusal that was just heard. Whoever asked the bank calls this before it goes on, so that a stop or a
/// crash soon afterwards forgets nothing.
pub(super) async fn note(desk: &Desk) {
    let Some(refused) = desk.gateway.login().refused() else { return };
    if let Err(error) = write_down(&desk.merchant, refused, &desk.login, &desk.shared).await {
        tracing::error!(%error, merchant = %desk.merchant, "Cannot write down that the bank refuses the login of {}", desk.merchant);
        desk.shared.metrics.store_error("doorkeeper");
    }
}

async fn write_down(merchant: &MerchantId, refused: Refused, login: &Login, shared: &Shared) -> Result<(), StoreError> {
    if login.noted.load(Ordering::Acquire) {
        return Ok(());
    }
    let words = refused.words.clone();
    shared.store.refuse_login(merchant, &login.fingerprint, refused, shared.clock().now()).await?;
    // Several may have heard it at once; it is told once.
    if !login.noted.swap(true, Ordering::AcqRel) {
        tracing::error!(%merchant, "The bank refuses the login of {merchant} ({words}): nothing is sent with it any more. Change the credentials and reload, or, once the bank lets it in again: reconciled login resume {merchant}");
    }
    Ok(())
}

/// Brings the gate and the row together.
async fn compare(merchant: &MerchantId, gateway: &Gateway, login: &Login, shared: &Shared) -> Result<(), StoreError> {
    // Before the row: a refusal that is written down meanwhile must not pass for one that was lifted.
    let noted = login.noted.load(Ordering::Acquire);
    let heard = gateway.login().refused();
    let row = shared.store.login_refusal(merchant).await?;
    match (heard, row) {
        (None, None) => {}
        (None, Some(row)) if row.fingerprint == login.fingerprint => {
            login.noted.store(true, Ordering::Release);
            let (since, words) = (row.since, row.words);
            gateway.login().close(Refused { request: Request::Status, words: words.clone() });
            tracing::error!(%merchant, %since, "The bank refuses the login of {merchant} since {since} ({words}): nothing is sent with it. Change the credentials and reload, or: reconciled login resume {merchant}");
        }
        (None, Some(_)) => {
            shared.store.login_changed(merchant, shared.clock().now()).await?;
            tracing::warn!(%merchant, "The login of {merchant} is another one than the bank refused: it is used from now on");
        }
        (Some(_), Some(row)) if row.fingerprint == login.fingerprint => login.noted.store(true, Ordering::Release),
        (Some(_), None) if noted => {
            // Lifted for other credentials: these ones are about to be replaced, and stay where they are.
            if !shared.store.login_was_resumed(merchant, &login.fingerprint).await? {
                return Ok(());
            }
            login.noted.store(false, Ordering::Release);
            gateway.login().reopen();
            tracing::warn!(%merchant, "The login of {merchant} is used again, on a person's word");
        }
        (Some(refused), _) => write_down(merchant, refused, login, shared).await?,
    }
    Ok(())
}
