//! `make invoke`: a payload of `events/`, handed by `cargo lambda invoke` to its function in the running stack.

use std::fs;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio::process::Command;
use uuid::Uuid;

use super::environment::FRONTENDS;
use super::payload::{Examples, Here, with_appointment};
use super::ports::Ports;
use super::secrets::Secrets;
use super::{StackError, cargo, folder};

/// Why there is no answer: one line for the person who typed `make invoke`.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Nothing has this name.
    #[error("there is no {}: `make invoke` alone lists what there is", .0.display())]
    NoPayload(PathBuf),
    /// The stack is not there.
    #[error("nothing answers on port {0}: start everything with `make run` first")]
    NotRunning(u16),
    /// The function failed, or was not found. `cargo lambda invoke` has said why.
    #[error("{function} gave no answer; its log is {}", log.display())]
    Failed {
        /// The function.
        function: String,
        /// Where it logs to.
        log: PathBuf,
    },
    /// A setting or a folder of the stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A file or a program could not be had.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A payload, the examples or the answer.
    #[error("not the JSON that was expected: {0}")]
    Json(#[from] serde_json::Error),
}

/// Invokes a function with the payload `name`, such as `appointments-api/book`, and gives its answer. An appointment takes
/// the place of the one that payloads name.
pub async fn invoke(name: &str, appointment: Option<Uuid>) -> Result<Value, InvokeError> {
    let name = name.trim_start_matches("events/").trim_end_matches(".json");
    let file = Path::new("events").join(format!("{name}.json"));
    let Some((function, _)) = name.split_once('/').filter(|_| file.is_file()) else {
        return Err(InvokeError::NoPayload(file));
    };
    let port = Ports::from_environment()?.api;
    if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        return Err(InvokeError::NotRunning(port));
    }
    let payload = good_here(&fs::read_to_string(file)?, appointment)?;
    hand_over(function, &payload, port).await
}

/// The payload as the running stack takes it.
fn good_here(payload: &str, appointment: Option<Uuid>) -> Result<Value, InvokeError> {
    let examples: Examples = serde_json::from_str(&fs::read_to_string("events/env.example.json")?)?;
    let secrets = Secrets::open(&folder()?.join("secrets.json"))?;
    let mut payload = serde_json::from_str(&with_appointment(payload, appointment))?;
    let here = Here {
        api_key: &secrets.api_key,
        webhook_secret: &secrets.webhook_secret,
        origin: FRONTENDS.split(',').next().unwrap_or_default(),
    };
    here.make_good(&mut payload, &examples);
    Ok(payload)
}

async fn hand_over(function: &str, payload: &Value, port: u16) -> Result<Value, InvokeError> {
    // It has a key in it: nobody else may read it, and it is gone with this value.
    let mut file = NamedTempFile::new()?;
    file.write_all(payload.to_string().as_bytes())?;
    let output = Command::new(cargo::lambda())
        .args(["lambda", "invoke", function, "--invoke-address", "127.0.0.1"])
        .args(["--invoke-port", &port.to_string(), "--data-file"])
        .arg(file.path())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await?;
    if !output.status.success() {
        return Err(InvokeError::Failed {
            function: function.to_owned(),
            log: folder()?.join("log/functions.log"),
        });
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
