//! The throw-away server of a test run: quick to make, open to this machine, and able to insist on TLS as Neon does.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::certificates::Certificates;
use super::{Cluster, Durability, PostgresError, Server};

/// The password of the role `clinic_tls`. The server listens on the loopback interface and holds invented data.
const TLS_PASSWORD: &str = "only-for-tests";

/// In the folder.
const LOG: &str = "server.log";

/// `clinic_tls` gets in over TLS with its password and not otherwise; every other role by its name alone.
const WHO_MAY_CONNECT: &str = "\
hostssl   all clinic_tls all scram-sha-256
hostnossl all clinic_tls all reject
host      all all        all trust
";

/// TLS, and when each transaction was committed: what is measured up to a commit asks for that.
const CONFIGURATION: &[u8] = b"ssl = on\ntrack_commit_timestamp = on\n";

/// `clinic` owns the test databases and is no superuser, as on Neon. `clinic_tls` is the same role by another door.
const ROLES: &str = "\
CREATE ROLE clinic LOGIN CREATEDB;
CREATE ROLE clinic_tls LOGIN PASSWORD 'only-for-tests' IN ROLE clinic;
GRANT CREATE ON DATABASE postgres TO clinic;
GRANT ALL ON SCHEMA public TO clinic;
";

/// A server with a data folder of its own, both gone when this is dropped. [`TestServer::stop`] ends it in order.
#[derive(Debug)]
pub struct TestServer {
    server: Server,
    // Dropped after the server.
    folder: TempDir,
}

impl TestServer {
    /// Makes and starts a server on a free port.
    pub async fn start() -> Result<Self, PostgresError> {
        let temporary = std::env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix("appointment-sync-test-")
            // The server may run as another user, who has to pass through.
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .map_err(PostgresError::file(&temporary))?;
        let cluster = Cluster::prepare(&folder.path().join("data"), Durability::ThrowAway)?;
        let certificates = Certificates::for_localhost()?;
        cluster.write("pg_hba.conf", WHO_MAY_CONNECT.as_bytes())?;
        cluster.write("server.crt", &certificates.server)?;
        cluster.write("server.key", &certificates.server_key)?;
        cluster.write("postgresql.auto.conf", CONFIGURATION)?;
        for (name, pem) in [
            ("ca.pem", &certificates.authority),
            ("stranger.pem", &certificates.stranger),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, pem).map_err(PostgresError::file(&path))?;
        }
        let port = free_port().map_err(PostgresError::file(folder.path()))?;
        let server = Server::start(cluster, port, &folder.path().join(LOG)).await?;
        let test_server = Self { server, folder };
        test_server.make_roles().await?;
        Ok(test_server)
    }

    /// The server itself, to be stopped, crashed and started again by a test that owns it.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The superuser's URL: plain TCP, no password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.server.port())
    }

    /// The URL of `clinic_tls`, who is let in over TLS only. The certificate is for `localhost`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!(
            "postgres://clinic_tls:{TLS_PASSWORD}@localhost:{}/postgres?sslmode=require",
            self.server.port()
        )
    }

    /// The authority that signed the server's certificate (PEM file).
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// An authority that did not sign it (PEM file).
    #[must_use]
    pub fn stranger(&self) -> PathBuf {
        self.folder.path().join("stranger.pem")
    }

    /// What the server writes of itself.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join(LOG)
    }

    /// What tests read from their environment to find this server.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TEST_DATABASE_URL", self.url()),
            ("TEST_DATABASE_TLS_URL", self.tls_url()),
            ("TEST_DATABASE_CA", self.authority().display().to_string()),
            ("TEST_DATABASE_STRANGER_CA", self.stranger().display().to_string()),
            ("TEST_DATABASE_LOG", self.log().display().to_string()),
        ]
    }

    /// Ends the server in order and removes its data.
    pub async fn stop(mut self) -> Result<(), PostgresError> {
        self.server.stop().await
    }

    async fn make_roles(&self) -> Result<(), PostgresError> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        let connection = tokio::spawn(connection);
        client.batch_execute(ROLES).await?;
        connection.abort();
        Ok(())
    }
}

/// A port that was free a moment ago.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
