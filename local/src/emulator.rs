//! AWS's runtime interface emulator with one function in it, on Linux: it comes with SAM, and `sam local invoke` runs it in
//! a container.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, header};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Where the emulator takes invocations.
const FRONT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where the function asks for work. Another address of the loopback interface, by which the two ports are told apart.
const RUNTIME_API: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// How long is waited for what must come by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often is looked.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// A running emulator. Its function is started by the first invocation, and both end with this.
#[derive(Debug)]
pub struct Emulator {
    process: Child,
    front: SocketAddr,
    runtime_api: SocketAddr,
    client: Client,
    /// What is started as the function, and what both have said.
    folder: TempDir,
}

/// Why there is no emulator, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// A file or a process could not be had.
    #[error("{0}: {1}")]
    System(String, io::Error),
    /// It ended, or does not listen.
    #[error("AWS's runtime interface emulator does not run: {0}")]
    NotRunning(String),
    /// It did not answer.
    #[error(transparent)]
    Unanswered(#[from] reqwest::Error),
    /// The function failed.
    #[error("the function failed: {0}")]
    Failed(Value),
}

/// Prints where SAM keeps the emulator for this machine.
const WHERE: &str = "import pathlib, platform, samcli
architecture = {'aarch64': 'arm64'}.get(platform.machine(), platform.machine())
print(pathlib.Path(samcli.__file__).parent / 'local/rapid' / f'aws-lambda-rie-{architecture}')";

/// The emulator that comes with SAM, as the Python that `PROJECT_PYTHON` names has it.
pub fn program() -> Result<PathBuf, EmulatorError> {
    let python = std::env::var_os("PROJECT_PYTHON").ok_or_else(|| {
        EmulatorError::NotRunning("PROJECT_PYTHON names no Python: `make` sets it".to_owned())
    })?;
    let said = Command::new(python)
        .args(["-c", WHERE])
        .output()
        .map_err(system("PROJECT_PYTHON"))?;
    let program = PathBuf::from(String::from_utf8_lossy(&said.stdout).trim());
    if program.exists() {
        return Ok(program);
    }
    Err(EmulatorError::NotRunning(
        String::from_utf8_lossy(&said.stderr).into_owned(),
    ))
}

impl Emulator {
    /// Starts the emulator at `program`. The function's environment will be `settings` and what Lambda adds, no more.
    pub async fn start(program: &Path, settings: BTreeMap<String, String>) -> Result<Self, EmulatorError> {
        let folder = tempfile::tempdir().map_err(system("a folder for the emulator"))?;
        let log = File::create(folder.path().join("log")).map_err(system("a log for the emulator"))?;
        let errors = log.try_clone().map_err(system("a log for the emulator"))?;
        // Free ports of the system's choice: nobody else can have them.
        let process = Command::new(program)
            .args(["--runtime-interface-emulator-address", &format!("{FRONT}:0")])
            .args(["--runtime-api-address", &format!("{RUNTIME_API}:0")])
            .arg("/bin/sh")
            .arg(folder.path().join("bootstrap"))
            .env_clear()
            .envs(settings)
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(system(&program.display().to_string()))?;
        let mut emulator = Self {
            process,
            front: (FRONT, 0).into(),
            runtime_api: (RUNTIME_API, 0).into(),
            client: Client::new(),
            folder,
        };
        emulator.front = emulator.listening_on(FRONT).await?;
        emulator.runtime_api = emulator.listening_on(RUNTIME_API).await?;
        Ok(emulator)
    }

    /// Where the function will have to ask for work.
    #[must_use]
    pub fn runtime_api(&self) -> SocketAddr {
        self.runtime_api
    }

    /// Says what is started as the function: a line for a shell that replaces itself. It asks for work at `runtime_api`; by
    /// itself the emulator would send it to port 0.
    pub fn put(&self, command: &str, runtime_api: SocketAddr) -> Result<(), EmulatorError> {
        let script = format!("export AWS_LAMBDA_RUNTIME_API={runtime_api}\nexec {command}\n");
        fs::write(self.folder.path().join("bootstrap"), script).map_err(system("the function's start"))
    }

    /// Invokes the function; what it answered.
    pub async fn invoke(&self, event: &Value) -> Result<Value, EmulatorError> {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.front);
        let body = Bytes::from(event.to_string());
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json");
        let response = request.body(body).send().await?.error_for_status()?;
        let answer: Value = response.json().await?;
        if answer.get("errorType").is_some() {
            return Err(EmulatorError::Failed(answer));
        }
        Ok(answer)
    }

    /// Whether the function logs these words, sooner or later ([`PATIENCE`]).
    pub async fn says(&self, words: &str) -> bool {
        until(|| self.log().contains(words).then_some(())).await.is_some()
    }

    /// What the emulator and its function have said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where the emulator listens on an address, once it does.
    async fn listening_on(&mut self, address: IpAddr) -> Result<SocketAddr, EmulatorError> {
        let process = &mut self.process;
        let listening = until(|| match process.try_wait() {
            Ok(None) => {
                let mut sockets = sockets(process.id()).into_iter();
                sockets.find(|at| at.ip() == address).map(Ok)
            }
            ended => Some(Err(format!("{ended:?}"))),
        });
        let found = listening
            .await
            .unwrap_or_else(|| Err(format!("it does not listen on {address}")));
        found.map_err(|how| EmulatorError::NotRunning(format!("{how}; {}", self.log())))
    }
}

impl Drop for Emulator {
    /// The emulator kills its function before it ends.
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

fn system(what: &str) -> impl FnOnce(io::Error) -> EmulatorError {
    let what = what.to_owned();
    move |error| EmulatorError::System(what, error)
}

/// Looks until something is found; what is looked for must come by itself.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.ok()
}

/// Where a process listens: the listening sockets of the system that are among its open files.
fn sockets(pid: u32) -> Vec<SocketAddr> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return Vec::new();
    };
    // A file may be closed meanwhile.
    let open: Vec<PathBuf> = files
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .collect();
    let table = fs::read_to_string(process.join("net/tcp")).unwrap_or_default();
    table
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let (address, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
            let ours = open
                .iter()
                .any(|file| file.as_os_str() == format!("socket:[{inode}]").as_str());
            (*state == "0A" && ours)
                .then(|| socket_address(address))
                .flatten()
        })
        .collect()
}

/// `0100007F:1F90` is 127.0.0.1:8080: the address as it stands in memory, the port as a number.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let ip = u32::from_str_radix(ip, 16).ok()?.to_ne_bytes();
    Some((ip, u16::from_str_radix(port, 16).ok()?).into())
}
