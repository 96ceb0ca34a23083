//! What is asked of a token before its bearer is let in. No I/O: the key is handed in.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use super::issuer::Key;
use super::{Caller, Scope, is_name, may_stand_in_a_name};

/// How far the issuer's clock and ours may lie apart, in seconds.
const LEEWAY: u64 = 60;

/// Why a token is not good. Each is a sentence for its bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// No JWT, one without signature, or one signed in another way.
    #[error("The token is not a JWT signed with RS256, ES256 or EdDSA.")]
    Malformed,
    /// The issuer has no such key for this algorithm.
    #[error("The token's issuer has no key with the token's kid and alg.")]
    UnknownKeyId,
    /// Changed on its way, or signed by someone else.
    #[error("The token's signature is wrong.")]
    Signature,
    /// From someone else.
    #[error("The token is of another issuer.")]
    Issuer,
    /// For someone else.
    #[error("The token is for another audience.")]
    Audience,
    /// Too old, by its own word.
    #[error("The token has expired.")]
    Expired,
    /// Too young, by its own word.
    #[error("The token is not valid yet.")]
    NotYet,
    /// `exp`, `iss` or `aud` is missing, or a claim is of another type.
    #[error("The token lacks exp, iss or aud, or has a claim of an unexpected type.")]
    Claims,
    /// Nothing to call its bearer by.
    #[error("The token names no client: it has no usable azp, client_id or sub.")]
    Nameless,
}

/// Whether this has a JWT's three parts: what else is sent can only be an API key.
pub(super) fn looks_like_one(credential: &str) -> bool {
    credential.split('.').count() == 3
}

/// The key that a token says it is signed with, nothing of it verified yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyWanted {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
}

impl KeyWanted {
    pub(super) fn of(token: &str) -> Result<Self, BadToken> {
        // `none` is no algorithm to the library, so such a header cannot be read.
        let header = decode_header(token).map_err(|_| BadToken::Malformed)?;
        let ours = matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA);
        // What is said to be critical has to be understood (RFC 7515, 4.1.11), and no extension is.
        if !ours || header.crit.is_some() {
            return Err(BadToken::Malformed);
        }
        Ok(Self {
            id: header.kid.ok_or(BadToken::UnknownKeyId)?,
            algorithm: header.alg,
        })
    }
}

/// What we want to know of a token.
#[derive(Deserialize)]
struct Claims {
    /// Read for its type: the library would also take a list with the right issuer in it.
    #[serde(rename = "iss")]
    _issuer: String,
    #[serde(default)]
    scope: String,
    azp: Option<String>,
    client_id: Option<String>,
    sub: Option<String>,
}

/// The bearer of a token that is signed with `key` by `issuer` for `audience`, and not out of date.
pub(super) fn bearer(token: &str, key: &Key, issuer: &str, audience: &str) -> Result<Caller, BadToken> {
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    let claims = decode::<Claims>(token, &key.verifying, &validation)
        .map_err(|error| fault(error.kind()))?
        .claims;
    let scopes = claims.scope.split(' ').filter_map(Scope::parse).collect();
    let name = name(&claims).ok_or(BadToken::Nameless)?;
    Ok(Caller { name, scopes })
}

fn fault(kind: &ErrorKind) -> BadToken {
    match kind {
        ErrorKind::InvalidSignature => BadToken::Signature,
        ErrorKind::InvalidIssuer => BadToken::Issuer,
        ErrorKind::InvalidAudience => BadToken::Audience,
        ErrorKind::ExpiredSignature => BadToken::Expired,
        ErrorKind::ImmatureSignature => BadToken::NotYet,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
            BadToken::Claims
        }
        _ => BadToken::Malformed,
    }
}

/// The program that asks (`azp`, or `client_id` as RFC 9068 has it), which is what an API key names, too; where the
/// token names none, its subject. What may not stand in a name becomes `_`.
fn name(claims: &Claims) -> Option<String> {
    let said = [&claims.azp, &claims.client_id, &claims.sub]
        .into_iter()
        .flatten()
        .next()?;
    let plain = |c| if may_stand_in_a_name(c) { c } else { '_' };
    let name: String = said.chars().map(plain).collect();
    is_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    fn with_header(header: &Value) -> String {
        format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    #[test]
    fn a_token_names_its_key_and_one_of_three_algorithms() {
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let wanted = KeyWanted::of(&with_header(&json!({"alg": algorithm, "kid": "k"}))).unwrap();
            assert_eq!((wanted.id.as_str(), wanted.algorithm), ("k", algorithm));
        }
        for alg in [
            "none", "None", "", "HS256", "HS512", "RS512", "PS256", "ES384", "ES256K",
        ] {
            let token = with_header(&json!({"alg": alg, "kid": "k"}));
            assert_eq!(KeyWanted::of(&token), Err(BadToken::Malformed), "{alg}");
        }
        let critical = json!({"alg": "RS256", "kid": "k", "crit": ["b64"], "b64": false});
        assert_eq!(KeyWanted::of(&with_header(&critical)), Err(BadToken::Malformed));
        assert_eq!(
            KeyWanted::of(&with_header(&json!({"alg": "RS256"}))),
            Err(BadToken::UnknownKeyId)
        );
        for text in ["", "..", "a.b.c", "e30.e30", "e30.e30.e30.e30"] {
            assert_eq!(KeyWanted::of(text), Err(BadToken::Malformed), "{text}");
        }
    }

    #[test]
    fn a_bearer_is_called_by_the_program_else_by_the_subject() {
        for (claims, expected) in [
            (
                json!({"azp": "frontend", "client_id": "b", "sub": "c"}),
                Some("frontend"),
            ),
            (
                json!({"client_id": "voice agent", "sub": "c"}),
                Some("voice_agent"),
            ),
            (
                json!({"sub": "auth0|dr.khan@example.com"}),
                Some("auth0_dr.khan_example.com"),
            ),
            (json!({"azp": null, "sub": "c"}), Some("c")),
            (json!({"azp": "google_calendar", "sub": "c"}), None),
            (json!({"sub": "google calendar"}), None),
            (json!({"sub": ""}), None),
            (json!({"sub": "x".repeat(101)}), None),
            (json!({}), None),
        ] {
            let mut whole = claims.clone();
            whole["iss"] = "https://issuer.example.com".into();
            let read: Claims = serde_json::from_value(whole).unwrap();
            assert_eq!(name(&read).as_deref(), expected, "{claims}");
        }
    }
}
