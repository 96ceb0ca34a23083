//! The token of a channel: an HMAC over its id, so that a notification can be believed before the database is asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What no channel is called, so that no token gives a key's name away.
const NAME_OF_KEY: &str = "name of this key";

/// `WEBHOOK_SECRET`: what keys the tokens of new channels, and what keyed those of older ones.
#[derive(Debug, Clone)]
pub struct Secrets {
    current: SecretString,
    previous: Vec<SecretString>,
}

impl Secrets {
    /// The current secret comes first; `None` without one.
    pub fn new(secrets: Vec<SecretString>) -> Option<Self> {
        let mut secrets = secrets.into_iter();
        Some(Self {
            current: secrets.next()?,
            previous: secrets.collect(),
        })
    }

    /// The token for a new channel. 43 characters; Google takes up to 256.
    pub(super) fn sign(&self, channel_id: &str) -> String {
        let token = mac(&self.current, channel_id).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Tells the current secret from others without giving it away.
    pub(super) fn key_name(&self) -> String {
        let name = mac(&self.current, NAME_OF_KEY).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(&name[..6])
    }

    /// Whether a channel's token was made with one of the secrets. Compared in constant time.
    pub(super) fn verify(&self, channel_id: &str, token: &str) -> bool {
        let Ok(token) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        // Every secret is tried, so that the time tells nothing about which one fits.
        let secrets = std::iter::once(&self.current).chain(&self.previous);
        secrets.fold(false, |good, secret| {
            good | mac(secret, channel_id).verify_slice(&token).is_ok()
        })
    }
}

fn mac(secret: &SecretString, text: &str) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        Secrets::new(texts.iter().map(|text| SecretString::from(*text)).collect()).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_channel_under_the_new_and_the_old_secret() {
        let old = secrets(&["old-secret-old-secret"]);
        let rotating = secrets(&["new-secret-new-secret", "old-secret-old-secret"]);
        let token = old.sign("channel-1");
        assert_eq!(token.len(), 43);
        assert!(rotating.verify("channel-1", &token));
        assert!(!rotating.verify("channel-2", &token));
        assert!(!secrets(&["new-secret-new-secret"]).verify("channel-1", &token));
        assert_ne!(rotating.key_name(), old.key_name());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let secrets = secrets(&["new-secret-new-secret"]);
        let token = secrets.sign("channel-1");
        let (longer, shorter) = (format!("{token}A"), &token[1..]);
        for bad in ["", "00", "é", &"A".repeat(43), longer.as_str(), shorter] {
            assert!(!secrets.verify("channel-1", bad), "{bad}");
        }
    }
}
