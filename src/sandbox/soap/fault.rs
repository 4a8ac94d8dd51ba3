//! SOAP faults: what is wrong with a message, as opposed to what is wrong with a request, which is an `errorCode`.

use super::super::errors::{self, Refusal};
use super::xml::{Malformed, Writer};

/// The namespace of SOAP 1.1.
pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of WS-Security 1.0.
pub(super) const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// The namespace of its moments.
pub(super) const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    code: Code,
    words: String,
}

/// The kinds of faults this bank has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Client,
    VersionMismatch,
    MustUnderstand,
    InvalidSecurity,
    FailedAuthentication,
}

impl Fault {
    /// The message is not what the service takes.
    pub(super) fn client(words: impl Into<String>) -> Fault {
        Fault { code: Code::Client, words: words.into() }
    }

    pub(super) fn malformed(Malformed(words): Malformed) -> Fault {
        Fault::client(format!("Error reading XMLStreamReader: {words}"))
    }

    pub(super) fn version() -> Fault {
        Fault { code: Code::VersionMismatch, words: format!("A SOAP message in \"{SOAP}\" is expected") }
    }

    pub(super) fn not_understood(namespace: &str, name: &str) -> Fault {
        let words = format!("MustUnderstand headers: [{{{namespace}}}{name}] are not understood.");
        Fault { code: Code::MustUnderstand, words }
    }

    /// Nobody was let in: for want of credentials, or with wrong ones.
    pub(super) fn turned_away(refusal: Refusal) -> Fault {
        if refusal == errors::CREDENTIALS_EMPTY {
            let words = "An error was discovered processing the <wsse:Security> header".to_owned();
            Fault { code: Code::InvalidSecurity, words }
        } else {
            let words = "The security token could not be authenticated or authorized".to_owned();
            Fault { code: Code::FailedAuthentication, words }
        }
    }

    /// The whole message. It travels with HTTP 500.
    pub(super) fn written(&self) -> String {
        let mut out = Writer::default();
        out.start("soap:Envelope");
        out.attribute("xmlns:soap", SOAP);
        out.inside();
        out.start("soap:Body");
        out.inside();
        out.start("soap:Fault");
        out.inside();
        let (prefix, namespace, name) = match self.code {
            Code::Client => ("soap", SOAP, "Client"),
            Code::VersionMismatch => ("soap", SOAP, "VersionMismatch"),
            Code::MustUnderstand => ("soap", SOAP, "MustUnderstand"),
            Code::InvalidSecurity => ("ns1", WSSE, "InvalidSecurity"),
            Code::FailedAuthentication => ("ns1", WSSE, "FailedAuthentication"),
        };
        out.start("faultcode");
        if namespace != SOAP {
            out.attribute(&format!("xmlns:{prefix}"), namespace);
        }
        out.inside();
        out.text(&format!("{prefix}:{name}"));
        out.end("faultcode");
        out.line("faultstring", &self.words);
        out.end("soap:Fault");
        out.end("soap:Body");
        out.end("soap:Envelope");
        out.finish()
    }
}
