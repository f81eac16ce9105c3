-- E-mails on their way. Whom they go to and what they say is sealed with the platform's key, and erased with the last try.

CREATE TABLE mail (
    id          UUID PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL,
    recipient   BYTEA,
    content     BYTEA,
    -- Who is told in the console where it does not arrive; a workspace is named by the job.
    person_id   UUID,
    state       BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    -- Why the last try was none: a class and the server's code.
    outcome     TEXT COLLATE "C",
    created_at  BIGINT NOT NULL,
    -- From then on it is worth nothing: its link is over, or nobody waits any more.
    give_up_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX mail_give_up ON mail (give_up_at) WHERE state = 1;
CREATE INDEX mail_finished ON mail (finished_at) WHERE finished_at IS NOT NULL;

-- Notices to a person, sealed with the platform's key; those to a workspace are in `notice`.
CREATE TABLE user_notice (
    user_id    UUID NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    id         UUID NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    body       BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT,
    PRIMARY KEY (user_id, id)
);

-- Until when a member has seen the notices to the workspace.
CREATE TABLE notice_seen (
    workspace_id UUID NOT NULL REFERENCES workspace (id),
    user_id      UUID NOT NULL,
    seen_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES member (workspace_id, user_id) ON DELETE CASCADE
);

ALTER TABLE notice_seen ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_seen FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON notice_seen USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
