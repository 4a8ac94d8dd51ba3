//! Who may ask: the bearer token, compared in a time that tells nothing of it.

use std::iter;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::Shared;
use super::problem::Problem;

/// Lets a request through that shows the token of the configuration as it is now.
pub(super) async fn require_token(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let config = shared.config();
    let Some(token) = &config.api_token else {
        let detail = "no api_token is configured, so orders are neither taken nor shown here; set `api_token` in the \
                      configuration and reload it";
        return Err(Problem::named(StatusCode::FORBIDDEN, "no_api_token", "The API is closed", detail));
    };
    let Some(shown) = bearer(request.headers()) else {
        return Err(Problem::unauthorized("send the header `Authorization: Bearer TOKEN`"));
    };
    if !same(token.expose_secret().as_bytes(), shown) {
        return Err(Problem::unauthorized("the token is not the one of the configuration's `api_token`"));
    }
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Goes through all of `token` whatever was shown, its length included: the time depends on the token alone.
fn same(token: &[u8], shown: &[u8]) -> bool {
    let padded = shown.iter().chain(iter::repeat(&0));
    let same_length = token.len().ct_eq(&shown.len());
    let same = token.iter().zip(padded).fold(same_length, |same, (one, other)| same & one.ct_eq(other));
    same.into()
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_the_whole_token_is_the_token() {
        for (shown, expected) in [
            ("secret", true),
            ("secreT", false),
            ("secre", false),
            ("secret\0", false),
            ("secrets", false),
            ("", false),
        ] {
            assert_eq!(same(b"secret", shown.as_bytes()), expected, "{shown:?}");
        }
    }
}
