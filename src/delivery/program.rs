//! Into a program, for shops without a web server: the event on its standard input, and its exit code as the answer.
//!
//! It gets next to nothing of ours: no argument beyond those of the configuration, an environment of a few words, and
//! no open file. What does not end in time is killed with all that it started, and what it leaves behind when it ends
//! by itself is killed as well: else each event might leave a process, which no limit would ever end. Whoever wants
//! work to outlive the program starts it in a session of its own (`setsid`).

use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::domain::delivery::{Outcome, Verdict};
use crate::domain::time::Timestamp;

use super::Message;

/// Where a program finds other programs.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How much of its standard error is read, in bytes: its first words say what was wrong.
const COMPLAINT_MAX: u64 = 1_024;

/// How many characters of that are kept.
const COMPLAINT_KEPT: usize = 200;

/// How long a program that has ended is listened to: whatever it started in a session of its own may hold its standard
/// error open.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(100);

/// A program and its arguments.
#[derive(Debug)]
pub(super) struct Program {
    words: Vec<String>,
    timeout: Duration,
}

/// A program's whole group, which is killed when the program has ended, and when this is dropped before that, by its
/// time's end or by ours.
struct Group(Option<Pid>);

impl Program {
    pub(super) fn new(words: &[String], timeout: Duration) -> Self {
        Self { words: words.to_vec(), timeout }
    }

    pub(super) async fn tell(&self, message: &Message, now: Timestamp) -> Outcome {
        match timeout(self.timeout, self.run(message, now)).await {
            Ok(Ok((status, complaint))) => judged(status, &complaint),
            Ok(Err(error)) => outcome(Verdict::Unreachable, format!("cannot be started: {error}")),
            Err(_) => outcome(Verdict::TimedOut, "did not end in time, and was killed".to_owned()),
        }
    }

    async fn run(&self, message: &Message, now: Timestamp) -> std::io::Result<(ExitStatus, String)> {
        let mut child = self.command(message, now).spawn()?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        let (input, complaint) = (child.stdin.take(), child.stderr.take());
        let hand_over = async {
            if let Some(mut input) = input {
                // A program that ends without reading says by its exit code what it makes of that.
                let _ = input.write_all(&message.body).await;
                let _ = input.shutdown().await;
            }
        };
        let listen = async {
            match complaint {
                Some(complaint) => heard(complaint).await,
                None => String::new(),
            }
        };
        ended(&mut child, &mut group, hand_over, listen).await
    }

    fn command(&self, message: &Message, now: Timestamp) -> Command {
        let (program, arguments) = self.words.split_first().map_or(("", [].as_slice()), |(first, rest)| (first, rest));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .env("WEBHOOK_ID", &message.id)
            .env("WEBHOOK_TIMESTAMP", now.as_millis().div_euclid(1_000).to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own, so that whatever it starts can be killed with it.
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// Hands the event over and listens until the program has ended, and a moment longer.
async fn ended(
    child: &mut Child,
    group: &mut Group,
    hand_over: impl Future<Output = ()>,
    listen: impl Future<Output = String>,
) -> std::io::Result<(ExitStatus, String)> {
    let (mut hand_over, mut listen) = (std::pin::pin!(hand_over), std::pin::pin!(listen));
    let (mut is_handed_over, mut complaint) = (false, None);
    let end = group.0.and_then(end_of);
    loop {
        tokio::select! {
            biased;
            () = &mut hand_over, if !is_handed_over => is_handed_over = true,
            words = &mut listen, if complaint.is_none() => complaint = Some(words),
            status = waited_for(child, group, end.as_ref()) => {
                let words = match complaint {
                    Some(words) => words,
                    None => timeout(LAST_WORDS_WITHIN, listen).await.unwrap_or_default(),
                };
                return Ok((status?, words));
            }
        }
    }
}

/// What tells that a process has ended, without waiting for it; `None` on a system that cannot, where the rest of a
/// group is left alone.
#[expect(
    deprecated,
    reason = "unsound for what lies about its descriptor alone, which this is not; its successor is unsafe"
)]
fn end_of(leader: Pid) -> Option<AsyncFd<OwnedFd>> {
    AsyncFd::new(pidfd_open(leader, PidfdFlags::NONBLOCK).ok()?).ok()
}

/// Returns once the program has ended, and nothing is left of its group. That is killed before the program is waited for:
/// until then the number is the program's, and afterwards it may be another's.
async fn waited_for(
    child: &mut Child,
    group: &mut Group,
    end: Option<&AsyncFd<OwnedFd>>,
) -> std::io::Result<ExitStatus> {
    if let Some(end) = end
        && end.readable().await.is_ok()
    {
        group.kill();
    }
    let status = child.wait().await;
    group.0 = None;
    status
}

/// The first words of its standard error; the rest is read to nowhere, so that it is not held up by a full pipe.
async fn heard(mut complaint: impl AsyncRead + Unpin) -> String {
    let mut first = Vec::new();
    // What cannot be read was not said.
    let _ = (&mut complaint).take(COMPLAINT_MAX).read_to_end(&mut first).await;
    let _ = tokio::io::copy(&mut complaint, &mut tokio::io::sink()).await;
    let line = String::from_utf8_lossy(&first);
    let line = line.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(COMPLAINT_KEPT).collect()
}

fn judged(status: ExitStatus, complaint: &str) -> Outcome {
    let said = if complaint.is_empty() { String::new() } else { format!(", and said: {complaint}") };
    match status.code() {
        Some(0) => outcome(Verdict::Delivered, "exit code 0".to_owned()),
        Some(code) => outcome(Verdict::Failed, format!("exit code {code}{said}")),
        None => outcome(Verdict::Failed, format!("ended by a signal{said}")),
    }
}

const fn outcome(verdict: Verdict, words: String) -> Outcome {
    Outcome { verdict, words, retry_after: None }
}

impl Group {
    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // It may have ended by itself in between.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
