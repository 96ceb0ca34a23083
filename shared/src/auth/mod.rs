//! Who may come in: API keys and an issuer's tokens, to callers with scopes. Closed where neither is configured.
//!
//! [`Callers`] knows them all. `api_keys` holds hashes only; `issuer` is where a token's keys come from, `token` what is
//! asked of a token, `ring` how its signature is verified. `new_key` is for `make key`.

mod api_keys;
mod issuer;
mod new_key;
mod ring;
mod token;

use std::time::{Duration, SystemTime};

pub use api_keys::ApiKeys;
pub use new_key::{NewKey, NewKeyError};
pub use token::BadToken;

use crate::deadline::Deadline;
use crate::settings::{Environment, Rotating, SettingError};
use issuer::{Issuer, NoKey};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `/appointments*` and `/availability`.
    Appointments,
    /// `/calendar/*`.
    Calendar,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Appointments, Self::Calendar];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Appointments => "appointments",
            Self::Calendar => "calendar",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// Someone known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Becomes an appointment's `source` and the history's `by`.
    pub name: String,
    scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the caller may do this.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Whether a caller may be called so. `google_calendar` is the history's name for the other side: nobody may pass for it.
fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text != "google_calendar" && text.chars().all(may_stand_in_a_name)
}

fn may_stand_in_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.".contains(c)
}

/// Why someone is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Neither a key of ours nor, where tokens are taken, a token.
    UnknownKey,
    /// A token that is not good.
    BadToken(BadToken),
    /// The token may be good: its issuer, which has the key, does not answer.
    IssuerUnreachable {
        /// When the issuer is asked again.
        retry_after: Duration,
    },
}

/// All who are let in.
#[derive(Debug)]
pub struct Callers {
    keys: Rotating<ApiKeys>,
    issuer: Option<Issuer>,
}

impl Callers {
    /// Reads `API_KEYS`, `OIDC_ISSUER` and `OIDC_AUDIENCE`; nobody is asked anything yet.
    pub fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            keys: environment.api_keys()?,
            issuer: Issuer::from(environment)?,
        })
    }

    /// The caller who showed this key or token.
    pub async fn who_shows(&self, credential: &str, deadline: Deadline) -> Result<Caller, Refusal> {
        let keys = self.keys.fresh(deadline).await;
        if let Some(caller) = keys.caller(credential) {
            return Ok(caller.clone());
        }
        if let Some(issuer) = &self.issuer
            && token::looks_like_one(credential)
        {
            return issuer.caller(credential, SystemTime::now(), deadline).await;
        }
        // It may have been made since.
        let newer = self.keys.instead_of(&keys, deadline).await;
        let caller = newer.and_then(|keys| keys.caller(credential).cloned());
        caller.ok_or(Refusal::UnknownKey)
    }
}

impl From<BadToken> for Refusal {
    fn from(fault: BadToken) -> Self {
        Self::BadToken(fault)
    }
}

impl From<NoKey> for Refusal {
    fn from(reason: NoKey) -> Self {
        match reason {
            NoKey::Unknown => Self::BadToken(BadToken::UnknownKeyId),
            NoKey::Unreachable { retry_after } => Self::IssuerUnreachable { retry_after },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_nobody_elses() {
        for (name, good) in [
            ("frontend", true),
            ("voice_agent-2.eu", true),
            ("", false),
            ("two words", false),
            ("a:b", false),
            ("é", false),
            ("google_calendar", false),
            (&"x".repeat(101), false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
