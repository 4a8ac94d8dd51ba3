//! The real binary as a child process: started, spoken to over its sockets, signalled, killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{LIMIT, TOKEN};

/// A daemon in a process of its own, killed when it is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    /// `None` once it is drained.
    log: Option<BufReader<ChildStderr>>,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts `reconciled run` and reads its log up to the line that says it is ready.
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_with(config, &[])
    }

    /// As [`Self::start`], with variables in its environment.
    pub(crate) fn start_with(config: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = command(config).envs(environment.iter().copied()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let ready = read_until(&mut log, |line| line["address"].is_string());
        let address = ready["address"].as_str().unwrap().parse().unwrap();
        Self { child, log: Some(log), address }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    pub(crate) fn kill_hard(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                return ended;
            }
            assert!(begun.elapsed() < LIMIT, "the daemon did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The next line of its log of which `wanted` is true.
    pub(crate) fn read_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        read_until(self.log.as_mut().unwrap(), wanted)
    }

    /// Reads its log to nowhere from now on: a full pipe would hold it up.
    pub(crate) fn drained(mut self) -> Self {
        let mut log = self.log.take();
        std::thread::spawn(move || std::io::copy(log.as_mut().unwrap(), &mut std::io::sink()));
        self
    }

    /// The most memory it ever had, in bytes (`VmHWM`).
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes * 1_024
    }

    pub(crate) fn post_order(&self, order: &Value) -> (u16, Value) {
        self.try_post_order(order).unwrap()
    }

    /// `None` when the daemon is gone, or went before it answered.
    pub(crate) fn try_post_order(&self, order: &Value) -> Option<(u16, Value)> {
        post_order(self.address, order)
    }

    /// The whole answer as it came; `None` as above.
    pub(crate) fn request(&self, what: &str, body: &str) -> Option<String> {
        request(self.address, what, body)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None` when the daemon at `address` is gone, or went before it answered.
pub(crate) fn post_order(address: SocketAddr, order: &Value) -> Option<(u16, Value)> {
    let answer = request(address, "POST /v1/orders", &order.to_string())?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split_once("\r\n\r\n")?.1;
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

/// The whole answer as it came; `None` as above.
pub(crate) fn request(address: SocketAddr, what: &str, body: &str) -> Option<String> {
    request_with(address, what, TOKEN, "", body)
}

/// As [`request`], with a token and more headers, each with its line's end.
pub(crate) fn request_with(address: SocketAddr, what: &str, token: &str, headers: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    // At once: PHP's own server takes the half of a request's line for a whole one.
    let request = format!(
        "{what} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         {headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// `reconciled run`, to be started.
pub(crate) fn command(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
    command.args(["run", "--config"]).arg(config).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

pub(crate) fn run_to_its_end(config: &Path) -> Output {
    command(config).stderr(Stdio::piped()).output().unwrap()
}

fn read_until(log: &mut impl BufRead, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the log ended after:\n{seen}");
        match serde_json::from_str::<Value>(&line) {
            Ok(value) if wanted(&value) => return value,
            _ => seen += &line,
        }
    }
}

pub(crate) fn says(words: &'static str) -> impl Fn(&Value) -> bool {
    move |line| line["message"].as_str().is_some_and(|message| message.contains(words))
}

pub(crate) fn wire_order(number: &str, amount: i64) -> Value {
    json!({ "merchant": "shop", "order_number": number, "amount": amount })
}
