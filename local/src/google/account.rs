//! The service account: its key, and the endpoint that trades a signed JWT for an access token.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::discovery;

/// How long an access token lives, in seconds.
pub(super) const TOKEN_LIFE: i64 = 3600;
/// How far a client's clock may be off, in seconds.
const CLOCK_SKEW: i64 = 300;

/// Google's own client libraries sign for this audience, whatever the key file's `token_uri` says.
const GOOGLE_TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// base64url with or without padding: Google reads both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) client_email: String,
    private_key_id: String,
    /// PKCS#8 PEM.
    private_key: String,
}

/// What an access token opens, and until when by the stand-in's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AccessToken {
    pub(super) scopes: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// Why no token is given, as OAuth 2.0 says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenRefusal {
    error: &'static str,
    description: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    scope: Option<String>,
    iat: i64,
    exp: i64,
}

impl Account {
    /// An account with a new 2048-bit RSA key.
    pub(super) fn generate() -> Result<Self, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        // PEM is ASCII: nothing is lost.
        let private_key = String::from_utf8_lossy(&key.private_key_to_pem_pkcs8()?).into_owned();
        Ok(Self {
            client_email: "appointment-sync@stand-in.iam.gserviceaccount.com".to_owned(),
            private_key_id: uuid::Uuid::new_v4().simple().to_string(),
            private_key,
        })
    }

    /// The key file that Google's console hands out.
    pub(super) fn key_file(&self, token_uri: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": "stand-in",
            "private_key_id": self.private_key_id,
            "private_key": self.private_key,
            "client_email": self.client_email,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/appointment-sync",
            "universe_domain": "googleapis.com",
        })
    }

    /// The scopes that a token request (a form) is granted.
    ///
    /// `now` is the machine's time, not the stand-in's: the client that signs lives in it.
    pub(super) fn grant(
        &self,
        form: &[u8],
        token_uri: &str,
        now: DateTime<Utc>,
    ) -> Result<String, TokenRefusal> {
        let field = |name: &str| {
            form_urlencoded::parse(form)
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let grant_type = field("grant_type").unwrap_or_default();
        if grant_type != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return Err(TokenRefusal::new(
                "unsupported_grant_type",
                format!("Invalid grant_type: {grant_type}"),
            ));
        }
        let assertion = field("assertion")
            .ok_or_else(|| TokenRefusal::new("invalid_request", "Missing required parameter: assertion"))?;
        let claims = self.verified_claims(&assertion)?;
        self.check_claims(&claims, token_uri, now.timestamp())?;
        let scope = claims.scope.unwrap_or_default();
        let known = scope.split_whitespace().all(discovery::knows_scope);
        if scope.trim().is_empty() || !known {
            let description = "Invalid OAuth scope or ID token audience provided.";
            return Err(TokenRefusal::new("invalid_scope", description));
        }
        Ok(scope)
    }

    fn verified_claims(&self, assertion: &str) -> Result<Claims, TokenRefusal> {
        let malformed = || TokenRefusal::grant("Invalid JWT: malformed.");
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header: Value = decoded(header).ok_or_else(malformed)?;
        if header["alg"] != "RS256" {
            return Err(TokenRefusal::grant("Invalid JWT: the algorithm must be RS256."));
        }
        if header.get("kid").is_some_and(|kid| *kid != *self.private_key_id) {
            return Err(TokenRefusal::grant("Invalid JWT: unknown key id."));
        }
        let signature = BASE64.decode(signature).map_err(|_| malformed())?;
        if !self.has_signed(signed.as_bytes(), &signature).unwrap_or(false) {
            return Err(TokenRefusal::grant("Invalid JWT Signature."));
        }
        decoded(claims).ok_or_else(malformed)
    }

    fn has_signed(&self, signed: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        let key = PKey::private_key_from_pem(self.private_key.as_bytes())?;
        Verifier::new(MessageDigest::sha256(), &key)?.verify_oneshot(signature, signed)
    }

    fn check_claims(&self, claims: &Claims, token_uri: &str, now: i64) -> Result<(), TokenRefusal> {
        if claims.iss != self.client_email {
            return Err(TokenRefusal::grant("Invalid grant: account not found"));
        }
        if claims.aud != token_uri && claims.aud != GOOGLE_TOKEN_URI {
            return Err(TokenRefusal::grant(format!(
                "Invalid JWT: audience must be {token_uri}"
            )));
        }
        let long = claims.exp - claims.iat > TOKEN_LIFE || claims.exp <= claims.iat;
        let off = claims.iat > now + CLOCK_SKEW || claims.exp < now - CLOCK_SKEW;
        if long || off {
            let description = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
                               timeframe. Check your iat and exp values in the JWT claim.";
            return Err(TokenRefusal::grant(description));
        }
        Ok(())
    }
}

