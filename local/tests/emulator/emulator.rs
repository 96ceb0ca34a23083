//! AWS's runtime interface emulator with one function in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::sam;

/// Where the emulator takes invocations.
const FRONT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where the function asks for work. Another address of the loopback interface, by which the two ports are told apart.
const RUNTIME_API: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// How long a test waits for what must come by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running emulator. Its function is started by the first invocation, and both end with this.
pub(crate) struct Emulator {
    process: Child,
    front: SocketAddr,
    client: Client,
    /// What is started as the function, and what both have said.
    folder: TempDir,
}

impl Emulator {
    /// Puts a function into an emulator, with these settings and no others.
    pub(crate) async fn start(function: &str, settings: BTreeMap<String, String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("bootstrap");
        let log = File::create(folder.path().join("log")).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_local")).with_file_name(function);
        assert!(
            binary.exists(),
            "{} is not built: `make test` builds it",
            binary.display()
        );
        // Free ports of the system's choice: nobody else can have them.
        let process = Command::new(sam::emulator())
            .args(["--runtime-interface-emulator-address", &format!("{FRONT}:0")])
            .args(["--runtime-api-address", &format!("{RUNTIME_API}:0")])
            .arg("/bin/sh")
            .arg(&bootstrap)
            .env_clear()
            .envs(settings)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut emulator = Self {
            process,
            front: (FRONT, 0).into(),
            client: Client::new(),
            folder,
        };
        emulator.front = emulator.listening_on(FRONT).await;
        let runtime_api = emulator.listening_on(RUNTIME_API).await;
        // The emulator itself would send the function to port 0.
        let script = format!(
            "export AWS_LAMBDA_RUNTIME_API={runtime_api}\nexec '{}'\n",
            binary.display()
        );
        fs::write(&bootstrap, script).unwrap();
        emulator
    }

    /// Invokes the function; what it answered.
    pub(crate) async fn invoke(&self, event: &Value) -> Value {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.front);
        let response = self.client.post(url).json(event).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        assert!(answer.get("errorType").is_none(), "the function failed: {answer}");
        answer
    }

    /// Where the emulator listens on an address, once it does.
    async fn listening_on(&mut self, address: IpAddr) -> SocketAddr {
        until(|| {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "the emulator ended: {ended:?}");
            let mut sockets = sockets(self.process.id()).into_iter();
            sockets.find(|at| at.ip() == address)
        })
        .await
        .unwrap_or_else(|| panic!("the emulator does not listen on {address}"))
    }

    /// Waits until the function has logged these words.
    pub(crate) async fn says(&self, words: &str) {
        let said = until(|| self.log().contains(words).then_some(())).await;
        assert!(said.is_some(), "the function does not say '{words}'");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    #[expect(clippy::print_stderr, reason = "it is what a failed test has to say")]
    fn show_log(&self) {
        eprintln!("{}", self.log());
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
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

/// Looks until something is found; what is looked for must come by itself.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::task::yield_now().await;
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
