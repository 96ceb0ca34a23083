//! What the clients of all AWS services share: credentials, region, and the way to them.
//!
//! It is made once, at the first use, for it costs start-up time: TLS takes the system's root certificates in.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls;
use tokio::sync::OnceCell;

/// For one call, repetitions included, unless its caller allows less. The SDK itself would wait for ever.
const CALL_WITHIN: Duration = Duration::from_secs(3);

/// A handle on it; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Aws(Arc<OnceCell<SdkConfig>>);

impl Aws {
    /// The configuration that clients are made from.
    pub(crate) async fn config(&self) -> &SdkConfig {
        self.0
            // On the heap: what the SDK's loading holds is most of this future.
            .get_or_init(|| {
                Box::pin(async {
                let https = aws_smithy_http_client::Builder::new()
                    .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
                    .build_https();
                let timeouts = TimeoutConfig::builder().operation_timeout(CALL_WITHIN).build();
                aws_config::from_env()
                    .http_client(https)
                    .timeout_config(timeouts)
                    .load()
                    .await
                })
            })
            .await
    }
}
