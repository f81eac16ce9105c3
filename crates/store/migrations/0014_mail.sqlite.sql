-- E-mails on their way. Whom they go to and what they say is sealed with the platform's key, and erased with the last try.

CREATE TABLE mail (
    id          BLOB PRIMARY KEY,
    kind        TEXT NOT NULL,
    recipient   BLOB,
    content     BLOB,
    -- Who is told in the console where it does not arrive; a workspace is named by the job.
    person_id   BLOB,
    state       INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    -- Why the last try was none: a class and the server's code.
    outcome     TEXT,
    created_at  INTEGER NOT NULL,
    -- From then on it is worth nothing: its link is over, or nobody waits any more.
    give_up_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_give_up ON mail (give_up_at) WHERE state = 1;
CREATE INDEX mail_finished ON mail (finished_at) WHERE finished_at IS NOT NULL;

-- Notices to a person, sealed with the platform's key; those to a workspace are in `notice`.
CREATE TABLE user_notice (
    user_id    BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    id         BLOB NOT NULL,
    kind       TEXT NOT NULL,
    body       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER,
    PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

-- Until when a member has seen the notices to the workspace.
CREATE TABLE notice_seen (
    workspace_id BLOB NOT NULL REFERENCES workspace (id),
    user_id      BLOB NOT NULL,
    seen_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES member (workspace_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
