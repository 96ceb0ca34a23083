//! A way to a server that is far: each byte arrives a while after it was sent, in order, and many may be on their way.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Failure;

/// A running way; its connections end with it.
pub(crate) struct Distance {
    url: String,
    listening: JoinHandle<()>,
}

impl Distance {
    /// To the database of `url` (`postgres://user@host:port/database`), so far away each way.
    pub(crate) async fn before(url: &str, each_way: Duration) -> Result<Self, Failure> {
        let (user, rest) = url.split_once('@').ok_or("a database's URL names a user")?;
        let (server, database) = rest.split_once('/').ok_or("a database's URL names a database")?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let near = format!("{user}@{}/{database}", listener.local_addr()?);
        let server = server.to_owned();
        let listening = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if let Ok(far) = TcpStream::connect(&server).await {
                    tokio::spawn(carry(near, far, each_way));
                }
            }
        });
        Ok(Self { url: near, listening })
    }

    /// The database's URL by this way.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(near: TcpStream, far: TcpStream, each_way: Duration) {
    // Without it they are only slower.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::join!(
        delayed(from_near, to_far, each_way),
        delayed(from_far, to_near, each_way)
    );
}

async fn delayed(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, each_way: Duration) {
    let (sender, mut under_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
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
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}
