//! A process that is kept running: started again when it dies, ended in order at the end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Child;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Tell;

/// The pause before a process that died is started again, at first and at most.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A process that ran this long was well: its next death counts as the first.
const WELL: Duration = Duration::from_secs(30);

/// How long a process may take to end in order before it is killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// The signal that ends a process in order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    Interrupt,
    Terminate,
}

/// The handle on a kept process.
pub(super) struct Process {
    stop: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

impl Process {
    /// Starts what `command` makes, anew each time it dies, with its output in `log`.
    pub(super) fn keep(
        name: &'static str,
        log: PathBuf,
        ending: Ending,
        tell: Tell,
        command: impl Fn() -> Command + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let keeper = Keeper {
            name,
            log,
            ending,
            tell,
        };
        Self {
            stop,
            keeper: tokio::spawn(keeper.keep(command, stopped)),
        }
    }

    /// Ends the process and waits until it is gone.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // It ends by itself once asked; a panic in it has been printed already.
        let _ = self.keeper.await;
    }
}

struct Keeper {
    name: &'static str,
    log: PathBuf,
    ending: Ending,
    tell: Tell,
}

impl Keeper {
    async fn keep(self, command: impl Fn() -> Command, mut stopped: oneshot::Receiver<()>) {
        let mut pause = SHORTEST_PAUSE;
        let mut first = true;
        loop {
            let started = Instant::now();
            let ended = match spawn(command(), &self.log, first) {
                Ok(mut child) => tokio::select! {
                    status = child.wait() => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
                    _ = &mut stopped => return self.end(child).await,
                },
                Err(error) => error.to_string(),
            };
            first = false;
            if started.elapsed() > WELL {
                pause = SHORTEST_PAUSE;
            }
            (self.tell)(&format!(
                "{} ended ({ended}): started again, its log is {}",
                self.name,
                self.log.display()
            ));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = &mut stopped => return,
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    async fn end(&self, mut child: Child) {
        let Some(group) = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
        else {
            return;
        };
        let signal = match self.ending {
            Ending::Interrupt => Signal::INT,
            Ending::Terminate => Signal::TERM,
        };
        // It may have ended meanwhile, which is what we want.
        let _ = kill_process(group, signal);
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            (self.tell)(&format!("{} does not end and is killed", self.name));
            let _ = kill_process_group(group, Signal::KILL);
            let _ = child.wait().await;
        }
    }
}

/// A process group of its own: Ctrl-C in the terminal reaches us alone, and we end the parts in order.
fn spawn(command: Command, log: &Path, fresh: bool) -> io::Result<Child> {
    let mut options = File::options();
    options.create(true).append(true);
    let output = options.open(log)?;
    if fresh {
        output.set_len(0)?;
    }
    let errors = output.try_clone()?;
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    command.process_group(0).kill_on_drop(true).spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_dies_is_started_again_and_ends_when_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // Dies at its first start, then stays until it is told to end.
        let mark = folder.path().join("mark");
        let script = format!(
            "echo started; [ -e {0} ] || {{ touch {0}; exit 7; }}; trap 'echo ended; exit 0' TERM; while :; do sleep 0.01; done",
            mark.display()
        );
        let process = Process::keep(
            "a process",
            log.clone(),
            Ending::Terminate,
            |_| (),
            move || {
                let mut command = Command::new("sh");
                command.args(["-c", &script]);
                command
            },
        );

        until_log(&log, "started\nstarted\n").await;
        process.stop().await;

        assert_eq!(
            std::fs::read_to_string(&log).unwrap(),
            "started\nstarted\nended\n"
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_does_not_hold_up_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let command = move || Command::new(&missing);
        let process = Process::keep(
            "a process",
            folder.path().join("log"),
            Ending::Interrupt,
            |_| (),
            command,
        );
        tokio::task::yield_now().await;
        process.stop().await;
    }

    /// Waits until the log says just this.
    async fn until_log(log: &Path, wanted: &str) {
        let read = || std::fs::read_to_string(log).unwrap_or_default();
        let written = async {
            while read() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let outcome = tokio::time::timeout(Duration::from_secs(30), written).await;
        assert!(outcome.is_ok(), "the log still says: {}", read());
    }
}
