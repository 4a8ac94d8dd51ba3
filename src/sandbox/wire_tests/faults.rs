//! What a caller sees, and what happens to the money, when the bank misbehaves or stops.

use super::*;

/// Sends one completion under a fault: what the caller read (nothing when the bank hung up, `None` when it was reset),
/// and whether the money was taken.
async fn complete_under(fault: FaultKind) -> (Option<String>, bool, RequestEntry) {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    sandbox.bank().add_fault(FaultRule::always(fault).times(1)).unwrap();
    let head = "POST /payment/rest/autoCompletion.do HTTP/1.1";
    let form = format!("{SHOP}&orderId={id}&compositeCompletionAmount=0");
    let answer = send(&sandbox, head, &form).await.ok();
    let deposited = sandbox.bank().order(&id).unwrap().deposits == 1;
    assert!(sandbox.bank().faults().is_empty(), "the fault is used up");
    (answer, deposited, requests(&sandbox).remove(0))
}

/// What a caller can be told.
enum Told {
    /// An answer with these words in it.
    Words(&'static str),
    /// Nothing: the bank hung up.
    Nothing,
    /// Nothing: the bank reset the connection.
    Reset,
}

async fn check(fault: FaultKind, told: Told, deposited: bool, class: AnswerClass) {
    let name = fault.name();
    let (answer, did, line) = complete_under(fault).await;
    match (told, answer.as_deref()) {
        (Told::Words(words), Some(answer)) => assert!(answer.contains(words), "{name:?}: {answer}"),
        (Told::Nothing, Some("")) | (Told::Reset, None) => {}
        (_, answer) => panic!("{name:?}: {answer:?}"),
    }
    assert_eq!(did, deposited, "{name:?}");
    assert_eq!((line.fault, line.answer), (Some(name), class));
    assert_eq!((line.asked_minor, line.took_effect), (Some(0), Some(deposited)), "{name:?}");
}

#[tokio::test]
async fn faults_end_a_completion_as_they_say() {
    use AnswerClass::{HttpError, Misleading, NoAnswer, Ok};
    use FaultKind as K;
    use Moment::{After, Before};
    use Told::{Nothing, Reset, Words};
    let retry_after = Some("7".to_owned());
    let retry_told = Words("retry-after: 7\r\n");
    let (success, refusal) = (r#""errorCode":"0""#, r#""errorCode":"7""#);
    check(K::TimeoutBeforeEffect { ms: 1 }, Nothing, false, NoAnswer).await;
    check(K::TimeoutAfterEffect { ms: 1 }, Nothing, true, NoAnswer).await;
    check(K::Reset { effect: Before }, Reset, false, NoAnswer).await;
    check(K::Reset { effect: After }, Reset, true, NoAnswer).await;
    check(K::TooManyRequests { retry_after }, retry_told, false, HttpError).await;
    check(K::Error500 { effect: After }, Words("HTTP/1.1 500"), true, HttpError).await;
    check(K::Error503 { effect: Before }, Words("HTTP/1.1 503"), false, HttpError).await;
    check(K::Delay { ms: 1, effect: Before }, Words(success), true, Ok).await;
    check(K::FalseSuccess, Words(success), false, Misleading).await;
    check(K::FalseRefusal, Words(refusal), true, Misleading).await;
}

#[tokio::test]
async fn garbage_has_four_shapes() {
    for (shape, words) in [
        (Garbage::Html, "<html>"),
        (Garbage::Truncated, r#"{"operations""#),
        (Garbage::WrongTypes, r#""orderStatus":"two""#),
        (Garbage::Empty, "content-length: 0"),
    ] {
        let shape = Some(shape);
        let effect = Moment::After;
        check(FaultKind::Garbage { shape, effect }, Told::Words(words), true, AnswerClass::Garbage).await;
    }
}

#[tokio::test]
async fn a_late_effect_comes_although_its_caller_has_left() {
    let sandbox = bank().await;
    let id = held(&sandbox, "A-1");
    let late = FaultKind::Delay { ms: 50, effect: Moment::Before };
    sandbox.bank().add_fault(FaultRule::always(late)).unwrap();
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let path = format!("/payment/rest/autoCompletion.do?{SHOP}&orderId={id}&compositeCompletionAmount=0");
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bank\r\n\r\n").as_bytes()).await.unwrap();
    until(|| !requests(&sandbox).is_empty()).await;
    drop(stream);
    assert_eq!(requests(&sandbox)[0].answer, AnswerClass::Open);
    until(|| sandbox.bank().order(&id).unwrap().deposits == 1).await;
    assert_eq!(requests(&sandbox)[0].answer, AnswerClass::Ok);
}

#[tokio::test]
async fn stopping_does_not_wait_for_what_hangs() {
    let sandbox = bank().await;
    let hanging = FaultKind::TimeoutBeforeEffect { ms: 600_000 };
    sandbox.bank().add_fault(FaultRule::always(hanging)).unwrap();
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let mut idle = TcpStream::connect(sandbox.addr()).await.unwrap();
    let request = format!("GET /payment/rest/getOrderStatusExtended.do?{SHOP} HTTP/1.1\r\nHost: bank\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    until(|| !requests(&sandbox).is_empty()).await;
    // It would hang for ten minutes.
    tokio::time::timeout(Duration::from_secs(60), sandbox.stop()).await.unwrap();
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).await.unwrap_or(0), 0, "no answer");
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap_or(0), 0);
}
