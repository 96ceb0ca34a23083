//! Tokens of an issuer beside API keys: which are taken, and every reason for which one is not.

use std::time::{SystemTime, UNIX_EPOCH};

use http::header;
use local::issuer::{Algorithm, Issuer, signed_with_secret, unsigned};
use serde_json::{Value, json};

use super::{Answer, Api, booking};

const AUDIENCE: &str = "https://api.example.com";

/// An API that takes the tokens of an issuer with one key of each kind, called by its algorithm.
struct Scene {
    api: Api,
    issuer: Issuer,
}

impl Scene {
    async fn set() -> Self {
        let issuer = Issuer::start().await.unwrap();
        for algorithm in Algorithm::ALL {
            issuer.add_key(algorithm.name(), algorithm).unwrap();
        }
        let settings = [("OIDC_ISSUER", issuer.url()), ("OIDC_AUDIENCE", AUDIENCE)];
        let api = Api::with(&settings).await;
        Self { api, issuer }
    }

    /// Claims that open `/appointments`.
    fn claims(&self) -> Value {
        json!({
            "iss": self.issuer.url(), "aud": AUDIENCE, "sub": "dr.khan", "azp": "reception",
            "exp": now() + 600, "scope": "openid appointments",
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
        };
        claims
    }

    fn token(&self, claims: &Value) -> String {
        self.issuer.token("EdDSA", claims).unwrap()
    }

    async fn show(&self, path: &str, token: &str) -> Answer {
        let request = http::Request::builder()
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.api
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await
    }

    /// Asserts that a token is refused with a detail that holds `reason`.
    async fn is_refused(&self, token: &str, reason: &str) {
        let answer = self.show("/appointments", token).await;
        answer.is_problem(401, "unauthorized");
        assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(reason), "{detail}, not {reason}: {token}");
    }
}

/// Seconds since 1970, as claims have them.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_token_of_each_algorithm_opens_what_its_scopes_name() {
    let scene = Scene::set().await;
    for algorithm in Algorithm::ALL {
        let token = scene.issuer.token(algorithm.name(), &scene.claims()).unwrap();
        assert_eq!(scene.show("/appointments", &token).await.status, 200);
        let answer = scene.show("/calendar/auto-sync/status", &token).await;
        answer.is_problem(403, "missing_scope");
    }
    assert_eq!(scene.issuer.questions(), 1);
    for scope in [
        json!("appointment appointments+calendar Appointments"),
        Value::Null,
    ] {
        let token = scene.token(&scene.claims_with("scope", scope));
        scene
            .show("/appointments", &token)
            .await
            .is_problem(403, "missing_scope");
    }
}

#[tokio::test]
async fn the_program_that_a_token_names_is_the_source_of_its_bookings() {
    let scene = Scene::set().await;
    let request = http::Request::post("/appointments")
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", scene.token(&scene.claims())),
        );
    let body = booking("2027-03-01T09:00:00Z").to_string();
    let answer = scene.api.send(request.body(body.into()).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["source"]),
        (201, &json!("reception"))
    );
}

#[tokio::test]
async fn api_keys_are_good_beside_tokens() {
    let scene = Scene::set().await;
    assert_eq!(scene.api.get("/appointments").await.status, 200);
    assert_eq!(scene.issuer.questions(), 0);
}

#[tokio::test]
async fn a_claim_that_is_wrong_or_missing_is_refused() {
    let scene = Scene::set().await;
    let other = "https://other.example.com";
    for (name, value, reason) in [
        ("iss", json!(other), "another issuer"),
        ("iss", json!(format!("{}/", scene.issuer.url())), "another issuer"),
        ("iss", json!([scene.issuer.url()]), "iss"),
        ("iss", Value::Null, "iss"),
        ("aud", json!(other), "another audience"),
        ("aud", json!([other]), "another audience"),
        ("aud", json!([]), "another audience"),
        ("aud", json!(5), "aud"),
        ("aud", Value::Null, "aud"),
        ("exp", json!(now() - 120), "expired"),
        ("exp", json!("tomorrow"), "exp"),
        ("exp", Value::Null, "exp"),
        ("nbf", json!(now() + 120), "not valid yet"),
        ("nbf", json!("tomorrow"), "claim"),
        ("scope", json!(["appointments"]), "claim"),
        ("azp", json!("google_calendar"), "names no client"),
    ] {
        let token = scene.token(&scene.claims_with(name, value));
        scene.is_refused(&token, reason).await;
    }
}

