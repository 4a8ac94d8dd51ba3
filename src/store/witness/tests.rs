//! The chain as a table: what a file holds, what the database knows, and what is wrong between them.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

fn sent(seq: i64) -> Entry {
    Entry::Sent(Sent {
        seq,
        at: NOW.to_string(),
        merchant: "shop".to_owned(),
        order_number: format!("A-{seq}"),
        order_id: format!("id-{seq}"),
        kind: "completion".to_owned(),
        amount_minor: (seq % 2 == 0).then_some(5_000),
        expected_minor: 10_000,
        attempt: 1,
        refunded_before_minor: None,
    })
}

fn refund(seq: i64) -> Entry {
    let Entry::Sent(completion) = sent(seq) else { panic!("it is a send") };
    Entry::Sent(Sent { kind: "refund".to_owned(), refunded_before_minor: Some(2_500), ..completion })
}

/// The lines of a file that has begun behind 0 and has these sends, and their hashes.
fn lines(sends: &[i64]) -> (Vec<String>, Vec<Hash>) {
    let begun = Entry::Begun { seq: 0, at: NOW.to_string() };
    let mut last = Hash::of_nothing();
    let entries = std::iter::once(begun).chain(sends.iter().copied().map(sent));
    entries
        .map(|entry| {
            let (line, own) = entry.to_line(&last);
            last = own.clone();
            (line, own)
        })
        .unzip()
}

fn read(text: &[u8], counter: i64, witnessed: Option<&Hash>) -> (Chain, Vec<Wrong>) {
    let known = Known { counter, witnessed: witnessed.cloned() };
    let chain = Chain::read(text, &known).unwrap();
    let wrong = chain.wrong(&known);
    (chain, wrong)
}

#[test]
fn a_line_says_what_was_sent_and_is_read_back() {
    for entry in [
        Entry::Begun { seq: 7, at: NOW.to_string() },
        sent(1),
        sent(2),
        refund(3),
        Entry::Adopted { seq: 7, at: NOW.to_string(), who: "ann".to_owned(), reason: "moved house".to_owned() },
    ] {
        let (line, own) = entry.to_line(&Hash::of_nothing());
        let parsed = Entry::parse(line.strip_suffix('\n').unwrap()).unwrap();
        assert_eq!(parsed, (entry, Hash::of_nothing(), own), "{line}");
    }
    let (line, _) = sent(1).to_line(&Hash::of_nothing());
    assert!(line.starts_with("sent\t1\t2026-11-20T09:00:00"), "{line}");
    assert!(line.contains("\tshop\tA-1\tid-1\tcompletion\twhole\t10000\t1\t"), "{line}");
    let (line, _) = refund(2).to_line(&Hash::of_nothing());
    assert!(line.contains("\trefund\t5000\t10000\t1\t2500\t"), "{line}");
}

/// A file goes on under a newer version, so its lines have to stay what they are.
#[test]
fn a_refunds_line_of_an_earlier_version_is_read() {
    let Entry::Sent(refund) = refund(4) else { panic!("it is a send") };
    let before = Sent { refunded_before_minor: None, ..refund.clone() };
    let chained = format!("sent\t4\t{NOW}\tshop\tA-4\tid-4\trefund\t5000\t10000\t1\t{}", "0".repeat(64));
    let line = format!("{chained}\t{}", Hash::of(&chained).as_str());
    assert_eq!(Entry::parse(&line).map(|(entry, ..)| entry), Some(Entry::Sent(before)));
    for nonsense in ["2500\t1", "much", ""] {
        assert_eq!(Entry::parse_unproven(&format!("{}\t{nonsense}\t0\t0", &chained[..chained.len() - 65])), None);
    }
}

/// A reason with a tab or a line's end in it is still one field of one line.
#[test]
fn no_text_looks_like_two() {
    let reason = "moved\thouse\nsent\t9".to_owned();
    let entry = Entry::Adopted { seq: 1, at: NOW.to_string(), who: "ann".to_owned(), reason };
    let (line, _) = entry.to_line(&Hash::of_nothing());
    assert_eq!((line.matches('\n').count(), line.matches('\t').count()), (1, 6), "{line}");
}

/// What happened, the file, the highest number given out, the line the database knows of, and what is wrong.
type Case<'a> = (&'a str, &'a str, i64, Option<&'a Hash>, &'a [Wrong]);

