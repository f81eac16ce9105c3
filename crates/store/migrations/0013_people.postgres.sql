-- People who sign in. They belong to no workspace, so their rows are the platform's: what tells something of a person
-- (address, name, password hash, secrets) is sealed under the platform's keys, and found by blind indexes and digests.

CREATE TABLE user_account (
    id                  UUID PRIMARY KEY,
    email               BYTEA NOT NULL,
    email_index         BYTEA NOT NULL UNIQUE,
    name                BYTEA NOT NULL,
    -- The PHC string, sealed; none for whoever signs in with passkeys or an identity provider only.
    password            BYTEA,
    -- The secret of the authenticator app, sealed; not good before it was confirmed.
    totp                BYTEA,
    totp_confirmed_at   BIGINT,
    -- The last time step that was used: neither it nor one before it opens again.
    totp_step           BIGINT NOT NULL,
    operator_role       BIGINT,
    created_at          BIGINT NOT NULL,
    disabled_at         BIGINT
);

CREATE TABLE passkey (
    id                UUID PRIMARY KEY,
    user_id           UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    -- SHA-256 of the credential id.
    credential_digest BYTEA NOT NULL UNIQUE,
    credential        BYTEA NOT NULL,
    name              BYTEA NOT NULL,
    created_at        BIGINT NOT NULL,
    last_used_at      BIGINT
);
CREATE INDEX passkey_user ON passkey (user_id, id);

CREATE TABLE recovery_code (
    user_id UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    digest  BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, digest)
);

CREATE TABLE user_session (
    id              UUID PRIMARY KEY,
    user_id         UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    kind            BIGINT NOT NULL,
    digest          BYTEA NOT NULL UNIQUE,
    -- Of the token before the last renewal, and until when it opens.
    previous_digest BYTEA UNIQUE,
    previous_until  BIGINT,
    created_at      BIGINT NOT NULL,
    renewed_at      BIGINT NOT NULL,
    seen_at         BIGINT NOT NULL,
    proved_at       BIGINT NOT NULL,
    second_factor   BIGINT NOT NULL,
    provider_id     UUID,
    -- Browser and address, sealed.
    device          BYTEA NOT NULL
);
CREATE INDEX user_session_user ON user_session (user_id, id);

-- Browsers that a person signed in with before: a new one is worth a notice.
CREATE TABLE known_device (
    user_id    UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    digest     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    PRIMARY KEY (user_id, digest)
);

-- What somebody was handed and may use once: set-up tokens, links in e-mails, the state of a sign-in or of a ceremony
-- between its steps. Whoever takes one deletes its row.
CREATE TABLE ticket (
    digest       BYTEA PRIMARY KEY,
    kind         BIGINT NOT NULL,
    user_id      UUID REFERENCES user_account (id) ON DELETE CASCADE,
    workspace_id UUID REFERENCES workspace (id),
    subject      UUID,
    -- Sealed.
    state        BYTEA,
    attempts     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX ticket_user ON ticket (user_id, kind);
CREATE INDEX ticket_expiry ON ticket (expires_at);
CREATE INDEX ticket_subject ON ticket (subject, kind);

-- Failed proofs: of one account or one address, by blind index.
CREATE TABLE sign_in_failure (
    subject  BYTEA PRIMARY KEY,
    failures BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);
CREATE INDEX sign_in_failure_last ON sign_in_failure (last_at);

-- Seats. Read by person before a workspace is known, and by workspace.
CREATE TABLE member (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    user_id      UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX member_user ON member (user_id, workspace_id);

CREATE TABLE invitation (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    email        BYTEA NOT NULL,
    email_index  BYTEA NOT NULL,
    role         BIGINT NOT NULL,
    invited_by   TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    -- Who took it.
    accepted_by  UUID,
    PRIMARY KEY (workspace_id, id)
);

ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON invitation USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

-- The rules of a workspace for its members.
ALTER TABLE workspace ADD COLUMN second_factor_required BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workspace ADD COLUMN only_through UUID;
