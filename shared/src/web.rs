//! The HTTP client: one way of connecting to Google, to AWS and to a token's issuer.
//!
//! TLS is rustls, and who may speak for a host is decided by Mozilla's root certificates, as they were when this was built.
//! The system's would be read and parsed at each cold start. The database is another matter: see `database::tls`.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// A connection is not used again after so long: the process may have been frozen meanwhile, and the peer gone.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// How often an HTTP/2 connection with calls under way is probed, and how long the answer may take.
const PROBE: Duration = Duration::from_secs(5);

/// Why there is no client: TLS cannot be set up at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoClient {
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// A client. How long an answer may take is each caller's own affair.
pub(crate) fn client() -> Result<reqwest::Client, NoClient> {
    let client = reqwest::Client::builder()
        .user_agent(concat!("appointment-sync/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls()?)
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .http2_keep_alive_interval(PROBE)
        .http2_keep_alive_timeout(PROBE)
        // Neither redirects, and a token must not follow if something else does.
        .redirect(redirect::Policy::none())
        .build()?;
    Ok(client)
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
