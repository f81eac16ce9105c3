-- The guard: what decides whether an outbound message may go, and what it remembers.

-- What workspaces may use and how much of it: the operator's.
CREATE TABLE plan (
    name       TEXT NOT NULL PRIMARY KEY,
    -- JSON: limits, features, purposes, risk rules.
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How a workspace stands with its plan.
ALTER TABLE workspace ADD COLUMN subscription INTEGER NOT NULL DEFAULT 2;
ALTER TABLE workspace ADD COLUMN subscription_since INTEGER;
-- The end of a trial, or of the grace of what is past due.
ALTER TABLE workspace ADD COLUMN subscription_until INTEGER;
-- The subscription at the one who bills, as they name it.
ALTER TABLE workspace ADD COLUMN billing_ref TEXT;
CREATE UNIQUE INDEX workspace_billing_ref ON workspace (billing_ref) WHERE billing_ref IS NOT NULL;
-- IANA name; days and months are counted in it.
ALTER TABLE workspace ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
-- JSON: the workspace's own settings of the guard.
ALTER TABLE workspace ADD COLUMN guard TEXT;
-- The text of the operator's acceptable use that was accepted, by its version.
ALTER TABLE workspace ADD COLUMN acceptable_use TEXT;

-- What is paused beside the operator's pause of a whole workspace, by whom and why. A row of scope 1 is the whole workspace, 2 one channel, 3 one purpose.
CREATE TABLE pause (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    scope        INTEGER NOT NULL,
    channel_id   BLOB,
    purpose      INTEGER,
    -- 1 the operator, 2 somebody of the workspace, 3 a rule.
    set_by       INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    why          TEXT NOT NULL,
    since        INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- Who does not want to hear from the workspace, or shall not. Live people and those of the simulated Meta are kept apart.
CREATE TABLE suppression (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    source       INTEGER NOT NULL,
    -- The source it has by hand, too, where the person opted out beside: then START does not end it.
    hand         INTEGER,
    -- Sealed: phone or BSUID, for whoever may read the list.
    party        BLOB NOT NULL,
    -- Sealed: why, in the words of whoever added it.
    reason       BLOB,
    actor        TEXT NOT NULL,
    -- Sends that were with Meta already when it was written.
    in_flight    INTEGER NOT NULL,
    -- When the person said so.
    said_at      INTEGER,
    -- The message that answers the person: it goes to them all the same.
    reply_id     BLOB,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppression_mode ON suppression (workspace_id, mode, id);
-- Under which blind indexes a suppressed person is looked for.
CREATE TABLE suppressed_person (
    workspace_id   BLOB NOT NULL,
    mode           INTEGER NOT NULL,
    person         BLOB NOT NULL,
    suppression_id BLOB NOT NULL,
    PRIMARY KEY (workspace_id, mode, person),
    FOREIGN KEY (workspace_id, suppression_id) REFERENCES suppression (workspace_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX suppressed_person_of ON suppressed_person (workspace_id, suppression_id);

-- What passed between a channel and a person, by blind index.
CREATE TABLE conversation (
    workspace_id    BLOB NOT NULL,
    channel_id      BLOB NOT NULL,
    person          BLOB NOT NULL,
    last_inbound_at INTEGER,
    first_sent_at   INTEGER,
    last_sent_at    INTEGER,
    -- The last sixteen sends, newest first, nine characters each: the second in hex, the purpose's number.
    sends           TEXT,
    PRIMARY KEY (workspace_id, channel_id, person),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- How much of a plan was used, of the workspace (its own id) and of each channel. Days and months are those of the
-- workspace's time zone, counted from 1970; they only go forward, whatever becomes of the clock or the zone.
CREATE TABLE usage (
    workspace_id  BLOB NOT NULL REFERENCES workspace (id),
    -- Live messages and test messages are counted apart.
    mode          INTEGER NOT NULL,
    subject       BLOB NOT NULL,
    day           INTEGER NOT NULL,
    day_used      INTEGER NOT NULL,
    month         INTEGER NOT NULL,
    month_used    INTEGER NOT NULL,
    -- The day before that anything was counted on; it is in the history, too.
    last_day      INTEGER NOT NULL,
    last_day_used INTEGER NOT NULL,
    -- What was told of: the day and the month, and at how many messages of them.
    told_day      INTEGER NOT NULL,
    told_day_at   INTEGER NOT NULL,
    told_month    INTEGER NOT NULL,
    told_month_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, mode, subject)
) STRICT, WITHOUT ROWID;
-- The days before.
CREATE TABLE usage_day (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    mode         INTEGER NOT NULL,
    subject      BLOB NOT NULL,
    day          INTEGER NOT NULL,
    used         INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, mode, subject, day)
) STRICT, WITHOUT ROWID;

-- What the risk rules remember of a channel, packed.
CREATE TABLE risk (
    workspace_id BLOB NOT NULL,
    channel_id   BLOB NOT NULL,
    state        BLOB NOT NULL,
    PRIMARY KEY (workspace_id, channel_id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- What the guard did not let through, and who decided what since.
CREATE TABLE policy_event (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    decision     INTEGER NOT NULL,
    -- The error's code, or what was decided.
    code         TEXT NOT NULL,
    rule         TEXT,
    score        INTEGER,
    purpose      TEXT,
    mode         INTEGER NOT NULL,
    channel_id   BLOB,
    message_id   BLOB,
    actor        TEXT NOT NULL,
    -- JSON: numbers and names of rules; never a text.
    details      TEXT,
    at           INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- What waits for somebody's decision: a message that is held, or words that may have been an opt-out.
CREATE TABLE review (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    -- 1 an outbound message, 2 an inbound one.
    kind         INTEGER NOT NULL,
    message_id   BLOB NOT NULL,
    channel_id   BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    -- JSON: score and rules.
    found        TEXT NOT NULL,
    -- 1 open, 2 approved, 3 rejected, 4 its time ran out.
    state        INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    expires_at   INTEGER,
    decided_at   INTEGER,
    decided_by   TEXT,
    reason       TEXT,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_open ON review (workspace_id, state, id);
CREATE INDEX review_due ON review (expires_at) WHERE state = 1 AND expires_at IS NOT NULL;
CREATE UNIQUE INDEX review_message ON review (workspace_id, message_id, kind);

-- Who agreed to hear from the workspace, when and how.
CREATE TABLE consent (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    id           BLOB NOT NULL,
    mode         INTEGER NOT NULL,
    person       BLOB NOT NULL,
    -- Sealed.
    party        BLOB NOT NULL,
    -- NULL: any purpose that needs one.
    purpose      INTEGER,
    source       TEXT NOT NULL,
    -- Sealed: the words that were agreed to, or where the proof lies.
    proof        BLOB,
    given_at     INTEGER NOT NULL,
    recorded_at  INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    revoked_at   INTEGER,
    revoked_why  TEXT,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_person ON consent (workspace_id, mode, person);

-- A message that is not sent by then is not sent any more.
ALTER TABLE message ADD COLUMN expires_at INTEGER;
-- The day that it was counted on, until its unit is given back.
ALTER TABLE message ADD COLUMN counted_day INTEGER;
-- The blind index of the person that an outbound message is for.
ALTER TABLE message ADD COLUMN person BLOB;
