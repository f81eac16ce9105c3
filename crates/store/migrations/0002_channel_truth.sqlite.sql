-- What Meta says of a number, what is wrong with a channel, and each Meta app's own version and address.

ALTER TABLE meta_app ADD COLUMN graph_version TEXT;
ALTER TABLE meta_app ADD COLUMN base_url TEXT;
ALTER TABLE meta_app ADD COLUMN deleted_at INTEGER;

ALTER TABLE channel ADD COLUMN found_by INTEGER;
ALTER TABLE channel ADD COLUMN attention TEXT;
ALTER TABLE channel ADD COLUMN next_action TEXT;
ALTER TABLE channel ADD COLUMN quality_rating TEXT;
ALTER TABLE channel ADD COLUMN throughput_level TEXT;
ALTER TABLE channel ADD COLUMN messaging_limit TEXT;
ALTER TABLE channel ADD COLUMN name_status TEXT;
ALTER TABLE channel ADD COLUMN number_status TEXT;
ALTER TABLE channel ADD COLUMN token_expires_at INTEGER;
ALTER TABLE channel ADD COLUMN checked_at INTEGER;
