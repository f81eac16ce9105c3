-- The place of a job among those that share its order key: the event's number for deliveries, the time for the rest.
-- Times repeat and commit in another order than they were read; numbers of the event log do neither.
ALTER TABLE job ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE job SET position = queued_at;
DROP INDEX job_order;
CREATE INDEX job_order ON job (kind, lane, order_key, position) WHERE order_key IS NOT NULL;
