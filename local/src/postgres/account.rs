//! Who runs the server: `initdb` and `postgres` refuse root, so as root they run as a user who owns nothing else.

use std::io;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use super::PostgresError;

/// The account that owns the data folder and runs the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account {
    /// We are not root: the server is ours.
    Ours,
    /// We are root and hand over to this user.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Ourselves, or as root the first of `postgres` and `nobody` that exists.
    pub(super) fn for_server() -> Result<Self, PostgresError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ours);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(look_up)
            .ok_or(PostgresError::NoAccount)
    }

    /// Makes `command` run as this account, from a folder that every account can enter.
    pub(super) fn apply(self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        command.current_dir("/");
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a file or folder that we made to this account.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Ours => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Whether this account may enter `folder`: root's home is closed to others.
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        let mut probe = Command::new("test");
        probe.arg("-x").arg(folder);
        self.apply(&mut probe);
        probe.status().is_ok_and(|status| status.success())
    }
}

fn look_up(name: &str) -> Option<Account> {
    let number = |flag: &str| -> Option<u32> {
        let output = Command::new("id").args([flag, name]).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    Some(Account::Other {
        uid: number("-u")?,
        gid: number("-g")?,
    })
}
