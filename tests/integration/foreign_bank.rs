//! The daemon against a bank that nobody here wrote: npm's SOAP server, made from the gateway's own WSDLs. It answers
//! in chunks, qualifies what it returns, and turns a stranger away with HTTP 401 and a fault in the words of SOAP 1.2.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use reconciled::daemon::Daemon;
use reconciled::domain::money::Amount;
use reconciled::domain::operation::{CompletionAmount, OperationKind as Kind};
use reconciled::domain::order::{NewOrder, State};
use reconciled::sandbox::Settings;
use reconciled::store::OrderWithOperation;

use crate::both_wires::settled;
use crate::clients::{foreign, is_here, script};
use crate::fixture::{HASTE, LOGIN, World, add, order, wait_for};
use crate::schedule::reconciled;

const ID: &str = "b6f698e1-fb8d-7b6d-8f56-130700ef5d58";

/// That server, with one hold of 98.00 for the order A-1.
struct ForeignBank {
    process: Child,
    /// It stands until this ends.
    stands: ChildStdin,
    says: BufReader<ChildStdout>,
    port: u16,
}

impl ForeignBank {
    /// Lets in this password, and takes its WSDLs from the sandbox of `world`.
    fn open(world: &World, password: &str) -> Self {
        let mut process = foreign("node")
            .arg(script("soap_server.cjs"))
            .arg(format!("http://{}/payment", world.bank.addr()))
            .args([LOGIN, password, ID, "A-1", "9800"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stands, mut says) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut line = String::new();
        says.read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening ").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        Self { process, stands, says, port }
    }

    fn service(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Closes it: every request but the questions, in their order.
    fn close(mut self) -> Vec<String> {
        drop(self.stands);
        let mut rest = String::new();
        self.says.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success());
        rest.lines().filter(|line| *line != "getOrderStatusExtended").map(str::to_owned).collect()
    }
}

/// Opens that bank and a daemon that speaks to it, with `keys` besides; nothing where the server cannot be had.
async fn opened(password: &str, keys: &str) -> Option<(World, ForeignBank, Daemon)> {
    if !is_here("node", ["-e", "require('soap')"]) {
        return None;
    }
    let tables = format!("protocol = \"soap\"\n{keys}\n{HASTE}");
    let world = World::new(Settings::default(), &tables).await;
    let bank = tokio::task::block_in_place(|| ForeignBank::open(&world, password));
    let config = world.config_behind(&bank.service("merchant-ws"));
    Some((world, bank, Daemon::start(config).await.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_completed_and_given_back_in_part_at_a_foreign_server() {
    let (whole, part) = (CompletionAmount::Whole, CompletionAmount::Exactly(Amount::new(5_000).unwrap()));
    let table = [
        ("a part with the loyalty service", "", part, "autoCompletion"),
        ("all of it by deposit", "completion_method = \"deposit\"", whole, "depositOrder"),
    ];
    for (what, keys, completion, asked) in table {
        let Some((world, bank, daemon)) = opened("any", keys).await else { return };
        add(daemon.store(), vec![NewOrder { completion, ..order("A-1", 9_800) }]).await;
        let completed = wait_for(daemon.store(), "A-1", settled(Kind::Completion)).await;
        assert_eq!(completed.state, State::Deposited, "{what}");
        assert_eq!(completed.order_id.unwrap().as_str(), ID, "{what}");
        let words = ["order", "refund", "A-1", "--amount", "3000", "--reason", "one broke"];
        let ran = tokio::task::block_in_place(|| reconciled(&world, &words));
        assert!(ran.status.success(), "{what}: {ran:?}");
        let refunded = wait_for(daemon.store(), "A-1", settled(Kind::Refund)).await;
        assert_eq!(refunded.state, State::Refunded, "{what}");
        daemon.stop().await;
        let done = tokio::task::block_in_place(|| bank.close());
        assert_eq!(done, [asked, "refundOrder"], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_server_that_turns_us_away_is_only_asked() {
    let Some((_world, bank, daemon)) = opened("another", "").await else { return };
    add(daemon.store(), vec![order("A-1", 9_800)]).await;
    let heard = |found: &OrderWithOperation| found.order.heard.is_some();
    let found = wait_for(daemon.store(), "A-1", heard).await;
    assert_eq!(found.state, State::Pending);
    let words = found.heard.unwrap().words;
    assert!(words.contains("401"), "{words}");
    daemon.stop().await;
    assert_eq!(tokio::task::block_in_place(|| bank.close()), Vec::<String>::new());
}
