//! `make run`: the whole system on this machine, started in order, kept alive, ended in order.
//!
//! The processes are those of a deployment as far as they can be: a real PostgreSQL, the functions as real Lambda binaries
//! under `cargo lambda watch`, reached as by function URLs. Google and EventBridge are stood in for. State is kept in `.local/` of the project, or in
//! the folder that `LOCAL_FOLDER` names.

mod cargo;
mod database;
mod environment;
mod front;
mod invoke;
mod payload;
mod ports;
mod process;
mod secrets;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::postgres::PostgresError;
use environment::Environment;
use front::Front;
pub use invoke::{InvokeError, invoke};
use ports::Ports;
use process::{Ending, Process};
use secrets::Secrets;

/// How long one part may take until it answers. The functions are built before.
const START_LIMIT: Duration = Duration::from_mins(2);

/// How many requests to one function run at once; more wait their turn. Each is a process, started when it is needed, and
/// a connection to the database.
const CONCURRENCY: &str = "10";

/// How long a caller waits for a function, in seconds: longer than any function may run.
const CALLER_WAITS: &str = "150";

/// Why the stack did not start: one line for the person who typed `make run`.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// Another program listens where we want to.
    #[error("port {port} is taken ({part}): end what uses it, or choose another with {setting}=PORT")]
    PortTaken {
        /// The port.
        port: u16,
        /// What would listen there.
        part: &'static str,
        /// The variable that moves it.
        setting: &'static str,
    },
    /// A variable of ours holds nonsense.
    #[error("{0} should be {1}")]
    Setting(&'static str, &'static str),
    /// A part was started and does not answer.
    #[error("{part} does not answer; its log is {}", log.display())]
    NotReady {
        /// The part.
        part: &'static str,
        /// Where it logs to.
        log: PathBuf,
    },
    /// The database could not be brought up to date.
    #[error("migrate failed: {0}")]
    Migrate(String),
    /// The database server.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// A file, folder or process could not be had.
    #[error("{0}: {1}")]
    System(String, io::Error),
}

/// Something to tell the person at the terminal.
pub type Tell = fn(&str);

/// Runs everything until a signal ends it.
pub async fn run(tell: Tell) -> Result<(), StackError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| system("signals", error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| system("signals", error))?;
    let mut stack = Stack::new(tell)?;
    let outcome = tokio::select! {
        outcome = stack.start() => outcome,
        _ = interrupt.recv() => { stack.stop().await; return Ok(()) }
        _ = terminate.recv() => { stack.stop().await; return Ok(()) }
    };
    if outcome.is_ok() {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tell("\nstopping");
    }
    stack.stop().await;
    outcome
}

struct Stack {
    tell: Tell,
    ports: Ports,
    folder: PathBuf,
    /// Where cargo puts the binaries, ourselves among them.
    binaries: PathBuf,
    secrets: Secrets,
    /// In the order of their start.
    processes: Vec<Process>,
    /// The API's port.
    front: Option<Front>,
}

impl Stack {
    fn new(tell: Tell) -> Result<Self, StackError> {
        let ports = Ports::from_environment()?;
        let folder = folder()?;
        let logs = folder.join("log");
        fs::create_dir_all(&logs).map_err(|error| system(&logs.display().to_string(), error))?;
        let ourselves = std::env::current_exe().map_err(|error| system("our own path", error))?;
        let binaries = ourselves.parent().unwrap_or(Path::new(".")).to_owned();
        let secrets =
            Secrets::open(&folder.join("secrets.json")).map_err(|error| system("secrets", error))?;
        Ok(Self {
            tell,
            ports,
            folder,
            binaries,
            secrets,
            processes: Vec::new(),
            front: None,
        })
    }

    async fn start(&mut self) -> Result<(), StackError> {
        let mut environment = Environment::new(self.ports, &self.secrets);
        self.ports
            .check(environment.own_database(), environment.stand_in())?;
        if environment.own_database() {
            let database = self.start_database().await?;
            environment.set("DATABASE_URL", &database);
        }
        self.migrate(&environment).await?;
        if environment.stand_in() {
            let account = self.start_google().await?;
            environment.set("GOOGLE_SERVICE_ACCOUNT_JSON", &account);
        }
        self.start_bus(&environment).await?;
        let log = self.start_functions(&environment)?;
        self.open_front(log).await?;
        (self.tell)(&environment.summary(self.ports, &self.secrets, &self.folder));
        Ok(())
    }

    /// In the reverse order of the start, each only when the one before has ended.
    async fn stop(&mut self) {
        self.front = None;
        while let Some(process) = self.processes.pop() {
            process.stop().await;
        }
    }

    /// The URL of the database, once its server answers.
    async fn start_database(&mut self) -> Result<String, StackError> {
        let wanted = self.folder.join("postgres");
        let cluster = database::prepare(&wanted)?;
        if cluster.folder() != wanted {
            (self.tell)(&format!(
                "PostgreSQL keeps its data in {}",
                cluster.folder().display()
            ));
        }
        let port = self.ports.postgres;
        let command = move || cluster.server_command(port);
        // SIGINT: PostgreSQL cuts its sessions and ends in order. SIGTERM would wait for them.
        let log = self.keep("PostgreSQL", "postgres", Ending::Interrupt, command);
        until(|| database::open(port)).await.ok_or(StackError::NotReady {
            part: "PostgreSQL",
            log,
        })
    }

