//! A shop on a real socket: HTTP/1.1 by hand, so that it may answer what no server library would.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a shop says to an event.
#[derive(Clone)]
pub(super) enum Answer {
    Status(u16),
    With(u16, Vec<(&'static str, String)>),
    After(Duration, u16),
    Never,
    /// 200, and a body that goes on.
    Endless,
    /// Nothing that is HTTP.
    Garbage,
}

/// A request as it came.
#[derive(Clone)]
pub(super) struct Heard {
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    /// What was answered; 0 for what is no answer.
    pub(super) status: u16,
}

/// Says what is answered to a request; how often its id came before.
type Judge = dyn Fn(&Heard, usize) -> Answer + Send + Sync;

#[derive(Clone)]
pub(super) struct Shop {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    judge: Arc<Judge>,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> String {
        self.headers.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn id(&self) -> String {
        self.header("webhook-id")
    }

    pub(super) fn body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Shop {
    pub(super) async fn start(judge: impl Fn(&Heard, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self { address: listener.local_addr().unwrap(), heard: Arc::default(), judge: Arc::new(judge) };
        let serving = shop.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shop = serving.clone();
                // A caller that goes away in between is none of the shop's concern.
                tokio::spawn(async move { shop.serve(stream).await.unwrap_or_default() });
            }
        });
        shop
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Every request, in the order in which they came.
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Those that it took.
    pub(super) fn took(&self) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| (200..300).contains(&heard.status)).collect()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(heard) = read(&mut stream).await? {
            let answer = self.note(heard);
            match answer {
                Answer::Status(status) => say(&mut stream, status, &[]).await?,
                Answer::With(status, headers) => say(&mut stream, status, &headers).await?,
                Answer::After(wait, status) => {
                    tokio::time::sleep(wait).await;
                    say(&mut stream, status, &[]).await?;
                }
                Answer::Never => std::future::pending().await,
                Answer::Endless => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
                    loop {
                        stream.write_all(b"400\r\n").await?;
                        stream.write_all(&[b'x'; 0x400]).await?;
                        stream.write_all(b"\r\n").await?;
                    }
                }
                Answer::Garbage => {
                    stream.write_all(b"220 mail.example ESMTP\r\n").await?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn note(&self, mut heard: Heard) -> Answer {
        let mut all = self.heard.lock().unwrap();
        let before = all.iter().filter(|other| other.id() == heard.id()).count();
        let answer = (self.judge)(&heard, before);
        heard.status = match &answer {
            Answer::Status(status) | Answer::With(status, _) | Answer::After(_, status) => *status,
            Answer::Endless => 200,
            Answer::Never | Answer::Garbage => 0,
        };
        all.push(heard);
        answer
    }
}

/// The next request; `None` when the caller has closed.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Heard>> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    assert!(line.starts_with("POST /hooks HTTP/1.1"), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Heard { headers, body, status: 0 }))
}

async fn say(stream: &mut BufReader<TcpStream>, status: u16, headers: &[(&str, String)]) -> std::io::Result<()> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} So\r\nContent-Length: 0\r\n{}\r\n", headers.concat());
    stream.write_all(head.as_bytes()).await
}
