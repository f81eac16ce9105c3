-- Platform tables: read before a workspace is known. They hold ids and digests only.

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('credential_epoch', 1);

CREATE TABLE node (
    id               BLOB PRIMARY KEY,
    started_at       INTEGER NOT NULL,
    lease_until      INTEGER NOT NULL,
    credential_epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspace (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The platform itself owns rows too: the operator's Meta apps, callback parts that belong to nobody.
INSERT INTO workspace (id, name, created_at) VALUES (x'00000000000000000000000000000000', 'platform', 0);

CREATE TABLE wrapped_key (
    owner         BLOB NOT NULL REFERENCES workspace (id),
    purpose       INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    wrapped       BLOB NOT NULL,
    master_key_id TEXT NOT NULL,
    leased_uses   INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (owner, purpose, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key_index (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspace (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta_app_index (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspace (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_index (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspace (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE callback_route (
    meta_app_id  BLOB NOT NULL,
    identity     BLOB NOT NULL,
    channel_id   BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    PRIMARY KEY (meta_app_id, identity, channel_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    kind         INTEGER NOT NULL,
    lane         BLOB NOT NULL,
    order_key    BLOB,
    priority     INTEGER NOT NULL,
    queued_at    INTEGER NOT NULL,
    run_at       INTEGER NOT NULL,
    subject      BLOB NOT NULL,
    attempts     INTEGER NOT NULL,
    started_at   INTEGER,
    cut_at       INTEGER,
    lease_owner  BLOB,
    lease_until  INTEGER NOT NULL,
    fence        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_due ON job (kind, lane, priority, run_at, id);
CREATE INDEX job_order ON job (kind, lane, order_key, queued_at) WHERE order_key IS NOT NULL;

-- Workspace tables: every key starts with the workspace, every reference is composite.

CREATE TABLE workspace_counter (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    name         TEXT NOT NULL,
    value        INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    name         TEXT NOT NULL,
    mode         INTEGER NOT NULL,
    scopes       INTEGER NOT NULL,
    digest       BLOB NOT NULL,
    display      TEXT NOT NULL,
    last4        TEXT NOT NULL,
    bound        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta_app (
    workspace_id  BLOB NOT NULL REFERENCES workspace (id),
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    app_id        TEXT NOT NULL,
    secret        BLOB NOT NULL,
    verify_digest BLOB NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel (
    workspace_id    BLOB NOT NULL REFERENCES workspace (id),
    id              BLOB NOT NULL,
    mode            INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    name            TEXT NOT NULL,
    state           INTEGER NOT NULL,
    app_owner       BLOB NOT NULL,
    meta_app_id     BLOB NOT NULL,
    phone_number_id TEXT NOT NULL,
    waba_id         TEXT NOT NULL,
    token           BLOB NOT NULL,
    token_last4     TEXT NOT NULL,
    display         BLOB,
    verified_name   TEXT,
    throughput      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (app_owner, meta_app_id) REFERENCES meta_app (workspace_id, id),
    CHECK (app_owner = workspace_id OR app_owner = x'00000000000000000000000000000000')
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key_channel (
    workspace_id BLOB NOT NULL,
    api_key_id   BLOB NOT NULL,
    channel_id   BLOB NOT NULL,
    PRIMARY KEY (workspace_id, api_key_id, channel_id),
    FOREIGN KEY (workspace_id, api_key_id) REFERENCES api_key (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact (
    workspace_id    BLOB NOT NULL REFERENCES workspace (id),
    id              BLOB NOT NULL,
    phone_index     BLOB,
    bsuid_index     BLOB,
    party           BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    last_inbound_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contact_phone ON contact (workspace_id, phone_index) WHERE phone_index IS NOT NULL;
CREATE UNIQUE INDEX contact_bsuid ON contact (workspace_id, bsuid_index) WHERE bsuid_index IS NOT NULL;

CREATE TABLE message (
    workspace_id   BLOB NOT NULL,
    id             BLOB NOT NULL,
    channel_id     BLOB NOT NULL,
    mode           INTEGER NOT NULL,
    direction      INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    purpose        INTEGER,
    contact_id     BLOB,
    party          BLOB NOT NULL,
    content        BLOB,
    provider_index BLOB,
    provider_id    BLOB,
    reply_to       BLOB,
    on_unknown     INTEGER NOT NULL,
    doubtful       INTEGER NOT NULL,
    error          BLOB,
    created_at     INTEGER NOT NULL,
    sending_at     INTEGER,
    sent_at        INTEGER,
    delivered_at   INTEGER,
    read_at        INTEGER,
    failed_at      INTEGER,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contact (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_provider ON message (workspace_id, provider_index) WHERE provider_index IS NOT NULL;

CREATE TABLE idempotency (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    request      BLOB NOT NULL,
    answer       BLOB,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE envelope (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    meta_app_id  BLOB NOT NULL,
    body         BLOB NOT NULL,
    received_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE callback_item (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    seen_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    seq          INTEGER NOT NULL,
    type         INTEGER NOT NULL,
    mode         INTEGER NOT NULL,
    channel_id   BLOB,
    created_at   INTEGER NOT NULL,
    payload      BLOB,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_seq ON event (workspace_id, seq);

CREATE TABLE endpoint (
    workspace_id    BLOB NOT NULL REFERENCES workspace (id),
    id              BLOB NOT NULL,
    mode            INTEGER NOT NULL,
    url             BLOB NOT NULL,
    description     TEXT NOT NULL,
    events          TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    secret          BLOB NOT NULL,
    previous_secret BLOB,
    previous_until  INTEGER,
    created_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    workspace_id BLOB NOT NULL,
    endpoint_id  BLOB NOT NULL,
    id           BLOB NOT NULL,
    event_id     BLOB NOT NULL,
    state        INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    next_at      INTEGER,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, endpoint_id, id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES endpoint (workspace_id, id),
    FOREIGN KEY (workspace_id, event_id) REFERENCES event (workspace_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    workspace_id BLOB NOT NULL,
    endpoint_id  BLOB NOT NULL,
    delivery_id  BLOB NOT NULL,
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    allowed      INTEGER NOT NULL,
    rule         TEXT NOT NULL,
    address      TEXT,
    status       INTEGER,
    latency_ms   INTEGER NOT NULL,
    error        TEXT,
    snippet      BLOB,
    PRIMARY KEY (workspace_id, endpoint_id, delivery_id, number),
    FOREIGN KEY (workspace_id, endpoint_id, delivery_id) REFERENCES delivery (workspace_id, endpoint_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    target_kind  TEXT NOT NULL,
    target       TEXT NOT NULL,
    details      TEXT NOT NULL,
    request      TEXT,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX audit_seq ON audit (workspace_id, seq);

CREATE TABLE notice (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    kind         TEXT NOT NULL,
    body         BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    told_at      INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