    async fn migrate(&self, environment: &Environment) -> Result<(), StackError> {
        let mut command = Command::new(self.binaries.join("migrate"));
        environment.apply(&mut command);
        let output = tokio::process::Command::from(command).output().await;
        let output = output.map_err(|error| system("migrate", error))?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            (self.tell)(&format!("migrate: {line}"));
        }
        if output.status.success() {
            return Ok(());
        }
        let message = String::from_utf8_lossy(&output.stderr);
        Err(StackError::Migrate(
            message.trim().trim_start_matches("migrate: ").to_owned(),
        ))
    }

    /// The key of the stand-in's service account, once it answers.
    async fn start_google(&mut self) -> Result<String, StackError> {
        let (program, port) = (self.binaries.join("local"), self.ports.google.to_string());
        let state = self.folder.join("google.json");
        let log = self.keep("the Google stand-in", "google", Ending::Terminate, move || {
            let mut command = Command::new(&program);
            command.args(["google", "--port", &port, "--state"]).arg(&state);
            command
        });
        let url = format!("http://127.0.0.1:{}/admin/service-account", self.ports.google);
        until(|| get(&url)).await.ok_or(StackError::NotReady {
            part: "the Google stand-in",
            log,
        })
    }

    async fn start_bus(&mut self, environment: &Environment) -> Result<(), StackError> {
        let program = self.binaries.join("local");
        let (port, functions) = (self.ports.bus.to_string(), self.ports.functions.to_string());
        let state = self.folder.join("bus.json");
        let settings = environment.clone();
        let log = self.keep("the event bus", "bus", Ending::Terminate, move || {
            let mut command = Command::new(&program);
            command
                .args(["bus", "--port", &port, "--functions-port", &functions, "--state"])
                .arg(&state);
            settings.apply(&mut command);
            command
        });
        let url = format!("http://127.0.0.1:{}/admin/rules", self.ports.bus);
        until(|| get(&url)).await.map(drop).ok_or(StackError::NotReady {
            part: "the event bus",
            log,
        })
    }

    /// cargo-lambda's server, which starts each function at its first invocation. Returns its log.
    fn start_functions(&mut self, environment: &Environment) -> Result<PathBuf, StackError> {
        let path = cargo::stand_in(&self.folder.join("bin"), &self.binaries)
            .map_err(|error| system("the functions' cargo", error))?;
        let program = cargo::lambda();
        let cargo = self.folder.join("bin/cargo");
        let (port, settings) = (self.ports.functions.to_string(), environment.clone());
        let log = self.keep("the functions", "functions", Ending::Interrupt, move || {
            let mut command = Command::new(&program);
            // The API answers CORS itself, and a restart is for the person to ask for, not for an open editor.
            command.args(["lambda", "watch", "--disable-cors", "--ignore-changes"]);
            command.args(["--invoke-address", "127.0.0.1", "--invoke-port", &port]);
            command.args(["--concurrency", CONCURRENCY, "--timeout", CALLER_WAITS]);
            settings.apply(&mut command);
            // The first of the two that is set decides which cargo is run.
            command.env("CARGO", &cargo).env("PATH", &path);
            // It is for the functions, which get it from that cargo; at `trace` this server would log their events.
            command.env_remove("RUST_LOG");
            command
        });
        Ok(log)
    }

    /// Opens the API's port and waits until the API answers there.
    async fn open_front(&mut self, log: PathBuf) -> Result<(), StackError> {
        let problems = self.folder.join("log/problems.log");
        let front = Front::listen(self.ports.api, self.ports.functions, &problems).await;
        self.front = Some(front.map_err(|error| system("the API's port", error))?);
        let url = format!("http://127.0.0.1:{}/health", self.ports.api);
        until(|| get(&url)).await.map(drop).ok_or(StackError::NotReady {
            part: "GET /health",
            log,
        })
    }

    /// Starts a process that is started again whenever it dies, and says where it logs to.
    fn keep(
        &mut self,
        name: &'static str,
        file: &str,
        ending: Ending,
        command: impl Fn() -> Command + Send + 'static,
    ) -> PathBuf {
        let log = self.folder.join("log").join(format!("{file}.log"));
        self.processes
            .push(Process::keep(name, log.clone(), ending, self.tell, command));
        log
    }
}

/// Where everything is kept.
fn folder() -> Result<PathBuf, StackError> {
    let project = std::env::current_dir().map_err(|error| system("current folder", error))?;
    Ok(project.join(std::env::var_os("LOCAL_FOLDER").unwrap_or_else(|| ".local".into())))
}

/// Asks again and again until there is an answer, or gives up.
async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> Option<T> {
    let started = Instant::now();
    while started.elapsed() < START_LIMIT {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// The body of a 200.
async fn get(url: &str) -> Option<String> {
    let request = reqwest::Client::new().get(url).timeout(Duration::from_mins(1));
    let response = request.send().await.ok()?.error_for_status().ok()?;
    response.text().await.ok()
}

fn system(what: &str, error: io::Error) -> StackError {
    StackError::System(what.to_owned(), error)
}
