//! A key of the issuer's: made, signed with and shown by OpenSSL, whose word is independent of what verifies.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use serde_json::{Value, json};

/// The number of bytes of a coordinate of P-256.
const COORDINATE: i32 = 32;

/// What a token is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// As a header's `alg` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
    private: PKey<Private>,
    /// The key set's entry.
    pub(super) public: Value,
}

impl Key {
    pub(super) fn new(id: &str, algorithm: Algorithm) -> Result<Self, ErrorStack> {
        let (private, mut public) = match algorithm {
            Algorithm::Rs256 => rsa(),
            Algorithm::Es256 => p256(),
            Algorithm::EdDsa => ed25519(),
        }?;
        public["kid"] = id.into();
        public["use"] = "sig".into();
        public["alg"] = algorithm.name().into();
        Ok(Self {
            id: id.to_owned(),
            algorithm,
            private,
            public,
        })
    }

    /// The signature as a token carries it.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        match self.algorithm {
            Algorithm::Rs256 => {
                Signer::new(MessageDigest::sha256(), &self.private)?.sign_oneshot_to_vec(message)
            }
            Algorithm::Es256 => {
                let der =
                    Signer::new(MessageDigest::sha256(), &self.private)?.sign_oneshot_to_vec(message)?;
                let signature = EcdsaSig::from_der(&der)?;
                let (r, s) = (
                    signature.r().to_vec_padded(COORDINATE)?,
                    signature.s().to_vec_padded(COORDINATE)?,
                );
                Ok([r, s].concat())
            }
            Algorithm::EdDsa => Signer::new_without_digest(&self.private)?.sign_oneshot_to_vec(message),
        }
    }
}

type Pair = (PKey<Private>, Value);

fn rsa() -> Result<Pair, ErrorStack> {
    let key = Rsa::generate(2048)?;
    let (n, e) = (base64(&key.n().to_vec()), base64(&key.e().to_vec()));
    Ok((PKey::from_rsa(key)?, json!({"kty": "RSA", "n": n, "e": e})))
}

fn p256() -> Result<Pair, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = EcKey::generate(&group)?;
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    let mut context = BigNumContext::new()?;
    key.public_key()
        .affine_coordinates(&group, &mut x, &mut y, &mut context)?;
    let (x, y) = (
        base64(&x.to_vec_padded(COORDINATE)?),
        base64(&y.to_vec_padded(COORDINATE)?),
    );
    let public = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    Ok((PKey::from_ec_key(key)?, public))
}

fn ed25519() -> Result<Pair, ErrorStack> {
    let key = PKey::generate_ed25519()?;
    let x = base64(&key.raw_public_key()?);
    Ok((key, json!({"kty": "OKP", "crv": "Ed25519", "x": x})))
}

pub(super) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
