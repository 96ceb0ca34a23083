//! The `migrate` binary, run as an operator would.

use std::process::Output;

use local::postgres::TestDatabase;
use tokio::process::Command;

use super::{database, execute, read_number};

async fn migrate(url: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
    command.env("DATABASE_URL", url).output().await.unwrap()
}

fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The one line that a failed run leaves.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output.stdout), [] as [&str; 0]);
    let lines = lines(&output.stderr);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

#[tokio::test]
async fn two_at_once_apply_each_migration_once_and_a_third_nothing() {
    let test = TestDatabase::empty().await;
    let url = test.url();
    let (one, two) = tokio::join!(migrate(&url), migrate(&url));
    for output in [&one, &two] {
        assert!(output.status.success(), "{output:?}");
    }
    let applied = [lines(&one.stdout), lines(&two.stdout)].concat();
    assert!(applied[0].starts_with("applied V1__"), "{applied:?}");
    let database = database(&url);
    let recorded = read_number(&database, "SELECT count(*) FROM refinery_schema_history").await;
    assert_eq!(recorded.unwrap(), i64::try_from(applied.len()).unwrap());

    let third = migrate(&url).await;
    assert!(third.status.success());
    assert_eq!(lines(&third.stdout), [] as [&str; 0]);
}

#[tokio::test]
async fn an_edited_or_unknown_migration_is_refused() {
    let test = TestDatabase::empty().await;
    let url = test.url();
    assert!(migrate(&url).await.status.success());
    let database = database(&url);

    execute(
        &database,
        "INSERT INTO refinery_schema_history VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')",
    )
    .await;
    let line = complaint(&migrate(&url).await);
    assert!(
        line.contains("V9999__from_the_future") && line.contains("older"),
        "{line}"
    );

    execute(
        &database,
        "DELETE FROM refinery_schema_history WHERE version = 9999;
         UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1",
    )
    .await;
    let line = complaint(&migrate(&url).await);
    assert!(line.contains("V1__") && line.contains("never edited"), "{line}");
}

#[tokio::test]
async fn a_setting_that_does_not_work_is_one_line_without_its_value() {
    let test = TestDatabase::empty().await;
    let elsewhere = test.url().replace(test.name(), "s3cret");
    for (url, words) in [
        (
            "postgres://clinic:s3cret@db.example.com/clinic?sslmode=s3cret",
            "bad value for `sslmode`",
        ),
        ("s3cret", "is not of the form"),
        (elsewhere.as_str(), "no database of this name"),
    ] {
        let line = complaint(&migrate(url).await);
        assert!(line.contains("DATABASE_URL") && line.contains(words), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
    let unset = command.env_remove("DATABASE_URL").output().await.unwrap();
    assert!(complaint(&unset).contains("DATABASE_URL is not set"));
}
