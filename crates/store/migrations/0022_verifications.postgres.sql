-- Verifications: one-time codes, and what became of them.

CREATE TABLE verification (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    mode         BIGINT NOT NULL,
    channel_id   UUID NOT NULL,
    -- 1 the code goes to the person, 2 the person sends it to us.
    flow         BIGINT NOT NULL,
    state        BIGINT NOT NULL,
    -- The blind index of the phone; NULL where the person is not known beforehand.
    person       BYTEA,
    -- Sealed: the phone.
    party        BYTEA,
    -- Sealed: what it was asked for with, until its time is over.
    details      BYTEA,
    -- A keyed digest of the code, bound to this verification and generation; NULL once it is over.
    code_digest  BYTEA,
    -- Codes drawn so far; only the last is good.
    generation   BIGINT NOT NULL,
    code_length  BIGINT NOT NULL,
    -- Codes that were compared with the right one, whatever generation it was of.
    tries        BIGINT NOT NULL,
    max_tries    BIGINT NOT NULL,
    -- Seconds that each code is good for.
    ttl          BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    resend_after BIGINT NOT NULL,
    -- The message that carries the code.
    message_id   UUID,
    template     TEXT COLLATE "C",
    -- Two letters, by the number.
    country      TEXT COLLATE "C",
    -- Why it ended as it did, where the state does not tell.
    reason       TEXT COLLATE "C",
    created_at   BIGINT NOT NULL,
    sent_at      BIGINT,
    delivered_at BIGINT,
    ended_at     BIGINT,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- The verification whose code a message carries: its content is shown to nobody.
ALTER TABLE message ADD COLUMN verification_id UUID;

ALTER TABLE verification ENABLE ROW LEVEL SECURITY;
ALTER TABLE verification FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON verification USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
