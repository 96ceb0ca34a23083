//! Secrets in Secrets Manager (moto's): read when a function starts, and again when one is refused, without a restart.

use std::cell::OnceCell;

use local::moto::Moto;
use serde_json::{Value, json};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::scene::{Scene, read};

/// The settings that the template keeps there.
const SECRETS: [&str; 4] = [
    "DATABASE_URL",
    "GOOGLE_SERVICE_ACCOUNT_JSON",
    "API_KEYS",
    "WEBHOOK_SECRET",
];
/// SHA-256 of `open sesame`.
const HASH: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";

/// A function whose secrets are kept as the template has them.
struct Kept {
    scene: Scene,
    moto: Moto,
}

impl Kept {
    /// For the payload. At first each secret says what `at_first` makes of its name and what is right.
    async fn with(payload: &str, at_first: impl Fn(&str, &str) -> String) -> Self {
        let moto = Moto::start().await;
        let scene = Scene::with(payload, async |settings| {
            for name in SECRETS {
                let Some(value) = settings.get_mut(name) else {
                    continue;
                };
                let text = at_first(name, value);
                let body = json!({"Name": name, "SecretString": text, "ClientRequestToken": Uuid::new_v4()});
                let made = moto
                    .call("secretsmanager", "secretsmanager.CreateSecret", &body)
                    .await;
                made["ARN"].as_str().unwrap().clone_into(value);
            }
            settings.insert(
                "AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(),
                moto.url().to_owned(),
            );
        })
        .await;
        Self { scene, moto }
    }

    /// The same where only the secret `wrong` says `value`.
    async fn but(payload: &str, wrong: &str, value: &str) -> Self {
        Self::with(payload, |name, right| {
            if name == wrong { value } else { right }.to_owned()
        })
        .await
    }

    async fn replace(&self, name: &str, value: &str) {
        let body = json!({"SecretId": name, "SecretString": value, "ClientRequestToken": Uuid::new_v4()});
        self.moto
            .call("secretsmanager", "secretsmanager.PutSecretValue", &body)
            .await;
    }
}

/// The event of `scheduled-sync` that it has nothing to do for: it starts, and that is all.
fn nothing_to_do() -> Value {
    let mut event = read("scheduled-sync/appointment-changed");
    event["detail"]["origin"] = json!("google_calendar");
    event
}

#[tokio::test]
async fn a_key_that_was_added_is_good_at_once() {
    let kept = Kept::but(
        "appointments-api/list",
        "API_KEYS",
        &format!("other:appointments:{HASH}"),
    )
    .await;
    let scene = &kept.scene;
    let mut with_other_key = read("appointments-api/list");
    with_other_key["headers"]["authorization"] = json!("Bearer open sesame");
    assert_eq!(scene.hand_over(&with_other_key).await["statusCode"], 200);
    let both = format!(
        "other:appointments:{HASH},example:appointments+calendar:c018c41c1afaf2c0b66c64f97d0ee135657b699ad260f299234cd40a5d625e0e"
    );
    kept.replace("API_KEYS", &both).await;
    assert_eq!(scene.request().await.status, 200);
    with_other_key["headers"]["authorization"] = json!("Bearer nobody's");
    assert_eq!(scene.hand_over(&with_other_key).await["statusCode"], 401);
}

#[tokio::test]
async fn a_role_that_is_no_longer_accepted_is_replaced_at_the_next_connection() {
    let server = std::env::var("TEST_DATABASE_URL").unwrap();
    let (admin, connection) = tokio_postgres::connect(&server, NoTls).await.unwrap();
    tokio::spawn(connection);
    let run = async |statements: String| admin.batch_execute(&statements).await.unwrap();
    let [old, new] = ["old", "new"].map(|name| format!("{name}_{}", Uuid::new_v4().simple()));
    run(format!(
        "create role {old} login in role clinic; create role {new} login in role clinic"
    ))
    .await;

    let url = OnceCell::new();
    let kept = Kept::with("appointments-api/list", |name, right| {
        if name == "DATABASE_URL" {
            // Which database it is, only the scene knows.
            url.get_or_init(|| right.to_owned())
                .replacen("//clinic@", &format!("//{old}@"), 1)
        } else {
            right.to_owned()
        }
    })
    .await;
    let url = url.get().unwrap();
    assert_eq!(kept.scene.request().await.status, 200);

    let replaced = url.replacen("//clinic@", &format!("//{new}@"), 1);
    kept.replace("DATABASE_URL", &replaced).await;
    run(format!(
        "alter role {old} nologin; select pg_terminate_backend(pid) from pg_stat_activity where usename = '{old}'"
    ))
    .await;
    assert_eq!(kept.scene.request().await.status, 200);
    let query = format!("select count(*) from pg_stat_activity where usename = '{new}'");
    let connected: i64 = admin.query_one(&query, &[]).await.unwrap().get(0);
    assert_eq!(connected, 1);
}

#[tokio::test]
async fn a_google_key_that_is_refused_is_replaced_in_the_same_run() {
    let name = "GOOGLE_SERVICE_ACCOUNT_JSON";
    let kept = Kept::but("scheduled-sync/schedule", name, " ").await;
    let scene = kept.scene.with_appointment().await;
    scene.hand_over(&nothing_to_do()).await;
    let kept = Kept { scene, ..kept };
    kept.replace(name, &kept.scene.google.service_account_json())
        .await;
    assert_eq!(kept.scene.invoke().await, json!({"calendars": 1, "failed": 0}));
    assert_eq!(kept.scene.events().len(), 1);
}

#[tokio::test]
async fn a_channel_token_under_a_new_secret_is_good_at_once() {
    let name = "WEBHOOK_SECRET";
    let kept = Kept::but(
        "calendar-webhook/change",
        name,
        "another-of-32-characters-or-more",
    )
    .await;
    kept.scene.after("calendar-webhook/robots").await;
    kept.replace(name, "an-example-that-is-32-characters").await;
    assert_eq!(kept.scene.request().await.status, 200);
    assert_eq!(kept.scene.count("watch_channels").await, 1, "it is recorded");
    let forged = kept.scene.after("calendar-webhook/forged").await;
    assert_eq!(forged["statusCode"], 403);
}
