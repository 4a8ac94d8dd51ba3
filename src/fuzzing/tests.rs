//! The short form of fuzzing: every seed, and mutations of them drawn by a fixed seed, so that it is the same each
//! time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::*;

/// Mutations per target in every run: some seconds for all of them. `RECONCILED_MUTATIONS` asks for more.
const MUTATIONS: usize = 2_000;

/// Pieces that parsers trip over.
const PIECES: [&[u8]; 28] = [
    b"0",
    b"-1",
    b"1e9",
    b"10.5",
    b"999999999999",
    b"1000000000000",
    b"9223372036854775808",
    b"4111111111111111",
    b"4111 1111 1111 1111",
    b"hunter22",
    b"HUNTER22",
    b"null",
    b"true",
    b"\"\"",
    b"{}",
    b"[]",
    b"[[[[[[[[",
    b"}",
    b",",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
    "ж".as_bytes(),
    b"%zz",
    b"&",
    b"\n",
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn mutated(seeds: &[Vec<u8>], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = seeds[chance.usize(..seeds.len())].clone();
    for _ in 0..chance.usize(1..5) {
        let at = chance.usize(..=bytes.len());
        let until = (at + chance.usize(..12)).min(bytes.len());
        match chance.u8(..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.u8(..8),
            1 => drop(bytes.drain(at..until)),
            2 => drop(bytes.splice(at..at, bytes[at..until].to_vec())),
            3 => drop(bytes.splice(at..until, PIECES[chance.usize(..PIECES.len())].iter().copied())),
            4 => bytes.truncate(at),
            _ => {
                let other = &seeds[chance.usize(..seeds.len())];
                let from = chance.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

#[test]
fn every_target_keeps_its_promises_for_its_seeds_and_their_mutations() {
    let count = std::env::var("RECONCILED_MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        for seed in &seeds {
            hold(name, target, seed);
        }
        let mut chance = fastrand::Rng::with_seed(name.bytes().map(u64::from).sum());
        (0..count).for_each(|_| hold(name, target, &mutated(&seeds, &mut chance)));
    }
}

#[track_caller]
fn hold(name: &str, target: Target, bytes: &[u8]) {
    let held = catch_unwind(AssertUnwindSafe(|| target(bytes)));
    assert!(held.is_ok(), "{name} breaks its promise for {:?}", String::from_utf8_lossy(bytes));
}

/// What the fuzzer runs is what is tested here.
#[test]
fn every_target_has_its_program() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let program = std::fs::read_to_string(directory.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name}");
    }
}
