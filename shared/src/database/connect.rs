//! Opening a connection, waiting for a database that is not there yet.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Connection, NoTls};

use super::connection::Live;
use super::error::{DatabaseError, NoConnection, Unavailable};
use super::url::DatabaseUrl;
use crate::backoff::Backoff;
use crate::deadline::Deadline;

/// Between two tries. A local refusal costs nothing and a sleeping database wakes within a second.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    most: Duration::from_secs(1),
};

/// For one try from dialling to the server's greeting. Neon's proxy holds us meanwhile when it has to wake the database.
const TRY_LIMIT: Duration = Duration::from_secs(10);

/// Opens a connection, or says why there is none: at once where waiting is no use, else at the deadline.
pub(super) async fn connect(url: &DatabaseUrl, deadline: Deadline) -> Result<Live, DatabaseError> {
    let connector = Connector::new(url).await?;
    let mut failures = 0;
    loop {
        let unavailable = match deadline.at_most(TRY_LIMIT).bound(connector.connect()).await {
            Ok(Ok(live)) => return Ok(live),
            Ok(Err(error)) => match NoConnection::of(&error) {
                NoConnection::Passing(unavailable) => unavailable,
                NoConnection::Final(error) => return Err(error),
            },
            Err(_) => Unavailable::Slow,
        };
        failures += 1;
        let pause = BACKOFF.pause(failures);
        if !deadline.allows(pause) {
            return Err(unavailable.into());
        }
        tracing::info!(
            database.trouble = %unavailable,
            retry.failures = failures,
            retry.pause_ms = pause.as_millis(),
            "waiting for the database"
        );
        tokio::time::sleep(pause).await;
    }
}

/// What every try needs.
struct Connector<'a> {
    url: &'a DatabaseUrl,
    tls: Option<postgres_native_tls::MakeTlsConnector>,
}

impl<'a> Connector<'a> {
    async fn new(url: &'a DatabaseUrl) -> Result<Self, DatabaseError> {
        if url.config.get_ssl_mode() == SslMode::Disable {
            return Ok(Self { url, tls: None });
        }
        let policy = url.tls.clone();
        // OpenSSL parses the system's roots for 8 ms: a starting process asks for its first event meanwhile.
        let made = tokio::task::spawn_blocking(move || policy.connector()).await;
        let tls = made.map_err(|_| DatabaseError::Misconfigured("TLS could not be set up".into()))??;
        Ok(Self { url, tls: Some(tls) })
    }

    async fn connect(&self) -> Result<Live, tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => Ok(drive(self.url.config.connect(tls.clone()).await?)),
            None => Ok(drive(self.url.config.connect(NoTls).await?)),
        }
    }
}

/// Lets the connection talk in a task of its own: the client only hands it messages.
fn drive<S, T>((client, connection): (Client, Connection<S, T>)) -> Live
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let driver = tokio::spawn(async move {
        // Why it ended reaches whoever waits for an answer; nobody else needs to know.
        let _ = connection.await;
    });
    Live::new(client, driver.abort_handle())
}
