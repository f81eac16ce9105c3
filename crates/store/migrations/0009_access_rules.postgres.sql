-- From where keys may be used, which pages may read their answers, and how fast they may be: of all keys of a workspace
-- and mode, and of single keys. Lists are JSON that is never queried inside.

CREATE TABLE access_rule (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    mode         BIGINT NOT NULL,
    allowlist    TEXT COLLATE "C",
    origins      TEXT COLLATE "C",
    limit_preset TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, mode)
);

ALTER TABLE access_rule ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_rule FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON access_rule USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE api_key ADD COLUMN allowlist TEXT COLLATE "C";
ALTER TABLE api_key ADD COLUMN limit_preset TEXT COLLATE "C";
