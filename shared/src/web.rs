//! The HTTP client: one way of connecting to Google and to a token's issuer.

use std::time::Duration;

use reqwest::redirect;

const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// A connection is not used again after so long: the process may have been frozen meanwhile, and the peer gone.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// How often an HTTP/2 connection with calls under way is probed, and how long the answer may take.
const PROBE: Duration = Duration::from_secs(5);

/// A client. How long an answer may take is each caller's own affair. Fails only where TLS cannot be set up at all.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("appointment-sync/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .http2_keep_alive_interval(PROBE)
        .http2_keep_alive_timeout(PROBE)
        // Neither redirects, and a token must not follow if something else does.
        .redirect(redirect::Policy::none())
        .build()
}
