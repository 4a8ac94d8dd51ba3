//! stub
use crate::{clock::Clock, config::Config, metrics::Metrics, progress::Progress, store::Store};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
/// x
#[derive(Clone, Debug)]
pub struct Api {
    /// x
    pub store: Store,
    /// x
    pub config: watch::Receiver<Arc<Config>>,
    /// x
    pub metrics: Metrics,
    /// x
    pub progress: Progress,
    /// x
    pub clock: Clock,
}
/// x
pub async fn serve(_listener: TcpListener, _api: Api, mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}
