//! TLS as Neon and libpq mean it, against a server that lets this user in over TLS only and whose certificate, for
//! `localhost`, is signed by an authority that nobody else trusts.

use local::postgres::TestDatabase;
use shared::database::DatabaseError;
use tokio::process::Command;

use super::{ample, database, read_number, setting};

/// The TLS user's URL with these parameters instead of `sslmode=require`.
fn url(parameters: &str) -> String {
    setting("TEST_DATABASE_TLS_URL").replace("sslmode=require", parameters)
}

fn authority() -> String {
    setting("TEST_DATABASE_CA")
}

async fn refusal(url: &str) -> String {
    match database(url).connect(ample()).await {
        Err(DatabaseError::Misconfigured(words)) => words.into_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_mode_that_should_gets_in_and_is_encrypted() {
    let authority = authority();
    for parameters in [
        String::new(),
        "sslmode=prefer&channel_binding=require".to_owned(),
        format!("sslmode=require&sslrootcert={authority}"),
        format!("sslmode=require&channel_binding=require&sslrootcert={authority}"),
        format!("sslmode=verify-ca&sslrootcert={authority}"),
        format!("sslmode=verify-full&sslrootcert={authority}"),
        format!("sslmode=verify-full&channel_binding=require&sslrootcert={authority}"),
    ] {
        let encrypted = "SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        let encrypted = read_number(&database(&url(&parameters)), encrypted).await;
        assert_eq!(encrypted, Ok(1), "{parameters}");
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused() {
    let stranger = setting("TEST_DATABASE_STRANGER_CA");
    for parameters in [
        "sslmode=require".to_owned(),
        "sslmode=verify-full".to_owned(),
        format!("sslmode=verify-full&sslrootcert={stranger}"),
        format!("sslmode=verify-ca&sslrootcert={stranger}"),
    ] {
        let words = refusal(&url(&parameters)).await;
        assert!(
            words.contains("certificate is not trusted"),
            "{parameters}: {words}"
        );
    }
}

#[tokio::test]
async fn the_name_counts_for_verify_full_only() {
    let by_number = |mode: &str| {
        let authority = authority();
        url(&format!("sslmode={mode}&sslrootcert={authority}")).replace("@localhost", "@127.0.0.1")
    };
    let words = refusal(&by_number("verify-full")).await;
    assert!(words.contains("mismatch"), "{words}");
    assert_eq!(
        read_number(&database(&by_number("verify-ca")), "SELECT 1::int8").await,
        Ok(1)
    );
}

#[tokio::test]
async fn a_server_that_insists_on_tls_refuses_plain_text() {
    let words = refusal(&url("sslmode=disable")).await;
    assert!(words.contains("not accepted"), "{words}");
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_named_as_the_fault() {
    let words = refusal(&url("sslmode=verify-full&sslrootcert=/nowhere/ca.pem")).await;
    assert!(words.contains("cannot be read"), "{words}");
    let words = refusal(&url("sslmode=verify-full&sslrootcert=/dev/null")).await;
    assert!(words.contains("no PEM certificates"), "{words}");
}

/// The variable is read once for each process, so this needs one of its own.
#[tokio::test]
async fn ssl_cert_file_names_the_authorities_to_trust() {
    let test = TestDatabase::empty().await;
    let url = url("sslmode=require").replace("/postgres?", &format!("/{}?", test.name()));
    for (authority, works) in [(authority(), true), (setting("TEST_DATABASE_STRANGER_CA"), false)] {
        let migrate = Command::new(env!("CARGO_BIN_EXE_migrate"))
            .env("DATABASE_URL", &url)
            .env("SSL_CERT_FILE", &authority)
            .env("SSL_CERT_DIR", "/nowhere")
            .output()
            .await
            .unwrap();
        assert_eq!(
            migrate.status.success(),
            works,
            "{}",
            String::from_utf8_lossy(&migrate.stderr)
        );
    }
}
