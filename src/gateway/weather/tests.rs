//! Bodies as gateways and what stands before them send them, on both wires, and of which class they are; and who is let
//! ask when, on tokio's paused clock.

use super::*;
use crate::domain::bank::UnknownKind;
use crate::domain::order::OrderNumber;
use crate::gateway::request::{Named, Request};
use crate::gateway::scrub::Scrubber;
use crate::gateway::transport::{Heard, of_kind};
use crate::gateway::{rest, soap};

const NGINX: &str = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const WORKS: &str = "<!DOCTYPE html>\n<html lang=\"ru\"><head><meta charset=\"utf-8\"><title>Технические работы</title></head><body><p>Уважаемые клиенты! Сервис временно недоступен.</p></body></html>";

fn fault(text: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>{text}</faultstring></soap:Fault></soap:Body></soap:Envelope>"
    )
}

fn of_rest(body: &str) -> Option<Weather> {
    Weather::of_status(
        &rest::read_status(Ok(body.as_bytes().to_vec()), &Scrubber::new(&"secret".to_owned().into())).answer,
    )
}

fn of_soap(heard: Heard) -> Option<Weather> {
    let scrubber = Scrubber::new(&"secret".to_owned().into());
    let number = OrderNumber::new("A-1", 32).unwrap();
    let reply = soap::reply(heard, &Request::Status { order: Named::Number(&number) }, &scrubber);
    Weather::of_status(&rest::read_status(reply, &scrubber).answer)
}

#[test]
fn bodies_have_the_class_of_what_they_say() {
    use Weather::{Denied, Faulty, Known, Maintenance, Refused};
    let table = [
        (r#"{"errorCode":"0","orderNumber":"A-1","orderStatus":0,"amount":10000,"currency":"643"}"#, Known),
        (r#"{"errorCode":"6","errorMessage":"Заказ не найден"}"#, Refused),
        (r#"{"errorCode":"5","errorMessage":"Доступ запрещён"}"#, Denied),
        (r#"{"errorCode":"7","errorMessage":"Системная ошибка"}"#, Faulty),
        (r#"{"errorCode":"7","errorMessage":"Система временно недоступна, ведутся технические работы"}"#, Maintenance),
        (r#"{"errorCode":"7","errorMessage":"Service is temporarily unavailable"}"#, Maintenance),
        (r#"{"errorCode":"999","errorMessage":"Scheduled maintenance"}"#, Maintenance),
        (NGINX, Maintenance),
        (WORKS, Maintenance),
        ("Service Unavailable", Maintenance),
        ("", Faulty),
        ("OK", Faulty),
        (r#"{"errorCode":"0","orderSta"#, Faulty),
    ];
    for (body, expected) in table {
        assert_eq!(of_rest(body), Some(expected), "{body}");
    }
    let whole = |text: &str| Heard::whole(text.as_bytes().to_vec());
    let broken = |text: &str| Heard::fault(text.as_bytes().to_vec());
    let table = [
        ("a page with 200", whole(WORKS), Maintenance),
        ("a page with 500", broken(NGINX), Maintenance),
        ("a fault that says so", whole(&fault("Сервис временно недоступен")), Maintenance),
        ("a fault with 500 that says so", broken(&fault("Planned maintenance")), Maintenance),
        ("a fault of another sort", whole(&fault("java.lang.NullPointerException")), Faulty),
        ("an envelope cut short", whole("<soap:Envelope xmlns:soap="), Faulty),
    ];
    for (name, heard, expected) in table {
        assert_eq!(of_soap(heard), Some(expected), "{name}");
    }
    let of = |kind| {
        Weather::of_status(
            &rest::read_status(Err(of_kind(kind, String::new())), &Scrubber::new(&"secret".to_owned().into())).answer,
        )
    };
    let table = [
        (UnknownKind::Unreachable, Some(Weather::Unreachable)),
        (UnknownKind::Broken, Some(Weather::Unreachable)),
        (UnknownKind::Tls, Some(Weather::Tls)),
        (UnknownKind::Timeout, Some(Weather::Slow)),
        (UnknownKind::Throttled, Some(Weather::Throttled)),
        (UnknownKind::Denied, Some(Denied)),
        (UnknownKind::ServerError, Some(Maintenance)),
        (UnknownKind::HttpStatus, Some(Faulty)),
        (UnknownKind::Withheld, None),
    ];
    for (kind, expected) in table {
        assert_eq!(of(kind), expected, "{kind:?}");
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

fn fails(sky: &Sky) {
    sky.heard(Some(Weather::Unreachable), || "unreachable: Connection refused".to_owned(), Instant::now(), NOW);
}

#[tokio::test(start_paused = true)]
async fn there_is_one_incident_and_whoever_waits_is_woken_when_it_is_over() {
    let sky = Sky::clear();
    for _ in 0..5 {
        assert!(!sky.is_open() && !sky.leave(Prober::Look).unwrap().is_probe());
        fails(&sky);
    }
    let words = "unreachable: Connection refused".to_owned();
    let failing_since = Instant::now();
    assert_eq!(sky.incident(), Some(Incident { since: NOW, failing_since, class: Weather::Unreachable, words }));
    let begun_as = sky.incident();
    let mut probes = 0;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        match sky.leave(Prober::Money) {
            Ok(probe) => {
                probes += 1;
                assert!(probe.is_probe() && sky.still_lets(&probe) && !sky.is_still());
                fails(&sky);
            }
            Err(wait) => tokio::time::sleep(wait).await,
        }
    }
    assert_eq!(probes, 5);
    assert_eq!(sky.incident(), begun_as, "one incident");
    // A probe that is given up is another's at once.
    tokio::time::sleep(Duration::from_secs(30)).await;
    drop(sky.leave(Prober::Look).unwrap());
    let probe = sky.leave(Prober::Money).unwrap();
    assert!(sky.leave(Prober::Look).is_err());
    let freed = sky.freed();
    sky.heard(Some(Weather::Known), String::new, Instant::now(), NOW);
    freed.await;
    assert_eq!(sky.incident(), None);
    drop(probe);
    assert!(!sky.is_open());
}

/// The bug: while a probe was out, whoever had something to ask looked every second whether it had ended.
#[tokio::test(start_paused = true)]
async fn regression_the_end_of_a_probe_wakes_whoever_waits_for_it() {
    type End = (&'static str, fn(&Sky));
    let sky = Sky::clear();
    (0..5).for_each(|_| fails(&sky));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ends: [End; 3] = [
        ("it is given up", |_| {}),
        ("it fails", fails),
        ("it is answered", |sky| sky.heard(Some(Weather::Known), String::new, Instant::now(), NOW)),
    ];
    for (end, act) in ends {
        let probe = sky.leave(Prober::Look).unwrap();
        assert!(probe.is_probe(), "{end}");
        let mut freed = std::pin::pin!(sky.freed());
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut freed).await.is_err(), "{end}: it is out");
        act(&sky);
        drop(probe);
        tokio::time::timeout(Duration::ZERO, freed).await.expect(end);
        tokio::time::sleep(sky.wait(Prober::Look)).await;
    }
    assert!(!sky.is_open());
}
