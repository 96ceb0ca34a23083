//! The state file: what survives a restart.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::world::World;

pub(super) struct Store {
    path: PathBuf,
}

impl Store {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// What was saved; `None` when nothing was.
    pub(super) fn load(&self) -> io::Result<Option<World>> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes beside the file and renames, so that a reader finds the old state or the new one, never half of it.
    pub(super) fn save(&self, world: &World) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = self.path.with_extension("new");
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(world)?)?;
        file.flush()?;
        fs::rename(&fresh, &self.path)
    }
}
