-- Files at Meta: uploaded for sending, or sent by a person. The files themselves are not kept here.

CREATE TABLE media (
    workspace_id UUID NOT NULL,
    id           UUID NOT NULL,
    channel_id   UUID NOT NULL,
    mode         BIGINT NOT NULL,
    direction    BIGINT NOT NULL,
    details      BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);
CREATE INDEX media_expiry ON media (workspace_id, expires_at);

ALTER TABLE media ENABLE ROW LEVEL SECURITY;
ALTER TABLE media FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON media USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
