-- Messages accepted, turns, events, messages to deliver. `seq` numbers a conversation's inbox and outbox together.
CREATE TABLE conversation (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    bucket INTEGER NOT NULL,                    -- 0..1023, for spreading conversations over databases
    status TEXT NOT NULL DEFAULT 'bot',
    operator TEXT,
    fence BIGINT NOT NULL DEFAULT 0,            -- rises with each claim and each change by an operator
    lease_until DOUBLE PRECISION NOT NULL DEFAULT 0,
    ready INTEGER NOT NULL DEFAULT 0,           -- messages waiting in the inbox
    waits_since DOUBLE PRECISION NOT NULL DEFAULT 0,  -- whose turn it is; the lease alone says who may be claimed
    next_seq BIGINT NOT NULL DEFAULT 1,
    next_event BIGINT NOT NULL DEFAULT 1,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    queued_at DOUBLE PRECISION
);
CREATE INDEX conversation_ready ON conversation (lease_until, waits_since) WHERE ready > 0;
CREATE INDEX conversation_status ON conversation (status, updated_at);

CREATE TABLE inbox (
    id {identity},
    conversation_id TEXT NOT NULL,
    source TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'text',          -- text | handback
    body TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ready',       -- ready | done | dead
    attempts INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,          -- attempts that came to no end at all
    reason TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    UNIQUE (conversation_id, source, dedupe_key)
);
CREATE INDEX inbox_suspect ON inbox (conversation_id) WHERE status = 'ready' AND deaths >= 2;
CREATE INDEX inbox_seq ON inbox (conversation_id, seq);
CREATE INDEX inbox_ready ON inbox (conversation_id, seq) WHERE status = 'ready';

CREATE TABLE turn (
    inbox_id BIGINT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    first_event BIGINT NOT NULL,
    events INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE event (
    conversation_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (conversation_id, number)
);

CREATE TABLE outbox (
    id {identity},
    conversation_id TEXT NOT NULL,
    part TEXT NOT NULL,                         -- what makes it unique: '<inbox id>:<n>' or an operator's key
    inbox_id BIGINT,
    seq BIGINT NOT NULL,
    channel TEXT NOT NULL,
    recipient_id TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'due',         -- due | sent | failed
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before DOUBLE PRECISION NOT NULL DEFAULT 0,
    provider_id TEXT,
    reason TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    UNIQUE (conversation_id, part)
);
CREATE INDEX outbox_seq ON outbox (conversation_id, seq);
CREATE INDEX outbox_due ON outbox (channel, conversation_id, seq) WHERE status = 'due';
CREATE INDEX outbox_pending ON outbox (conversation_id, seq) WHERE status = 'due';
CREATE INDEX outbox_inbox ON outbox (inbox_id);
