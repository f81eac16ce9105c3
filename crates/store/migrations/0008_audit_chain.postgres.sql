-- The audit log becomes a chain: each entry's hash covers the entry and all before it. Entries from before have none;
-- the first that has covers them too. A process of an earlier version cannot add entries any more (they would stand
-- outside the chain), so it refuses what owes one until it is replaced.

ALTER TABLE audit ADD COLUMN credential TEXT COLLATE "C";
ALTER TABLE audit ADD COLUMN mode TEXT COLLATE "C";
ALTER TABLE audit ADD COLUMN old_values TEXT COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE audit ADD COLUMN new_values TEXT COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE audit ADD COLUMN outcome TEXT COLLATE "C" NOT NULL DEFAULT 'done';
ALTER TABLE audit ADD COLUMN source TEXT COLLATE "C";
ALTER TABLE audit ADD COLUMN hash BYTEA NOT NULL DEFAULT '';
ALTER TABLE audit ALTER COLUMN old_values DROP DEFAULT;
ALTER TABLE audit ALTER COLUMN new_values DROP DEFAULT;
ALTER TABLE audit ALTER COLUMN outcome DROP DEFAULT;
ALTER TABLE audit ALTER COLUMN hash DROP DEFAULT;

-- Where each chain stands. Whoever appends holds its row until the commit.
CREATE TABLE audit_chain (
    workspace_id UUID NOT NULL,
    log          TEXT COLLATE "C" NOT NULL,
    seq          BIGINT NOT NULL,
    hash         BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, log)
);

CREATE TABLE audit_checkpoint (
    workspace_id UUID NOT NULL,
    seq          BIGINT NOT NULL,
    head         BYTEA NOT NULL,
    at           BIGINT NOT NULL,
    previous     BYTEA NOT NULL,
    key          BYTEA NOT NULL,
    signature    BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, seq)
);

DO $$
DECLARE name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_chain', 'audit_checkpoint']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_workspace ON %I USING (workspace_id = '
            || 'NULLIF(current_setting(''gatepost.workspace'', true), '''')::uuid)', name);
    END LOOP;
END $$;

-- What `gatepost migrate` grants the server's role follows these words: it may add to the first kind and change
-- nothing; of the second it may not delete.
COMMENT ON TABLE audit IS 'append only';
COMMENT ON TABLE audit_checkpoint IS 'append only';
COMMENT ON TABLE audit_chain IS 'never deleted';
