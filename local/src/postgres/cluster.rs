//! A data folder: made once by `initdb`, then opened by one server at a time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::Account;
use super::{Binaries, PostgresError, fingerprint};

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed is lost.
    Lasting,
    /// Everything may be lost, and commits do not wait for the disk.
    ThrowAway,
}

/// A data folder that is ready to be served.
#[derive(Debug, Clone)]
pub struct Cluster {
    folder: PathBuf,
    binaries: Binaries,
    account: Account,
    durability: Durability,
}

impl Cluster {
    /// Opens the data folder at `wanted`, making it first where there is none.
    ///
    /// As root the server runs as another user. When that user cannot enter `wanted`, the data is kept under `/var/lib`
    /// in a folder named after `wanted`: see [`Cluster::folder`].
    pub fn prepare(wanted: &Path, durability: Durability) -> Result<Self, PostgresError> {
        let account = Account::for_server()?;
        let folder = reachable(wanted, account)?;
        let binaries = match version_of(&folder) {
            None => Binaries::find()?,
            Some(major) => Binaries::find_major(major).ok_or_else(|| PostgresError::OtherVersion {
                folder: folder.clone(),
                wanted: major,
            })?,
        };
        let cluster = Self {
            folder,
            binaries,
            account,
            durability,
        };
        if version_of(&cluster.folder).is_none() {
            cluster.initialise()?;
        }
        Ok(cluster)
    }

    /// Where the data is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The installation that serves it.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The server, listening on `port` of the loopback interface only. `SIGINT` ends it in order.
    #[must_use]
    pub fn server_command(&self, port: u16) -> Command {
        let mut command = Command::new(self.binaries.program("postgres"));
        command.arg("-D").arg(&self.folder);
        command.args(["-p", &port.to_string(), "-c", "listen_addresses=localhost"]);
        // No socket file: its path may be too long, and two stacks would share the usual folder.
        command.args(["-c", "unix_socket_directories="]);
        if self.durability == Durability::ThrowAway {
            for setting in [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "max_connections=300",
            ] {
                command.args(["-c", setting]);
            }
        }
        self.account.apply(&mut command);
        command
    }

    /// Writes a file of the server's into the data folder, readable by the server alone.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), PostgresError> {
        let path = self.folder.join(name);
        let write = || {
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            self.account.own(&path)
        };
        write().map_err(PostgresError::file(&path))
    }

    /// Runs `initdb` beside the final place and moves the result there: a half-made folder never looks like data.
    fn initialise(&self) -> Result<(), PostgresError> {
        let draft = self.folder.with_extension("new");
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(PostgresError::file(&draft))?;
        }
        fs::create_dir_all(&draft).map_err(PostgresError::file(&draft))?;
        self.account.own(&draft).map_err(PostgresError::file(&draft))?;
        let mut command = Command::new(self.binaries.program("initdb"));
        command.arg("-D").arg(&draft);
        command.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
        ]);
        if self.durability == Durability::ThrowAway {
            command.arg("--no-sync");
        }
        self.account.apply(&mut command);
        run(&mut command)?;
        fs::rename(&draft, &self.folder).map_err(PostgresError::file(&self.folder))
    }
}

/// `wanted`, or a stand-in for it that `account` can enter. Either way its parent exists.
fn reachable(wanted: &Path, account: Account) -> Result<PathBuf, PostgresError> {
    let parent = wanted.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(PostgresError::file(parent))?;
    let parent = parent.canonicalize().map_err(PostgresError::file(parent))?;
    let wanted = parent.join(wanted.file_name().unwrap_or_default());
    if account.can_enter(&parent) {
        return Ok(wanted);
    }
    let name = fingerprint([wanted.as_os_str().as_encoded_bytes()]);
    Ok(PathBuf::from("/var/lib").join(format!("appointment-sync-{name}")))
}

/// The major version that a finished data folder was made by.
fn version_of(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join("PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn run(command: &mut Command) -> Result<(), PostgresError> {
    let program = command.get_program().display().to_string();
    let failed = |output: String| PostgresError::Program {
        program: program.clone(),
        output,
    };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(
        String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; "),
    ))
}
