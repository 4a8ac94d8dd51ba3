//! What the benchmarks of the shop's side stand on: a bank, the real daemon as a process of its own on a real file, and
//! connections to it that cost next to nothing, since they share its cores.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reconciled::sandbox::{Sandbox, Settings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The token of the HTTP face.
const TOKEN: &str = "a-token-of-the-benchmarks";

/// `reconciled`.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_reconciled");

/// A bank, and a directory with a merchant's files.
pub(crate) struct Place {
    directory: TempDir,
    bank: Sandbox,
}

impl Place {
    /// In a temporary directory: `TMPDIR` says on which disk.
    pub(crate) async fn new() -> Result<Self> {
        Ok(Self { directory: tempfile::tempdir()?, bank: Sandbox::start(Settings::default()).await? })
    }

    /// Writes the configuration, all of it as it is when nothing is said; `more` stands behind the merchant's table.
    pub(crate) fn configure(&self, head: &str, more: &str) -> Result<PathBuf> {
        let (path, gateway) = (self.path("reconciled.toml"), self.bank.rest_url());
        let text = format!(
            "database = \"data/reconciled.db\"\nreports = \"reports\"\nlisten = \"127.0.0.1:0\"\n\
             api_token = {{ public = \"{TOKEN}\" }}\n{head}\n[[merchant]]\nname = \"shop\"\ngateway = \"{gateway}\"\n\
             user_name = \"shop-api\"\npassword = {{ public = \"any\" }}\nzone = \"Europe/Moscow\"\n{more}"
        );
        std::fs::write(&path, text)?;
        Ok(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("data/reconciled.db")
    }
}

/// A daemon in a process of its own, killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Daemon {
    /// Starts one, and returns once it is ready.
    pub(crate) fn start(config: &Path) -> Result<Self> {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("no log")?);
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            if log.read_line(&mut line)? == 0 {
                bail!("the daemon ended before it was ready:\n{seen}");
            }
            let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = value["address"].as_str() {
                break address.parse()?;
            }
            seen += &line;
        };
        // A full pipe would hold it up.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(Self { child, address })
    }

    /// Ends it as a power cut would, as far as processes go.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(crate) fn figures(&self) -> Result<Figures> {
        Figures::of(self.child.id())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used so far.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) cpu: Duration,
    /// The most memory it ever had, in bytes.
    pub(crate) peak_bytes: u64,
}

impl Figures {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Behind the name, which may have spaces in it; in hundredths of a second, as on every Linux there is.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        let ticks: Vec<u64> = fields.skip(11).take(2).map_while(|ticks| ticks.parse().ok()).collect();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak_kib: u64 = peak.unwrap_or_default().trim().trim_end_matches(" kB").parse().unwrap_or_default();
        Ok(Self { cpu: Duration::from_millis(ticks.iter().sum::<u64>() * 10), peak_bytes: peak_kib * 1_024 })
    }
}

/// A kept-alive connection to the HTTP face.
pub(crate) struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: Vec::new() })
    }

    /// Posts orders; the status, and the answer's body.
    pub(crate) async fn post(&mut self, kind: &str, body: &str) -> Result<(u16, &[u8])> {
        let request = format!(
            "POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.bytes.clear();
        let (mut head, mut length) = (0, 0);
        while head == 0 || self.bytes.len() < head + length {
            if self.stream.read_buf(&mut self.bytes).await? == 0 {
                bail!("the daemon hung up");
            }
            if head == 0
                && let Some(end) = self.bytes.windows(4).position(|window| window == b"\r\n\r\n")
            {
                head = end + 4;
                length = header(&self.bytes, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
            }
        }
        let status = self.bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        Ok((status.context("no status")?, self.bytes.get(head..).unwrap_or_default()))
    }
}

/// A header of a message's head.
pub(crate) fn header<'a>(bytes: &'a [u8], name: &str) -> Option<&'a str> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// So many in so long, a second.
#[expect(clippy::cast_precision_loss, reason = "counts of orders")]
pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Microseconds for each of so many.
pub(crate) fn us_each(count: usize, took: Duration) -> f64 {
    1e6 / rate(count, took)
}

/// The one in the middle, the lower one of two; zero of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}
