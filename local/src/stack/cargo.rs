//! What cargo-lambda finds under the name of cargo.
//!
//! It starts a function by `cargo run --bin NAME`. Cargo would build it anew, with the features of that one package instead
//! of the workspace's, and wait for whatever else is being built. This stand-in starts what `make run` has built, in the
//! sandbox, and leaves everything else to cargo.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program that is `cargo lambda`.
pub(super) fn lambda() -> OsString {
    env::var_os("CARGO_LAMBDA").unwrap_or_else(|| "cargo-lambda".into())
}

/// Writes the stand-in into `folder` and returns the `PATH` on which it comes first.
pub(super) fn stand_in(folder: &Path, binaries: &Path) -> io::Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo = find(&path, folder)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "cargo is not on the PATH"))?;
    let script = folder.join("cargo");
    fs::create_dir_all(folder)?;
    fs::write(&script, text(binaries, &cargo))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let folders = std::iter::once(folder.to_owned()).chain(env::split_paths(&path));
    env::join_paths(folders).map_err(io::Error::other)
}

/// The real cargo.
fn find(path: &OsString, besides: &Path) -> Option<PathBuf> {
    env::split_paths(path)
        .filter(|folder| folder != besides)
        .map(|folder| folder.join("cargo"))
        .find(|file| file.is_file())
}

/// cargo-lambda names the function last.
fn text(binaries: &Path, cargo: &Path) -> String {
    let local = quoted(&binaries.join("local"));
    let binaries = quoted(binaries);
    let cargo = quoted(cargo);
    let level = env::var("RUST_LOG").map_or_else(
        |_| String::new(),
        |level| format!("export RUST_LOG={}\n", quote(&level)),
    );
    format!(
        "#!/bin/sh\n\
         # Made by `make run`: cargo for cargo-lambda, which starts functions by `cargo run ... --bin NAME`.\n\
         [ \"$1\" = run ] || exec {cargo} \"$@\"\n\
         for name; do :; done\n\
         {level}\
         exec {local} function {binaries}/\"$name\"\n"
    )
}

fn quoted(path: &Path) -> String {
    quote(&path.display().to_string())
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn run_starts_the_function_in_the_sandbox_and_the_rest_is_cargos() {
        let folder = tempfile::tempdir().unwrap();
        // A quote in the path must not end up in the shell's hands.
        let binaries = folder.path().join("it's here");
        let say = |file: &Path| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "#!/bin/sh\necho \"$(basename \"$0\")\" \"$@\"\n").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let (local, cargo) = (binaries.join("local"), folder.path().join("real/cargo"));
        say(&local);
        say(&cargo);
        let script = folder.path().join("cargo");
        fs::write(&script, text(&binaries, &cargo)).unwrap();
        let answer = |arguments: &[&str]| {
            let output = Command::new("sh").arg(&script).args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };

        let started = answer(&["run", "--color", "auto", "--bin", "scheduled-sync"]);
        assert_eq!(
            started,
            format!("local function {}/scheduled-sync\n", binaries.display())
        );
        assert_eq!(answer(&["metadata", "--offline"]), "cargo metadata --offline\n");
    }
}
