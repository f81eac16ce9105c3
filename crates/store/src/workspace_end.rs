//! The end of a workspace: its keys go first, then its rows, a few at a time.
//!
//! Threat note. Defends against: a deletion that does not delete. Everything secret or personal of a workspace is sealed
//! under its data key or found by its index key; both are gone with the first transaction, whatever is left of the rows.
//! Does not defend against: a backup from before, together with the master key that wrapped those keys: a rotation of the
//! master key ends that.
//!
//! What stays is the audit log, which can only be added to, and the workspace's own row, without a name.

use gatepost_core::{Result, Timestamp, WorkspaceId};

use crate::engine::{Row, Stmt};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::workspaces::{WorkspaceRow, raw};
use crate::{params, statements};

/// Up to `$2` rows of a table; the key is what makes a row of a workspace one.
macro_rules! sweep {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE workspace_id = $1 AND (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE workspace_id = $1 LIMIT $2)"
        )
    };
}

statements! {
    HOLD = per(
        "SELECT id, name, created_at, deleted_at, destroyed_at FROM workspace WHERE id = $1",
        "SELECT id, name, created_at, deleted_at, destroyed_at FROM workspace WHERE id = $1 FOR UPDATE"
    );
    DELETED = same("SELECT id FROM workspace WHERE deleted_at IS NOT NULL");
    /// Those whose rows are not all gone.
    DUE = same("SELECT id FROM workspace WHERE deleted_at <= $1 AND emptied_at IS NULL ORDER BY id");
    DESTROYED = same("UPDATE workspace SET destroyed_at = $2, name = '', only_through = NULL, sending_paused_why = NULL, review_why = NULL, guard = NULL, verification = NULL, billing_ref = NULL WHERE id = $1");
    EMPTIED = same("UPDATE workspace SET emptied_at = $2 WHERE id = $1");
    // What leads into the workspace, or opens what is sealed of it.
    KEYS = same("DELETE FROM wrapped_key WHERE owner = $1");
    KEY_INDEX = same("DELETE FROM api_key_index WHERE workspace_id = $1");
    APP_INDEX = same("DELETE FROM meta_app_index WHERE workspace_id = $1");
    CHANNEL_INDEX = same("DELETE FROM channel_index WHERE workspace_id = $1");
    ROUTES = same("DELETE FROM callback_route WHERE workspace_id = $1");
    PROVIDER_INDEX = same("DELETE FROM identity_provider_index WHERE workspace_id = $1");
    PAGE_INDEX = same("DELETE FROM verification_page_index WHERE workspace_id = $1");
    PUBLIC_KEYS = same("DELETE FROM webhook_public_key WHERE workspace_id = $1");
    TICKETS = same("DELETE FROM ticket WHERE workspace_id = $1");
    SESSIONS = same("DELETE FROM user_session WHERE provider_workspace = $1");
    // Rows, those that refer to others first.
    JOB = same(sweep!("job", "id"));
    ATTEMPT = same(sweep!("attempt", "endpoint_id, delivery_id, number"));
    DELIVERY = same(sweep!("delivery", "endpoint_id, id"));
    REPLAY = same(sweep!("replay", "endpoint_id, id"));
    EVENT = same(sweep!("event", "id"));
    ENDPOINT = same(sweep!("endpoint", "id"));
    API_KEY_CHANNEL = same(sweep!("api_key_channel", "api_key_id, channel_id"));
    API_KEY = same(sweep!("api_key", "id"));
    ACCESS_RULE = same(sweep!("access_rule", "mode"));
    SPOKEN_CODE = same(sweep!("spoken_code", "channel_id, digest"));
    SPOKEN_MISS = same(sweep!("spoken_miss", "person"));
    VERIFICATION_PAGE = same(sweep!("verification_page", "id"));
    VERIFICATION = same(sweep!("verification", "id"));
    VERIFICATION_COUNTER = same(sweep!("verification_counter", "mode, subject, key"));
    VERIFICATION_COUNTRY = same(sweep!("verification_country", "country"));
    VERIFICATION_STAT = same(sweep!("verification_stat", "mode, hour, flow, country, channel_id, template"));
    MEDIA = same(sweep!("media", "id"));
    MESSAGE = same(sweep!("message", "id"));
    CONTACT = same(sweep!("contact", "id"));
    REVIEW = same(sweep!("review", "id"));
    RISK = same(sweep!("risk", "channel_id"));
    CONVERSATION = same(sweep!("conversation", "channel_id, person"));
    SUPPRESSED_PERSON = same(sweep!("suppressed_person", "person"));
    SUPPRESSION = same(sweep!("suppression", "id"));
    CONSENT = same(sweep!("consent", "id"));
    PAUSE = same(sweep!("pause", "id"));
    POLICY_EVENT = same(sweep!("policy_event", "id"));
    USAGE = same(sweep!("usage", "mode, subject"));
    USAGE_DAY = same(sweep!("usage_day", "mode, subject, day"));
    SUPPRESSION_IMPORT_PART = same(sweep!("suppression_import_part", "import_id, part"));
    SUPPRESSION_IMPORT = same(sweep!("suppression_import", "id"));
    GUARD_KEYWORD = same(sweep!("guard_keyword", "id"));
    TEMPLATE = same(sweep!("template", "id"));
    CHANNEL = same(sweep!("channel", "id"));
    META_APP = same(sweep!("meta_app", "id"));
    IDEMPOTENCY = same(sweep!("idempotency", "id"));
    ENVELOPE = same(sweep!("envelope", "id"));
    CALLBACK_ITEM = same(sweep!("callback_item", "id"));
    NOTICE_SEEN = same(sweep!("notice_seen", "user_id"));
    NOTICE = same(sweep!("notice", "id"));
    INVITATION = same(sweep!("invitation", "id"));
    MEMBER = same(sweep!("member", "user_id"));
    IDENTITY_PROVIDER = same(sweep!("identity_provider", "id"));
    OPERATOR_VISIT = same(sweep!("operator_visit", "id"));
    WORKSPACE_COUNTER = same(sweep!("workspace_counter", "name"));
}

