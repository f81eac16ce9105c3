-- Keys that look random get a time before them, so that new entries meet in few pages however many are stored.

-- The span of time in which Meta's id of the message became known; what is there already counts as the oldest.
ALTER TABLE message ADD COLUMN provider_span INTEGER NOT NULL DEFAULT 0;
DROP INDEX message_provider;
CREATE INDEX message_provider ON message (workspace_id, provider_span, provider_index) WHERE provider_index IS NOT NULL;

-- Items are named by their time first from here on: the names given so far would never be met again.
DELETE FROM callback_item;
