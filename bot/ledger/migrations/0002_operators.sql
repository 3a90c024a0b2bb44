-- The people at the desk. Tokens are stored only as SHA-256, passwords only as argon2id.
CREATE TABLE operator (
    name TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'operator',      -- operator | admin
    password_hash TEXT,                         -- empty until the first login link was used
    disabled INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'online',       -- online | away: what the operator chose
    seen_at DOUBLE PRECISION NOT NULL DEFAULT 0,
    created_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE operator_session (
    token_hash TEXT PRIMARY KEY,
    operator TEXT NOT NULL,
    csrf TEXT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX operator_session_operator ON operator_session (operator);

CREATE TABLE login_link (
    token_hash TEXT PRIMARY KEY,
    operator TEXT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE login_failure (
    key TEXT NOT NULL,                          -- name and address of a try that failed
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX login_failure_key ON login_failure (key, at);

CREATE TABLE audit (
    id {identity},
    at DOUBLE PRECISION NOT NULL,
    operator TEXT NOT NULL,
    what TEXT NOT NULL,
    conversation_id TEXT
);
