//! What a send is held against, read in one statement.

use gatepost_core::channel::Mode;
use gatepost_core::guard::Subscription;
use gatepost_core::{ChannelId, Purpose, Result};

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What a send is held against.
#[derive(Debug, Clone, Default)]
pub struct GuardFacts {
    pub subscription: Subscription,
    /// The name of the workspace's plan.
    pub plan: Option<String>,
    /// The plan, or else the default one, as JSON; `None`: there is neither.
    pub plan_body: Option<String>,
    pub time_zone: String,
    /// The workspace's own settings as JSON.
    pub settings: Option<String>,
    pub paused: bool,
    pub suppressed: bool,
    /// The person agreed to hear from the workspace for this purpose.
    pub consented: bool,
    /// The template of this name and language, as Meta files it.
    pub template_category: Option<String>,
}

/// What facts are asked for.
#[derive(Debug, Clone)]
pub struct GuardAsk {
    pub channel: ChannelId,
    pub mode: Mode,
    pub purpose: Purpose,
    /// The blind index of the person.
    pub person: [u8; 16],
    /// Name and language of the template, where the message is one.
    pub template: Option<(String, String)>,
    /// The plan of workspaces that have none, by name.
    pub default_plan: Option<std::sync::Arc<str>>,
}

statements! {
    FACTS = same("SELECT w.subscription, w.subscription_until, w.plan, (SELECT p.body FROM plan p WHERE p.name = COALESCE(w.plan, $5)), w.time_zone, w.guard, CAST(CASE WHEN w.sending_paused_at IS NOT NULL OR EXISTS (SELECT 1 FROM pause x WHERE x.workspace_id = $1 AND (x.scope = 1 OR x.channel_id = $2 OR x.purpose = $3)) THEN 1 ELSE 0 END AS BIGINT), CAST(CASE WHEN EXISTS (SELECT 1 FROM suppressed_person s WHERE s.workspace_id = $1 AND s.mode = $6 AND s.person = $4) THEN 1 ELSE 0 END AS BIGINT) FROM workspace w WHERE w.id = $1");
    SETTINGS = same("SELECT guard FROM workspace WHERE id = $1");
    SETTINGS_AND_ZONE = same("SELECT guard, time_zone FROM workspace WHERE id = $1");
    SETTINGS_SET = same("UPDATE workspace SET guard = $2 WHERE id = $1");
    CONSENT = same("SELECT COUNT(*) FROM consent WHERE workspace_id = $1 AND mode = $4 AND person = $2 AND revoked_at IS NULL AND (purpose IS NULL OR purpose = $3)");
    CATEGORY = same("SELECT t.category FROM template t JOIN channel c ON c.workspace_id = t.workspace_id AND c.mode = t.mode AND c.waba_id = t.waba_id WHERE t.workspace_id = $1 AND c.id = $2 AND t.name = $3 AND t.language = $4");
}

fn facts(row: &Row<'_>) -> engine::Result<GuardFacts> {
    Ok(GuardFacts {
        subscription: super::plans::subscription(row, 0)?,
        plan: row.get(2)?,
        plan_body: row.get(3)?,
        time_zone: row.get(4)?,
        settings: row.get(5)?,
        paused: row.get(6)?,
        suppressed: row.get(7)?,
        consented: false,
        template_category: None,
    })
}

impl WorkspaceTx<'_> {
    /// The workspace's own settings of the guard as JSON, where it has any.
    pub async fn guard_settings(&self) -> Result<Option<String>> {
        let text = |row: &Row<'_>| row.get::<Option<String>>(0);
        Ok(self.tx.query_opt(&SETTINGS, params![self.workspace], text).await?.flatten())
    }

    /// The settings as JSON, and the name of the workspace's time zone.
    pub async fn guard_settings_and_zone(&self) -> Result<(Option<String>, String)> {
        let texts = |row: &Row<'_>| Ok((row.get::<Option<String>>(0)?, row.get::<String>(1)?));
        Ok(self.tx.query_one(&SETTINGS_AND_ZONE, params![self.workspace], texts).await?)
    }

    pub async fn guard_settings_set(&self, json: &str) -> Result<()> {
        Ok(self.tx.execute_one(&SETTINGS_SET, params![self.workspace, json]).await?)
    }

    /// What a send is held against.
    pub async fn guard_facts(&self, ask: &GuardAsk) -> Result<GuardFacts> {
        let (person, purpose) = (ask.person.as_slice(), ask.purpose.number());
        let (mode, default_plan) = (ask.mode.number(), ask.default_plan.as_deref());
        let values = params![self.workspace, ask.channel.uuid(), purpose, person, default_plan, mode];
        let mut found = self.tx.query_one(&FACTS, values, facts).await?;
        if !ask.purpose.is_carried() {
            let count = |row: &Row<'_>| row.get::<i64>(0);
            let given =
                self.tx.query_one(&CONSENT, params![self.workspace, person, purpose, mode], count).await?;
            found.consented = given > 0;
        }
        if let Some((name, language)) = &ask.template {
            let values = params![self.workspace, ask.channel.uuid(), name, language];
            let category = |row: &Row<'_>| row.get::<Option<String>>(0);
            found.template_category = self.tx.query_opt(&CATEGORY, values, category).await?.flatten();
        }
        Ok(found)
    }
}
