//! Keeps one live watch channel per calendar.

mod renew;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::telemetry::start();
    let renewer = match renew::Renewer::from(&Environment::of_process()) {
        Ok(renewer) => renewer,
        Err(fault) => {
            tracing::error!(setting.name = fault.name, "{fault}");
            return Err(fault.into());
        }
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        renewer.handle(event).await
    }))
    .await
}
