//! Who may ask: the bearer token, compared in a time that tells nothing of it, and the scope that each route wants.
//!
//! The configuration's `api_token` has every scope. The others stand in the database by their digests, which are kept
//! here for a moment: one that is made or revoked at the command line is so within a second, and a request costs no
//! read.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Shared;
use super::problem::Problem;
use crate::domain::event::Cause;
use crate::domain::token::{Grant, Scope, TokenName};
use crate::store::KnownToken;

/// How old what is known of the tokens may be: half of the second within which a person's word is in force.
const READ_EVERY: Duration = Duration::from_millis(500);

/// The tokens of the database as they were read last.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Option<(Instant, Arc<Vec<KnownToken>>)>>);

impl Tokens {
    async fn read(&self, shared: &Shared) -> Result<Arc<Vec<KnownToken>>, Problem> {
        let mut kept = self.0.lock().await;
        if let Some((at, tokens)) = &*kept
            && at.elapsed() < READ_EVERY
        {
            return Ok(Arc::clone(tokens));
        }
        let read = shared.api.store.tokens().await;
        let tokens = Arc::new(read.map_err(|error| Problem::of_store(&error, &shared.api.metrics))?);
        *kept = Some((Instant::now(), Arc::clone(&tokens)));
        Ok(tokens)
    }
}

/// Whoever asks, once its token is known.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// With the configuration's token, which lets do everything.
    Configured,
    /// With one of the database's.
    Granted(Grant),
}

impl Caller {
    /// As the journal has it. Of a token its name; the configuration's has none.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Configured => Cause::Shop,
            Self::Granted(grant) => Cause::ShopAs(grant.name),
        }
    }

    /// The name of its token.
    pub(super) fn token(&self) -> Option<TokenName> {
        match self {
            Self::Configured => None,
            Self::Granted(grant) => Some(grant.name.clone()),
        }
    }

    fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Configured => true,
            Self::Granted(grant) => grant.scopes.contains(&scope),
        }
    }
}

/// Lets a request through that shows a token which is known and in force now.
pub(super) async fn require_token(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = caller(&shared, request.headers()).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn caller(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Problem> {
    let configured = shared.config().api_token.clone();
    let shown = bearer(headers);
    if let (Some(token), Some(shown)) = (&configured, shown)
        && same(token.expose_secret().as_bytes(), shown)
    {
        return Ok(Caller::Configured);
    }
    let tokens = shared.tokens.read(shared).await?;
    if configured.is_none() && tokens.is_empty() {
        let detail = "no token is known, so orders are neither taken nor shown here; make one with `reconciled token \
                      add`, or set `api_token` in the configuration and reload it";
        return Err(Problem::named(StatusCode::FORBIDDEN, "no_api_token", "The API is closed", detail));
    }
    let Some(shown) = shown else {
        return Err(Problem::unauthorized("send the header `Authorization: Bearer TOKEN`"));
    };
    let now = shared.api.clock.now();
    match granted(&tokens, shown) {
        Some(grant) if grant.is_in_force(now) => Ok(Caller::Granted(grant.clone())),
        Some(grant) => {
            let name = &grant.name;
            Err(Problem::unauthorized(format!(
                "the token {name} has run out; make another with `reconciled token add`"
            )))
        }
        None => Err(Problem::unauthorized(
            "the token is neither the configuration's `api_token` nor one that `reconciled token list` shows",
        )),
    }
}

/// All are compared, whichever it is.
fn granted<'a>(tokens: &'a [KnownToken], shown: &[u8]) -> Option<&'a Grant> {
    let digest = KnownToken::digest_of(shown);
    let compare = |found: Option<&'a Grant>, known: &'a KnownToken| {
        if bool::from(known.digest.ct_eq(&digest)) { Some(&known.grant) } else { found }
    };
    tokens.iter().fold(None, compare)
}

/// Lets a request through whose token has `scope`.
pub(super) async fn require_scope(scope: Scope, request: Request, next: Next) -> Result<Response, Problem> {
    // None is a route that stands before the token is asked for, which the table has none of.
    if request.extensions().get::<Caller>().is_some_and(|caller| caller.may(scope)) {
        return Ok(next.run(request).await);
    }
    Err(scope_missing(scope))
}

fn scope_missing(scope: Scope) -> Problem {
    let detail = format!("this wants a token with the scope {scope}, which lets {}", scope.meaning());
    Problem::named(StatusCode::FORBIDDEN, "scope_missing", "The token does not let you", detail)
}

/// Lets a scrape through, which wants a token only where the configuration says so.
pub(super) async fn require_for_metrics(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if shared.config().metrics_want_token && !caller(&shared, request.headers()).await?.may(Scope::Metrics) {
        return Err(scope_missing(Scope::Metrics));
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
