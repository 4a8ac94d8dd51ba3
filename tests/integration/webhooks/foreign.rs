//! A receiver that nobody here wrote: Python's `standardwebhooks` verifies what the daemon sends, by its own reading of
//! the public rules.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::{KEYS, endpoint, journal, numbers, paid, world};
use crate::clients::{foreign, is_here, script};
use crate::fixture::{in_time, until};

/// Ended when it is dropped, by a test that fails too.
struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standardwebhooks_of_pypi_verifies_every_signature() {
    if !is_here("python3", ["-c", "import standardwebhooks"]) {
        return;
    }
    let mut receiver = Receiver(
        foreign("python3")
            .arg(script("standardwebhooks_receiver.py"))
            .args(KEYS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(receiver.0.stdout.take().unwrap()).lines();
    let url = lines.next().unwrap().unwrap();
    // Its second key alone is known there too: while one key takes the other's place, either will do.
    let both = [endpoint("both", &url, 2, ""), endpoint("first", &url.replace("/both", "/first"), 1, "")];
    let world = world(&both).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(5)).await;
    let journal = journal(&daemon).await;
    let wanted: usize = 2 * journal.values().map(Vec::len).sum::<usize>();
    let verified = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&verified);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            noted.lock().unwrap().push(line);
        }
    });
    in_time(until(|| verified.lock().unwrap().len() >= wanted)).await;
    for line in verified.lock().unwrap().iter() {
        assert!(line.starts_with("verified "), "{line}");
    }
    daemon.stop().await;
}

/// The block of `language` in the README's chapter on this.
fn example(language: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let chapter = readme.split_once("\n## Tell the shop\n").unwrap().1;
    let block = chapter.split_once(&format!("\n```{language}\n")).unwrap().1;
    block.split_once("\n```\n").unwrap().0.to_owned()
}

/// What the README shows works as it stands there, but for the port, which may be another's.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_readme_hears_of_an_order() {
    if !is_here("python3", ["-c", "import standardwebhooks"]) {
        return;
    }
    let (serve, port) = ("HTTPServer((\"127.0.0.1\", 8000), Hook).serve_forever()", ":8000/");
    let (python, toml) = (example("python"), example("toml"));
    assert!(python.contains(serve) && toml.contains(port));
    let served =
        "server = HTTPServer((\"127.0.0.1\", 0), Hook)\nprint(server.server_port, flush=True)\nserver.serve_forever()";
    let mut shop = Receiver(
        foreign("python3")
            .args(["-c", &python.replace(serve, served)])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(shop.0.stdout.take().unwrap()).lines();
    let own_port = format!(":{}/", lines.next().unwrap().unwrap());
    let world = world(&[format!("{}\n", toml.replace(port, &own_port))]).await;
    let daemon = world.daemon().await;
    paid(&world, &daemon, &numbers(1)).await;
    let heard = tokio::task::spawn_blocking(move || {
        lines.map_while(Result::ok).find(|line| line.ends_with(" A-0 changed deposited"))
    });
    let line = in_time(heard).await.unwrap().unwrap();
    assert!(line.starts_with("evt_"), "{line}");
    daemon.stop().await;
}
