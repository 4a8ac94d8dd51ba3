//! The WSDLs of a service, printed from its types.
//!
//! In two parts, as the gateway has them: the outer one binds and gives the address, the inner one, which it imports,
//! has types, messages and the port type.

use std::collections::BTreeSet;

use super::schema::{Field, Kind, Occurs, Service, Type, Words};
use super::xml::Writer;

const XSD: &str = "http://www.w3.org/2001/XMLSchema";
const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const WSDL_SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const HTTP: &str = "http://schemas.xmlsoap.org/soap/http";

/// The name under which the outer WSDL imports the inner one.
pub(super) fn inner_name(service: &Service) -> String {
    format!("{}.wsdl", service.name)
}

/// Binding and address.
pub(super) fn outer(service: &Service, endpoint: &str) -> String {
    let name = format!("{}ImplService", service.name);
    let binding = format!("{name}SoapBinding");
    let mut out = Print::default();
    out.open(
        "wsdl:definitions",
        &[
            ("name", &name),
            ("targetNamespace", service.outer_namespace),
            ("xmlns:ns1", service.namespace),
            ("xmlns:soap", WSDL_SOAP),
            ("xmlns:tns", service.outer_namespace),
            ("xmlns:wsdl", WSDL),
            ("xmlns:xsd", XSD),
        ],
    );
    let location = format!("{endpoint}?wsdl={}", inner_name(service));
    out.leaf("wsdl:import", &[("location", &location), ("namespace", service.namespace)]);
    out.open("wsdl:binding", &[("name", &binding), ("type", &format!("ns1:{}", service.name))]);
    out.leaf("soap:binding", &[("style", "rpc"), ("transport", HTTP)]);
    for verb in service.verbs {
        out.open("wsdl:operation", &[("name", verb.name)]);
        out.leaf("soap:operation", &[("soapAction", ""), ("style", "rpc")]);
        for (way, message) in [("wsdl:input", verb.name.to_owned()), ("wsdl:output", format!("{}Response", verb.name))]
        {
            out.open(way, &[("name", &message)]);
            out.leaf("soap:body", &[("namespace", service.namespace), ("use", "literal")]);
            out.close();
        }
        out.close();
    }
    out.close();
    out.open("wsdl:service", &[("name", &name)]);
    let port = format!("{}ImplPort", service.name);
    out.open("wsdl:port", &[("binding", &format!("tns:{binding}")), ("name", &port)]);
    out.leaf("soap:address", &[("location", endpoint)]);
    out.finish()
}

/// Types, messages and port type.
pub(super) fn inner(service: &Service) -> String {
    let mut out = Print::default();
    out.open(
        "wsdl:definitions",
        &[
            ("name", service.name),
            ("targetNamespace", service.namespace),
            ("xmlns:ns1", service.namespace),
            ("xmlns:wsdl", WSDL),
            ("xmlns:xs", XSD),
        ],
    );
    out.open("wsdl:types", &[]);
    out.open(
        "xs:schema",
        &[
            ("attributeFormDefault", "unqualified"),
            ("elementFormDefault", "unqualified"),
            ("targetNamespace", service.namespace),
        ],
    );
    let mut known = BTreeSet::new();
    for verb in service.verbs {
        type_of(&mut out, verb.request, &mut known);
        type_of(&mut out, verb.answer, &mut known);
    }
    out.close();
    out.close();
    for verb in service.verbs {
        let messages = [
            (verb.name.to_owned(), verb.part, verb.request),
            (format!("{}Response", verb.name), "return", verb.answer),
        ];
        for (message, part, of) in messages {
            out.open("wsdl:message", &[("name", &message)]);
            out.leaf("wsdl:part", &[("name", part), ("type", &format!("ns1:{}", of.name))]);
            out.close();
        }
    }
    out.open("wsdl:portType", &[("name", service.name)]);
    for verb in service.verbs {
        out.open("wsdl:operation", &[("name", verb.name)]);
        for (way, message) in [("wsdl:input", verb.name.to_owned()), ("wsdl:output", format!("{}Response", verb.name))]
        {
            out.leaf(way, &[("message", &format!("ns1:{message}")), ("name", &message)]);
        }
        out.close();
    }
    out.finish()
}

/// A type and, before it, those it is made of; each once.
fn type_of(out: &mut Print, of: &'static Type, known: &mut BTreeSet<&'static str>) {
    if !known.insert(of.name) {
        return;
    }
    for field in of.attributes.iter().chain(of.elements) {
        match field.kind {
            Kind::Complex(part) => type_of(out, part, known),
            Kind::Words(words) if known.insert(words.name) => words_of(out, words),
            _ => {}
        }
    }
    out.open("xs:complexType", &[("name", of.name)]);
    if let Some(text) = of.text {
        out.open("xs:simpleContent", &[]);
        out.open("xs:extension", &[("base", &type_name(text))]);
        attributes(out, of);
        out.close();
        out.close();
    } else {
        out.open("xs:sequence", &[]);
        of.elements.iter().for_each(|field| element(out, field));
        out.close();
        attributes(out, of);
    }
    out.close();
}

fn words_of(out: &mut Print, words: &Words) {
    out.open("xs:simpleType", &[("name", words.name)]);
    out.open("xs:restriction", &[("base", "xs:string")]);
    for value in words.values {
        out.leaf("xs:enumeration", &[("value", value)]);
    }
    out.close();
    out.close();
}

fn element(out: &mut Print, field: &Field) {
    let kind = type_name(field.kind);
    let named = [("name", field.name), ("type", &*kind)];
    match field.occurs {
        Occurs::Once => out.leaf("xs:element", &named),
        Occurs::AtMostOnce => out.leaf("xs:element", &[&[("minOccurs", "0")], &named[..]].concat()),
        Occurs::AnyNumber => {
            out.leaf("xs:element", &[&[("maxOccurs", "unbounded"), ("minOccurs", "0")], &named[..]].concat());
        }
    }
}

fn attributes(out: &mut Print, of: &Type) {
    for field in of.attributes {
        let kind = type_name(field.kind);
        let named = [("name", field.name), ("type", &*kind)];
        match field.occurs {
            Occurs::Once => out.leaf("xs:attribute", &[&named[..], &[("use", "required")]].concat()),
            Occurs::AtMostOnce | Occurs::AnyNumber => out.leaf("xs:attribute", &named),
        }
    }
}

fn type_name(kind: Kind) -> String {
    let simple = match kind {
        Kind::Text | Kind::MomentText => "string",
        Kind::Int => "int",
        Kind::Long => "long",
        Kind::Decimal => "decimal",
        Kind::Boolean => "boolean",
        Kind::Moment => "dateTime",
        Kind::Words(words) => return format!("ns1:{}", words.name),
        Kind::Complex(of) => return format!("ns1:{}", of.name),
    };
    format!("xs:{simple}")
}

/// XML for people: an element on each line.
#[derive(Default)]
struct Print {
    out: Writer,
    open: Vec<&'static str>,
}

impl Print {
    fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.out.inside();
        self.open.push(name);
    }

    fn leaf(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.out.nothing();
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.line();
        self.out.start(name);
        for (name, value) in attributes {
            self.out.attribute(name, value);
        }
    }

    fn line(&mut self) {
        self.out.text("\n");
        self.out.text(&"  ".repeat(self.open.len()));
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.line();
            self.out.end(name);
        }
    }

    /// Closes whatever is open.
    fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}\n", self.out.finish())
    }
}
