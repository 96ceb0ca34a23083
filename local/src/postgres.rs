//! PostgreSQL from the machine's own binaries: a lasting server for `make run`, a throw-away one for the tests, and in
//! that one a database of its own for each test. A [`Wire`] between a process and its database freezes and breaks on order.

mod account;
mod binaries;
mod certificates;
mod cluster;
mod server;
mod test_database;
mod test_server;
mod wire;

pub use binaries::Binaries;
pub use cluster::{Cluster, Durability};
pub use server::Server;
pub use test_database::TestDatabase;
pub use test_server::TestServer;
pub use wire::{Parameter, Statement, Wire, WireFault};

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Why PostgreSQL could not be found, prepared or started. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No folder holds both `initdb` and `postgres`.
    #[error(
        "no PostgreSQL server found (looked for initdb and postgres in {looked}): install one, for example `apt-get install postgresql` or `brew install postgresql@17`"
    )]
    NotFound {
        /// The folders that were tried.
        looked: String,
    },
    /// The data folder belongs to another major version than any that is installed.
    #[error("the data in {} was made by PostgreSQL {wanted}, which is not installed: install it, or move that folder away to start empty", folder.display())]
    OtherVersion {
        /// The data folder.
        folder: PathBuf,
        /// The major version in its `PG_VERSION`.
        wanted: u32,
    },
    /// We are root, PostgreSQL refuses root, and there is nobody else to be.
    #[error("PostgreSQL refuses to run as root, and neither the user `postgres` nor `nobody` exists")]
    NoAccount,
    /// A program that we ran said no.
    #[error("{program} failed: {output}")]
    Program {
        /// What was run.
        program: String,
        /// What it printed, or how it ended.
        output: String,
    },
    /// The server did not answer within the time allowed.
    #[error("PostgreSQL did not start, its log is {}: {last}", log.display())]
    NotStarted {
        /// Where it logs to.
        log: PathBuf,
        /// The last thing that it logged, or why we could not connect.
        last: String,
    },
    /// A file or folder could not be made.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key pair of the test server could not be made.
    #[error("could not make the test server's certificates: {0}")]
    Certificates(#[from] openssl::error::ErrorStack),
    /// A statement failed on a server that is up.
    #[error("PostgreSQL: {0}")]
    Statement(#[from] tokio_postgres::Error),
}

impl PostgresError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// A short name for this content: 16 hex digits.
fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        // The lengths keep "ab", "c" apart from "a", "bc".
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let number = digest
        .finalize()
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}