impl TokenRefusal {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
        }
    }

    fn grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn body(&self) -> Value {
        json!({"error": self.error, "error_description": self.description})
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.description)
    }
}

fn decoded<T: for<'de> Deserialize<'de>>(segment: &str) -> Option<T> {
    serde_json::from_slice(&BASE64.decode(segment).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
    use openssl::sign::Signer;

    use super::*;

    const URI: &str = "http://127.0.0.1:1/token";
    const SCOPE: &str = "https://www.googleapis.com/auth/calendar";

    fn sign(account: &Account, claims: &Value, engine: &GeneralPurpose) -> String {
        let part = |value: &Value| engine.encode(value.to_string());
        let signed = format!(
            "{}.{}",
            part(&json!({"alg": "RS256", "typ": "JWT"})),
            part(claims)
        );
        let key = PKey::private_key_from_pem(account.private_key.as_bytes()).unwrap();
        let mut pen = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let signature = pen.sign_oneshot_to_vec(signed.as_bytes()).unwrap();
        let assertion = format!("{signed}.{}", engine.encode(signature));
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", grant)
            .append_pair("assertion", &assertion)
            .finish()
    }

    #[test]
    fn a_proper_assertion_is_granted_padded_or_not() {
        let account = Account::generate().unwrap();
        let now = Utc::now();
        let (iat, exp) = (now.timestamp(), now.timestamp() + 3600);
        let claims = json!({"iss": account.client_email, "aud": URI, "scope": SCOPE, "iat": iat, "exp": exp});
        for engine in [&URL_SAFE, &URL_SAFE_NO_PAD] {
            let form = sign(&account, &claims, engine);
            assert_eq!(account.grant(form.as_bytes(), URI, now).unwrap(), SCOPE);
        }
    }

    #[test]
    fn anything_else_is_refused_for_its_reason() {
        let account = Account::generate().unwrap();
        let now = Utc::now();
        let iat = now.timestamp();
        let good =
            json!({"iss": account.client_email, "aud": URI, "scope": SCOPE, "iat": iat, "exp": iat + 3600});
        for (field, value, error) in [
            ("iss", json!("other@example.com"), "invalid_grant"),
            ("aud", json!("https://example.com/token"), "invalid_grant"),
            ("scope", json!("calendar"), "invalid_scope"),
            ("scope", Value::Null, "invalid_scope"),
            ("exp", json!(iat + 3601), "invalid_grant"),
            ("iat", json!(iat + 900), "invalid_grant"),
            ("exp", json!(iat - 900), "invalid_grant"),
        ] {
            let mut claims = good.clone();
            claims[field] = value;
            let form = sign(&account, &claims, &URL_SAFE_NO_PAD);
            assert_eq!(
                account.grant(form.as_bytes(), URI, now).unwrap_err().error,
                error,
                "{field}"
            );
        }
        let stranger = sign(&Account::generate().unwrap(), &good, &URL_SAFE_NO_PAD);
        let refusal = account.grant(stranger.as_bytes(), URI, now).unwrap_err();
        assert_eq!(refusal.description, "Invalid JWT Signature.");
        assert_eq!(
            account.grant(b"grant_type=x", URI, now).unwrap_err().error,
            "unsupported_grant_type"
        );
    }
}
