//! TLS to the database: OpenSSL, by the policy that the connection string asks for.

use std::fs;
use std::path::PathBuf;

use native_tls::{Certificate, TlsConnector};
use postgres_native_tls::{MakeTlsConnector, set_postgresql_alpn};

use super::error::DatabaseError;

/// How the server proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsPolicy {
    pub(super) check: Check,
    pub(super) roots: Roots,
}

/// What of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: keeps eavesdroppers out, not impostors.
    Nothing,
    /// Who signed it, not whom it names.
    Chain,
    /// Who signed it and whom it names.
    ChainAndName,
}

/// Whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Everybody's whom the system trusts, or whom `SSL_CERT_FILE` names.
    System,
    /// Only those in this PEM file.
    File(PathBuf),
}

impl TlsPolicy {
    /// What does the handshakes. Reads root certificates, so it is made once for each series of tries.
    pub(super) fn connector(&self) -> Result<MakeTlsConnector, DatabaseError> {
        let mut builder = TlsConnector::builder();
        match self.check {
            Check::Nothing => {
                builder.danger_accept_invalid_certs(true);
                builder.danger_accept_invalid_hostnames(true);
            }
            Check::Chain => {
                builder.danger_accept_invalid_hostnames(true);
            }
            Check::ChainAndName => {}
        }
        if let Roots::File(path) = &self.roots
            && self.check != Check::Nothing
        {
            let pem =
                fs::read(path).map_err(|_| misconfigured("the file of `sslrootcert` cannot be read"))?;
            let roots = Certificate::stack_from_pem(&pem).unwrap_or_default();
            if roots.is_empty() {
                return Err(misconfigured(
                    "the file of `sslrootcert` holds no PEM certificates",
                ));
            }
            builder.disable_built_in_roots(true);
            for root in roots {
                builder.add_root_certificate(root);
            }
        }
        set_postgresql_alpn(&mut builder);
        let connector = builder
            .build()
            .map_err(|_| misconfigured("TLS cannot be set up on this machine"))?;
        Ok(MakeTlsConnector::new(connector))
    }
}

fn misconfigured(fault: &'static str) -> DatabaseError {
    DatabaseError::Misconfigured(fault.into())
}
