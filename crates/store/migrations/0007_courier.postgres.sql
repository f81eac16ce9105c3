-- What an endpoint is set up with, how it fares, and windows of events that are sent again.

-- Blank-separated ids; empty for all channels.
ALTER TABLE endpoint ADD COLUMN channels TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Sealed: headers that the owner adds, and the owner's own notes.
ALTER TABLE endpoint ADD COLUMN headers BYTEA;
ALTER TABLE endpoint ADD COLUMN metadata BYTEA;
ALTER TABLE endpoint ADD COLUMN delivery_order BIGINT NOT NULL DEFAULT 0;
-- Blank-separated seconds; absent for the installation's.
ALTER TABLE endpoint ADD COLUMN retry_schedule TEXT COLLATE "C";
-- Sealed seeds of Ed25519 keys; absent where the owner did not ask for them.
ALTER TABLE endpoint ADD COLUMN signing_seed BYTEA;
ALTER TABLE endpoint ADD COLUMN previous_signing_seed BYTEA;
ALTER TABLE endpoint ADD COLUMN disabled_reason BIGINT;
ALTER TABLE endpoint ADD COLUMN disabled_at BIGINT;
-- Health: since when, and how many times in a row, attempts have failed; before when nothing but one probe goes out.
ALTER TABLE endpoint ADD COLUMN failing_since BIGINT;
ALTER TABLE endpoint ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN probe_at BIGINT;
UPDATE endpoint SET disabled_reason = 1, disabled_at = created_at WHERE enabled = 0;

-- A blind index of the person the event is about, where it is about one: the order of ordered endpoints.
ALTER TABLE event ADD COLUMN order_key BYTEA;

-- The attempts made before the schedule that runs now was begun: a retry by hand and a replay begin a new one.
ALTER TABLE delivery ADD COLUMN schedule_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN replay_id UUID;

CREATE TABLE replay (
    workspace_id UUID NOT NULL,
    endpoint_id  UUID NOT NULL,
    id           UUID NOT NULL,
    since        BIGINT NOT NULL,
    until        BIGINT NOT NULL,
    only_failed  BIGINT NOT NULL,
    state        BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    scanned      BIGINT NOT NULL,
    queued       BIGINT NOT NULL,
    sent         BIGINT NOT NULL,
    dead         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    finished_at  BIGINT,
    PRIMARY KEY (workspace_id, endpoint_id, id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES endpoint (workspace_id, id)
);

-- Public keys, readable by whoever knows the endpoint's id: receivers verify with them.
CREATE TABLE webhook_public_key (
    endpoint_id  UUID NOT NULL,
    public_key   BYTEA NOT NULL,
    workspace_id UUID NOT NULL,
    created_at   BIGINT NOT NULL,
    until        BIGINT,
    PRIMARY KEY (endpoint_id, public_key)
);

ALTER TABLE replay ENABLE ROW LEVEL SECURITY;
ALTER TABLE replay FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON replay
    USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
