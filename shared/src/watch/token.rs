//! The token of a channel: an HMAC over its id, so that a notification can be believed before the database is asked.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The token for a new channel, keyed by the current (first) secret. 64 characters; Google takes up to 256.
pub(super) fn sign(secrets: &[SecretString], channel_id: &str) -> String {
    let mut token = String::with_capacity(64);
    for byte in secrets
        .first()
        .map(|secret| mac(secret, channel_id).finalize().into_bytes())
        .unwrap_or_default()
    {
        token.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or_default());
        token.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or_default());
    }
    token
}

/// Whether a channel's token was made with one of the secrets. Compared in constant time.
pub fn verify(secrets: &[SecretString], channel_id: &str, token: &str) -> bool {
    let Some(bytes) = from_hex(token) else {
        return false;
    };
    // Every secret is tried, so that the time tells nothing about which one fits.
    secrets.iter().fold(false, |good, secret| {
        good | mac(secret, channel_id).verify_slice(&bytes).is_ok()
    })
}

fn mac(secret: &SecretString, channel_id: &str) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(channel_id.as_bytes());
    mac
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    if digits.len() == 64 {
        bytes.try_into().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    #[test]
    fn a_token_is_good_for_its_channel_under_the_new_and_the_old_secret() {
        let token = sign(&secrets(&["old-secret-old-secret"]), "channel-1");
        assert_eq!(token.len(), 64);
        let rotating = secrets(&["new-secret-new-secret", "old-secret-old-secret"]);
        assert!(verify(&rotating, "channel-1", &token));
        assert!(!verify(&rotating, "channel-2", &token));
        assert!(!verify(&rotating[..1], "channel-1", &token));
        assert!(!verify(&[], "channel-1", &token));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let secrets = secrets(&["new-secret-new-secret"]);
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32), &"0".repeat(66)] {
            assert!(!verify(&secrets, "channel-1", bad), "{bad}");
        }
    }
}
