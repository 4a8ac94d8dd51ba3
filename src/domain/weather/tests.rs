use super::*;

fn unknown(kind: UnknownKind) -> Unknown {
    Unknown { kind, detail: String::new(), retry_after: None }
}

#[test]
fn every_kind_of_answer_has_a_class_and_every_class_a_word() {
    for kind in UnknownKind::ALL {
        let class = Weather::of_unknown(&unknown(kind));
        assert_eq!(class.is_none(), kind == UnknownKind::Withheld, "{kind:?}");
        assert!(class.is_none_or(|class| !class.tells_something()), "{kind:?}");
    }
    for class in Weather::ALL {
        assert_eq!(Weather::parse(class.as_str()), Some(class));
    }
    let refused = |code, message: &str| {
        let refusal = Refusal { code, message: message.to_owned() };
        Weather::of_status(&StatusAnswer::Refused(refusal))
    };
    assert_eq!(refused(6, "Unknown order id"), Some(Weather::Refused));
    assert_eq!(refused(5, "Access denied"), Some(Weather::Denied));
    assert_eq!(refused(5, "Доступ запрещён"), Some(Weather::Denied));
}

#[test]
fn pages_are_told_from_answers() {
    let table = [
        ("<!DOCTYPE html>\n<html lang=\"ru\"><head><title>Сервис временно недоступен</title></head></html>", true),
        ("<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\"><html></html>", true),
        ("\u{feff}  <HTML><BODY><H1>502 Bad Gateway</H1></BODY></HTML>", true),
        ("Service Unavailable", true),
        ("На сайте ведутся технические работы. Приносим извинения", true),
        ("", false),
        ("{errorCode: 0}", false),
        (r#"{"errorCode":"0","orderNumber":"A-1""#, false),
        ("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"ha\">]><a>&b;</a>", false),
        ("<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"/>", false),
    ];
    for (body, expected) in table {
        assert_eq!(is_page(body.as_bytes()), expected, "{body}");
    }
    assert!(!is_page(b"\xff\xfe\x00"));
}
