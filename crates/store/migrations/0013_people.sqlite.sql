-- People who sign in. They belong to no workspace, so their rows are the platform's: what tells something of a person
-- (address, name, password hash, secrets) is sealed under the platform's keys, and found by blind indexes and digests.

CREATE TABLE user_account (
    id                  BLOB PRIMARY KEY,
    email               BLOB NOT NULL,
    email_index         BLOB NOT NULL UNIQUE,
    name                BLOB NOT NULL,
    -- The PHC string, sealed; none for whoever signs in with passkeys or an identity provider only.
    password            BLOB,
    -- The secret of the authenticator app, sealed; not good before it was confirmed.
    totp                BLOB,
    totp_confirmed_at   INTEGER,
    -- The last time step that was used: neither it nor one before it opens again.
    totp_step           INTEGER NOT NULL,
    operator_role       INTEGER,
    created_at          INTEGER NOT NULL,
    disabled_at         INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE passkey (
    id                BLOB PRIMARY KEY,
    user_id           BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    -- SHA-256 of the credential id.
    credential_digest BLOB NOT NULL UNIQUE,
    credential        BLOB NOT NULL,
    name              BLOB NOT NULL,
    created_at        INTEGER NOT NULL,
    last_used_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_user ON passkey (user_id, id);

CREATE TABLE recovery_code (
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    digest  BLOB NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_session (
    id              BLOB PRIMARY KEY,
    user_id         BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    kind            INTEGER NOT NULL,
    digest          BLOB NOT NULL UNIQUE,
    -- Of the token before the last renewal, and until when it opens.
    previous_digest BLOB UNIQUE,
    previous_until  INTEGER,
    created_at      INTEGER NOT NULL,
    renewed_at      INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    proved_at       INTEGER NOT NULL,
    second_factor   INTEGER NOT NULL,
    provider_id     BLOB,
    -- Browser and address, sealed.
    device          BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX user_session_user ON user_session (user_id, id);

-- Browsers that a person signed in with before: a new one is worth a notice.
CREATE TABLE known_device (
    user_id    BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    digest     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

-- What somebody was handed and may use once: set-up tokens, links in e-mails, the state of a sign-in or of a ceremony
-- between its steps. Whoever takes one deletes its row.
CREATE TABLE ticket (
    digest       BLOB PRIMARY KEY,
    kind         INTEGER NOT NULL,
    user_id      BLOB REFERENCES user_account (id) ON DELETE CASCADE,
    workspace_id BLOB REFERENCES workspace (id),
    subject      BLOB,
    -- Sealed.
    state        BLOB,
    attempts     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_user ON ticket (user_id, kind);
CREATE INDEX ticket_expiry ON ticket (expires_at);
CREATE INDEX ticket_subject ON ticket (subject, kind);

-- Failed proofs: of one account or one address, by blind index.
CREATE TABLE sign_in_failure (
    subject  BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_failure_last ON sign_in_failure (last_at);

-- Seats. Read by person before a workspace is known, and by workspace.
CREATE TABLE member (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    user_id      BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role         INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_user ON member (user_id, workspace_id);

CREATE TABLE invitation (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    email        BLOB NOT NULL,
    email_index  BLOB NOT NULL,
    role         INTEGER NOT NULL,
    invited_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    -- Who took it.
    accepted_by  BLOB,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- The rules of a workspace for its members.
ALTER TABLE workspace ADD COLUMN second_factor_required INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspace ADD COLUMN only_through BLOB;
