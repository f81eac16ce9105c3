-- Verifications: one-time codes, and what became of them.

CREATE TABLE verification (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    channel_id   BLOB NOT NULL,
    -- 1 the code goes to the person, 2 the person sends it to us.
    flow         INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    -- The blind index of the phone; NULL where the person is not known beforehand.
    person       BLOB,
    -- Sealed: the phone.
    party        BLOB,
    -- Sealed: what it was asked for with, until its time is over.
    details      BLOB,
    -- A keyed digest of the code, bound to this verification and generation; NULL once it is over.
    code_digest  BLOB,
    -- Codes drawn so far; only the last is good.
    generation   INTEGER NOT NULL,
    code_length  INTEGER NOT NULL,
    -- Codes that were compared with the right one, whatever generation it was of.
    tries        INTEGER NOT NULL,
    max_tries    INTEGER NOT NULL,
    -- Seconds that each code is good for.
    ttl          INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    resend_after INTEGER NOT NULL,
    -- The message that carries the code.
    message_id   BLOB,
    template     TEXT,
    -- Two letters, by the number.
    country      TEXT,
    -- Why it ended as it did, where the state does not tell.
    reason       TEXT,
    created_at   INTEGER NOT NULL,
    sent_at      INTEGER,
    delivered_at INTEGER,
    ended_at     INTEGER,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- The verification whose code a message carries: its content is shown to nobody.
ALTER TABLE message ADD COLUMN verification_id BLOB;
