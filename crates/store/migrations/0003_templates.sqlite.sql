-- Message templates belong to a WhatsApp Business account; a row is a draft while Meta has given it no id. The *_at of
-- status, category and quality are Meta's times of the newest callback about each, so that an older one changes nothing.
CREATE TABLE template (
    workspace_id     BLOB NOT NULL REFERENCES workspace (id),
    id               BLOB NOT NULL,
    mode             INTEGER NOT NULL,
    waba_id          TEXT NOT NULL,
    provider_id      TEXT,
    name             TEXT NOT NULL,
    language         TEXT NOT NULL,
    category         TEXT NOT NULL,
    parameter_format TEXT NOT NULL,
    status           TEXT NOT NULL,
    status_at        INTEGER,
    category_at      INTEGER,
    quality          TEXT,
    quality_at       INTEGER,
    reason           TEXT,
    components       BLOB NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    synced_at        INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX template_name ON template (workspace_id, mode, waba_id, name, language);
CREATE UNIQUE INDEX template_provider ON template (workspace_id, mode, waba_id, provider_id) WHERE provider_id IS NOT NULL;
