-- Workspaces that their owners deleted: nobody and no key opens them any more; the operator can bring them back.
ALTER TABLE workspace ADD COLUMN deleted_at INTEGER;
-- An invitation that is over names nobody once its time in the log is over, too.
CREATE INDEX invitation_expiry ON invitation (workspace_id, expires_at);
