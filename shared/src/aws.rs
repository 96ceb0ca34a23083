//! The clients of AWS services: credentials, region and addresses from the environment, and one way to all of them.
//!
//! `aws-config` would look for credentials in files, containers and on instances, too. Lambda gives them in the environment, so
//! that all of this would only be carried along: it makes a function larger by a tenth.
//!
//! The way is made once, at the first use, for it costs start-up time: TLS takes the system's root certificates in.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::tls;
use tokio::sync::OnceCell;

/// For one call, repetitions included, unless its caller allows less. The SDK itself would wait for ever.
const CALL_WITHIN: Duration = Duration::from_secs(3);

/// The way to AWS; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Aws(Arc<OnceCell<SharedHttpClient>>);

/// A client of one service. `$sdk` is its crate, `$endpoint` the variable that may say where it is.
macro_rules! client {
    ($aws:ident, $sdk:ident, $endpoint:literal) => {{
        let timeouts = TimeoutConfig::builder().operation_timeout(CALL_WITHIN).build();
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client($aws.http().await)
            .timeout_config(timeouts)
            .region(region());
        config.set_endpoint_url(variable($endpoint).or_else(|| variable("AWS_ENDPOINT_URL")));
        // Without any, each call says that they are missing.
        config.set_credentials_provider(credentials().map(SharedCredentialsProvider::new));
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// EventBridge.
    pub(crate) async fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        client!(self, aws_sdk_eventbridge, "AWS_ENDPOINT_URL_EVENTBRIDGE")
    }

    /// Secrets Manager.
    pub(crate) async fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager, "AWS_ENDPOINT_URL_SECRETS_MANAGER")
    }

    async fn http(&self) -> SharedHttpClient {
        let http = self.0.get_or_init(async || {
            aws_smithy_http_client::Builder::new()
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
                .build_https()
        });
        http.await.clone()
    }
}

fn region() -> Option<Region> {
    variable("AWS_REGION")
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .map(Region::new)
}

fn credentials() -> Option<Credentials> {
    Some(Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
