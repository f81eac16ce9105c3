-- Two contacts that turned out to be one person: the younger points to the older, which has its names now.
ALTER TABLE contact ADD COLUMN merged_into UUID;
