-- Message templates belong to a WhatsApp Business account; a row is a draft while Meta has given it no id. The *_at of
-- status, category and quality are Meta's times of the newest callback about each, so that an older one changes nothing.
CREATE TABLE template (
    workspace_id     UUID NOT NULL REFERENCES workspace (id),
    id               UUID NOT NULL,
    mode             BIGINT NOT NULL,
    waba_id          TEXT COLLATE "C" NOT NULL,
    provider_id      TEXT COLLATE "C",
    name             TEXT COLLATE "C" NOT NULL,
    language         TEXT COLLATE "C" NOT NULL,
    category         TEXT COLLATE "C" NOT NULL,
    parameter_format TEXT COLLATE "C" NOT NULL,
    status           TEXT COLLATE "C" NOT NULL,
    status_at        BIGINT,
    category_at      BIGINT,
    quality          TEXT COLLATE "C",
    quality_at       BIGINT,
    reason           TEXT COLLATE "C",
    components       BYTEA NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    synced_at        BIGINT,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX template_name ON template (workspace_id, mode, waba_id, name, language);
CREATE UNIQUE INDEX template_provider ON template (workspace_id, mode, waba_id, provider_id) WHERE provider_id IS NOT NULL;

ALTER TABLE template ENABLE ROW LEVEL SECURITY;
ALTER TABLE template FORCE ROW LEVEL SECURITY;
CREATE POLICY own_workspace ON template
    USING (workspace_id = NULLIF(current_setting('gatepost.workspace', true), '')::uuid);
