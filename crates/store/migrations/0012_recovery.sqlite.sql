-- What the delivery log, replays and the clocks of content need to find their rows without looking at all of them.

-- An event's deliveries: whether its content is still needed, and what goes with it.
CREATE INDEX delivery_event ON delivery (workspace_id, event_id);
-- Failed, blocked and dead ones. A delivery that arrives at the first attempt never enters it.
CREATE INDEX delivery_state ON delivery (workspace_id, endpoint_id, state, id) WHERE state > 2;
-- Events whose content is there, oldest first.
CREATE INDEX event_payload ON event (workspace_id, id) WHERE payload IS NOT NULL;

-- failed (1), missing or failed (2), all (3).
ALTER TABLE replay RENAME COLUMN only_failed TO wanted;
-- Numbers of the event log: the replay walks from after first_seq to last_seq; position is the last one looked at.
ALTER TABLE replay ADD COLUMN first_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replay ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
-- When the event at the position was made.
ALTER TABLE replay ADD COLUMN position_at INTEGER;
-- Events that were to be sent again, and whose content is gone.
ALTER TABLE replay ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
-- One at a time for each endpoint.
CREATE UNIQUE INDEX replay_running ON replay (workspace_id, endpoint_id) WHERE state = 1;
