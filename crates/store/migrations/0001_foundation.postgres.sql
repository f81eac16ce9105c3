-- Platform tables: read before a workspace is known. They hold ids and digests only.

CREATE TABLE counter (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('credential_epoch', 1);

CREATE TABLE node (
    id               UUID PRIMARY KEY,
    started_at       BIGINT NOT NULL,
    lease_until      BIGINT NOT NULL,
    credential_epoch BIGINT NOT NULL
);

CREATE TABLE workspace (
    id         UUID PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
-- The platform itself owns rows too: the operator's Meta apps, callback parts that belong to nobody.
INSERT INTO workspace (id, name, created_at) VALUES ('00000000-0000-0000-0000-000000000000', 'platform', 0);

CREATE TABLE wrapped_key (
    owner         UUID NOT NULL REFERENCES workspace (id),
    purpose       BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    wrapped       BYTEA NOT NULL,
    master_key_id TEXT COLLATE "C" NOT NULL,
    leased_uses   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (owner, purpose, version)
);

CREATE TABLE api_key_index (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspace (id)
);

CREATE TABLE meta_app_index (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspace (id)
);

CREATE TABLE channel_index (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspace (id)
);

CREATE TABLE callback_route (
    meta_app_id  UUID NOT NULL,
    identity     BYTEA NOT NULL,
    channel_id   UUID NOT NULL,
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    PRIMARY KEY (meta_app_id, identity, channel_id)
);

CREATE TABLE job (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL,
    kind         BIGINT NOT NULL,
    lane         UUID NOT NULL,
    order_key    BYTEA,
    priority     BIGINT NOT NULL,
    queued_at    BIGINT NOT NULL,
    run_at       BIGINT NOT NULL,
    subject      UUID NOT NULL,
    attempts     BIGINT NOT NULL,
    started_at   BIGINT,
    cut_at       BIGINT,
    lease_owner  UUID,
    lease_until  BIGINT NOT NULL,
    fence        BIGINT NOT NULL
);
CREATE INDEX job_due ON job (kind, lane, priority, run_at, id);
CREATE INDEX job_order ON job (kind, lane, order_key, queued_at) WHERE order_key IS NOT NULL;

-- Workspace tables: every key starts with the workspace, every reference is composite.

CREATE TABLE workspace_counter (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    name         TEXT COLLATE "C" NOT NULL,
    value        BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE api_key (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    mode         BIGINT NOT NULL,
    scopes       BIGINT NOT NULL,
    digest       BYTEA NOT NULL,
    display      TEXT COLLATE "C" NOT NULL,
    last4        TEXT COLLATE "C" NOT NULL,
    bound        BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE meta_app (
    workspace_id  UUID NOT NULL REFERENCES workspace (id),
    id            UUID NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    app_id        TEXT COLLATE "C" NOT NULL,
    secret        BYTEA NOT NULL,
    verify_digest BYTEA NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE channel (
    workspace_id    UUID NOT NULL REFERENCES workspace (id),
    id              UUID NOT NULL,
    mode            BIGINT NOT NULL,
    kind            TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    state           BIGINT NOT NULL,
    app_owner       UUID NOT NULL,
    meta_app_id     UUID NOT NULL,
    phone_number_id TEXT COLLATE "C" NOT NULL,
    waba_id         TEXT COLLATE "C" NOT NULL,
    token           BYTEA NOT NULL,
    token_last4     TEXT COLLATE "C" NOT NULL,
    display         BYTEA,
    verified_name   TEXT COLLATE "C",
    throughput      BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    deleted_at      BIGINT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (app_owner, meta_app_id) REFERENCES meta_app (workspace_id, id),
    CHECK (app_owner = workspace_id OR app_owner = '00000000-0000-0000-0000-000000000000')
);

CREATE TABLE api_key_channel (
    workspace_id UUID NOT NULL,
    api_key_id   UUID NOT NULL,
    channel_id   UUID NOT NULL,
    PRIMARY KEY (workspace_id, api_key_id, channel_id),
    FOREIGN KEY (workspace_id, api_key_id) REFERENCES api_key (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

CREATE TABLE contact (
    workspace_id    UUID NOT NULL REFERENCES workspace (id),
    id              UUID NOT NULL,
    phone_index     BYTEA,
    bsuid_index     BYTEA,
    party           BYTEA NOT NULL,
    created_at      BIGINT NOT NULL,
    last_inbound_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX contact_phone ON contact (workspace_id, phone_index) WHERE phone_index IS NOT NULL;
CREATE UNIQUE INDEX contact_bsuid ON contact (workspace_id, bsuid_index) WHERE bsuid_index IS NOT NULL;

CREATE TABLE message (
    workspace_id   UUID NOT NULL,
    id             UUID NOT NULL,
    channel_id     UUID NOT NULL,
    mode           BIGINT NOT NULL,
    direction      BIGINT NOT NULL,
    state          BIGINT NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL,
    purpose        BIGINT,
    contact_id     UUID,
    party          BYTEA NOT NULL,
    content        BYTEA,
    provider_index BYTEA,
    provider_id    BYTEA,
    reply_to       UUID,
    on_unknown     BIGINT NOT NULL,
    doubtful       BIGINT NOT NULL,
    error          BYTEA,
    created_at     BIGINT NOT NULL,
    sending_at     BIGINT,
    sent_at        BIGINT,
    delivered_at   BIGINT,
    read_at        BIGINT,
    failed_at      BIGINT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contact (workspace_id, id)
);
CREATE INDEX message_provider ON message (workspace_id, provider_index) WHERE provider_index IS NOT NULL;

CREATE TABLE idempotency (
    workspace_id UUID NOT NULL,
    id           BYTEA NOT NULL,
    request      BYTEA NOT NULL,
    answer       BYTEA,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE envelope (
    workspace_id UUID NOT NULL,
    id           UUID NOT NULL,
    meta_app_id  UUID NOT NULL,
    body         BYTEA NOT NULL,
    received_at  BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE callback_item (
    workspace_id UUID NOT NULL,
    id           BYTEA NOT NULL,
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE event (
    workspace_id UUID NOT NULL,
    id           UUID NOT NULL,
    seq          BIGINT NOT NULL,
    type         BIGINT NOT NULL,
    mode         BIGINT NOT NULL,
    channel_id   UUID,
    created_at   BIGINT NOT NULL,
    payload      BYTEA,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX event_seq ON event (workspace_id, seq);

CREATE TABLE endpoint (
    workspace_id    UUID NOT NULL REFERENCES workspace (id),
    id              UUID NOT NULL,
    mode            BIGINT NOT NULL,
    url             BYTEA NOT NULL,
    description     TEXT COLLATE "C" NOT NULL,
    events          TEXT COLLATE "C" NOT NULL,
    enabled         BIGINT NOT NULL,
    secret          BYTEA NOT NULL,
    previous_secret BYTEA,
    previous_until  BIGINT,
    created_at      BIGINT NOT NULL,
    deleted_at      BIGINT,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE delivery (
    workspace_id UUID NOT NULL,
    endpoint_id  UUID NOT NULL,
    id           UUID NOT NULL,
    event_id     UUID NOT NULL,
    state        BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    next_at      BIGINT,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, endpoint_id, id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES endpoint (workspace_id, id),
    FOREIGN KEY (workspace_id, event_id) REFERENCES event (workspace_id, id)
);

CREATE TABLE attempt (
    workspace_id UUID NOT NULL,
    endpoint_id  UUID NOT NULL,
    delivery_id  UUID NOT NULL,
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    allowed      BIGINT NOT NULL,
    rule         TEXT COLLATE "C" NOT NULL,
    address      TEXT COLLATE "C",
    status       BIGINT,
    latency_ms   BIGINT NOT NULL,
    error        TEXT COLLATE "C",
    snippet      BYTEA,
    PRIMARY KEY (workspace_id, endpoint_id, delivery_id, number),
    FOREIGN KEY (workspace_id, endpoint_id, delivery_id) REFERENCES delivery (workspace_id, endpoint_id, id)
);

CREATE TABLE audit (
    workspace_id UUID NOT NULL,
    id           UUID NOT NULL,
    seq          BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    target_kind  TEXT COLLATE "C" NOT NULL,
    target       TEXT COLLATE "C" NOT NULL,
    details      TEXT COLLATE "C" NOT NULL,
    request      TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX audit_seq ON audit (workspace_id, seq);

CREATE TABLE notice (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    body         BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    told_at      BIGINT,
    PRIMARY KEY (workspace_id, id)
);

-- Row level security, the second wall: a transaction sees the rows of the workspace it named, and no others. FORCE
-- binds the owner too; with no workspace named nothing is visible.
DO $$
DECLARE name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['workspace_counter', 'api_key', 'meta_app', 'channel', 'api_key_channel', 'contact',
        'message', 'idempotency', 'envelope', 'callback_item', 'event', 'endpoint', 'delivery', 'attempt', 'audit',
        'notice']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_workspace ON %I USING (workspace_id = '
            || 'NULLIF(current_setting(''gatepost.workspace'', true), '''')::uuid)', name);
    END LOOP;
END $$;
