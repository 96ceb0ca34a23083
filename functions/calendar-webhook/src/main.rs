//! Receives Google's push notifications: verify, record, tell the bus.

mod webhook;

use std::process::ExitCode;
use std::sync::Arc;

use lambda_http::{Request, run, service_fn};
use shared::settings::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, lambda_http::Error> {
    shared::telemetry::start();
    let webhook = match Environment::of_process()
        .await
        .and_then(|settings| webhook::Webhook::from(&settings))
    {
        Ok(webhook) => Arc::new(webhook),
        Err(fault) => {
            tracing::error!(setting.name = fault.name, "{fault}");
            // An error returned from here would be a second line.
            return Ok(ExitCode::FAILURE);
        }
    };
    // The first notification finds everything open, or waits for this same attempt.
    let connecting = Arc::clone(&webhook);
    tokio::spawn(async move { connecting.connect().await });
    run(service_fn(async |request: Request| {
        Ok::<_, lambda_http::Error>(webhook.handle(&request).await)
    }))
    .await?;
    Ok(ExitCode::SUCCESS)
}
