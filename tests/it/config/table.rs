//! Broken configurations, one per line: what is set, the key to be named, a part of what is
//! expected instead.

pub(super) struct Case {
    pub(super) flags: &'static [&'static str],
    /// Without their `CHARTROOM_`.
    pub(super) variables: &'static [(&'static str, &'static str)],
    pub(super) key: &'static str,
    pub(super) hint: &'static str,
}

const fn variable(
    variables: &'static [(&'static str, &'static str)],
    key: &'static str,
    hint: &'static str,
) -> Case {
    Case {
        flags: &[],
        variables,
        key,
        hint,
    }
}

const fn flag(flags: &'static [&'static str], key: &'static str, hint: &'static str) -> Case {
    Case {
        flags,
        variables: &[],
        key,
        hint,
    }
}

const SMTP: (&str, &str) = ("SMTP_HOST", "mail.c4n4ry.example");
const FROM: (&str, &str) = ("MAIL_FROM", "room@c4n4ry.example");
const PUBLIC: (&str, &str) = ("PUBLIC_URL", "https://c4n4ry.example");
const ISSUER: (&str, &str) = ("OIDC_ISSUER", "https://login.c4n4ry.example");
const CLIENT: (&str, &str) = ("OIDC_CLIENT_ID", "c4n4ry");
const HOST: (&str, &str) = ("DATABASE_HOST", "db.c4n4ry.example");
const URL: (&str, &str) = ("DATABASE_URL", "postgres://app:c4n4ry@db.example/app");

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // Values of the wrong type, out of range, empty.
    variable(&[("LISTEN", "c4n4ry")], "LISTEN", "an IP address and a port"),
    variable(&[("LISTEN", "c4n4ry.example:8080")], "LISTEN", "an IP address and a port"),
    variable(&[("LISTEN", "127.0.0.1:98765")], "LISTEN", "an IP address and a port"),
    variable(&[("LISTEN", "")], "LISTEN", "an IP address and a port"),
    variable(&[("LISTEN", "192.0.2.98:18765")], "LISTEN", "an address of this machine"),
    variable(&[("OPS_LISTEN", "localhost:c4n4ry")], "OPS_LISTEN", "an IP address and a port"),
    variable(&[("PUBLIC_URL", "c4n4ry.example")], "PUBLIC_URL", "an origin"),
    variable(&[("PUBLIC_URL", "https://c4n4ry.example/path")], "PUBLIC_URL", "without a path"),
    variable(&[("PUBLIC_URL", "https://user:c4n4ry@chartroom.example")], "PUBLIC_URL", "an origin"),
    variable(&[("PUBLIC_URL", "")], "PUBLIC_URL", "an origin"),
    variable(&[("CORS_ORIGINS", "https://a.example,c4n4ry")], "CORS_ORIGINS", "an origin"),
    variable(&[("CORS_ORIGINS", "*")], "CORS_ORIGINS", "an origin"),
    variable(&[("HTTP2", "c4n4ry")], "HTTP2", "true or false"),
    variable(&[("HTTP2", "1")], "HTTP2", "true or false"),
    variable(&[("POSTS_ANONYMOUS_READ", "c4n4ry")], "POSTS_ANONYMOUS_READ", "true or false"),
    variable(&[("SEARCH_LANGUAGE", "C4n4ry; DROP")], "SEARCH_LANGUAGE", "a name such as"),
    variable(&[("MAX_CONNECTIONS", "c4n4ry")], "MAX_CONNECTIONS", "a whole number"),
    variable(&[("MAX_CONNECTIONS", "0")], "MAX_CONNECTIONS", "from 1 to"),
    variable(&[("MAX_IN_FLIGHT", "98765432101")], "MAX_IN_FLIGHT", "a whole number"),
    variable(&[("MAX_IN_FLIGHT", "-98765")], "MAX_IN_FLIGHT", "a whole number"),
    variable(&[("RUNNER_MEMORY", "1MiB")], "RUNNER_MEMORY", "a size from 32MiB"),
    variable(&[("REQUEST_DEADLINE", "98765")], "REQUEST_DEADLINE", "with its unit"),
    variable(&[("REQUEST_DEADLINE", "8765h")], "REQUEST_DEADLINE", "from 10ms to 10m"),
    variable(&[("MAX_BODY", "98765MB")], "MAX_BODY", "a size in bytes"),
    variable(&[("MAX_BODY", "98765GiB")], "MAX_BODY", "from 1KiB to 1GiB"),
    variable(&[("HEADER_TIMEOUT", "1ms")], "HEADER_TIMEOUT", "from 10ms"),
    variable(&[("KEEP_ALIVE_TIMEOUT", "c4n4ry")], "KEEP_ALIVE_TIMEOUT", "with its unit"),
    variable(&[("BODY_IDLE_TIMEOUT", "98.765s")], "BODY_IDLE_TIMEOUT", "with its unit"),
    variable(&[("BODY_MIN_RATE", "c4n4ry")], "BODY_MIN_RATE", "a size in bytes"),
    variable(&[("WRITE_STALL_TIMEOUT", "-98765s")], "WRITE_STALL_TIMEOUT", "with its unit"),
    variable(&[("WRITE_MIN_RATE", "98765GiB")], "WRITE_MIN_RATE", "from 0 to 1GiB"),
    variable(&[("MAX_ANSWERS", "0")], "MAX_ANSWERS", "from 8MiB to 64GiB"),
    variable(&[("DRAIN_DELAY", "98765m")], "DRAIN_DELAY", "from 0ms to 10m"),
    variable(&[("STOP_DEADLINE", "")], "STOP_DEADLINE", "with its unit"),
    variable(&[("DATABASE_CONNECTIONS", "987654321")], "DATABASE_CONNECTIONS", "a whole number"),
    variable(&[("DATABASE_QUEUE", "0")], "DATABASE_QUEUE", "from 1"),
    variable(&[("DATABASE_WAIT", "98765s")], "DATABASE_WAIT", "a duration"),
    variable(&[("DATABASE_CONNECT_TIMEOUT", "c4n4ry")], "DATABASE_CONNECT_TIMEOUT", "with its unit"),
    variable(&[("DATABASE_MAX_AGE", "c4n4ry")], "DATABASE_MAX_AGE", "with its unit"),
    variable(&[("DATA_DIR", "")], "DATA_DIR", "not empty"),
    variable(&[("EMBEDDED_DOWNLOAD", "yes-c4n4ry")], "EMBEDDED_DOWNLOAD", "true or false"),
    variable(&[("REGISTRATION", "c4n4ry")], "REGISTRATION", "open, confirmed, invited, closed"),
    variable(&[("LOG", "c4n4ry")], "LOG", "a level"),
    variable(&[("LOG", "info,chartroom=c4n4ry")], "LOG", "a level"),
    variable(&[("LOG_FORMAT", "c4n4ry")], "LOG_FORMAT", "json, pretty"),
    variable(&[("OTLP_ENDPOINT", "c4n4ry:4317")], "OTLP_ENDPOINT", "an origin"),
    variable(&[("OTLP_ENDPOINT", "https://c4n4ry.example:4317")], "OTLP_ENDPOINT", "without TLS"),
    variable(&[("OTLP_ENDPOINT", "http://127.0.0.1:4317"), ("TRACE_RATIO", "1.98765")], "TRACE_RATIO", "from 0 to 1"),
    variable(&[("OTLP_ENDPOINT", "http://127.0.0.1:4317"), ("TRACE_RATIO", "NaN")], "TRACE_RATIO", "from 0 to 1"),
    // How to reach the database.
    variable(&[("DATABASE_URL", "")], "DATABASE_URL", "not empty"),
    variable(&[("DATABASE_URL", "c4n4ry")], "DATABASE_URL", "postgres://"),
    variable(&[("DATABASE_URL", "mysql://app:c4n4ry@db/app")], "DATABASE_URL", "postgres://"),
    variable(&[("DATABASE_URL", "postgres://app:c4n4ry@db:port/app")], "DATABASE_URL", "postgres://"),
    variable(&[("DATABASE_URL", "postgres://app:c4n4ry@db/app?sslmode=c4n4ry")], "DATABASE_URL", "sslmode"),
    variable(&[("DATABASE_URL", "postgres://app:c4n4ry@db/app?sslmode=verify-full&sslrootcert=missing-c4n4ry")], "DATABASE_URL", "sslrootcert"),
    variable(&[("DATABASE_URL_FILE", "missing-c4n4ry")], "DATABASE_URL_FILE", "cannot read the file"),
    variable(&[("DATABASE_URL_FILE", "folder-c4n4ry")], "DATABASE_URL_FILE", "cannot read the file"),
    variable(&[("DATABASE_URL_FILE", "empty-c4n4ry")], "DATABASE_URL_FILE", "the file is empty"),
    variable(&[("DATABASE_URL_FILE", "broken-url-c4n4ry")], "DATABASE_URL_FILE", "postgres://"),
    variable(&[("DATABASE_HOST", "")], "DATABASE_HOST", "not empty"),
    variable(&[HOST, ("DATABASE_PORT", "98765")], "DATABASE_PORT", "from 1 to 65535"),
    variable(&[HOST, ("DATABASE_NAME", " ")], "DATABASE_NAME", "not empty"),
    variable(&[HOST, ("DATABASE_PASSWORD", "  ")], "DATABASE_PASSWORD", "not empty"),
    variable(&[HOST, ("DATABASE_PASSWORD_FILE", "missing-c4n4ry")], "DATABASE_PASSWORD_FILE", "cannot read the file"),
    variable(&[HOST, ("DATABASE_PASSWORD_FILE", "newline-c4n4ry")], "DATABASE_PASSWORD_FILE", "the file is empty"),
    variable(&[HOST, ("DATABASE_SSLMODE", "c4n4ry")], "DATABASE_SSLMODE", "verify-full"),
    variable(&[HOST, ("DATABASE_SSLMODE", "verify-full"), ("DATABASE_CA_FILE", "missing-c4n4ry")], "DATABASE_CA_FILE", "cannot read the file"),
    variable(&[HOST, ("DATABASE_SSLMODE", "verify-full"), ("DATABASE_CA_FILE", "words-c4n4ry")], "DATABASE_CA_FILE", "PEM"),
    variable(&[HOST, ("DATABASE_READ_HOST", "ro.c4n4ry.example"), ("DATABASE_READ_PASSWORD_FILE", "missing-c4n4ry")], "DATABASE_READ_PASSWORD_FILE", "cannot read the file"),
    variable(&[HOST, ("DATABASE_READ_URL", "http://c4n4ry")], "DATABASE_READ_URL", "postgres://"),
    variable(&[("MODELS_RUNNER", "tls://c4n4ry")], "MODELS_RUNNER", "tls://HOST:PORT"),
    variable(&[("MODELS_RUNNER", "tls://one:9443,c4n4ry")], "MODELS_RUNNER", "tls://HOST:PORT"),
    // Settings that contradict each other.
    variable(&[("LISTEN", "127.0.0.1:18765"), ("OPS_LISTEN", "127.0.0.1:18765")], "OPS_LISTEN", "CHARTROOM_LISTEN"),
    variable(&[("DRAIN_DELAY", "18765ms"), ("STOP_DEADLINE", "18765ms")], "STOP_DEADLINE", "CHARTROOM_DRAIN_DELAY"),
    variable(&[("DATABASE_DEADLINE", "59s"), ("REQUEST_DEADLINE", "58s")], "DATABASE_DEADLINE", "CHARTROOM_REQUEST_DEADLINE"),
    variable(&[("TRACE_RATIO", "0.98765")], "TRACE_RATIO", "CHARTROOM_OTLP_ENDPOINT"),
    variable(&[("MODELS_RUNNER", "tls://runners-c4n4ry:9443")], "MODELS_RUNNER_TLS", "set both or neither"),
    variable(&[("MODELS_RUNNER_TLS", "folder-c4n4ry")], "MODELS_RUNNER_TLS", "set both or neither"),
    variable(&[URL, ("DATABASE_URL_FILE", "words-c4n4ry")], "DATABASE_URL", "CHARTROOM_DATABASE_URL_FILE"),
    variable(&[URL, HOST], "DATABASE_HOST", "CHARTROOM_DATABASE_URL"),
    variable(&[URL, ("DATABASE_PASSWORD", "c4n4ry-2")], "DATABASE_PASSWORD", "CHARTROOM_DATABASE_URL"),
    variable(&[("DATABASE_PORT", "18765")], "DATABASE_PORT", "CHARTROOM_DATABASE_HOST"),
    variable(&[("DATABASE_PASSWORD", "c4n4ry")], "DATABASE_PASSWORD", "CHARTROOM_DATABASE_HOST"),
    variable(&[HOST, ("DATABASE_PASSWORD", "c4n4ry"), ("DATABASE_PASSWORD_FILE", "password-c4n4ry")], "DATABASE_PASSWORD", "CHARTROOM_DATABASE_PASSWORD_FILE"),
    variable(&[HOST, ("DATABASE_CA_FILE", "words-c4n4ry")], "DATABASE_CA_FILE", "CHARTROOM_DATABASE_SSLMODE"),
    variable(&[("DATABASE_READ_HOST", "ro.c4n4ry.example")], "DATABASE_READ_HOST", "CHARTROOM_DATABASE_URL"),
    variable(&[HOST, ("DATABASE_READ_PORT", "18765")], "DATABASE_READ_PORT", "CHARTROOM_DATABASE_READ_HOST"),
    variable(&[HOST, ("EMBEDDED_BIN_DIR", "folder-c4n4ry")], "EMBEDDED_BIN_DIR", "database configured"),
    variable(&[("LISTEN", "127.0.0.1:0"), ("OPS_LISTEN", "127.0.0.1:0"), ("EMBEDDED_BIN_DIR", "folder-c4n4ry")], "EMBEDDED_BIN_DIR", "initdb"),
    // Mail.
    variable(&[SMTP, FROM], "PUBLIC_URL", "CHARTROOM_SMTP_HOST"),
    variable(&[SMTP, PUBLIC], "MAIL_FROM", "CHARTROOM_SMTP_HOST"),
    variable(&[SMTP, PUBLIC, ("MAIL_FROM", "c4n4ry")], "MAIL_FROM", "an address such as"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_PORT", "98765")], "SMTP_PORT", "from 1 to 65535"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_SECURITY", "c4n4ry")], "SMTP_SECURITY", "starttls, tls, none"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_SECURITY", "none")], "SMTP_SECURITY", "loopback"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_USER", "c4n4ry")], "SMTP_USER", "a password"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_PASSWORD", "c4n4ry")], "SMTP_USER", "a password"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_USER", "c4n4ry"), ("SMTP_PASSWORD", "c4n4ry-2"), ("SMTP_PASSWORD_FILE", "password-c4n4ry")], "SMTP_PASSWORD", "CHARTROOM_SMTP_PASSWORD_FILE"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_USER", "c4n4ry"), ("SMTP_PASSWORD_FILE", "missing-c4n4ry")], "SMTP_PASSWORD_FILE", "cannot read the file"),
    variable(&[SMTP, PUBLIC, FROM, ("SMTP_CA_FILE", "words-c4n4ry")], "SMTP_CA_FILE", "PEM"),
    variable(&[("SMTP_HOST", "127.0.0.1"), PUBLIC, FROM, ("SMTP_SECURITY", "none"), ("SMTP_CA_FILE", "words-c4n4ry")], "SMTP_CA_FILE", "without TLS"),
    variable(&[("SMTP_USER", "c4n4ry")], "SMTP_USER", "CHARTROOM_SMTP_HOST"),
    variable(&[FROM], "MAIL_FROM", "CHARTROOM_SMTP_HOST"),
    // Single sign-on.
    variable(&[("OIDC_ISSUER", "http://c4n4ry.example")], "OIDC_ISSUER", "an https URL"),
    variable(&[ISSUER], "OIDC_CLIENT_ID", "is needed with CHARTROOM_OIDC_ISSUER"),
    variable(&[ISSUER, CLIENT], "OIDC_CLIENT_SECRET_FILE", "is needed with CHARTROOM_OIDC_ISSUER"),
    variable(&[ISSUER, CLIENT, ("OIDC_CLIENT_SECRET", "c4n4ry-2"), ("OIDC_CLIENT_SECRET_FILE", "password-c4n4ry")], "OIDC_CLIENT_SECRET", "CHARTROOM_OIDC_CLIENT_SECRET_FILE"),
    variable(&[ISSUER, CLIENT, ("OIDC_CLIENT_SECRET_FILE", "missing-c4n4ry")], "OIDC_CLIENT_SECRET_FILE", "cannot read the file"),
    variable(&[ISSUER, CLIENT, ("OIDC_CLIENT_SECRET", "c4n4ry-2"), ("LISTEN", "0.0.0.0:18765")], "PUBLIC_URL", "single sign-on"),
    variable(&[("OIDC_GROUPS", "c4n4ry=owner")], "OIDC_GROUPS", "GROUP=admin or GROUP=user"),
    variable(&[("OIDC_GROUPS", "c4n4ry=admin")], "OIDC_GROUPS", "without CHARTROOM_OIDC_ISSUER"),
    variable(&[CLIENT], "OIDC_CLIENT_ID", "without CHARTROOM_OIDC_ISSUER"),
    variable(&[("OIDC_LINK_BY_EMAIL", "true")], "OIDC_LINK_BY_EMAIL", "without CHARTROOM_OIDC_ISSUER"),
    variable(&[("OIDC_PROVIDERS_FILE", "words-c4n4ry")], "OIDC_PROVIDERS_FILE", "a list of providers as JSON"),
    variable(&[("OIDC_PROVIDERS_FILE", "missing-c4n4ry")], "OIDC_PROVIDERS_FILE", "cannot read the file"),
    variable(&[ISSUER, ("OIDC_PROVIDERS_FILE", "words-c4n4ry")], "OIDC_ISSUER", "CHARTROOM_OIDC_PROVIDERS_FILE"),
    variable(&[CLIENT, ("OIDC_PROVIDERS_FILE", "words-c4n4ry")], "OIDC_CLIENT_ID", "CHARTROOM_OIDC_PROVIDERS_FILE"),
    // Settings that are none.
    variable(&[("LISTN", "c4n4ry")], "LISTN", "did you mean CHARTROOM_LISTEN?"),
    variable(&[("DATABASE_PASWORD", "c4n4ry")], "DATABASE_PASWORD", "did you mean CHARTROOM_DATABASE_PASSWORD?"),
    variable(&[("SOMETHING_ELSE_ALTOGETHER", "c4n4ry")], "SOMETHING_ELSE_ALTOGETHER", "--help"),
    variable(&[("PORT", "98765")], "PORT", "there is no such setting"),
    // The env file.
    variable(&[("ENV_FILE", "missing-c4n4ry")], "ENV_FILE", "cannot read the file"),
    variable(&[("ENV_FILE", "folder-c4n4ry")], "ENV_FILE", "cannot read the file"),
    variable(&[("ENV_FILE", "env-binary-c4n4ry")], "ENV_FILE", "cannot read the file"),
    variable(&[("ENV_FILE", "env-no-equals-c4n4ry")], "ENV_FILE", "line 2"),
    variable(&[("ENV_FILE", "env-unknown-c4n4ry")], "LISTN", "did you mean CHARTROOM_LISTEN?"),
    variable(&[("ENV_FILE", "env-broken-c4n4ry")], "MAX_BODY", "a size in bytes"),
    variable(&[("ENV_FILE", "env-broken-list-c4n4ry")], "CORS_ORIGINS", "an origin"),
    variable(&[("ENV_FILE", "env-contradiction-c4n4ry")], "STOP_DEADLINE", "CHARTROOM_DRAIN_DELAY"),
    // Flags are settings like variables, before and after the subcommand.
    flag(&["--listen", "c4n4ry"], "LISTEN", "an IP address and a port"),
    flag(&["--max-body=98765MB"], "MAX_BODY", "a size in bytes"),
    flag(&["--database-url", "c4n4ry"], "DATABASE_URL", "postgres://"),
    flag(&["--database-host", "db", "--database-port", "c4n4ry"], "DATABASE_PORT", "from 1 to 65535"),
    flag(&["--log-format", "c4n4ry"], "LOG_FORMAT", "json, pretty"),
    flag(&["--database-url-file", ""], "DATABASE_URL_FILE", "not empty"),
    flag(&["--env-file", "missing-c4n4ry"], "ENV_FILE", "cannot read the file"),
    flag(&["--env-file=env-broken-c4n4ry"], "MAX_BODY", "a size in bytes"),
];
