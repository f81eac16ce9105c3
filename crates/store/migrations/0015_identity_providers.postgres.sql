-- Identity providers of workspaces, and the accounts that people have with them.

CREATE TABLE identity_provider (
    workspace_id         UUID NOT NULL REFERENCES workspace (id),
    id                   UUID NOT NULL,
    kind                 BIGINT NOT NULL,
    name                 TEXT COLLATE "C" NOT NULL,
    -- The issuer, or Microsoft's tenant.
    place                TEXT COLLATE "C",
    client_id            TEXT COLLATE "C" NOT NULL,
    -- Sealed.
    client_secret        BYTEA NOT NULL,
    enabled              BIGINT NOT NULL,
    -- Its word counts for a second factor too.
    trusts_second_factor BIGINT NOT NULL,
    -- Domains of addresses that may come, separated by blanks; none for all.
    domains              TEXT COLLATE "C" NOT NULL,
    -- What somebody becomes who comes without an invitation; nothing where nobody may.
    join_role            BIGINT,
    created_at           BIGINT NOT NULL,
    -- When somebody last signed in through it as it is now.
    used_at              BIGINT,
    PRIMARY KEY (workspace_id, id)
);

ALTER TABLE identity_provider ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_provider FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON identity_provider USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

-- Finds the workspace of a provider when somebody signs in.
CREATE TABLE identity_provider_index (
    id           UUID PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspace (id)
);

-- A person is found by issuer and subject, and by nothing else.
CREATE TABLE identity (
    id           UUID PRIMARY KEY,
    user_id      UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    -- The blind index of issuer and subject.
    lookup       BYTEA NOT NULL UNIQUE,
    -- Issuer, and the address as it was when it was linked; sealed.
    shown        BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX identity_user ON identity (user_id, id);

-- The workspace of the provider through which a session was opened: it is good there only.
ALTER TABLE user_session ADD COLUMN provider_workspace UUID;
CREATE INDEX user_session_provider ON user_session (provider_id) WHERE provider_id IS NOT NULL;
