//! The envelope: who asks, and the one element that says what.

use super::fault::{Fault, SOAP, WSSE};
use super::xml::{self, Element};

/// An opened envelope.
pub(super) struct Envelope {
    pub(super) token: Option<UsernameToken>,
    /// The wrapper of the request.
    pub(super) asked: Element,
}

/// Who asks, by name and password in plain text. It holds the password, so it has no `Debug`.
pub(super) struct UsernameToken {
    pub(super) user_name: String,
    pub(super) password: String,
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

/// A digest of the password is no password: this bank was never told what the shop hashed, so such a token is none.
fn username_token(security: &Element) -> Option<UsernameToken> {
    let token = security.child(WSSE, "UsernameToken")?;
    let (user_name, password) = (token.child(WSSE, "Username")?, token.child(WSSE, "Password")?);
    let digest = password.attribute("Type").is_some_and(|kind| kind.ends_with("#PasswordDigest"));
    (!digest).then(|| UsernameToken { user_name: user_name.text().to_owned(), password: password.text().to_owned() })
}
