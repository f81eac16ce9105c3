-- The audit log becomes a chain: each entry's hash covers the entry and all before it. Entries from before have none;
-- the first that has covers them too. A process of an earlier version cannot add entries any more (they would stand
-- outside the chain), so it refuses what owes one until it is replaced.

CREATE TABLE audit_chained (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    credential   TEXT,
    action       TEXT NOT NULL,
    target_kind  TEXT NOT NULL,
    target       TEXT NOT NULL,
    mode         TEXT,
    old_values   TEXT NOT NULL,
    new_values   TEXT NOT NULL,
    details      TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    source       TEXT,
    request      TEXT,
    hash         BLOB NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO audit_chained (workspace_id, id, seq, at, actor, action, target_kind, target, old_values, new_values, details, outcome, request, hash)
    SELECT workspace_id, id, seq, at, actor, action, target_kind, target, '{}', '{}', details, 'done', request, x'' FROM audit;
DROP TABLE audit;
ALTER TABLE audit_chained RENAME TO audit;
CREATE UNIQUE INDEX audit_seq ON audit (workspace_id, seq);

-- Where each chain stands. Whoever appends holds its row until the commit.
CREATE TABLE audit_chain (
    workspace_id BLOB NOT NULL,
    log          TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    hash         BLOB NOT NULL,
    PRIMARY KEY (workspace_id, log)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_checkpoint (
    workspace_id BLOB NOT NULL,
    seq          INTEGER NOT NULL,
    head         BLOB NOT NULL,
    at           INTEGER NOT NULL,
    previous     BLOB NOT NULL,
    key          BLOB NOT NULL,
    signature    BLOB NOT NULL,
    PRIMARY KEY (workspace_id, seq)
) STRICT, WITHOUT ROWID;
