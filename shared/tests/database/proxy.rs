//! A loopback proxy whose connections can fall silent without being closed, as behind a NAT gateway that forgot them.

use std::future::pending;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    url: String,
    silenced: watch::Sender<u32>,
    acceptor: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before the server that `url` names (`...@host:port/...`).
    pub(crate) async fn before(url: &str) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (upstream, after) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (silenced, _) = watch::channel(0);
        Self {
            url: format!("{before}@127.0.0.1:{port}/{after}"),
            acceptor: tokio::spawn(accept(listener, upstream.to_owned(), silenced.clone())),
            silenced,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on nothing passes through the connections that exist; new ones work.
    pub(crate) fn silence(&mut self) {
        self.silenced.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, silenced: watch::Sender<u32>) {
    while let Ok((near, _)) = listener.accept().await {
        let far = TcpStream::connect(&upstream).await.unwrap();
        tokio::spawn(forward(near, far, silenced.subscribe()));
    }
}

async fn forward(mut near: TcpStream, mut far: TcpStream, mut silenced: watch::Receiver<u32>) {
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = silenced.changed() => {
            // Both ends stay open.
            pending::<()>().await;
        }
    }
}
