//! Files of orders that a shop lays into a directory: each is taken whole, and moved with a report beside it.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use reconciled::config::Config;
use reconciled::daemon::Daemon;
use reconciled::sandbox::Settings;
use serde_json::{Value, json};

use crate::child::Process;
use crate::fixture::{HASTE, World, shop, until};

async fn world() -> (World, PathBuf, Config) {
    let world = World::new(Settings::default(), HASTE).await;
    std::fs::write(world.path(), format!("spool = \"spool\"\n{}", world.toml())).unwrap();
    let config = Config::load(&world.path()).unwrap();
    let spool = config.spool.clone().unwrap();
    std::fs::create_dir_all(&spool).unwrap();
    (world, spool, config)
}

fn report(file: &Path) -> Value {
    let beside = format!("{}.report.json", file.display());
    serde_json::from_str(&std::fs::read_to_string(beside).unwrap()).unwrap()
}

/// What lies in the spool, whether it comes to `done` or `failed`, and what its report says: added, queued before,
/// refused, and the codes of the refusals, or why nothing could be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_whole_and_told_about() {
    let table: [(&str, Vec<u8>, &str, Value); 7] = [
        ("1.csv", b"\xEF\xBB\xBForder_number;amount\r\nS-1;100\r\nS-2;200\r\n".to_vec(), "done", json!([2, 0, 0, []])),
        ("2.jsonl", br#"{"order_number":"S-1","amount":100}"#.to_vec(), "done", json!([0, 1, 0, []])),
        (
            "3.CSV",
            b"order_number,amount\nS-3,300\nS-1,7\n\xc7\xe0,1\n=cmd,x\n".to_vec(),
            "failed",
            json!([1, 0, 3, ["exists_with_different_amount", "not_utf8", "not_minor_units"]]),
        ),
        ("4.csv", b"number,amount\n1,2\n".to_vec(), "failed", json!([0, 0, 0, "order_number"])),
        ("5.ndjson", Vec::new(), "done", json!([0, 0, 0, []])),
        ("6.csv", Vec::new(), "failed", json!([0, 0, 0, "empty"])),
        ("7.csv", b"order_number,amount\nS-4".to_vec(), "failed", json!([0, 0, 1, ["not_a_row"]])),
    ];
    let (_world, spool, config) = world().await;
    for (name, bytes, ..) in &table {
        std::fs::write(spool.join(name), bytes).unwrap();
    }
    let (secret, left) =
        (spool.parent().unwrap().join("secret.csv"), ["link.csv", ".hidden.csv", "8.csv.part", "notes.txt"]);
    std::fs::write(&secret, "a secret\n").unwrap();
    symlink(&secret, spool.join(left[0])).unwrap();
    left[1..].iter().for_each(|name| std::fs::write(spool.join(name), "order_number,amount\nS-9,900\n").unwrap());
    let daemon = Daemon::start(config).await.unwrap();
    for (name, _, to, expected) in table {
        let moved = spool.join(to).join(name);
        until(|| moved.exists()).await;
        let said = report(&moved);
        let why = match said["unreadable"].as_str() {
            Some(why) => expected[3].as_str().filter(|word| why.contains(word)).map_or(json!(why), |word| json!(word)),
            None => said["refusals"]
                .as_array()
                .unwrap()
                .iter()
                .map(|refusal| refusal["problems"][0]["code"].clone())
                .collect(),
        };
        assert_eq!(json!([said["added"], said["exists"], said["refused"], why]), expected, "{name}: {said:#}");
        assert!(!spool.join(name).exists(), "{name}");
    }
    for name in left {
        assert!(std::fs::symlink_metadata(spool.join(name)).is_ok(), "{name} is not meant to be taken");
    }
    assert!(daemon.store().order(&shop(), "S-9").await.is_err());
    daemon.stop().await;
}

/// The daemon dies while a long file is taken: it lies where it lay, and the next one takes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_cut_short_is_taken_again() {
    let (world, spool, config) = world().await;
    let rows: Vec<String> = (0..20_000).map(|nth| format!("S-{nth},100")).collect();
    std::fs::write(spool.join("night.csv"), format!("order_number,amount\n{}", rows.join("\n"))).unwrap();
    let process = Process::start(&world.path()).drained();
    let store = reconciled::store::Store::open(&config.database).unwrap();
    let (some, all) = ("S-1500", spool.join("done/night.csv"));
    loop {
        if store.order(&shop(), some).await.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
    }
    process.kill_hard();
    assert!(spool.join("night.csv").exists() && !all.exists(), "it was not done yet");
    let daemon = Daemon::start(config).await.unwrap();
    until(|| all.exists()).await;
    let said = report(&all);
    let (added, exists) = (said["added"].as_u64().unwrap(), said["exists"].as_u64().unwrap());
    assert_eq!((added + exists, &said["refused"]), (20_000, &json!(0)));
    assert!(exists >= 1_500, "{exists}");
    assert!(daemon.store().order(&shop(), "S-19999").await.is_ok());
    daemon.stop().await;
}
