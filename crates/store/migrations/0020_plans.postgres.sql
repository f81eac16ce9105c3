-- Plans were names of presets of request limits before; now each is a plan that names its preset.
INSERT INTO plan (name, body, created_at, updated_at)
SELECT DISTINCT w.plan, '{"requests":"' || w.plan || '"}', 0, 0 FROM workspace w
WHERE w.plan IS NOT NULL AND NOT EXISTS (SELECT 1 FROM plan p WHERE p.name = w.plan);

-- The place of the last billing event that was acted on among all of its subscription; an earlier one changes nothing.
ALTER TABLE workspace ADD COLUMN billing_at BIGINT;

-- Events of the one who bills that were taken: each is acted on once.
CREATE TABLE billing_event (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL,
    -- When it happened there.
    created_at  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- What became of it.
    outcome     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX billing_event_received ON billing_event (received_at);
