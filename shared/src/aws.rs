//! The clients of AWS services: credentials, region and addresses from the environment, and one way to all of them.
//!
//! `aws-config` would look for credentials in files, containers and on instances, too. Lambda gives them in the environment, so
//! that all of this would only be carried along: it makes a function larger by a tenth.
//!
//! The SDK goes by our own HTTP client, too: its own would be a second one beside Google's.
//!
//! The way is made once, at the first use.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use crate::web;

/// For one call, repetitions included, unless its caller allows less. The SDK itself would wait for ever.
const CALL_WITHIN: Duration = Duration::from_secs(3);

/// The way to AWS; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Aws(Arc<OnceLock<Option<SharedHttpClient>>>);

/// A client of one service. `$sdk` is its crate, `$endpoint` the variable that may say where it is.
macro_rules! client {
    ($aws:ident, $sdk:ident, $endpoint:literal) => {{
        let timeouts = TimeoutConfig::builder().operation_timeout(CALL_WITHIN).build();
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .region(region());
        // Without one, and without credentials below, each call says that it is missing.
        config.set_http_client($aws.http());
        config.set_endpoint_url(variable($endpoint).or_else(|| variable("AWS_ENDPOINT_URL")));
        config.set_credentials_provider(credentials().map(SharedCredentialsProvider::new));
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// EventBridge.
    pub(crate) fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        client!(self, aws_sdk_eventbridge, "AWS_ENDPOINT_URL_EVENTBRIDGE")
    }

    /// Secrets Manager.
    pub(crate) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager, "AWS_ENDPOINT_URL_SECRETS_MANAGER")
    }

    fn http(&self) -> Option<SharedHttpClient> {
        let http = self
            .0
            .get_or_init(|| Some(SharedHttpClient::new(Https(web::client().ok()?))));
        http.clone()
    }
}

/// Our HTTP client, as the SDK wants it. Time-outs are the SDK's, but for that of connecting.
#[derive(Debug, Clone)]
struct Https(reqwest::Client);

impl HttpClient for Https {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&client, request).await })
    }
}

async fn exchange(client: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    // Of what we ask for nothing is streamed.
    let body = request.body().bytes().map(<[u8]>::to_vec);
    let body = body.ok_or_else(|| ConnectorError::user("the body is no bytes".into()))?;
    let request = reqwest::Request::try_from(request.map(|_| body));
    let request = request.map_err(|error| ConnectorError::user(error.into()))?;
    let mut answer = client.execute(request).await.map_err(unheard)?;
    let mut response = http::Response::new(());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    let body = answer.bytes().await.map_err(unheard)?;
    let response = HttpResponse::try_from(response.map(|()| SdkBody::from(body)));
    response.map_err(|error| ConnectorError::other(error.into(), None))
}

/// What the SDK tries again.
fn unheard(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
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
