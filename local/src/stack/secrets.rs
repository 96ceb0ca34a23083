//! What is made once and kept in `.local/`: the API key of whoever uses this machine, and the webhook's secret.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Secrets {
    pub(super) api_key: String,
    pub(super) webhook_secret: String,
}

impl Secrets {
    /// Those of last time, or new ones.
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        if file.exists() {
            return Ok(serde_json::from_str(&fs::read_to_string(file)?)?);
        }
        let secrets = Self {
            api_key: format!("local_{}", random()),
            webhook_secret: random(),
        };
        let mut output = fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        output.write_all(&serde_json::to_vec_pretty(&secrets)?)?;
        Ok(secrets)
    }

    /// The value of `API_KEYS`: the functions get to know the hash of the key only.
    pub(super) fn api_keys(&self) -> String {
        format!("local:appointments+calendar:{}", hash(&self.api_key))
    }
}

/// A key as `API_KEYS` has it: its SHA-256 in hex.
pub(super) fn hash(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    let hex: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.concat()
}

/// 244 random bits in hex: two version-4 UUIDs.
fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
