//! Pushes pending changes to Google and pulls Google's changes into the database.

mod run;
mod trigger;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::telemetry::start();
    let worker = match run::Worker::from(&Environment::of_process()) {
        Ok(worker) => worker,
        Err(fault) => {
            tracing::error!(setting.name = fault.name, "{fault}");
            return Err(fault.into());
        }
    };
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        worker.handle(event).await
    }))
    .await
}
