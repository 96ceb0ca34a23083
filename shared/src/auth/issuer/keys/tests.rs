//! Against the stand-in, which counts the questions, and under a clock that only the test moves.

use std::time::UNIX_EPOCH;

use local::issuer::{self, Algorithm as Made};

use super::*;

/// An issuer with one key, `old`, and what we know of it.
struct Scene {
    issuer: issuer::Issuer,
    keys: Keys,
    now: SystemTime,
}

impl Scene {
    async fn set() -> Self {
        let issuer = issuer::Issuer::start().await.unwrap();
        issuer.add_key("old", Made::EdDsa).unwrap();
        let configuration = format!("{}/.well-known/openid-configuration", issuer.url());
        let keys = Keys::new(issuer.url().to_owned(), Url::parse(&configuration).unwrap());
        let now = UNIX_EPOCH + Duration::from_hours(500_000);
        Self { issuer, keys, now }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    async fn get(&self, id: &str) -> Result<String, NoKey> {
        let wanted = KeyWanted {
            id: id.to_owned(),
            algorithm: Algorithm::EdDSA,
        };
        let deadline = Deadline::after(Duration::from_secs(30));
        self.keys.get(&wanted, self.now, deadline).await.map(|key| key.id)
    }
}

fn unreachable(seconds: u64) -> Result<String, NoKey> {
    Err(NoKey::Unreachable {
        retry_after: Duration::from_secs(seconds),
    })
}

#[tokio::test]
async fn nobody_is_asked_before_a_token_comes_and_many_tokens_cost_one_question() {
    let scene = Scene::set().await;
    assert_eq!(scene.issuer.questions(), 0);
    let all = futures_util::future::join_all((0..20).map(|_| scene.get("old"))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(scene.get("old").await.unwrap(), "old");
    assert_eq!(scene.issuer.questions(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_at_most_once_a_minute() {
    let mut scene = Scene::set().await;
    scene.get("old").await.unwrap();
    scene.issuer.add_key("new", Made::EdDsa).unwrap();
    scene.pass(Duration::from_secs(59));
    for stranger in ["new", "a", "b"] {
        assert_eq!(scene.get(stranger).await, Err(NoKey::Unknown));
    }
    assert_eq!(scene.issuer.questions(), 1);
    scene.pass(Duration::from_secs(1));
    assert_eq!(scene.get("new").await.unwrap(), "new");
    assert_eq!(scene.get("c").await, Err(NoKey::Unknown));
    assert_eq!(scene.issuer.questions(), 2);
}

#[tokio::test]
async fn a_key_is_not_good_for_another_algorithm() {
    let scene = Scene::set().await;
    let wanted = KeyWanted {
        id: "old".to_owned(),
        algorithm: Algorithm::RS256,
    };
    let deadline = Deadline::after(Duration::from_secs(30));
    let found = scene.keys.get(&wanted, scene.now, deadline).await;
    assert_eq!(found.map(|key| key.id), Err(NoKey::Unknown));
}

#[tokio::test]
async fn a_withdrawn_key_is_good_for_an_hour_at_most() {
    let mut scene = Scene::set().await;
    scene.get("old").await.unwrap();
    scene.issuer.withdraw_key("old");
    scene.pass(Duration::from_mins(59));
    assert!(scene.get("old").await.is_ok());
    scene.pass(Duration::from_mins(1));
    assert_eq!(scene.get("old").await, Err(NoKey::Unknown));
    assert_eq!(scene.issuer.questions(), 2);
}

#[tokio::test]
async fn without_any_key_a_silent_issuer_is_asked_again_after_five_seconds() {
    let mut scene = Scene::set().await;
    scene.issuer.set_down(true);
    assert_eq!(scene.get("old").await, unreachable(5));
    scene.pass(Duration::from_secs(2));
    assert_eq!(scene.get("old").await, unreachable(3));
    assert_eq!(scene.issuer.questions(), 1);
    scene.issuer.set_down(false);
    scene.pass(Duration::from_secs(3));
    assert!(scene.get("old").await.is_ok());
}

#[tokio::test]
async fn a_silent_issuers_last_keys_are_good_for_a_day() {
    let mut scene = Scene::set().await;
    scene.get("old").await.unwrap();
    scene.issuer.set_down(true);
    scene.pass(Duration::from_hours(23));
    assert!(scene.get("old").await.is_ok());
    assert_eq!(scene.get("new").await, unreachable(60), "it may be a new key");
    assert_eq!(scene.issuer.questions(), 2, "once a minute, for old and new");
    scene.pass(Duration::from_hours(1));
    assert_eq!(scene.get("old").await, unreachable(5));
}

#[tokio::test]
async fn a_document_of_another_issuer_gives_no_keys() {
    let scene = Scene::set().await;
    scene.issuer.claim_to_be("https://login.example.com");
    assert_eq!(scene.get("old").await, unreachable(5));
}

#[tokio::test]
async fn a_caller_who_does_not_wait_leaves_no_lock_and_no_answer() {
    let mut scene = Scene::set().await;
    let wanted = KeyWanted {
        id: "old".to_owned(),
        algorithm: Algorithm::EdDSA,
    };
    let passed = Deadline::after(Duration::ZERO);
    let got = scene.keys.get(&wanted, scene.now, passed).await;
    assert!(matches!(got, Err(NoKey::Unreachable { .. })));
    scene.pass(PAUSE_WITHOUT_KEYS);
    assert!(scene.get("old").await.is_ok());
}
