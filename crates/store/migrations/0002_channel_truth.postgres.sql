-- What Meta says of a number, what is wrong with a channel, and each Meta app's own version and address.

ALTER TABLE meta_app ADD COLUMN graph_version TEXT COLLATE "C";
ALTER TABLE meta_app ADD COLUMN base_url TEXT COLLATE "C";
ALTER TABLE meta_app ADD COLUMN deleted_at BIGINT;

ALTER TABLE channel ADD COLUMN found_by BIGINT;
ALTER TABLE channel ADD COLUMN attention TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN next_action TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN quality_rating TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN throughput_level TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN messaging_limit TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN name_status TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN number_status TEXT COLLATE "C";
ALTER TABLE channel ADD COLUMN token_expires_at BIGINT;
ALTER TABLE channel ADD COLUMN checked_at BIGINT;
