-- What an endpoint is set up with, how it fares, and windows of events that are sent again.

-- Blank-separated ids; empty for all channels.
ALTER TABLE endpoint ADD COLUMN channels TEXT NOT NULL DEFAULT '';
-- Sealed: headers that the owner adds, and the owner's own notes.
ALTER TABLE endpoint ADD COLUMN headers BLOB;
ALTER TABLE endpoint ADD COLUMN metadata BLOB;
ALTER TABLE endpoint ADD COLUMN delivery_order INTEGER NOT NULL DEFAULT 0;
-- Blank-separated seconds; absent for the installation's.
ALTER TABLE endpoint ADD COLUMN retry_schedule TEXT;
-- Sealed seeds of Ed25519 keys; absent where the owner did not ask for them.
ALTER TABLE endpoint ADD COLUMN signing_seed BLOB;
ALTER TABLE endpoint ADD COLUMN previous_signing_seed BLOB;
ALTER TABLE endpoint ADD COLUMN disabled_reason INTEGER;
ALTER TABLE endpoint ADD COLUMN disabled_at INTEGER;
-- Health: since when, and how many times in a row, attempts have failed; before when nothing but one probe goes out.
ALTER TABLE endpoint ADD COLUMN failing_since INTEGER;
ALTER TABLE endpoint ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN probe_at INTEGER;
UPDATE endpoint SET disabled_reason = 1, disabled_at = created_at WHERE enabled = 0;

-- A blind index of the person the event is about, where it is about one: the order of ordered endpoints.
ALTER TABLE event ADD COLUMN order_key BLOB;

-- The attempts made before the schedule that runs now was begun: a retry by hand and a replay begin a new one.
ALTER TABLE delivery ADD COLUMN schedule_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN replay_id BLOB;

CREATE TABLE replay (
    workspace_id BLOB NOT NULL,
    endpoint_id  BLOB NOT NULL,
    id           BLOB NOT NULL,
    since        INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    only_failed  INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    scanned      INTEGER NOT NULL,
    queued       INTEGER NOT NULL,
    sent         INTEGER NOT NULL,
    dead         INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    finished_at  INTEGER,
    PRIMARY KEY (workspace_id, endpoint_id, id),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES endpoint (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- Public keys, readable by whoever knows the endpoint's id: receivers verify with them.
CREATE TABLE webhook_public_key (
    endpoint_id  BLOB NOT NULL,
    public_key   BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    until        INTEGER,
    PRIMARY KEY (endpoint_id, public_key)
) STRICT, WITHOUT ROWID;
