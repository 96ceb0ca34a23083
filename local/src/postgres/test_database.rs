//! A database of its own for each test, cloned in milliseconds from a template that holds the migrated, empty tables.

use std::fs;
use std::path::{Path, PathBuf};

use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{PostgresError, fingerprint};

/// Names the advisory lock under which one test process makes the template while the others wait.
const TEMPLATE_LOCK: i64 = 0x6170_706f_696e_7473;

/// A fresh, migrated database, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// A database with every migration of `shared/migrations` applied.
    ///
    /// # Panics
    /// When no test server is named by `TEST_DATABASE_URL`, or it fails: a test can do nothing about either.
    pub async fn create() -> Self {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR"))
            .with_file_name("shared")
            .join("migrations");
        Self::of(&server_url(), Some(&migrations))
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// A database with nothing in it, for tests of the migrations themselves.
    ///
    /// # Panics
    /// As [`TestDatabase::create`].
    pub async fn empty() -> Self {
        Self::of(&server_url(), None)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Its URL, as the role `clinic` who owns it and is no superuser: plain TCP, no password.
    #[must_use]
    pub fn url(&self) -> String {
        with_database(&self.server, &self.name).replacen("//postgres@", "//clinic@", 1)
    }

    /// Its name on the test server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn of(server: &str, migrations: Option<&Path>) -> Result<Self, PostgresError> {
        let admin = Session::open(server).await?;
        let template = match migrations {
            Some(folder) => template(server, &admin, folder).await?,
            None => "template0".to_owned(),
        };
        let name = format!("test_{}", Uuid::new_v4().simple());
        admin
            .run(&format!(
                "CREATE DATABASE {name} TEMPLATE {template} OWNER clinic"
            ))
            .await?;
        Ok(Self {
            server: server.to_owned(),
            name,
        })
    }
}

impl Drop for TestDatabase {
    /// Drops the database whoever is still connected. A failure only leaves it until the server's end.
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: the test's runtime may be single-threaded and is busy dropping us.
        let dropper = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime.block_on(async { Session::open(&server).await.ok()?.run(&statement).await.ok() })
        });
        let _ = dropper.join();
    }
}

/// The name of the template for this set of migrations, made by whichever test comes first.
async fn template(server: &str, admin: &Session, folder: &Path) -> Result<String, PostgresError> {
    let migrations = read_migrations(folder)?;
    let name = template_name(&migrations);
    if exists(admin, &name).await? {
        return Ok(name);
    }
    // Held by the session: a test process that is killed here frees it.
    admin
        .run(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"))
        .await?;
    if !exists(admin, &name).await? {
        // It gets its final name last, so that a half-made one is never cloned.
        let draft = format!("draft_{}", Uuid::new_v4().simple());
        admin
            .run(&format!(
                "CREATE DATABASE {draft} TEMPLATE template0 OWNER clinic"
            ))
            .await?;
        let url = with_database(server, &draft).replacen("//postgres@", "//clinic@", 1);
        let session = Session::open(&url).await?;
        for sql in &migrations {
            session.run(sql).await?;
        }
        session.close().await;
        admin
            .run(&format!("ALTER DATABASE {draft} RENAME TO {name}"))
            .await?;
    }
    admin
        .run(&format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})"))
        .await?;
    Ok(name)
}

async fn exists(admin: &Session, database: &str) -> Result<bool, PostgresError> {
    let found = admin
        .client
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&database])
        .await?;
    Ok(found.is_some())
}

/// The migrations in the order in which they are applied.
fn read_migrations(folder: &Path) -> Result<Vec<String>, PostgresError> {
    let mut files: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder).map_err(PostgresError::file(folder))? {
        let path = entry.map_err(PostgresError::file(folder))?.path();
        files.extend(
            path.file_name()
                .and_then(|name| version(name.to_str()?))
                .map(|version| (version, path)),
        );
    }
    files.sort();
    let read = |(_, path): &(u32, PathBuf)| fs::read_to_string(path).map_err(PostgresError::file(path));
    files.iter().map(read).collect()
}

/// The number of `V12__add_notes.sql`; nothing for any other kind of file.
fn version(file: &str) -> Option<u32> {
    file.strip_suffix(".sql")?
        .strip_prefix('V')?
        .split_once("__")?
        .0
        .parse()
        .ok()
}

/// Changes with any migration, so an edited one is never tested against yesterday's tables.
fn template_name(migrations: &[String]) -> String {
    format!(
        "template_{}",
        fingerprint(migrations.iter().map(String::as_bytes))
    )
}

fn server_url() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!("TEST_DATABASE_URL is not set: run `make test`, which starts a database server for the tests")
    })
}

/// The same server's URL with another database in it.
fn with_database(server: &str, database: &str) -> String {
    let (path, query) = server.split_once('?').unwrap_or((server, ""));
    let host = path.rsplit_once('/').map_or(path, |(host, _)| host);
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{host}/{database}{separator}{query}")
}

/// One connection and the task that drives it.
struct Session {
    client: Client,
    driver: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl Session {
    async fn open(url: &str) -> Result<Self, PostgresError> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        Ok(Self {
            client,
            driver: tokio::spawn(connection),
        })
    }

    async fn run(&self, sql: &str) -> Result<(), PostgresError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Leaves and waits until the connection is gone: a database in use can be neither renamed nor cloned.
    async fn close(self) {
        drop(self.client);
        let _ = self.driver.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced_and_its_query_kept() {
        assert_eq!(
            with_database("postgres://postgres@h:1/a?x=1", "b"),
            "postgres://postgres@h:1/b?x=1"
        );
        assert_eq!(
            with_database("postgres://postgres@h:1/a", "b"),
            "postgres://postgres@h:1/b"
        );
    }

    #[test]
    fn migrations_apply_by_number_not_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for (file, sql) in [
            ("V10__c.sql", "c"),
            ("V2__b.sql", "b"),
            ("V1__a.sql", "a"),
            ("README.md", "no"),
        ] {
            fs::write(folder.path().join(file), sql).unwrap();
        }
        assert_eq!(read_migrations(folder.path()).unwrap(), ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn each_test_gets_its_own_copy_of_the_migrated_tables() {
        let folder = tempfile::tempdir().unwrap();
        let table = format!("t_{}", Uuid::new_v4().simple());
        fs::write(
            folder.path().join("V1__t.sql"),
            format!("CREATE TABLE {table} (n int)"),
        )
        .unwrap();
        let server = server_url();
        // Both at once: only one of them may make the template.
        let (one, two) = tokio::join!(
            TestDatabase::of(&server, Some(folder.path())),
            TestDatabase::of(&server, Some(folder.path())),
        );
        let (one, two) = (one.unwrap(), two.unwrap());

        Session::open(&one.url())
            .await
            .unwrap()
            .run(&format!("INSERT INTO {table} VALUES (1)"))
            .await
            .unwrap();
        let session = Session::open(&two.url()).await.unwrap();
        let rows = session
            .client
            .query(&format!("SELECT * FROM {table}"), &[])
            .await
            .unwrap();
        assert_eq!(rows.len(), 0);

        let name = two.name().to_owned();
        drop(two);
        let admin = Session::open(&server).await.unwrap();
        assert!(!exists(&admin, &name).await.unwrap());
    }
}
