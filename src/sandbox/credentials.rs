//! Who asks.

use super::errors::{self, Refusal};
use super::params::Params;
use super::settings::Login;

/// Longer than any login the documents allow, short enough for the ledger.
const LOGIN_CHARS_MAX: usize = 64;

/// Who asks with a token, whichever it is.
pub(super) const TOKEN: &str = "token";

/// Who asks: the login, or the word `token` for every token, since a token is itself the secret.
pub(super) fn credentials(params: &Params, only: Option<&Login>) -> Result<String, Refusal> {
    let given = (params.get("userName"), params.get("password"), params.get("token"));
    let login = match (given, only) {
        ((Some(user), Some(_), _), None) if user.chars().count() <= LOGIN_CHARS_MAX => user,
        ((Some(user), Some(password), _), Some(only)) if user == only.user_name && password == only.password => user,
        ((Some(_), Some(_), _), _) | ((_, _, Some(_)), Some(_)) => {
            return Err(errors::ACCESS_DENIED);
        }
        ((_, _, Some(_)), None) => TOKEN,
        ((_, _, None), _) => return Err(errors::CREDENTIALS_EMPTY),
    };
    Ok(login.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_a_login_or_a_token() {
        let only: Login = "shop:secret".parse().unwrap();
        let check = |query: &str, only: Option<&Login>, expected: Result<&str, Refusal>| {
            let found = credentials(&Params::merge(query, b""), only);
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{query}");
        };
        check("userName=shop&password=x", None, Ok("shop"));
        check("token=abc", None, Ok("token"));
        check("userName=shop", None, Err(errors::CREDENTIALS_EMPTY));
        check("", None, Err(errors::CREDENTIALS_EMPTY));
        check("userName=shop&password=secret", Some(&only), Ok("shop"));
        check("userName=shop&password=x", Some(&only), Err(errors::ACCESS_DENIED));
        check("token=abc", Some(&only), Err(errors::ACCESS_DENIED));
        check("", Some(&only), Err(errors::CREDENTIALS_EMPTY));
    }
}
