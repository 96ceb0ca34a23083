//! A new API key, for `make key`.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::api_keys::scopes_of;
use super::is_name;

/// A random key, and what is configured to let it in.
#[derive(Debug)]
pub struct NewKey {
    /// For its bearer, and nobody else.
    pub key: SecretString,
    /// The entry of `API_KEYS`, from which the key cannot be told.
    pub entry: String,
}

/// Why no key was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NewKeyError {
    /// The name may not stand in `API_KEYS`.
    #[error("should be 1 to 100 letters, digits, _, - or ., such as frontend, and not google_calendar")]
    Name,
    /// Not one of them, or a word that is none.
    #[error("should be appointments, calendar, or appointments+calendar")]
    Scopes,
}

impl NewKey {
    /// Makes one for a caller of this name with these scopes, which stand as in `API_KEYS`.
    pub fn make(name: &str, scopes: &str) -> Result<Self, NewKeyError> {
        if !is_name(name) {
            return Err(NewKeyError::Name);
        }
        scopes_of(scopes).ok_or(NewKeyError::Scopes)?;
        // The name in front tells whose key has turned up somewhere.
        let key = SecretString::from(format!("{name}_{}", hex::encode(rand::random::<[u8; 32]>())));
        let hash = hex::encode(Sha256::digest(key.expose_secret().as_bytes()));
        Ok(Self {
            key,
            entry: format!("{name}:{scopes}:{hash}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::api_keys::ApiKeys;
    use super::*;

    #[test]
    fn a_new_key_opens_what_its_entry_says() {
        let new = NewKey::make("frontend", "appointments+calendar").unwrap();
        let keys = ApiKeys::parse(&new.entry).unwrap();
        let caller = keys.caller(new.key.expose_secret()).unwrap();
        assert_eq!(caller.name, "frontend");
        assert!(super::super::Scope::ALL.iter().all(|scope| caller.has(*scope)));
    }

    #[test]
    fn each_key_is_another_and_bears_256_random_bits() {
        let [one, other] = [(); 2].map(|()| NewKey::make("a", "calendar").unwrap());
        assert_ne!(one.key.expose_secret(), other.key.expose_secret());
        assert_eq!(one.key.expose_secret().len(), "a_".len() + 256 / 4);
    }

    #[test]
    fn what_may_not_stand_in_an_entry_makes_no_key() {
        for name in ["", "front end", "a:b", "a,b", "google_calendar"] {
            assert_eq!(
                NewKey::make(name, "calendar").unwrap_err(),
                NewKeyError::Name,
                "{name}"
            );
        }
        for scopes in ["", "everything", "appointments,calendar", "calendar+"] {
            assert_eq!(
                NewKey::make("a", scopes).unwrap_err(),
                NewKeyError::Scopes,
                "{scopes}"
            );
        }
    }
}
