//! A way to a server that is far: each byte arrives a while after it was sent, in order, and many may be on their way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Failure;

/// How much of what a client sent is kept.
const KEPT: usize = 64 * 1024;

/// A running way; no connection is taken after it.
pub(crate) struct Distance {
    address: String,
    listening: JoinHandle<()>,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Distance {
    /// To the server at `address` (`host:port`), so far away each way.
    pub(crate) async fn to(address: &str, each_way: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let near = listener.local_addr()?.to_string();
        let (server, sent) = (address.to_owned(), Arc::<Mutex<Vec<u8>>>::default());
        let seen = Arc::clone(&sent);
        let listening = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if let Ok(far) = TcpStream::connect(&server).await {
                    tokio::spawn(carry(near, far, each_way, Arc::clone(&seen)));
                }
            }
        });
        Ok(Self {
            address: near,
            listening,
            sent,
        })
    }

    /// `url` with the server's address replaced by this way to it.
    pub(crate) async fn before(url: &str, each_way: Duration) -> Result<(Self, String), Failure> {
        let (scheme, rest) = url.split_once("://").ok_or("no URL")?;
        let (authority, path) = rest.split_once('/').ok_or("a URL without a path")?;
        let (user, server) = match authority.split_once('@') {
            Some((user, server)) => (format!("{user}@"), server),
            None => (String::new(), authority),
        };
        let way = Self::to(server, each_way).await?;
        let near = format!("{scheme}://{user}{}/{path}", way.address);
        Ok((way, near))
    }

    /// The beginning of what clients sent.
    pub(crate) fn sent(&self) -> String {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&sent).into_owned()
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(near: TcpStream, far: TcpStream, each_way: Duration, sent: Arc<Mutex<Vec<u8>>>) {
    // Without it they are only slower.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::join!(
        delayed(from_near, to_far, each_way, Some(sent)),
        delayed(from_far, to_near, each_way, None)
    );
}

async fn delayed(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    each_way: Duration,
    kept: Option<Arc<Mutex<Vec<u8>>>>,
) {
    let (sender, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
            if let Some(kept) = &kept {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = KEPT.saturating_sub(kept.len());
                kept.extend(bytes.iter().take(room));
            }
            if sender.send((Instant::now() + each_way, bytes)).is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = under_way.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The end reaches the other side like everything else.
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
