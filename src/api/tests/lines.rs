//! Orders line by line.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Answer, Face, TOKEN, authorization};

const NDJSON: &str = "application/x-ndjson";

async fn post(face: &Face, kind: &str, body: &str) -> Answer {
    let headers = format!("{}content-type: {kind}\r\n", authorization(TOKEN));
    face.request("POST /v1/orders", &headers, body).await
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn order(nth: usize) -> String {
    format!("{{\"merchant\":\"shop\",\"order_number\":\"N-{nth}\",\"amount\":100}}\n")
}

/// A line, and what is said of it.
#[tokio::test]
async fn each_line_has_its_word_and_takes_nothing_of_the_others() {
    let face = Face::open().await;
    let table = [
        ("\u{feff}{\"merchant\":\"shop\",\"order_number\":\"A-1\",\"amount\":1050}", json!(["added", null])),
        ("{\"merchant\":\"shop\",\"order_number\":\"A-1\",\"amount\":1050}\r", json!(["exists", null])),
        (
            "{\"merchant\":\"shop\",\"order_number\":\"A-1\",\"amount\":1051}",
            json!(["exists_with_different_amount", null]),
        ),
        ("", Value::Null),
        ("{\"merchant\":\"shop\",\"order_number\":\"A-2\"", json!(["refused", "not_json"])),
        ("{\"merchant\":\"shop\",\"order_number\":\"A-2\",\"amount\":10.5}", json!(["refused", "not_minor_units"])),
        ("{\"merchant\":\"nobody\",\"order_number\":\"A-2\",\"amount\":10}", json!(["refused", "unknown_merchant"])),
        ("[]", json!(["refused", "not_an_object"])),
        ("{\"merchant\":\"shop\",\"order_number\":\"=cmd|' /C calc'!A0\",\"amount\":10}", json!(["added", null])),
        ("{\"merchant\":\"shop\",\"order_number\":\"A-3\",\"amount\":10}", json!(["added", null])),
    ];
    let body: Vec<&str> = table.iter().map(|(line, _)| *line).collect();
    let answer = post(&face, NDJSON, &body.join("\n")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-type: application/x-ndjson"), "{answer:?}");
    let said: Vec<(u64, Value)> = lines(&answer)
        .iter()
        .map(|said| (said["line"].as_u64().unwrap(), json!([said["result"], said["problems"][0]["code"]])))
        .collect();
    let expected: Vec<(u64, Value)> =
        (1..).zip(table).filter(|(_, (_, said))| !said.is_null()).map(|(nth, (_, said))| (nth, said)).collect();
    assert_eq!(said, expected);
    for (number, status) in [("A-1", 200), ("A-2", 404), ("A-3", 200)] {
        assert_eq!(face.get(&format!("/v1/orders/shop/{number}")).await.status, status, "{number}");
    }
}

/// How a body is declared, and whether it is read line by line.
#[tokio::test]
async fn lines_go_by_several_names() {
    let face = Face::open().await;
    let table = [
        ("application/x-ndjson; charset=utf-8", 200),
        ("application/NDJSON", 200),
        ("application/jsonl", 200),
        ("application/x-jsonlines", 200),
        ("application/json", 400),
        ("text/csv", 415),
    ];
    for (kind, status) in table {
        assert_eq!(post(&face, kind, &[order(1), order(2)].concat()).await.status, status, "{kind}");
    }
    assert_eq!(post(&face, NDJSON, "").await.body, "", "no line, no word");
}

#[tokio::test]
async fn ten_thousand_lines_are_taken_and_not_one_more() {
    let face = Face::open().await;
    let body: String = (0..10_000).map(order).collect();
    let answer = post(&face, NDJSON, &body).await;
    let said = lines(&answer);
    assert_eq!((answer.status, said.len()), (200, 10_000));
    assert!(said.iter().all(|said| said["result"] == "added"));
    assert_eq!(said.last().unwrap()["line"], 10_000);
    let more = post(&face, NDJSON, &[body, order(10_000)].concat()).await;
    assert_eq!(more.status, 413);
    assert!(more.problem()["detail"].as_str().unwrap().contains("none of these was"), "{more:?}");
    assert_eq!(face.get("/v1/orders/shop/N-10000").await.status, 404);
}

/// Two bodies are on their way, and never come to their end.
#[tokio::test]
async fn who_comes_when_as_many_are_read_as_may_be_is_told_to_come_again() {
    let face = Face::open().await;
    let mut slow = Vec::new();
    for _ in 0..super::super::BULKS {
        let head = format!("POST /v1/orders HTTP/1.1\r\nhost: test\r\n{}", authorization(TOKEN));
        let mut stream = TcpStream::connect(face.address).await.unwrap();
        let begun = format!("{head}content-type: {NDJSON}\r\ncontent-length: 900\r\n\r\n{}", order(1));
        stream.write_all(begun.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let told = loop {
        // The others' heads may not have been read yet.
        let answer = post(&face, NDJSON, &order(2)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(told.status, 429, "{told:?}");
    assert!(told.head.contains("retry-after: 1"), "{told:?}");
    assert_eq!(told.problem()["type"], "urn:reconciled:problem:overloaded");
    let one = face.post("/v1/orders", order(3).trim()).await;
    assert_eq!(one.status, 201, "a single order is not in their way");
    drop(slow);
}

/// What each line can have come to stands in the document that describes the face.
#[tokio::test]
async fn every_word_about_a_line_is_described() {
    let face = Face::open().await;
    let document = face.request("GET /openapi.json", "", "").await.json();
    let described = document["components"]["schemas"]["AddedResult"].to_string();
    for word in ["added", "exists", "exists_with_different_amount", "order_id_taken", "refused", "not_recorded"] {
        assert!(described.contains(&format!("\"{word}\"")), "{word}: {described}");
    }
}
