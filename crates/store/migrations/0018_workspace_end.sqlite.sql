-- A deleted workspace whose grace is over: since when its keys are gone, and since when its rows are. The row itself stays,
-- without a name, because its audit log does.
ALTER TABLE workspace ADD COLUMN destroyed_at INTEGER;
ALTER TABLE workspace ADD COLUMN emptied_at INTEGER;
