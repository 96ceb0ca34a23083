//! Keeps one live watch channel per calendar.

mod renew;

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, lambda_runtime::Error> {
    shared::telemetry::start();
    let renewer = match Environment::of_process()
        .await
        .and_then(|settings| renew::Renewer::from(&settings))
    {
        Ok(renewer) => renewer,
        Err(fault) => {
            tracing::error!(setting.name = fault.name, "{fault}");
            // An error returned from here would be a second line.
            return Ok(ExitCode::FAILURE);
        }
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        renewer.handle(event).await
    }))
    .await?;
    Ok(ExitCode::SUCCESS)
}
