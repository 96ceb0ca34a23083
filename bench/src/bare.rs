//! Statements sent bare: tokio-postgres and nothing else, on a thread of its own, as in a function's single-threaded process.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::TryStreamExt;
use local::postgres::{Parameter, Statement};
use native_tls::TlsConnector;
use postgres_native_tls::MakeTlsConnector;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Client, Config};

use crate::Failure;

/// A connection on a thread of its own.
pub(crate) struct Bare {
    /// How long it took to connect, TLS and password included.
    pub(crate) connecting: Duration,
    asked: mpsc::UnboundedSender<Asked>,
}

struct Asked {
    statement: Statement,
    answer: oneshot::Sender<Result<Duration, tokio_postgres::Error>>,
}

impl Bare {
    /// Connects to the database of `url` over TLS.
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let config: Config = url.parse()?;
        let (asked, questions) = mpsc::unbounded_channel();
        let (connected, connecting) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Without a runtime nobody is told of a connection, which is an error over there.
            if let Ok(runtime) = runtime {
                runtime.block_on(serve(&config, connected, questions));
            }
        });
        Ok(Self {
            connecting: connecting.await??,
            asked,
        })
    }

    /// Sends a query that answers true.
    pub(crate) async fn insist(&self, query: &str) -> Result<(), Failure> {
        // Of what is sent bare only an error is heard, and a division by zero is one.
        let text = format!("select 1 / coalesce(({query})::int, 0)");
        let statement = Statement {
            text,
            ..Statement::default()
        };
        let failed = |failure| format!("what was sent bare did not do what it does: {failure}");
        self.time(&statement).await.map_err(failed)?;
        Ok(())
    }

    /// Sends a statement and reads all of its rows; how long that took.
    pub(crate) async fn time(&self, statement: &Statement) -> Result<Duration, Failure> {
        let (answer, time) = oneshot::channel();
        let statement = statement.clone();
        self.asked
            .send(Asked { statement, answer })
            .map_err(|_| "the thread is gone")?;
        Ok(time.await??)
    }
}

async fn serve(
    config: &Config,
    connected: oneshot::Sender<Result<Duration, Failure>>,
    mut questions: mpsc::UnboundedReceiver<Asked>,
) {
    let began = Instant::now();
    let client = match open(config).await {
        Ok(client) => client,
        Err(failure) => {
            // Whoever waits for it hears of the failure, or has gone.
            let _ = connected.send(Err(failure));
            return;
        }
    };
    let _ = connected.send(Ok(began.elapsed()));
    while let Some(Asked { statement, answer }) = questions.recv().await {
        let began = Instant::now();
        let sent = send(&client, &statement).await;
        let _ = answer.send(sent.map(|()| began.elapsed()));
    }
}

async fn open(config: &Config) -> Result<Client, Failure> {
    let mut builder = TlsConnector::builder();
    // The system's roots are read, as in a function; our server's authority is none of them.
    builder.danger_accept_invalid_certs(true);
    let tls = MakeTlsConnector::new(builder.build()?);
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn send(client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
    if statement.parameters.is_empty() {
        // Several may stand in one text.
        return client.batch_execute(&statement.text).await;
    }
    let types = statement
        .types
        .iter()
        .map(|oid| Type::from_oid(*oid).unwrap_or(Type::UNKNOWN));
    let parameters = statement.parameters.iter().map(AsItWas).zip(types);
    let rows = client.query_typed_raw(&statement.text, parameters).await?;
    rows.try_for_each(async |_| Ok(())).await
}

/// A value that goes on the wire as it was on another.
#[derive(Debug)]
pub(crate) struct AsItWas<'a>(pub(crate) &'a Parameter);

impl ToSql for AsItWas<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            None => Ok(IsNull::Yes),
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
