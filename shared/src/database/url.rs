//! `DATABASE_URL`: a libpq connection string, with the meaning that libpq gives it.
//!
//! tokio-postgres knows fewer parameters than libpq and refuses the others, `sslmode=verify-full` and `sslrootcert` among
//! them. Those are taken out here and become the [`TlsPolicy`]; those that cannot matter to us are dropped; those that
//! would matter but cannot be honoured are an error.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::meaning::{Meaning, meaning};
use super::parameters::{ConnectionString, Parameter};
use super::tls::{Check, Roots, TlsPolicy};

/// For one address, unless the string says otherwise.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long sent data may stay unacknowledged before the connection counts as dead, unless the string says otherwise:
/// the peer of a process that was frozen may have vanished without a word.
const UNACKNOWLEDGED_LIMIT: Duration = Duration::from_secs(5);

/// Where the database is and how to connect to it.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) config: Config,
    pub(super) tls: TlsPolicy,
}

/// What is wrong with a connection string. Says where, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Not a connection string at all.
    #[error("is not of the form postgres://user:password@host/name?sslmode=require")]
    Form,
    /// It names no host.
    #[error("names no host")]
    NoHost,
    /// A value that its parameter cannot have.
    #[error("has a bad value for `{0}`")]
    Value(String),
    /// A libpq parameter that would change what we do and that we cannot honour.
    #[error("has `{0}`, which is not supported")]
    Unsupported(String),
    /// Neither libpq nor we know it. Not named: a password with a `?` in it would end up here.
    #[error(
        "has an unknown parameter, number {0} of its parameters; in a password, `?` and `&` are written %3F and %26"
    )]
    Unknown(usize),
    /// Two parameters that contradict each other.
    #[error("has `sslrootcert=system`, which needs `sslmode=verify-full`")]
    SystemRootsUnverified,
}

impl DatabaseUrl {
    /// Reads a connection string as pasted from the Neon console (pooled or direct), or of libpq's key-value form.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let mut string = ConnectionString::split(text)?;
        check(string.parameters())?;
        let others = string.take(|name| !matches!(meaning(name), Some(Meaning::PassedOn)));
        let last = |name| others.iter().rfind(|parameter| parameter.name == name);

        let (check, mode) = ssl_mode(last("sslmode"), last("sslrootcert"))?;
        let mut config = string.config()?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(DatabaseUrlError::NoHost);
        }
        config.ssl_mode(mode);
        let local = |host: &Host| !matches!(host, Host::Tcp(_));
        if !config.get_hosts().is_empty() && config.get_hosts().iter().all(local) {
            // As in libpq: there is no TLS on a socket of this machine.
            config.ssl_mode(SslMode::Disable);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_LIMIT);
        }
        config.tcp_user_timeout(match last("tcp_user_timeout") {
            Some(limit) => Duration::from_millis(limit.value.parse().map_err(|_| bad(limit))?),
            None => UNACKNOWLEDGED_LIMIT,
        });
        Ok(Self {
            config,
            tls: TlsPolicy {
                check,
                roots: roots(last("sslrootcert")),
            },
        })
    }

    /// Reads a connection string and leaves Neon's pooler out of the way: what migrates needs a session of its own. Any other
    /// string is taken as it is.
    ///
    /// <https://neon.com/docs/connect/connection-pooling>
    pub fn parse_direct(text: &str) -> Result<Self, DatabaseUrlError> {
        Self::parse(&without_pooler(text))
    }
}

/// Neon's pooled host is the direct one with `-pooler` after its first label.
fn without_pooler(text: &str) -> Cow<'_, str> {
    const POOLER: &str = "-pooler.";
    let direct = text.find(POOLER).and_then(|at| {
        let rest = &text[at + POOLER.len()..];
        let host = rest.split(['/', ':', '?', ',', ' ']).next()?;
        host.ends_with(".neon.tech")
            .then(|| format!("{}.{rest}", &text[..at]))
    });
    direct.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Refuses what we do not know or cannot honour.
