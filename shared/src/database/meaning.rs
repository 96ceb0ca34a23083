//! What we do about each parameter that libpq, a pooler or another driver may have put into a connection string.

/// What becomes of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// We give it its meaning.
    Ours,
    /// It is tokio-postgres' own business.
    PassedOn,
    /// It changes nothing that we rely on.
    WithoutEffect,
    /// With one of these values it changes nothing; any other we could not honour.
    OnlyWith(&'static [&'static str]),
}

/// What becomes of the parameter `name`; `None` if nobody knows it.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    use Meaning::{OnlyWith, Ours, PassedOn, WithoutEffect};
    Some(match name {
        "sslmode" | "sslrootcert" | "tcp_user_timeout" => Ours,

        "application_name"
        | "channel_binding"
        | "connect_timeout"
        | "dbname"
        | "host"
        | "hostaddr"
        | "keepalives"
        | "keepalives_idle"
        | "keepalives_interval"
        | "load_balance_hosts"
        | "options"
        | "password"
        | "port"
        | "sslnegotiation"
        | "target_session_attrs"
        | "user" => PassedOn,

        // libpq's tuning, and what other drivers read from the same string.
        "client_encoding"
        | "fallback_application_name"
        | "gssdelegation"
        | "gsslib"
        | "keepalives_count"
        | "krbsrvname"
        | "max_protocol_version"
        | "min_protocol_version"
        | "sslcompression"
        | "sslkeylogfile"
        | "sslsni"
        | "connection_limit"
        | "pgbouncer"
        | "pool_timeout"
        | "prepareThreshold"
        | "prepared_statements"
        | "socket_timeout"
        | "statement_cache_size"
        | "uselibpqcompat" => WithoutEffect,

        "gssencmode" => OnlyWith(&["disable", "prefer"]),
        "replication" => OnlyWith(&["false", "off", "no", "0"]),
        "requiressl" => OnlyWith(&["0"]),
        "schema" => OnlyWith(&["public"]),
        "ssl_max_protocol_version" => OnlyWith(&["", "TLSv1.3"]),
        "ssl_min_protocol_version" => OnlyWith(&["", "TLSv1", "TLSv1.1", "TLSv1.2"]),
        "passfile" | "require_auth" | "requirepeer" | "service" | "sslcert" | "sslcrl" | "sslcrldir"
        | "sslkey" | "sslpassword" => OnlyWith(&[""]),

        _ => return None,
    })
}
