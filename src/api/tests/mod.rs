//! The face as its callers meet it: a real database, a real listener, requests byte by byte.

mod acts;
mod bounds;
mod callbacks;
mod events;
mod health;
mod idempotency;
mod lines;
mod money;
mod orders;
mod page;
mod reviews;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::server::{self, Limits};
use super::{Api, router};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::order::MerchantId;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::store::Store;

const TOKEN: &str = "a token that nobody guesses";

/// A face at work, with what stands behind it.
struct Face {
    api: Api,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    reload: watch::Sender<Arc<Config>>,
    directory: TempDir,
}

/// An answer, taken apart.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What a problem's body says, once it is one: RFC 9457 with the status of the answer.
    #[track_caller]
    fn problem(&self) -> Value {
        let body = self.json();
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        assert_eq!(body["status"], self.status, "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        body
    }
}

impl Face {
    async fn open() -> Self {
        Self::open_with(Limits::default()).await
    }

    async fn open_with(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = Arc::new(config(&directory, &format!("api_token = {{ public = \"{TOKEN}\" }}")));
        let store = Store::open_or_create(&config.database).unwrap();
        let names: Vec<MerchantId> = config.merchants.iter().map(|merchant| merchant.id.clone()).collect();
        let metrics = Metrics::new(&names, Clock::host().now()).unwrap();
        let (reload, config) = watch::channel(config);
        let api = Api { store, config, metrics, progress: Progress::default(), clock: Clock::host() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(server::serve(
            listener,
            router(api.clone(), limits.request_within, stopping.clone()),
            stopping,
            limits,
        ));
        Self { api, address, stop, serving, reload, directory }
    }

    /// Sends `bytes` as they are and reads until the other side closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn request(&self, line: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
        let answer = self.exchange(format!("{head}{body}").as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{line}: {answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), &authorization(TOKEN), "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        let headers = format!("{}content-type: application/json\r\n", authorization(TOKEN));
        self.request(&format!("POST {path}"), &headers, body).await
    }
}

fn authorization(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

/// The configuration of a face, without a face.
pub(super) fn two_merchants() -> Config {
    config(&tempfile::tempdir().unwrap(), "")
}

/// Two merchants; `shop` completes on release only.
fn config(directory: &TempDir, more: &str) -> Config {
    let merchant = |name: &str, more: &str| {
        let gateway = format!("gateway = \"http://127.0.0.1:1/{name}/\"\nuser_name = \"{name}\"");
        format!("[[merchant]]\nname = \"{name}\"\n{gateway}\npassword = {{ public = \"p\" }}\n{more}\n")
    };
    let callbacks =
        "[merchant.callbacks]\nchecksum = \"hmac-sha256\"\nsecret = { public = \"123\" }\nunknown = \"discover\"";
    let shop = merchant("shop", &format!("[merchant.completion]\nwhen = \"release\"\n{callbacks}"));
    let text = format!("database = \"db\"\nreports = \"reports\"\n{more}\n{shop}{}", merchant("kiosk", ""));
    let path = directory.path().join("reconciled.toml");
    std::fs::write(&path, text).unwrap();
    Config::load_with(&path, &|_| None).unwrap()
}
