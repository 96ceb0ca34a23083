//! A wire between one process and the test server that shows each round trip, and freezes or breaks on order.
//!
//! It knows of PostgreSQL's protocol where a statement ends (`Sync` or `Query`) and where its answer does
//! (`ReadyForQuery`). It declines TLS. Not played: COPY, and the text of statements that were prepared earlier.

mod connection;
mod fault;
mod frame;

pub use fault::WireFault;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use connection::carry;
use fault::Faults;

/// A running wire; dropping it breaks its connections.
#[derive(Debug)]
pub struct Wire {
    url: String,
    state: Arc<State>,
    acceptor: JoinHandle<()>,
}

/// A value as it is on the wire; `None` is null.
pub type Parameter = Option<Vec<u8>>;

/// One round trip: what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// Of several that were sent as one, all.
    pub text: String,
    /// What its parameters are, by PostgreSQL's numbers of types.
    pub types: Vec<u32>,
    /// Their values.
    pub parameters: Vec<Parameter>,
}

/// What the connections of a wire share.
#[derive(Debug, Default)]
struct State {
    faults: Faults,
    statements: Mutex<Vec<Statement>>,
    /// Counts the cuts.
    cuts: watch::Sender<u64>,
    /// Connections whose sessions on the server have not ended.
    open: watch::Sender<usize>,
}

impl Wire {
    /// A wire to the server that `url` names (`postgres://user@host:port/database`).
    ///
    /// # Panics
    /// When `url` has another form or no port is free: a test can do nothing about either.
    pub async fn before(url: &str) -> Self {
        let parts = url
            .split_once('@')
            .and_then(|(user, rest)| Some((user, rest.split_once('/')?)));
        let Some((user, (server, database))) = parts else {
            panic!("not of the form postgres://user@host:port/database: {url}");
        };
        let bound = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = bound.unwrap_or_else(|error| panic!("no port for a wire: {error}"));
        let address = listener.local_addr();
        let address = address.unwrap_or_else(|error| panic!("a wire without an address: {error}"));
        let state = Arc::<State>::default();
        Self {
            url: format!("{user}@{address}/{database}"),
            acceptor: tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&state))),
            state,
        }
    }

    /// The database's URL by way of this wire.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Orders a fault.
    pub fn fail(&self, fault: WireFault) {
        self.state.faults.add(fault);
    }

    /// Comes back when every fault ordered so far has struck.
    pub async fn reached(&self) {
        self.state.faults.all_struck().await;
    }

    /// Lets what hangs go on.
    pub fn release(&self) {
        self.state.faults.release();
    }

    /// Breaks every connection, as the death of the process does, and comes back when the server has ended their
    /// sessions and undone what they had not committed. What hung on its way to the server never arrives.
    pub async fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
        let mut open = self.state.open.subscribe();
        // An error would mean that the sender is gone; `self` holds it.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    /// The text of each statement sent so far, one for each round trip.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        let statements = self.recorded().into_iter();
        statements.map(|statement| statement.text).collect()
    }

    /// The same with their parameters.
    #[must_use]
    pub fn recorded(&self) -> Vec<Statement> {
        let statements = self.state.statements.lock();
        statements.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Empties the list of statements.
    pub fn clear_statements(&self) {
        let statements = self.state.statements.lock();
        statements.unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Takes connections until the wire is dropped; they end with this task.
async fn accept(listener: TcpListener, server: String, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A connection that was not accepted, or that the server did not take, is the caller's to notice.
            Ok((near, _)) = listener.accept() => {
                if let Ok(far) = TcpStream::connect(&server).await {
                    state.open.send_modify(|open| *open += 1);
                    connections.spawn(carry(near, far, Arc::clone(&state)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