fn check(parameters: &[Parameter]) -> Result<(), DatabaseUrlError> {
    for (index, parameter) in parameters.iter().enumerate() {
        match meaning(&parameter.name) {
            None => return Err(DatabaseUrlError::Unknown(index + 1)),
            Some(Meaning::OnlyWith(values)) if !values.contains(&parameter.value.as_str()) => {
                return Err(DatabaseUrlError::Unsupported(parameter.name.clone()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// How the server's certificate is checked, and whether TLS is insisted on.
///
/// One meaning is stricter than libpq's: with `require` libpq takes any certificate, and so hands the password to whoever
/// stands in the way. Here it is checked like `verify-full`, or like `verify-ca` when there is an `sslrootcert` (as libpq
/// does too, in that case).
fn ssl_mode(
    mode: Option<&Parameter>,
    root: Option<&Parameter>,
) -> Result<(Check, SslMode), DatabaseUrlError> {
    let system = root.is_some_and(|root| root.value == "system");
    let Some(mode) = mode else {
        return Ok(if system {
            (Check::ChainAndName, SslMode::Require)
        } else {
            (Check::Nothing, SslMode::Prefer)
        });
    };
    if system && mode.value != "verify-full" {
        return Err(DatabaseUrlError::SystemRootsUnverified);
    }
    Ok(match mode.value.as_str() {
        "disable" => (Check::Nothing, SslMode::Disable),
        "allow" | "prefer" => (Check::Nothing, SslMode::Prefer),
        "require" if root.is_none() => (Check::ChainAndName, SslMode::Require),
        "require" | "verify-ca" => (Check::Chain, SslMode::Require),
        "verify-full" => (Check::ChainAndName, SslMode::Require),
        _ => return Err(bad(mode)),
    })
}

fn roots(root: Option<&Parameter>) -> Roots {
    match root.map(|root| root.value.as_str()) {
        None | Some("system" | "") => Roots::System,
        Some(file) => Roots::File(PathBuf::from(file)),
    }
}

fn bad(parameter: &Parameter) -> DatabaseUrlError {
    DatabaseUrlError::Value(parameter.name.clone())
}

impl fmt::Debug for DatabaseUrl {
    /// Shows nothing: neither the password nor where the database is belongs in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseUrl").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::ChannelBinding;

    use super::*;

    fn parse(parameters: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
        DatabaseUrl::parse(&format!(
            "postgresql://clinic:s3cret@db.example.com/clinic?{parameters}"
        ))
    }

    fn policy(parameters: &str) -> (SslMode, Check, Roots) {
        let url = parse(parameters).unwrap_or_else(|error| panic!("{parameters}: {error}"));
        (url.config.get_ssl_mode(), url.tls.check, url.tls.roots)
    }

    #[test]
    fn a_neon_url_is_taken_as_pasted() {
        let url = DatabaseUrl::parse(
            " postgresql://clinic_owner:npg_s3cret@ep-cool-1-pooler.ap-southeast-1.aws.example.com/clinic\
             ?sslmode=require&channel_binding=require&options=endpoint%3Dep-cool-1\n",
        )
        .unwrap();
        assert_eq!(url.config.get_user(), Some("clinic_owner"));
        assert_eq!(url.config.get_options(), Some("endpoint=ep-cool-1"));
        assert_eq!(url.config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(url.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(url.tls.check, Check::ChainAndName);
    }

    #[test]
    fn what_migrates_goes_past_neons_pooler() {
        for (text, direct) in [
            (
                "postgres://u:p@ep-cool-1-pooler.us-east-1.aws.neon.tech/clinic?sslmode=require",
                "postgres://u:p@ep-cool-1.us-east-1.aws.neon.tech/clinic?sslmode=require",
            ),
            (
                "host=ep-cool-1-pooler.us-east-1.aws.neon.tech dbname=clinic",
                "host=ep-cool-1.us-east-1.aws.neon.tech dbname=clinic",
            ),
            (
                "postgres://u:p@ep-cool-1-pooler.us-east-1.aws.neon.tech:5432/clinic",
                "postgres://u:p@ep-cool-1.us-east-1.aws.neon.tech:5432/clinic",
            ),
        ] {
            assert_eq!(without_pooler(text), direct);
        }
        for other in [
            "postgres://u:p@ep-cool-1.us-east-1.aws.neon.tech/clinic",
            "postgres://u:p@db-pooler.example.com/clinic",
            "postgres://u:p-pooler.x@db.example.com/clinic",
            "",
        ] {
            assert_eq!(without_pooler(other), other);
        }
    }

    #[test]
    fn sslmode_means_what_libpq_means_and_require_is_checked() {
        use Check::{Chain, ChainAndName, Nothing};
        let file = || Roots::File(PathBuf::from("/etc/ca.pem"));
        for (parameters, expected) in [
            ("", (SslMode::Prefer, Nothing, Roots::System)),
            ("sslmode=disable", (SslMode::Disable, Nothing, Roots::System)),
            ("sslmode=allow", (SslMode::Prefer, Nothing, Roots::System)),
            ("sslmode=prefer", (SslMode::Prefer, Nothing, Roots::System)),
            ("sslmode=require", (SslMode::Require, ChainAndName, Roots::System)),
            (
                "sslmode=require&sslrootcert=/etc/ca.pem",
                (SslMode::Require, Chain, file()),
            ),
            (
                "sslmode=verify-ca&sslrootcert=/etc/ca.pem",
                (SslMode::Require, Chain, file()),
            ),
            (
                "sslmode=verify-full",
                (SslMode::Require, ChainAndName, Roots::System),
            ),
            (
                "sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
                (SslMode::Require, ChainAndName, file()),
            ),
            (
                "sslmode=verify-full&sslrootcert=system",
                (SslMode::Require, ChainAndName, Roots::System),
            ),
            (
                "sslrootcert=system",
                (SslMode::Require, ChainAndName, Roots::System),
            ),
            (
                "sslmode=disable&sslmode=require",
                (SslMode::Require, ChainAndName, Roots::System),
            ),
        ] {
            assert_eq!(policy(parameters), expected, "{parameters}");
        }
    }

    #[test]
    fn key_values_and_sockets_are_understood() {
        let url = DatabaseUrl::parse("host=/run/postgresql dbname=clinic sslmode=require").unwrap();
        assert_eq!(url.config.get_ssl_mode(), SslMode::Disable);
        let url = DatabaseUrl::parse("host=h user=u password='a b' tcp_user_timeout=1500").unwrap();
        assert_eq!(url.config.get_password(), Some(b"a b".as_slice()));
        assert_eq!(
            url.config.get_tcp_user_timeout(),
            Some(&Duration::from_millis(1500))
        );
    }

    #[test]
    fn what_cannot_hurt_is_ignored_and_what_can_is_refused() {
        assert!(parse("pgbouncer=true&pool_timeout=10&gssencmode=prefer&schema=public").is_ok());
        for name in [
            "gssencmode",
            "sslcert",
            "schema",
            "service",
            "ssl_min_protocol_version",
        ] {
            let refused = parse(&format!("{name}=TLSv1.3require")).unwrap_err();
            assert_eq!(refused, DatabaseUrlError::Unsupported(name.to_owned()));
        }
        for parameters in [
            "sslmode=always",
            "channel_binding=maybe",
            "connect_timeout=soon",
            "port=x",
        ] {
            let name = parameters.split('=').next().unwrap_or_default().to_owned();
            assert_eq!(parse(parameters).unwrap_err(), DatabaseUrlError::Value(name));
        }
        assert_eq!(
            parse("sslmode=require&sslrootcert=system").unwrap_err(),
            DatabaseUrlError::SystemRootsUnverified
        );
    }

    #[test]
    fn no_fault_shows_what_stands_in_the_string() {
        for text in [
            "postgres://clinic:s3cret?s3cret=1@db.example.com/clinic",
            "postgres://clinic:s3cret@db.example.com:s3cret/clinic",
            "postgres://clinic:s3cret@db.example.com/clinic?sslmode=s3cret",
            "postgres://clinic:s3cret@db.example.com/clinic?s3cret",
            "postgres:///s3cret",
            "s3cret",
            "user=s3cret",
            "",
        ] {
            let error = DatabaseUrl::parse(text).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("s3cret"),
                "{text}: {error}"
            );
        }
        let url = parse("").unwrap();
        assert_eq!(format!("{url:?}"), "DatabaseUrl { .. }");
    }
}
