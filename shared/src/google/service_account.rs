//! A service account's key, and the assertion that it signs.
//!
//! The signing itself is `gcp_auth`'s. Its fetching of tokens is not used: see [`super::token`].

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gcp_auth::CustomServiceAccount;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// What the tokens may be used for.
const SCOPE: &str = "https://www.googleapis.com/auth/calendar";

/// How long an assertion says it is good for, in seconds; Google allows no more.
const ASSERTION_LIFETIME: u64 = 3600;

/// A service account, read from the JSON file that Google gives out for it. Clones share the parsed key.
#[derive(Clone)]
pub struct ServiceAccount {
    client_email: String,
    private_key_id: Option<String>,
    token_uri: Url,
    /// `token_uri` to the letter: the endpoint compares it as text.
    audience: String,
    json: SecretString,
    /// Made at the first signature: parsing the key is no work for a start that may never call Google.
    signer: Arc<OnceLock<Option<CustomServiceAccount>>>,
}

/// What is wrong with a service account's JSON. Names the field, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// Not a JSON object.
    #[error("is not the JSON of a service-account key")]
    NotJson,
    /// A field is missing or no text.
    #[error("has no text `{0}`")]
    Missing(&'static str),
    /// The key is not in PEM form.
    #[error("has a `private_key` that is not a PEM private key")]
    PrivateKey,
    /// The token endpoint is not an address.
    #[error("has a `token_uri` that is not an http or https address")]
    TokenUri,
}

/// The private key cannot sign.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnusableKey;

impl ServiceAccount {
    /// Reads the JSON. The private key is not tried before the first use, only looked at.
    pub fn parse(json: &str) -> Result<Self, ServiceAccountError> {
        use ServiceAccountError::{Missing, NotJson, PrivateKey, TokenUri};
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(json).map_err(|_| NotJson)?;
        let text = |name: &'static str| {
            let value = fields.get(name).and_then(serde_json::Value::as_str);
            value.filter(|text| !text.is_empty()).ok_or(Missing(name))
        };
        if !text("private_key")?.contains("-----BEGIN PRIVATE KEY-----") {
            return Err(PrivateKey);
        }
        let audience = text("token_uri")?.to_owned();
        let token_uri = Url::parse(&audience).map_err(|_| TokenUri)?;
        if !matches!(token_uri.scheme(), "http" | "https") {
            return Err(TokenUri);
        }
        Ok(Self {
            client_email: text("client_email")?.to_owned(),
            private_key_id: text("private_key_id").ok().map(str::to_owned),
            token_uri,
            audience,
            json: SecretString::from(json),
            signer: Arc::default(),
        })
    }

    /// Where tokens are given out.
    pub(super) fn token_uri(&self) -> &Url {
        &self.token_uri
    }

    /// A signed JWT that asks for an access token; `now` is in seconds since 1970.
    pub(super) fn assertion(&self, now: u64) -> Result<SecretString, UnusableKey> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: &'static str,
            typ: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            kid: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            scope: &'static str,
            aud: &'a str,
            iat: u64,
            exp: u64,
        }
        let header = Header {
            alg: "RS256",
            typ: "JWT",
            kid: self.private_key_id.as_deref(),
        };
        let claims = Claims {
            iss: &self.client_email,
            scope: SCOPE,
            aud: &self.audience,
            iat: now,
            exp: now + ASSERTION_LIFETIME,
        };
        let unsigned = format!("{}.{}", segment(&header)?, segment(&claims)?);
        let signature = self.signer()?.signer().sign(unsigned.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.map_err(|_| UnusableKey)?);
        Ok(SecretString::from(format!("{unsigned}.{signature}")))
    }

    fn signer(&self) -> Result<&CustomServiceAccount, UnusableKey> {
        let signer = self
            .signer
            .get_or_init(|| CustomServiceAccount::from_json(self.json.expose_secret()).ok());
        signer.as_ref().ok_or(UnusableKey)
    }
}

/// One part of a JWT. Unpadded: RFC 7515 leaves the padding out, and strict verifiers insist.
fn segment(part: &impl Serialize) -> Result<String, UnusableKey> {
    let json = serde_json::to_vec(part).map_err(|_| UnusableKey)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("client_email", &self.client_email)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

    fn key() -> Value {
        json!({
            "type": "service_account", "project_id": "clinic", "private_key_id": "k1", "private_key": PEM,
            "client_email": "sync@clinic.example.com", "token_uri": "http://127.0.0.1:9/token",
        })
    }

    fn fault(field: &str, value: Value) -> ServiceAccountError {
        let mut key = key();
        key[field] = value;
        ServiceAccount::parse(&key.to_string()).unwrap_err()
    }

    #[test]
    fn a_fault_names_its_field_and_no_value() {
        assert!(ServiceAccount::parse(&key().to_string()).is_ok());
        for field in ["client_email", "private_key", "token_uri"] {
            for value in [Value::Null, json!(""), json!(7)] {
                assert_eq!(fault(field, value), ServiceAccountError::Missing(field));
            }
        }
        assert_eq!(
            fault("private_key", json!("s3cret")),
            ServiceAccountError::PrivateKey
        );
        for address in ["nonsense", "file:///etc/passwd"] {
            assert_eq!(fault("token_uri", json!(address)), ServiceAccountError::TokenUri);
        }
        for json in ["", "[]", "{", "\"text\""] {
            assert_eq!(
                ServiceAccount::parse(json).unwrap_err(),
                ServiceAccountError::NotJson
            );
        }
    }

    #[test]
    fn a_key_that_cannot_sign_is_found_out_at_the_first_use() {
        let account = ServiceAccount::parse(&key().to_string()).unwrap();
        assert_eq!(account.assertion(0).unwrap_err(), UnusableKey);
    }

    #[test]
    fn debug_output_holds_no_key() {
        let account = ServiceAccount::parse(&key().to_string()).unwrap();
        let shown = format!("{account:?}");
        assert!(
            shown.contains("sync@clinic.example.com") && !shown.contains("MIIB"),
            "{shown}"
        );
    }
}
