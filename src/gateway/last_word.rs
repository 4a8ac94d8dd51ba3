//! The last word before money is sent: asked once the connection stands, right before the first byte.
//!
//! Connecting may take seconds (DNS, TCP, TLS), and a stop that comes meanwhile must be seen: a refusal here fails the
//! connecting, so nothing has left this host. A request that was given no last word does not go at all.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// Why a request was not sent, although the connection stood.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Withheld(String);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Ready once it is known whether the request may still go; an error says why not.
pub(super) type LastWord = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

tokio::task_local! {
    /// The request's own: the connection is made by the task that sends, since no idle one is ever taken for money.
    static LAST_WORD: Cell<Option<LastWord>>;
}

/// Runs `request` so that `last_word` is asked when its connection stands.
pub(super) async fn with<T>(last_word: LastWord, request: impl Future<Output = T>) -> T {
    LAST_WORD.scope(Cell::new(Some(last_word)), request).await
}

/// Asks for it; to be called when the connection stands.
pub(super) async fn ask() -> Result<(), String> {
    match LAST_WORD.try_with(Cell::take) {
        Ok(Some(last_word)) => last_word.await,
        Ok(None) | Err(_) => Err("nobody was asked for the last word".to_owned()),
    }
}

/// Makes a client's every connection ask for the last word.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskLastWord;

impl<S> Layer<S> for AskLastWord {
    type Service = Asking<S>;

    fn layer(&self, connect: S) -> Asking<S> {
        Asking { connect }
    }
}

/// A connector that asks.
#[derive(Clone, Debug)]
pub(super) struct Asking<S> {
    connect: S,
}

impl<S, R> Service<R> for Asking<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connect.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.connect.call(request);
        Box::pin(async move {
            let connection = connecting.await?;
            ask().await.map_err(Withheld)?;
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests;
