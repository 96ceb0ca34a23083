//! An issuer of tokens: its settings, and the callers whom its tokens name.

mod fetch;
mod keys;

use std::time::SystemTime;

use reqwest::Url;

use keys::Keys;
pub(super) use keys::{Key, NoKey};

use super::token::{KeyWanted, bearer};
use super::{Caller, Refusal};
use crate::deadline::Deadline;
use crate::settings::{Environment, SettingError, is_safe_url};

/// An issuer whose tokens are taken.
#[derive(Debug)]
pub(super) struct Issuer {
    /// To the letter as its tokens' `iss` says it.
    name: String,
    audience: String,
    keys: Keys,
}

impl Issuer {
    /// Reads `OIDC_ISSUER` and `OIDC_AUDIENCE`, of which neither is any use alone.
    pub(super) fn from(environment: &Environment<'_>) -> Result<Option<Self>, SettingError> {
        const ISSUER: &str = "OIDC_ISSUER";
        const AUDIENCE: &str = "OIDC_AUDIENCE";
        const ADDRESS: &str =
            "the issuer's https address (http on loopback), to the letter as in its tokens' iss";
        let missing = |name, shape, other| {
            let fault = format!("is not set, but {other} is; it should be {shape}");
            Err(SettingError::new(name, fault))
        };
        let (name, audience) = match (environment.get(ISSUER), environment.get(AUDIENCE)) {
            (None, None) => return Ok(None),
            (Some(name), Some(audience)) => (name, audience),
            (None, Some(_)) => return missing(ISSUER, ADDRESS, AUDIENCE),
            (Some(_), None) => return missing(AUDIENCE, "the aud of tokens that are for this API", ISSUER),
        };
        let Some(configuration) = configuration(&name) else {
            return Err(SettingError::new(ISSUER, format!("should be {ADDRESS}")));
        };
        super::ring::install();
        Ok(Some(Self {
            keys: Keys::new(name.clone(), configuration),
            name,
            audience,
        }))
    }

    /// The bearer of a token. By `now` it is decided how old the issuer's keys are.
    pub(super) async fn caller(
        &self,
        token: &str,
        now: SystemTime,
        deadline: Deadline,
    ) -> Result<Caller, Refusal> {
        let wanted = KeyWanted::of(token)?;
        let key = self.keys.get(&wanted, now, deadline).await?;
        Ok(bearer(token, &key, &self.name, &self.audience)?)
    }
}

/// Where the issuer's discovery document is (OpenID Connect Discovery 1.0, 4).
fn configuration(issuer: &str) -> Option<Url> {
    let is_plain = Url::parse(issuer).is_ok_and(|url| url.query().is_none() && url.fragment().is_none());
    if !is_plain || !is_safe_url(issuer) {
        return None;
    }
    let base = issuer.trim_end_matches('/');
    Url::parse(&format!("{base}/.well-known/openid-configuration")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_below_its_own_address() {
        for (issuer, expected) in [
            (
                "https://login.example.com",
                Some("https://login.example.com/.well-known/openid-configuration"),
            ),
            (
                "https://login.example.com/clinic/",
                Some("https://login.example.com/clinic/.well-known/openid-configuration"),
            ),
            (
                "http://127.0.0.1:9/",
                Some("http://127.0.0.1:9/.well-known/openid-configuration"),
            ),
            ("http://login.example.com", None),
            ("https://login.example.com?tenant=1", None),
            ("https://login.example.com#x", None),
            ("login.example.com", None),
            ("", None),
        ] {
            assert_eq!(
                configuration(issuer).as_ref().map(Url::as_str),
                expected,
                "{issuer}"
            );
        }
    }

    #[test]
    fn issuer_and_audience_are_set_together_or_not_at_all() {
        let issuer = ("OIDC_ISSUER", "https://login.example.com");
        let audience = ("OIDC_AUDIENCE", "appointments");
        let read = |pairs: &[(&str, &str)]| Issuer::from(&Environment::of(pairs));
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[issuer, audience]).unwrap().is_some());
        for (pairs, named) in [
            (vec![issuer], "OIDC_AUDIENCE"),
            (vec![audience], "OIDC_ISSUER"),
            (
                vec![("OIDC_ISSUER", "http://login.example.com"), audience],
                "OIDC_ISSUER",
            ),
        ] {
            let error = read(&pairs).unwrap_err();
            assert_eq!(error.name, named);
            assert!(!error.to_string().contains("login.example.com"), "{error}");
        }
    }
}
