//! Finds the server's programs, wherever the system's packager put them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PostgresError;

/// Folders of which any entry may be one version's installation, and where in it the programs are.
const INSTALLATIONS: [(&str, &str, &str); 6] = [
    // Debian and Ubuntu keep the server's programs off the PATH.
    ("/usr/lib/postgresql", "", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/usr", "pgsql-", "bin"),
];

/// One installation of the PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The newest server on this machine.
    pub fn find() -> Result<Self, PostgresError> {
        let folders = candidates();
        newest(&folders).ok_or_else(|| PostgresError::NotFound {
            looked: list(&folders),
        })
    }

    /// The server of one major version: that of the data folder to be opened.
    #[must_use]
    pub fn find_major(major: u32) -> Option<Self> {
        candidates()
            .iter()
            .filter_map(|folder| installed(folder))
            .find(|found| found.major == major)
    }

    /// The full path of `program`.
    #[must_use]
    pub fn program(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// The folder of the programs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Every folder worth a look, existing or not, without repetition.
fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, below) in INSTALLATIONS {
        folders.extend(versions_in(Path::new(parent), prefix, below));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| !folder.as_os_str().is_empty() && seen.insert(folder.clone()));
    folders
}

fn versions_in(parent: &Path, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(below))
        .collect()
}

fn newest(folders: &[PathBuf]) -> Option<Binaries> {
    folders
        .iter()
        .filter_map(|folder| installed(folder))
        .max_by_key(|found| found.major)
}

/// A folder counts only when it holds both programs: a PATH folder may hold `psql` and Debian's wrappers alone.
fn installed(folder: &Path) -> Option<Binaries> {
    if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries {
        folder: folder.to_owned(),
        major,
    })
}

/// The major version in `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` or `postgres (PostgreSQL) 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn list(folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    folders.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn reads_the_major_version_of_releases_and_betas() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("pg_wrapper: no version"), None);
    }

    #[test]
    fn the_newest_complete_installation_wins() {
        let machine = tempfile::tempdir().unwrap();
        let old = install(machine.path(), "14", &["initdb", "postgres"]);
        let new = install(machine.path(), "16", &["initdb", "postgres"]);
        let wrappers = install(machine.path(), "99", &["psql", "postgres"]);

        let found = newest(&[wrappers, new.clone(), old, machine.path().join("absent")]);

        assert_eq!(
            found,
            Some(Binaries {
                folder: new,
                major: 16
            })
        );
    }

    #[test]
    fn versions_are_looked_for_under_a_prefix() {
        let machine = tempfile::tempdir().unwrap();
        let found = install(machine.path(), "postgresql@17/bin", &["initdb", "postgres"]);
        install(machine.path(), "openssl@3/bin", &["openssl"]);

        assert_eq!(versions_in(machine.path(), "postgresql", "bin"), vec![found]);
    }

    fn install(machine: &Path, folder: &str, programs: &[&str]) -> PathBuf {
        let version = folder
            .split(['/', '@'])
            .find_map(|part| part.parse::<u32>().ok())
            .unwrap_or(1);
        let folder = machine.join(folder);
        fs::create_dir_all(&folder).unwrap();
        for program in programs {
            let path = folder.join(program);
            fs::write(
                &path,
                format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}.1'\n"),
            )
            .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }
}
