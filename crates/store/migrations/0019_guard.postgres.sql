-- The guard: what decides whether an outbound message may go, and what it remembers.

-- What workspaces may use and how much of it: the operator's.
CREATE TABLE plan (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- JSON: limits, features, purposes, risk rules.
    body       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- How a workspace stands with its plan.
ALTER TABLE workspace ADD COLUMN subscription BIGINT NOT NULL DEFAULT 2;
ALTER TABLE workspace ADD COLUMN subscription_since BIGINT;
-- The end of a trial, or of the grace of what is past due.
ALTER TABLE workspace ADD COLUMN subscription_until BIGINT;
-- The subscription at the one who bills, as they name it.
ALTER TABLE workspace ADD COLUMN billing_ref TEXT COLLATE "C";
CREATE UNIQUE INDEX workspace_billing_ref ON workspace (billing_ref) WHERE billing_ref IS NOT NULL;
-- IANA name; days and months are counted in it.
ALTER TABLE workspace ADD COLUMN time_zone TEXT COLLATE "C" NOT NULL DEFAULT 'UTC';
-- JSON: the workspace's own settings of the guard.
ALTER TABLE workspace ADD COLUMN guard TEXT COLLATE "C";
-- The text of the operator's acceptable use that was accepted, by its version.
ALTER TABLE workspace ADD COLUMN acceptable_use TEXT COLLATE "C";

-- What is paused beside the operator's pause of a whole workspace, by whom and why. A row of scope 1 is the whole workspace, 2 one channel, 3 one purpose.
CREATE TABLE pause (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    scope        BIGINT NOT NULL,
    channel_id   UUID,
    purpose      BIGINT,
    -- 1 the operator, 2 somebody of the workspace, 3 a rule.
    set_by       BIGINT NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    why          TEXT COLLATE "C" NOT NULL,
    since        BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- Who does not want to hear from the workspace, or shall not. Live people and those of the simulated Meta are kept apart.
CREATE TABLE suppression (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    mode         BIGINT NOT NULL,
    source       BIGINT NOT NULL,
    -- The source it has by hand, too, where the person opted out beside: then START does not end it.
    hand         BIGINT,
    -- Sealed: phone or BSUID, for whoever may read the list.
    party        BYTEA NOT NULL,
    -- Sealed: why, in the words of whoever added it.
    reason       BYTEA,
    actor        TEXT COLLATE "C" NOT NULL,
    -- Sends that were with Meta already when it was written.
    in_flight    BIGINT NOT NULL,
    -- When the person said so.
    said_at      BIGINT,
    -- The message that answers the person: it goes to them all the same.
    reply_id     UUID,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX suppression_mode ON suppression (workspace_id, mode, id);
-- Under which blind indexes a suppressed person is looked for.
CREATE TABLE suppressed_person (
    workspace_id   UUID NOT NULL,
    mode           BIGINT NOT NULL,
    person         BYTEA NOT NULL,
    suppression_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, mode, person),
    FOREIGN KEY (workspace_id, suppression_id) REFERENCES suppression (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX suppressed_person_of ON suppressed_person (workspace_id, suppression_id);

-- What passed between a channel and a person, by blind index.
CREATE TABLE conversation (
    workspace_id    UUID NOT NULL,
    channel_id      UUID NOT NULL,
    person          BYTEA NOT NULL,
    last_inbound_at BIGINT,
    first_sent_at   BIGINT,
    last_sent_at    BIGINT,
    -- The last sixteen sends, newest first, nine characters each: the second in hex, the purpose's number.
    sends           TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, channel_id, person),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- How much of a plan was used, of the workspace (its own id) and of each channel. Days and months are those of the
-- workspace's time zone, counted from 1970; they only go forward, whatever becomes of the clock or the zone.
CREATE TABLE usage (
    workspace_id  UUID NOT NULL REFERENCES workspace (id),
    -- Live messages and test messages are counted apart.
    mode          BIGINT NOT NULL,
    subject       UUID NOT NULL,
    day           BIGINT NOT NULL,
    day_used      BIGINT NOT NULL,
    month         BIGINT NOT NULL,
    month_used    BIGINT NOT NULL,
    -- The day before that anything was counted on; it is in the history, too.
    last_day      BIGINT NOT NULL,
    last_day_used BIGINT NOT NULL,
    -- What was told of: the day and the month, and at how many messages of them.
    told_day      BIGINT NOT NULL,
    told_day_at   BIGINT NOT NULL,
    told_month    BIGINT NOT NULL,
    told_month_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, mode, subject)
);
-- The days before.
CREATE TABLE usage_day (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    mode         BIGINT NOT NULL,
    subject      UUID NOT NULL,
    day          BIGINT NOT NULL,
    used         BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, mode, subject, day)
);

-- What the risk rules remember of a channel, packed.
CREATE TABLE risk (
    workspace_id UUID NOT NULL,
    channel_id   UUID NOT NULL,
    state        BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, channel_id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channel (workspace_id, id)
);

-- What the guard did not let through, and who decided what since.
CREATE TABLE policy_event (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    decision     BIGINT NOT NULL,
    -- The error's code, or what was decided.
    code         TEXT COLLATE "C" NOT NULL,
    rule         TEXT COLLATE "C",
    score        BIGINT,
    purpose      TEXT COLLATE "C",
    mode         BIGINT NOT NULL,
    channel_id   UUID,
    message_id   UUID,
    actor        TEXT COLLATE "C" NOT NULL,
    -- JSON: numbers and names of rules; never a text.
    details      TEXT COLLATE "C",
    at           BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

-- What waits for somebody's decision: a message that is held, or words that may have been an opt-out.
CREATE TABLE review (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    -- 1 an outbound message, 2 an inbound one.
    kind         BIGINT NOT NULL,
    message_id   UUID NOT NULL,
    channel_id   UUID NOT NULL,
    mode         BIGINT NOT NULL,
    -- JSON: score and rules.
    found        TEXT COLLATE "C" NOT NULL,
    -- 1 open, 2 approved, 3 rejected, 4 its time ran out.
    state        BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    expires_at   BIGINT,
    decided_at   BIGINT,
    decided_by   TEXT COLLATE "C",
    reason       TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX review_open ON review (workspace_id, state, id);
CREATE INDEX review_due ON review (expires_at) WHERE state = 1 AND expires_at IS NOT NULL;
CREATE UNIQUE INDEX review_message ON review (workspace_id, message_id, kind);

-- Who agreed to hear from the workspace, when and how.
CREATE TABLE consent (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    id           UUID NOT NULL,
    mode         BIGINT NOT NULL,
    person       BYTEA NOT NULL,
    -- Sealed.
    party        BYTEA NOT NULL,
    -- NULL: any purpose that needs one.
    purpose      BIGINT,
    source       TEXT COLLATE "C" NOT NULL,
    -- Sealed: the words that were agreed to, or where the proof lies.
    proof        BYTEA,
    given_at     BIGINT NOT NULL,
    recorded_at  BIGINT NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    revoked_at   BIGINT,
    revoked_why  TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX consent_person ON consent (workspace_id, mode, person);

-- A message that is not sent by then is not sent any more.
ALTER TABLE message ADD COLUMN expires_at BIGINT;
-- The day that it was counted on, until its unit is given back.
ALTER TABLE message ADD COLUMN counted_day BIGINT;

ALTER TABLE pause ENABLE ROW LEVEL SECURITY;
ALTER TABLE pause FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON pause USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE suppression ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppression FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON suppression USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE suppressed_person ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppressed_person FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON suppressed_person USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE conversation ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON conversation USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON usage USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE risk ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON risk USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE policy_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_event FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON policy_event USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE review ENABLE ROW LEVEL SECURITY;
ALTER TABLE review FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON review USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE consent ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON consent USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);

ALTER TABLE usage_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_day FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON usage_day USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
-- The blind index of the person that an outbound message is for.
ALTER TABLE message ADD COLUMN person BYTEA;
