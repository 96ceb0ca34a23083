//! Behind PgBouncer in transaction mode, as behind Neon's pooled address: each transaction may meet another server
//! session, so nothing may depend on the last one's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use futures_util::future::join_all;
use local::postgres::TestDatabase;
use shared::database::{DatabaseError, DatabaseUrl, Unavailable, migrate};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_postgres::types::Type;

use super::{ENDLESS, ample, database, execute, free_port, read_number};

/// A running PgBouncer; killed when dropped.
struct Pooler {
    port: u16,
    _process: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Starts one before the server of `test`, with at most `sessions` server sessions. It may take a moment until it
    /// listens, which is what a `Database` waits for anyway.
    fn before(test: &TestDatabase, sessions: u32) -> Self {
        let port = free_port();
        let config: tokio_postgres::Config = test.url().parse().unwrap();
        let server_port = config.get_ports()[0];
        let folder = TempDir::new().unwrap();
        // PgBouncer refuses root; the account that it changes to has to be able to read its files.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let users = folder.path().join("users.txt");
        fs::write(&users, "\"clinic\" \"\"\n").unwrap();
        let settings = folder.path().join("pgbouncer.ini");
        let content = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {sessions}\n",
            users.display(),
        );
        fs::write(&settings, content).unwrap();
        let mut command = Command::new(program());
        if fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0) {
            command.args(["-u", "nobody"]);
        }
        let process = command
            .arg(&settings)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("pgbouncer (apt-get install pgbouncer): {error}"));
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    fn url(&self, test: &TestDatabase) -> String {
        format!("postgres://clinic@127.0.0.1:{}/{}", self.port, test.name())
    }
}

/// Debian puts it where only root's PATH looks.
fn program() -> &'static str {
    let debian = "/usr/sbin/pgbouncer";
    if fs::exists(debian).unwrap_or_default() {
        debian
    } else {
        "pgbouncer"
    }
}

#[tokio::test]
async fn flows_that_share_two_sessions_do_not_notice() {
    let test = TestDatabase::empty().await;
    let pooler = Pooler::before(&test, 2);
    let databases: Vec<_> = (0..5).map(|_| database(&pooler.url(&test))).collect();
    execute(&databases[0], "CREATE TABLE t (n int8 PRIMARY KEY)").await;
    let flows = databases.iter().zip([0_i64, 100, 200, 300, 400]);
    let flows = flows.map(|(database, start)| async move {
        for n in start..start + 10 {
            let insert = async |client: &tokio_postgres::Client| {
                let parameters = [(&n as _, Type::INT8)];
                client
                    .execute_typed("INSERT INTO t VALUES ($1)", &parameters)
                    .await
            };
            let written = database.write(ample(), insert, async |_| Ok(None)).await;
            assert_eq!(written, Ok(1));
        }
    });
    join_all(flows).await;
    assert_eq!(read_number(&databases[4], "SELECT count(*) FROM t").await, Ok(50));
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    assert!(read_number(&databases[0], sessions).await.unwrap() <= 2);
}

#[tokio::test]
async fn nothing_stays_prepared_in_a_session() {
    let test = TestDatabase::empty().await;
    let pooler = Pooler::before(&test, 1);
    let (one, two) = (database(&pooler.url(&test)), database(&pooler.url(&test)));
    for database in [&one, &two, &one] {
        assert_eq!(
            read_number(database, "SELECT count(*) FROM pg_prepared_statements").await,
            Ok(0)
        );
    }
}

#[tokio::test]
async fn a_transaction_keeps_its_session() {
    let test = TestDatabase::empty().await;
    let pooler = Pooler::before(&test, 2);
    let (one, two) = (database(&pooler.url(&test)), database(&pooler.url(&test)));
    execute(&one, "CREATE TABLE t (n int8)").await;
    let pid = "SELECT pg_backend_pid()";
    let (first, between, last) = one
        .transaction(ample(), async |transaction| {
            let first: i32 = transaction.query_typed_one(pid, &[]).await?.try_get(0)?;
            let between = read_number(&two, "SELECT pg_backend_pid()::int8").await;
            let last: i32 = transaction.query_typed_one(pid, &[]).await?.try_get(0)?;
            Ok((first, between, last))
        })
        .await
        .unwrap();
    assert_eq!(first, last);
    assert_ne!(Ok(i64::from(first)), between);
}

#[tokio::test]
async fn two_migrations_at_once_need_no_more_than_two_sessions() {
    let test = TestDatabase::empty().await;
    let pooler = Pooler::before(&test, 2);
    let url = DatabaseUrl::parse(&pooler.url(&test)).unwrap();
    let (one, two) = tokio::join!(migrate(&url), migrate(&url));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_empty() != two.is_empty(), "{one:?} {two:?}");
}

#[tokio::test]
async fn limits_hold_in_each_session_behind_it() {
    let test = TestDatabase::empty().await;
    let direct = DatabaseUrl::parse(&test.url()).unwrap();
    migrate(&direct).await.unwrap();
    let pooler = Pooler::before(&test, 2);
    let limits = "SELECT count(*) FROM pg_settings WHERE (name, setting) IN
                  (('statement_timeout', '8000'), ('lock_timeout', '5000'))";
    assert_eq!(read_number(&database(&pooler.url(&test)), limits).await, Ok(2));

    let shorter = format!(
        "ALTER ROLE clinic IN DATABASE {} SET statement_timeout = '100ms'",
        test.name()
    );
    execute(&database(&test.url()), &shorter).await;
    let pooler = Pooler::before(&test, 1);
    let database = database(&pooler.url(&test));
    let slow = read_number(&database, ENDLESS).await;
    assert_eq!(slow, Err(DatabaseError::Unavailable(Unavailable::Overworked)));
    assert_eq!(
        read_number(&database, "SELECT 1::int8").await,
        Ok(1),
        "the session lives on"
    );
}
