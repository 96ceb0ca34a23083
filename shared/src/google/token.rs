//! Access tokens: asked for, kept until shortly before they lapse, dropped when Google refuses one.
//!
//! `gcp_auth` could fetch them too, but it tries a refused request five times, waits without limit, does not tell a
//! refused credential from an endpoint that is down, and pads its base64url. So only its signature is used.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::error::{CredentialFault, Reason};
use super::service_account::ServiceAccount;
use super::verdict::retry_after;
use crate::deadline::Deadline;

/// A token is not used during its last minute: it has to be good still when the call arrives.
const MARGIN: Duration = Duration::from_mins(1);

/// How long one request for a token may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// The current token.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Locked while a token is fetched, so that callers who need one at the same time share one request.
    current: Mutex<Option<Token>>,
}

/// An access token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    secret: SecretString,
    /// By the wall clock: a process that was frozen for an hour must notice.
    lapses: SystemTime,
}

impl Token {
    /// What goes into an `Authorization: Bearer` header.
    pub(super) fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// Why there is no token.
#[derive(Debug)]
pub(super) enum NoToken {
    /// The account is at fault; trying again is no use.
    Invalid(CredentialFault),
    /// The endpoint did not give a usable answer this time.
    Unreachable {
        /// The pause that it asked for.
        pause: Option<Duration>,
    },
}

impl Tokens {
    /// The current token, or a new one for `account`. `refused` is a token that Google did not accept: it is not given
    /// again.
    pub(super) async fn get(
        &self,
        http: &reqwest::Client,
        account: &ServiceAccount,
        refused: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Token, NoToken> {
        let unreachable = |_| NoToken::Unreachable { pause: None };
        let mut current = deadline.bound(self.current.lock()).await.map_err(unreachable)?;
        let is_refused = |token: &Token| refused.is_some_and(|refused| refused.expose() == token.expose());
        if let Some(token) = current.as_ref()
            && token.lapses > SystemTime::now() + MARGIN
            && !is_refused(token)
        {
            return Ok(token.clone());
        }
        *current = None;
        let limit = deadline.at_most(REQUEST_LIMIT);
        let token = limit.bound(fetch(http, account)).await.map_err(unreachable)??;
        Ok(current.insert(token).clone())
    }
}

async fn fetch(http: &reqwest::Client, account: &ServiceAccount) -> Result<Token, NoToken> {
    let now = SystemTime::now();
    // A clock before 1970 gives an assertion that the endpoint refuses, which is the right end for it.
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let assertion = account.assertion(seconds);
    let assertion = assertion.map_err(|_| NoToken::Invalid(CredentialFault::Key))?;
    // Base64url and dots need no escaping in a form.
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={}",
        assertion.expose_secret()
    );
    let unreachable = |_| NoToken::Unreachable { pause: None };
    let answer = http
        .post(account.token_uri().clone())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .map_err(unreachable)?;
    let status = answer.status();
    let pause = retry_after(answer.headers(), now.into());
    let body = answer.bytes().await.map_err(unreachable)?;
    if status.is_success() {
        Grant::read(&body, now).ok_or(NoToken::Unreachable { pause })
    } else {
        Err(refusal(status, &body, pause))
    }
}

/// What an answer other than 200 means. The endpoint's own faults and "slow down" pass; everything else is about us.
fn refusal(status: StatusCode, body: &[u8], pause: Option<Duration>) -> NoToken {
    #[derive(Deserialize)]
    struct OauthError {
        error: String,
    }
    let passing = status.is_server_error()
        || status.is_redirection()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    if passing {
        return NoToken::Unreachable { pause };
    }
    let error = serde_json::from_slice::<OauthError>(body).ok();
    let reason = Reason::parse(error.as_ref().map(|error| error.error.as_str()));
    NoToken::Invalid(CredentialFault::Refused(reason))
}

/// The endpoint's answer.
#[derive(Deserialize)]
struct Grant {
    access_token: String,
    /// Seconds.
    expires_in: u64,
}

impl Grant {
    fn read(body: &[u8], now: SystemTime) -> Option<Token> {
        let grant: Self = serde_json::from_slice(body).ok()?;
        // A header cannot carry anything else; better found out here than at each call.
        if grant.access_token.is_empty() || !grant.access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        Some(Token {
            secret: SecretString::from(grant.access_token),
            lapses: now.checked_add(Duration::from_secs(grant.expires_in))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_credential_is_told_from_an_endpoint_that_is_down() {
        let invalid = refusal(StatusCode::BAD_REQUEST, br#"{"error":"invalid_grant"}"#, None);
        assert!(matches!(
            invalid,
            NoToken::Invalid(CredentialFault::Refused(reason)) if reason.as_str() == "invalid_grant"
        ));
        for status in [500, 503, 429, 408, 302] {
            let status = StatusCode::from_u16(status).unwrap();
            let down = refusal(status, b"", Some(Duration::from_secs(3)));
            assert!(
                matches!(down, NoToken::Unreachable { pause: Some(_) }),
                "{status}"
            );
        }
    }

    #[test]
    fn a_grant_without_a_usable_token_is_none() {
        let now = SystemTime::now();
        assert!(Grant::read(br#"{"access_token":"ya29.x","expires_in":3599}"#, now).is_some());
        assert!(Grant::read(br#"{"access_token":"a b","expires_in":3599}"#, now).is_none());
        assert!(Grant::read(br#"{"access_token":"","expires_in":3599}"#, now).is_none());
        assert!(Grant::read(b"<html>", now).is_none());
    }
}
