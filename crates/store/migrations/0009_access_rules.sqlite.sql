-- From where keys may be used, which pages may read their answers, and how fast they may be: of all keys of a workspace
-- and mode, and of single keys. Lists are JSON that is never queried inside.

CREATE TABLE access_rule (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    mode         INTEGER NOT NULL,
    allowlist    TEXT,
    origins      TEXT,
    limit_preset TEXT,
    PRIMARY KEY (workspace_id, mode)
) STRICT, WITHOUT ROWID;

ALTER TABLE api_key ADD COLUMN allowlist TEXT;
ALTER TABLE api_key ADD COLUMN limit_preset TEXT;
