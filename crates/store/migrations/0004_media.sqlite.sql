-- Files at Meta: uploaded for sending, or sent by a person. The files themselves are not kept here.

CREATE TABLE media (
    workspace_id BLOB NOT NULL,
    id           BLOB NOT NULL,
    channel_id   BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    direction    INTEGER NOT NULL,
    details      BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_expiry ON media (workspace_id, expires_at);
