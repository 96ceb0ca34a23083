//! A stand-in for an issuer of tokens (OpenID Connect): its discovery document, its key set, and tokens signed with its
//! keys, good ones and whatever else a test wants to show.

mod key;

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use key::Algorithm;
use key::{Key, base64};

/// An issuer that listens on loopback until it is dropped.
pub struct Issuer {
    url: String,
    known: Arc<Mutex<Known>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Known {
    url: String,
    /// What the discovery document says in the place of `url`.
    claimed: Option<String>,
    keys: Vec<Key>,
    down: bool,
    questions: u32,
}

type Shared = Arc<Mutex<Known>>;

impl Issuer {
    /// Starts one without keys.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let known = Shared::default();
        lock(&known).url.clone_from(&url);
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(Arc::clone(&known));
        let server = tokio::spawn(async move {
            // `serve` returns only at a shutdown that is never asked for.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, known, server })
    }

    /// Its address, which its tokens bear as `iss`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a key and shows its public half from now on.
    pub fn add_key(&self, id: &str, algorithm: Algorithm) -> Result<(), ErrorStack> {
        let key = Key::new(id, algorithm)?;
        lock(&self.known).keys.push(key);
        Ok(())
    }

    /// Forgets a key.
    pub fn withdraw_key(&self, id: &str) {
        lock(&self.known).keys.retain(|key| key.id != id);
    }

    /// Whether every question is answered with a 503.
    pub fn set_down(&self, down: bool) {
        lock(&self.known).down = down;
    }

    /// Calls itself something else in its discovery document.
    pub fn claim_to_be(&self, issuer: &str) {
        lock(&self.known).claimed = Some(issuer.to_owned());
    }

    /// How often it was asked for its discovery document, with which every question begins.
    pub fn questions(&self) -> u32 {
        lock(&self.known).questions
    }

    /// A key's entry in the key set; `null` for a key that is not there.
    pub fn public_key(&self, id: &str) -> Value {
        let known = lock(&self.known);
        let key = known.keys.iter().find(|key| key.id == id);
        key.map_or(Value::Null, |key| key.public.clone())
    }

    /// A token with these claims, signed with the key `id`; `None` if there is no such key.
    pub fn token(&self, id: &str, claims: &Value) -> Option<String> {
        let algorithm = self.key(id)?.algorithm;
        self.token_with_header(
            id,
            &json!({"alg": algorithm.name(), "kid": id, "typ": "JWT"}),
            claims,
        )
    }

    /// The same, under a header that may say something else.
    pub fn token_with_header(&self, id: &str, header: &Value, claims: &Value) -> Option<String> {
        let unsigned = unsigned(header, claims);
        let signature = self.key(id)?.sign(unsigned.as_bytes()).ok()?;
        Some(format!("{unsigned}.{}", base64(&signature)))
    }

    fn key(&self, id: &str) -> Option<Key> {
        lock(&self.known).keys.iter().find(|key| key.id == id).cloned()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A token's first two parts.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| base64(part.to_string().as_bytes()));
    format!("{header}.{claims}")
}

/// A token whose signature is an HMAC: what one makes of a public key when one takes it for a secret.
pub fn signed_with_secret(unsigned: &str, secret: &[u8]) -> Result<String, ErrorStack> {
    let key = PKey::hmac(secret)?;
    let signature = Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(unsigned.as_bytes())?;
    Ok(format!("{unsigned}.{}", base64(&signature)))
}

async fn discovery(State(known): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let mut known = lock(&known);
    known.questions += 1;
    if known.down {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let issuer = known.claimed.as_ref().unwrap_or(&known.url);
    Ok(Json(
        json!({"issuer": issuer, "jwks_uri": format!("{}/keys", known.url)}),
    ))
}

async fn keys(State(known): State<Shared>) -> Json<Value> {
    let known = lock(&known);
    let mut keys: Vec<Value> = known.keys.iter().map(|key| key.public.clone()).collect();
    // What an issuer may also have, and nobody has to understand.
    keys.push(json!({"kid": "curious", "kty": "XYZ", "key_ops": "none"}));
    Json(json!({"keys": keys}))
}

/// What a panicking test leaves behind is still whole.
fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
