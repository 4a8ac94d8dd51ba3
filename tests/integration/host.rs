//! A merchant's host: a configuration, the files it names, a bank, and commands of the real binary.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use reconciled::domain::operation::OperationState;
use reconciled::sandbox::Settings;
use reconciled::store::{OrderWithOperation, Store};

use crate::fixture::{HASTE, World, wait_for};

/// Where the daemon is a process of its own, started and stopped around what happens to its files.
pub(crate) struct Host {
    pub(crate) world: World,
    pub(crate) config: PathBuf,
}

impl Host {
    pub(crate) async fn new() -> Self {
        let world = World::new(Settings::default(), HASTE).await;
        let config = world.config().path;
        Self { world, config }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.world.directory.path().join("data/reconciled.db")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.database()).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.args(args).arg("--config").arg(&self.config).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end; what it printed, and its exit code.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.command(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Registers and pays a two-phase order, and queues it; `part` is what a completion takes.
    pub(crate) fn paid(&self, number: &str, part: Option<&str>) {
        let id = self.world.register_two_phase(number, 10_000);
        self.world.bank.bank().pay(&id).unwrap();
        let mut args = vec!["order", "add", "--number", number, "--amount", "10000"];
        args.extend(part.map(|part| ["--complete-amount", part]).into_iter().flatten());
        let (code, _, err) = self.run(&args);
        assert_eq!(code, 0, "{err}");
    }

    pub(crate) async fn completed(&self, number: &str) {
        wait_for(&self.store(), number, |found| settled(found) == Some(OperationState::Confirmed)).await;
    }
}

fn settled(found: &OrderWithOperation) -> Option<OperationState> {
    found.operation.as_ref().map(|operation| operation.state)
}
