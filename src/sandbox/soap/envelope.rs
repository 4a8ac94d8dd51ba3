//! The envelope: who asks, and the one element that says what.

use super::super::settings::Login;
use super::digest::Proof;
use super::fault::{Fault, SOAP, WSSE, WSU};
use super::xml::{self, Element};

/// An opened envelope.
pub(super) struct Envelope {
    pub(super) token: Option<UsernameToken>,
    /// The wrapper of the request.
    pub(super) asked: Element,
}

/// Who asks. It holds the password, so it has no `Debug`.
pub(super) struct UsernameToken {
    pub(super) user_name: String,
    pub(super) password: Password,
}

/// A password, said or proved.
pub(super) enum Password {
    Text(String),
    Digest(Proof),
}

/// Opens an envelope.
pub(super) fn open(bytes: &[u8]) -> Result<Envelope, Fault> {
    let root = xml::read(bytes).map_err(Fault::malformed)?;
    if !root.is(SOAP, "Envelope") {
        return Err(if root.name == "Envelope" {
            Fault::version()
        } else {
            Fault::client("There is no SOAP envelope")
        });
    }
    let token = match root.child(SOAP, "Header") {
        Some(header) => {
            understood(header)?;
            header.child(WSSE, "Security").and_then(username_token)
        }
        None => None,
    };
    let body = root.children.into_iter().find(|child| child.is(SOAP, "Body"));
    let body = body.ok_or_else(|| Fault::client("There is no SOAP body"))?;
    let asked = body.children.into_iter().next().ok_or_else(|| Fault::client("The SOAP body is empty"))?;
    Ok(Envelope { token, asked })
}

/// A header that must be understood and is not makes the message one that may not be acted on.
fn understood(header: &Element) -> Result<(), Fault> {
    let strange = header.children.iter().find(|block| {
        let must = matches!(block.attribute_of(SOAP, "mustUnderstand"), Some("1" | "true"));
        must && !block.is(WSSE, "Security")
    });
    strange.map_or(Ok(()), |block| Err(Fault::not_understood(&block.namespace, &block.name)))
}

fn username_token(security: &Element) -> Option<UsernameToken> {
    let token = security.child(WSSE, "UsernameToken")?;
    let said = |namespace: &str, name: &str| token.child(namespace, name).map(|child| child.text().to_owned());
    let password = token.child(WSSE, "Password")?;
    let text = password.text().to_owned();
    let password = match password.attribute("Type") {
        Some(kind) if kind.ends_with("#PasswordDigest") => Password::Digest(Proof {
            digest: text,
            nonce: said(WSSE, "Nonce").unwrap_or_default(),
            created: said(WSU, "Created").unwrap_or_default(),
        }),
        Some(_) | None => Password::Text(text),
    };
    Some(UsernameToken { user_name: said(WSSE, "Username")?, password })
}

impl UsernameToken {
    /// Name and password as the REST interface would have them. A digest that is of the only password let in stands for
    /// it; any other for itself, which is as good a password as any where every one is let in, and wrong elsewhere.
    pub(super) fn in_plain_text(self, only: Option<&Login>) -> (String, String) {
        let password = match self.password {
            Password::Text(text) => text,
            Password::Digest(token) => match only.filter(|only| token.is_of(&only.password)) {
                Some(only) => only.password.clone(),
                None => token.digest,
            },
        };
        (self.user_name, password)
    }
}
