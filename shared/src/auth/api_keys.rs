//! API keys. Only their hashes are configured: who reads the settings cannot come in.

use hex::FromHex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Caller, Scope, is_name};
use crate::settings::SettingError;

/// All keys that are let in; with none of them, nobody is.
#[derive(Debug, Default)]
pub struct ApiKeys {
    keys: Vec<([u8; 32], Caller)>,
}

impl ApiKeys {
    const SETTING: &str = "API_KEYS";
    const SHAPE: &str = "name:scope+scope:sha256-hex-of-key, several separated by commas; \
                         the scopes are appointments and calendar, and a name stands once";

    /// Reads the entries of `API_KEYS`.
    pub(crate) fn parse(text: &str) -> Result<Self, SettingError> {
        Self::entries(text)
            .ok_or_else(|| SettingError::new(Self::SETTING, format!("should be {}", Self::SHAPE)))
    }

    fn entries(text: &str) -> Option<Self> {
        let mut keys: Vec<([u8; 32], Caller)> = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let [name, scopes, hash] = entry.split(':').collect::<Vec<_>>().try_into().ok()?;
            if !is_name(name) || keys.iter().any(|(_, caller)| caller.name == name) {
                return None;
            }
            let scopes = scopes_of(scopes)?;
            keys.push((
                <[u8; 32]>::from_hex(hash).ok()?,
                Caller {
                    name: name.to_owned(),
                    scopes,
                },
            ));
        }
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The caller with this key. Takes as long for a wrong key as for a right one.
    pub(super) fn caller(&self, key: &str) -> Option<&Caller> {
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

/// Scopes as they stand in an entry, joined by `+`; there is at least one.
pub(super) fn scopes_of(text: &str) -> Option<Vec<Scope>> {
    text.split('+').map(Scope::parse).collect()
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
        assert_eq!(ApiKeys::default().caller(""), None);
    }

    #[test]
    fn a_malformed_entry_is_refused_whole() {
        let good = format!("a:appointments+calendar:{HASH}");
        assert!(ApiKeys::parse(&good).is_ok());
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
            assert!(ApiKeys::parse(&bad).is_err(), "{bad}");
        }
    }
}