#[tokio::test]
async fn an_audience_among_others_and_clocks_a_little_apart_are_good() {
    let scene = Scene::set().await;
    for (name, value) in [
        ("aud", json!(["https://other.example.com", AUDIENCE])),
        ("exp", json!(now() - 30)),
        ("nbf", json!(now() + 30)),
        ("exp", json!(4_102_444_800.5)),
    ] {
        let token = scene.token(&scene.claims_with(name, value));
        assert_eq!(scene.show("/appointments", &token).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn a_signature_that_is_missing_wrong_or_of_another_kind_is_refused() {
    let scene = Scene::set().await;
    let claims = scene.claims();
    for algorithm in Algorithm::ALL {
        let kid = algorithm.name();
        let token = scene.issuer.token(kid, &claims).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let changed = unsigned(
            &json!({"alg": kid, "kid": kid}),
            &scene.claims_with("azp", json!("x")),
        );
        scene
            .is_refused(&format!("{changed}.{signature}"), "signature is wrong")
            .await;
        scene
            .is_refused(&format!("{signed}."), "signature is wrong")
            .await;
        scene
            .is_refused(&format!("{signed}.AAAA"), "signature is wrong")
            .await;
        // The same key under every other algorithm's name.
        for alg in ["RS256", "ES256", "EdDSA"].into_iter().filter(|alg| *alg != kid) {
            let header = json!({"alg": alg, "kid": kid});
            let token = scene.issuer.token_with_header(kid, &header, &claims).unwrap();
            scene.is_refused(&token, "no key").await;
        }
        for alg in ["none", "None", "HS256", "RS512", "PS256", "ES384"] {
            let header = json!({"alg": alg, "kid": kid});
            let token = scene.issuer.token_with_header(kid, &header, &claims).unwrap();
            scene.is_refused(&token, "RS256, ES256 or EdDSA").await;
            scene
                .is_refused(
                    &format!("{}.", unsigned(&header, &claims)),
                    "RS256, ES256 or EdDSA",
                )
                .await;
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let scene = Scene::set().await;
    let unsigned = unsigned(&json!({"alg": "HS256", "kid": "RS256"}), &scene.claims());
    let public = scene.issuer.public_key("RS256");
    let modulus = public["n"].as_str().unwrap();
    let token = signed_with_secret(&unsigned, modulus.as_bytes()).unwrap();
    scene.is_refused(&token, "RS256, ES256 or EdDSA").await;
}

#[tokio::test]
async fn another_issuers_key_is_unknown_whatever_the_token_brings_along() {
    let scene = Scene::set().await;
    let stranger = Issuer::start().await.unwrap();
    stranger.add_key("mine", Algorithm::EdDsa).unwrap();
    let claims = scene.claims();
    scene
        .is_refused(&stranger.token("mine", &claims).unwrap(), "no key")
        .await;
    let header = json!({
        "alg": "EdDSA", "kid": "mine", "jwk": stranger.public_key("mine"), "jku": format!("{}/keys", stranger.url()),
    });
    let token = stranger.token_with_header("mine", &header, &claims).unwrap();
    scene.is_refused(&token, "no key").await;
    let header = json!({"alg": "EdDSA", "kid": "EdDSA", "jwk": stranger.public_key("mine")});
    let token = stranger.token_with_header("mine", &header, &claims).unwrap();
    scene.is_refused(&token, "signature is wrong").await;
    let header = json!({"alg": "EdDSA"});
    let token = scene.issuer.token_with_header("EdDSA", &header, &claims).unwrap();
    scene.is_refused(&token, "no key").await;
    assert_eq!((scene.issuer.questions(), stranger.questions()), (1, 0));
}

#[tokio::test]
async fn what_is_no_token_is_refused_and_nobody_is_asked() {
    let scene = Scene::set().await;
    for text in ["..", "a.b.c", "e30.e30.e30", "e30.e30"] {
        let answer = scene.show("/appointments", text).await;
        answer.is_problem(401, "unauthorized");
    }
    assert_eq!(scene.issuer.questions(), 0);
}

#[tokio::test]
async fn a_silent_issuer_is_no_fault_of_the_caller() {
    let scene = Scene::set().await;
    scene.issuer.set_down(true);
    let answer = scene.show("/appointments", &scene.token(&scene.claims())).await;
    answer.is_problem(503, "token_issuer_unreachable");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(scene.api.get("/appointments").await.status, 200, "keys are good");
}

#[tokio::test]
async fn without_an_issuer_a_token_is_an_unknown_key() {
    let scene = Scene::set().await;
    let token = scene.token(&scene.claims());
    let without = Scene {
        api: Api::open().await,
        issuer: Issuer::start().await.unwrap(),
    };
    without.is_refused(&token, "API key is not known").await;
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_question() {
    let scene = Scene::set().await;
    let token = scene.token(&scene.claims());
    let show = || scene.show("/appointments", &token);
    let (a, b, c) = tokio::join!(show(), show(), show());
    assert_eq!([a.status, b.status, c.status].map(|s| s.as_u16()), [200; 3]);
    assert_eq!(scene.issuer.questions(), 1);
}