#[test]
fn a_database_and_its_witness_agree_or_it_is_said_how_they_do_not() {
    let (all, hashes) = lines(&[1, 2, 3]);
    let whole = all.concat();
    let without_first = [&all[0], &all[2], &all[3]].map(String::as_str).concat();
    let altered = whole.replacen("10000", "10001", 1);
    let altered_at_end = format!("{}{}", all[..3].concat(), all[3].replace("10000", "10001"));
    let torn = &whole[..whole.len() - 10];
    let zeros = format!("{}\0\0\0\0", all[..3].concat());
    let (holes, hole_hashes) = lines(&[1, 3]);
    let (swapped, swapped_hashes) = lines(&[1, 3, 2]);
    let last = Some(&hashes[3]);
    let table: [Case<'_>; 17] = [
        ("all is well", &whole, 3, last, &[]),
        ("noted late", &whole, 3, Some(&hashes[1]), &[]),
        ("a crash before the append", &whole, 4, last, &[]),
        ("a hole from another crash", &holes.concat(), 3, Some(&hole_hashes[2]), &[]),
        ("two sends at once", &swapped.concat(), 3, Some(&swapped_hashes[3]), &[]),
        ("a crash in the append", torn, 3, Some(&hashes[2]), &[]),
        ("a power cut in the append", &zeros, 3, Some(&hashes[2]), &[]),
        ("an old backup", &whole, 1, Some(&hashes[1]), &[Wrong::Ahead]),
        ("a database begun anew", &whole, 0, None, &[Wrong::Ahead]),
        ("a database begun anew, before any send", &all[0], 0, None, &[]),
        ("an old witness", &all[..3].concat(), 3, last, &[Wrong::Shorter]),
        ("an empty witness", "", 3, last, &[Wrong::Shorter]),
        ("another database's", &all[0], 3, Some(&hole_hashes[2]), &[Wrong::Shorter]),
        ("a line taken out", &without_first, 3, last, &[Wrong::Shorter, Wrong::Broken(2)]),
        ("a line changed", &altered, 3, last, &[Wrong::Shorter, Wrong::Broken(2)]),
        ("the last line changed", &altered_at_end, 3, last, &[Wrong::Shorter]),
        ("torn, and no send can have been", torn, 2, Some(&hashes[2]), &[Wrong::Shorter]),
    ];
    for (case, text, counter, witnessed, wrong) in table {
        assert_eq!(read(text.as_bytes(), counter, witnessed).1, wrong, "{case}");
    }
}

#[test]
fn what_the_database_does_not_know_is_named_behind_a_break_too() {
    let (all, hashes) = lines(&[1, 2, 3]);
    let broken = all.concat().replacen("A-1", "B-1", 1);
    let (chain, wrong) = read(broken.as_bytes(), 1, Some(&hashes[0]));
    assert_eq!(wrong, [Wrong::Ahead, Wrong::Broken(2)]);
    assert_eq!(chain.beyond.iter().map(|sent| sent.seq).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn what_is_torn_is_cut_off_and_the_chain_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("witness");
    let (all, hashes) = lines(&[1, 2]);
    let whole = all.concat();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let known = Known { counter: 2, witnessed: Some(hashes[1].clone()) };
    let Found::File(file, chain) = find(&path, &known) else { panic!("it is there") };
    let witness = Witness::resume(&path, file, &chain).unwrap();
    let Entry::Sent(third) = sent(3) else { panic!("it is a send") };
    witness.send(third).unwrap();
    let known = Known { counter: 3, witnessed: Some(witness.last()) };
    let Found::File(_, chain) = find(&path, &known) else { panic!("it is there") };
    assert_eq!((chain.end, chain.wrong(&known)), (End::Whole, Vec::new()));
}

#[test]
fn a_witness_that_somebody_else_touched_takes_no_more_lines() {
    type Touch = fn(&Path);
    let table: [(&str, Touch); 4] = [
        ("removed", |path| std::fs::remove_file(path).unwrap()),
        ("replaced", |path| {
            let copy = std::fs::read(path).unwrap();
            std::fs::rename(path, path.with_extension("old")).unwrap();
            std::fs::write(path, copy).unwrap();
        }),
        ("cut short", |path| OpenOptions::new().write(true).open(path).unwrap().set_len(10).unwrap()),
        ("written by another", |path| {
            OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
        }),
    ];
    for (case, touch) in table {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        let witness = Witness::begin(&path, 0, NOW).unwrap();
        let send = |seq| match sent(seq) {
            Entry::Sent(sent) => witness.send(sent),
            _ => Ok(()),
        };
        send(1).unwrap();
        touch(&path);
        assert!(send(2).is_err(), "{case}");
        assert!(send(3).is_err() && witness.failed().is_some(), "{case}: it stays so");
    }
}

/// What is written and not synced may be gone after a power cut, so the send must not leave. The device takes every
/// byte and can sync none.
#[test]
fn a_line_that_cannot_be_synced_was_not_written() {
    let file = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let witness = Witness::of(Open { file, identity: None, length: 0, last: Hash::of_nothing(), failed: None });
    let Entry::Sent(first) = sent(1) else { panic!("it is a send") };
    assert!(witness.send(first).is_err());
    assert!(witness.failed().is_some(), "nothing more is appended");
    assert_eq!(witness.last(), Hash::of_nothing());
}
