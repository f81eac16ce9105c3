-- Identity providers of workspaces, and the accounts that people have with them.

CREATE TABLE identity_provider (
    workspace_id         BLOB NOT NULL REFERENCES workspace (id),
    id                   BLOB NOT NULL,
    kind                 INTEGER NOT NULL,
    name                 TEXT NOT NULL,
    -- The issuer, or Microsoft's tenant.
    place                TEXT,
    client_id            TEXT NOT NULL,
    -- Sealed.
    client_secret        BLOB NOT NULL,
    enabled              INTEGER NOT NULL,
    -- Its word counts for a second factor too.
    trusts_second_factor INTEGER NOT NULL,
    -- Domains of addresses that may come, separated by blanks; none for all.
    domains              TEXT NOT NULL,
    -- What somebody becomes who comes without an invitation; nothing where nobody may.
    join_role            INTEGER,
    created_at           INTEGER NOT NULL,
    -- When somebody last signed in through it as it is now.
    used_at              INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- Finds the workspace of a provider when somebody signs in.
CREATE TABLE identity_provider_index (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspace (id)
) STRICT, WITHOUT ROWID;

-- A person is found by issuer and subject, and by nothing else.
CREATE TABLE identity (
    id           BLOB PRIMARY KEY,
    user_id      BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    -- The blind index of issuer and subject.
    lookup       BLOB NOT NULL UNIQUE,
    -- Issuer, and the address as it was when it was linked; sealed.
    shown        BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_user ON identity (user_id, id);

-- The workspace of the provider through which a session was opened: it is good there only.
ALTER TABLE user_session ADD COLUMN provider_workspace BLOB;
CREATE INDEX user_session_provider ON user_session (provider_id) WHERE provider_id IS NOT NULL;
