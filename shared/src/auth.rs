//! Who may come in: API keys to callers with scopes. Only hashes of keys are configured.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::settings::{Environment, SettingError};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `/appointments*`.
    Appointments,
    /// `/calendar/*`.
    Calendar,
}

impl Scope {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Appointments => "appointments",
            Self::Calendar => "calendar",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Appointments, Self::Calendar]
            .into_iter()
            .find(|scope| scope.as_str() == word)
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

/// All keys that are let in; with none of them, nobody is.
#[derive(Debug, Default)]
pub struct ApiKeys {
    keys: Vec<([u8; 32], Caller)>,
}

impl ApiKeys {
    const SETTING: &str = "API_KEYS";
    const SHAPE: &str = "name:scope+scope:sha256-hex-of-key, several separated by commas; \
                         the scopes are appointments and calendar, and a name stands once";

    /// Reads `API_KEYS`.
    pub fn from(environment: &Environment<'_>) -> Result<Self, SettingError> {
        let Some(text) = environment.get(Self::SETTING) else {
            return Ok(Self::default());
        };
        Self::parse(&text)
            .ok_or_else(|| SettingError::new(Self::SETTING, format!("should be {}", Self::SHAPE)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut keys: Vec<([u8; 32], Caller)> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let [name, scopes, hash] = entry.split(':').collect::<Vec<_>>().try_into().ok()?;
            // `google_calendar` is the history's name for the other side; no key may pass for it.
            let good_name = !name.is_empty()
                && name.len() <= 100
                && name != "google_calendar"
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
            if !good_name || keys.iter().any(|(_, caller)| caller.name == name) {
                return None;
            }
            let scopes = scopes.split('+').map(Scope::parse).collect::<Option<Vec<_>>>()?;
            keys.push((
                hex_32(hash)?,
                Caller {
                    name: name.to_owned(),
                    scopes,
                },
            ));
        }
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The caller with this key. Takes as long for a wrong key as for a right one.
    pub fn caller(&self, key: &str) -> Option<&Caller> {
        let hash = Sha256::digest(key.as_bytes());
        let mut found = None;
        for (known, caller) in &self.keys {
            if bool::from(known.as_slice().ct_eq(hash.as_slice())) {
                found = Some(caller);
            }
        }
        found
    }
}

fn hex_32(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `open sesame`.
    const HASH: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";

    #[test]
    fn a_key_is_known_by_its_hash() {
        let keys = ApiKeys::parse(&format!("frontend:appointments:{HASH}")).unwrap();
        let caller = keys.caller("open sesame").unwrap();
        assert_eq!(caller.name, "frontend");
        assert!(caller.has(Scope::Appointments) && !caller.has(Scope::Calendar));
        for wrong in ["", "open sesam", HASH] {
            assert_eq!(keys.caller(wrong), None);
        }
    }

    #[test]
    fn without_keys_nobody_is_known() {
        let keys = ApiKeys::from(&Environment::of(&[])).unwrap();
        assert_eq!(keys.caller(""), None);
    }

    #[test]
    fn a_malformed_entry_is_refused_whole() {
        let good = format!("a:appointments+calendar:{HASH}");
        assert!(ApiKeys::parse(&good).is_some());
        for bad in [
            "a:appointments".to_owned(),
            format!("a:everything:{HASH}"),
            format!(":calendar:{HASH}"),
            format!("google_calendar:calendar:{HASH}"),
            format!("a::{HASH}"),
            format!("{good},{good}"),
            "a:calendar:00".to_owned(),
            format!("a:calendar:{}", "é".repeat(32)),
        ] {
            assert!(ApiKeys::parse(&bad).is_none(), "{bad}");
        }
    }
}
