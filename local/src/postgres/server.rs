//! A running server.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio_postgres::NoTls;

use super::{Cluster, PostgresError};

/// How long a server may take until it answers: recovery after a crash is the slow case.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A server that has answered. Dropped without [`Server::stop`], it is killed as by a power cut.
#[derive(Debug)]
pub struct Server {
    cluster: Cluster,
    port: u16,
    log: PathBuf,
    process: Child,
}

impl Server {
    /// Serves `cluster` on `port` of the loopback interface and waits until it answers.
    pub async fn start(cluster: Cluster, port: u16, log: &Path) -> Result<Self, PostgresError> {
        let process = spawn(&cluster, port, log)?;
        let mut server = Self {
            cluster,
            port,
            log: log.to_owned(),
            process,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The installation that serves, for tests that need another of its programs.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Ends the server in order: sessions are cut, everything is on disk.
    pub async fn stop(&mut self) -> Result<(), PostgresError> {
        self.end(Signal::INT).await
    }

    /// Ends the server at once, as a crash would; the next start recovers.
    pub async fn crash(&mut self) -> Result<(), PostgresError> {
        self.end(Signal::QUIT).await
    }

    /// Serves the same data on the same port again, after [`Server::stop`] or [`Server::crash`].
    pub async fn start_again(&mut self) -> Result<(), PostgresError> {
        self.process = spawn(&self.cluster, self.port, &self.log)?;
        self.wait_until_ready().await
    }

    async fn end(&mut self, signal: Signal) -> Result<(), PostgresError> {
        let pid = self
            .process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // The process may have ended by itself meanwhile, which is what we want.
            let _ = kill_process(pid, signal);
        }
        self.process
            .wait()
            .await
            .map_err(PostgresError::file(&self.log))?;
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> Result<(), PostgresError> {
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/postgres?connect_timeout=2",
            self.port
        );
        let started = Instant::now();
        loop {
            let ended = self
                .process
                .try_wait()
                .map_err(PostgresError::file(&self.log))?
                .is_some();
            let last = match tokio_postgres::connect(&url, NoTls).await {
                Ok(_) if !ended => return Ok(()),
                Ok(_) => "another server answers on its port".to_owned(),
                Err(error) => last_line(&self.log).unwrap_or_else(|| error.to_string()),
            };
            if ended || started.elapsed() > START_LIMIT {
                return Err(PostgresError::NotStarted {
                    log: self.log.clone(),
                    last,
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn spawn(cluster: &Cluster, port: u16, log: &Path) -> Result<Child, PostgresError> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .map_err(PostgresError::file(log))?;
    let errors = file.try_clone().map_err(PostgresError::file(log))?;
    // A process group of its own: Ctrl-C in the terminal reaches us, and we end the server in order.
    let mut command = Command::from(cluster.server_command(port));
    command
        .stdin(std::process::Stdio::null())
        .stdout(file)
        .stderr(errors)
        .process_group(0)
        .kill_on_drop(true);
    command
        .spawn()
        .map_err(PostgresError::file(&cluster.binaries().program("postgres")))
}

fn last_line(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    text.lines()
        .rev()
        .find(|line| line.contains("FATAL") || line.contains("HINT"))
        .map(str::to_owned)
}
