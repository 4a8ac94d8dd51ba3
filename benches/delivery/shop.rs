//! Shops that hear of events: as fast as can be, or never answering.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::{header, rate};

/// How a shop behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes everything at once.
    Fast,
    /// Reads, and never answers: worse than one that is not there.
    Dead,
}

/// A shop on a socket.
pub(crate) struct Shop {
    pub(crate) manner: Manner,
    address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    events: usize,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Shop {
    pub(crate) async fn open(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, heard) = (listener.local_addr()?, Arc::default());
        let hears = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, Arc::clone(&hears)));
            }
        });
        Ok(Self { manner, address, heard })
    }

    /// The table of its endpoint, all of it as it is when nothing is said.
    pub(crate) fn table(&self, nth: usize) -> String {
        let (address, key) = (self.address, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        format!(
            "[[merchant.webhook]]\nname = \"shop-{nth}\"\nurl = \"http://{address}/\"\n\
             keys = [{{ public = \"{key}\" }}]\nallow_private = true\n"
        )
    }

    pub(crate) fn heard(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).events
    }

    /// Returns once it has heard as many.
    pub(crate) async fn until_heard(&self, events: usize) {
        while self.heard() < events {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Events a second between the first and the last.
    pub(crate) fn rate(&self) -> f64 {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let took = heard.last.zip(heard.first).map(|(last, first)| last.saturating_duration_since(first));
        rate(heard.events.saturating_sub(1), took.unwrap_or_default())
    }
}

/// Whatever a connection brings; a broken one is the daemon's to mend.
async fn serve(mut stream: TcpStream, manner: Manner, heard: Arc<Mutex<Heard>>) {
    let mut bytes = Vec::new();
    loop {
        while let Some(length) = message(&bytes) {
            bytes.drain(..length);
            if manner == Manner::Dead {
                continue;
            }
            {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                let now = Instant::now();
                heard.events += 1;
                heard.first.get_or_insert(now);
                heard.last = Some(now);
            }
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                return;
            }
        }
        if !stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
            return;
        }
    }
}

/// The length of the request at the front, once it is there whole.
fn message(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let body: usize = header(bytes, "content-length")?.parse().ok()?;
    (bytes.len() >= head + body).then_some(head + body)
}
