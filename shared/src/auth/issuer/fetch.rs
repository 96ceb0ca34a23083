//! Asking the issuer for its keys: its discovery document says where they are.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::Key;
use crate::settings::is_safe_url;

/// Why there are no keys, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfetched {
    #[error("the issuer does not answer")]
    NoAnswer,
    #[error("the issuer took too long")]
    TooLate,
    #[error("the issuer answered {0}")]
    Status(StatusCode),
    #[error("the issuer's {0} cannot be read")]
    Unreadable(&'static str),
    #[error("the discovery document is of another issuer than OIDC_ISSUER names")]
    OtherIssuer,
    #[error("the discovery document's jwks_uri is neither https nor http on loopback")]
    UnsafeAddress,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    /// Read one by one: a key of a kind that nobody here knows must not cost the others.
    keys: Vec<Value>,
}

/// The issuer's keys for signatures that we verify; others are left out.
pub(super) async fn keys(
    http: &reqwest::Client,
    issuer: &str,
    configuration: &Url,
) -> Result<Vec<Key>, Unfetched> {
    let discovery: Discovery = get(http, configuration.as_str(), "discovery document").await?;
    if discovery.issuer != issuer {
        return Err(Unfetched::OtherIssuer);
    }
    if !is_safe_url(&discovery.jwks_uri) {
        return Err(Unfetched::UnsafeAddress);
    }
    let set: KeySet = get(http, &discovery.jwks_uri, "key set").await?;
    Ok(set.keys.into_iter().filter_map(key).collect())
}

async fn get<T: DeserializeOwned>(
    http: &reqwest::Client,
    address: &str,
    what: &'static str,
) -> Result<T, Unfetched> {
    let answer = http.get(address).send().await.map_err(|_| Unfetched::NoAnswer)?;
    if answer.status() != StatusCode::OK {
        return Err(Unfetched::Status(answer.status()));
    }
    let body = answer.bytes().await.map_err(|_| Unfetched::NoAnswer)?;
    serde_json::from_slice(&body).map_err(|_| Unfetched::Unreadable(what))
}

/// A key that verifies signatures with one of our algorithms, which its kind alone decides.
fn key(json: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let meant_for = |algorithm: Algorithm| {
        let common = &jwk.common;
        let (usage, operations) = (&common.public_key_use, &common.key_operations);
        common
            .key_algorithm
            .is_none_or(|said| said == KeyAlgorithm::from(algorithm))
            && usage
                .as_ref()
                .is_none_or(|usage| *usage == PublicKeyUse::Signature)
            && operations
                .as_ref()
                .is_none_or(|all| all.contains(&KeyOperations::Verify))
    };
    if !meant_for(algorithm) {
        return None;
    }
    Some(Key {
        verifying: DecodingKey::from_jwk(&jwk).ok()?,
        id: jwk.common.key_id?,
        algorithm,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_for_the_one_algorithm_that_its_kind_has() {
        let rsa = json!({"kid": "k", "kty": "RSA", "n": "AQAB", "e": "AQAB"});
        let ec = json!({"kid": "k", "kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"});
        let ed = json!({"kid": "k", "kty": "OKP", "crv": "Ed25519", "x": "AQAB"});
        let with = |base: &Value, name: &str, value: Value| {
            let mut key = base.clone();
            key[name] = value;
            key
        };
        for (json, expected) in [
            (rsa.clone(), Some(Algorithm::RS256)),
            (ec.clone(), Some(Algorithm::ES256)),
            (ed.clone(), Some(Algorithm::EdDSA)),
            (with(&rsa, "use", "sig".into()), Some(Algorithm::RS256)),
            (with(&rsa, "use", "enc".into()), None),
            (with(&rsa, "alg", "RS256".into()), Some(Algorithm::RS256)),
            (with(&rsa, "alg", "RS512".into()), None),
            (with(&rsa, "alg", "HS256".into()), None),
            (with(&rsa, "key_ops", json!(["verify"])), Some(Algorithm::RS256)),
            (with(&rsa, "key_ops", json!(["encrypt"])), None),
            (with(&rsa, "kid", Value::Null), None),
            (with(&rsa, "n", "no base64!".into()), None),
            (with(&ec, "crv", "P-384".into()), None),
            (with(&ec, "crv", "secp256k1".into()), None),
            (with(&ed, "crv", "Ed448".into()), None),
            (json!({"kid": "k", "kty": "oct", "k": "c2VjcmV0"}), None),
            (json!({"kid": "k", "kty": "new"}), None),
            (json!("no key"), None),
        ] {
            assert_eq!(key(json.clone()).map(|key| key.algorithm), expected, "{json}");
        }
    }
}