/// Gone at once, with the keys.
static DOORS: [&Stmt; 10] = [
    &KEYS,
    &KEY_INDEX,
    &APP_INDEX,
    &CHANNEL_INDEX,
    &ROUTES,
    &PROVIDER_INDEX,
    &PAGE_INDEX,
    &PUBLIC_KEYS,
    &TICKETS,
    &SESSIONS,
];

/// The tables whose rows go with their workspace, in the order in which they can; the audit log is not among them.
pub static SWEPT: [&str; 45] = [
    "job",
    "attempt",
    "delivery",
    "replay",
    "event",
    "endpoint",
    "api_key_channel",
    "api_key",
    "access_rule",
    "spoken_code",
    "spoken_miss",
    "verification_page",
    "verification",
    "verification_counter",
    "verification_country",
    "verification_stat",
    "media",
    "message",
    "contact",
    "review",
    "risk",
    "conversation",
    "suppressed_person",
    "suppression",
    "consent",
    "pause",
    "policy_event",
    "usage",
    "usage_day",
    "suppression_import_part",
    "suppression_import",
    "guard_keyword",
    "template",
    "channel",
    "meta_app",
    "idempotency",
    "envelope",
    "callback_item",
    "notice_seen",
    "notice",
    "invitation",
    "member",
    "identity_provider",
    "operator_visit",
    "workspace_counter",
];

/// How, in the same order.
static SWEEPS: [&Stmt; SWEPT.len()] = [
    &JOB,
    &ATTEMPT,
    &DELIVERY,
    &REPLAY,
    &EVENT,
    &ENDPOINT,
    &API_KEY_CHANNEL,
    &API_KEY,
    &ACCESS_RULE,
    &SPOKEN_CODE,
    &SPOKEN_MISS,
    &VERIFICATION_PAGE,
    &VERIFICATION,
    &VERIFICATION_COUNTER,
    &VERIFICATION_COUNTRY,
    &VERIFICATION_STAT,
    &MEDIA,
    &MESSAGE,
    &CONTACT,
    &REVIEW,
    &RISK,
    &CONVERSATION,
    &SUPPRESSED_PERSON,
    &SUPPRESSION,
    &CONSENT,
    &PAUSE,
    &POLICY_EVENT,
    &USAGE,
    &USAGE_DAY,
    &SUPPRESSION_IMPORT_PART,
    &SUPPRESSION_IMPORT,
    &GUARD_KEYWORD,
    &TEMPLATE,
    &CHANNEL,
    &META_APP,
    &IDEMPOTENCY,
    &ENVELOPE,
    &CALLBACK_ITEM,
    &NOTICE_SEEN,
    &NOTICE,
    &INVITATION,
    &MEMBER,
    &IDENTITY_PROVIDER,
    &OPERATOR_VISIT,
    &WORKSPACE_COUNTER,
];

impl SystemTx<'_> {
    /// A workspace; who else would bring it back or destroy it waits until this transaction is over.
    pub async fn workspace_hold(&self, id: WorkspaceId) -> Result<Option<WorkspaceRow>> {
        if id.uuid().is_nil() {
            return Ok(None);
        }
        Ok(self.tx.query_opt(&HOLD, params![id.uuid()], raw).await?)
    }

    /// The workspaces that are deleted, destroyed ones too.
    pub async fn workspaces_deleted(&self) -> Result<Vec<WorkspaceScope>> {
        let scope = |row: &Row<'_>| Ok(WorkspaceScope::of(WorkspaceId::from_uuid(row.get(0)?)));
        Ok(self.tx.query(&DELETED, &[], scope).await?)
    }

    /// The workspaces that were deleted by then and of which something is left.
    pub async fn workspaces_ending(&self, deleted_by: Timestamp) -> Result<Vec<WorkspaceScope>> {
        let scope = |row: &Row<'_>| Ok(WorkspaceScope::of(WorkspaceId::from_uuid(row.get(0)?)));
        Ok(self.tx.query(&DUE, params![deleted_by.micros()], scope).await?)
    }

    /// Takes a workspace's keys, its name, and whatever leads into it.
    pub async fn workspace_destroy(&self, scope: WorkspaceScope, now: Timestamp) -> Result<()> {
        let id = scope.workspace().uuid();
        for door in DOORS {
            self.tx.execute(door, params![id]).await?;
        }
        Ok(self.tx.execute_one(&DESTROYED, params![id, now.micros()]).await?)
    }

    /// Nothing is left of a workspace but its audit log.
    pub async fn workspace_emptied(&self, scope: WorkspaceScope, now: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&EMPTIED, params![scope.workspace().uuid(), now.micros()]).await?)
    }
}

impl WorkspaceTx<'_> {
    /// Removes up to `limit` rows of the table at this place in [`SWEPT`]; how many. `None` behind the last.
    pub async fn workspace_sweep(&self, table: usize, limit: i64) -> Result<Option<u64>> {
        match SWEEPS.get(table) {
            Some(sweep) => Ok(Some(self.tx.execute(sweep, params![self.workspace, limit]).await?)),
            None => Ok(None),
        }
    }
}
