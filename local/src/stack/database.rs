//! The lasting database of `make run`.

use std::path::Path;

use tokio_postgres::NoTls;

use crate::postgres::{Cluster, Durability, PostgresError};

/// Opens the data folder, making it first where there is none.
pub(super) fn prepare(folder: &Path) -> Result<Cluster, PostgresError> {
    Cluster::prepare(folder, Durability::Lasting)
}

/// The address of the database: its owner is no superuser, as on Neon, and no password is asked on this machine.
pub(super) fn url(port: u16) -> String {
    format!("postgres://clinic@127.0.0.1:{port}/clinic?sslmode=disable")
}

/// The address, once the server answers and the database is there.
pub(super) async fn open(port: u16) -> Option<String> {
    let admin = format!("postgres://postgres@127.0.0.1:{port}/postgres?connect_timeout=2");
    let (client, connection) = tokio_postgres::connect(&admin, NoTls).await.ok()?;
    let connection = tokio::spawn(connection);
    for (exists, create) in [
        (
            "SELECT FROM pg_roles WHERE rolname = 'clinic'",
            "CREATE ROLE clinic LOGIN",
        ),
        (
            "SELECT FROM pg_database WHERE datname = 'clinic'",
            "CREATE DATABASE clinic OWNER clinic",
        ),
    ] {
        if client.query_opt(exists, &[]).await.ok()?.is_none() {
            client.batch_execute(create).await.ok()?;
        }
    }
    connection.abort();
    Some(url(port))
}
