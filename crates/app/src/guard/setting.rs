//! What a workspace sets for itself.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::guard::GuardSettings;
use gatepost_core::{Error, FieldError, Result};
use gatepost_store::WorkspaceScope;

use crate::App;
use crate::access_rules::whole_workspace;

fn read(text: Option<&str>) -> Result<GuardSettings> {
    let Some(text) = text else { return Ok(GuardSettings::default()) };
    serde_json::from_str(text)
        .map_err(|e| Error::internal(format!("the guard's settings of a workspace cannot be read: {e}")))
}

/// What changed: numbers and rules as they are, of texts only whether there is one.
fn difference(mut entry: AuditEntry, before: &GuardSettings, after: &GuardSettings) -> Result<AuditEntry> {
    let said = |text: &Option<String>| if text.is_some() { "set" } else { "none" };
    let json = |value: serde_json::Result<String>| value.map_err(Error::internal);
    for (name, old, new) in [
        ("opt_out_reply", &before.opt_out_reply, &after.opt_out_reply),
        ("opt_in_reply", &before.opt_in_reply, &after.opt_in_reply),
    ] {
        entry.change(name, said(old), said(new));
        if old != new {
            entry.details.push(("changed", name.to_owned()));
        }
    }
    entry.change(
        "frequency_caps",
        json(serde_json::to_string(&before.frequency_caps))?,
        json(serde_json::to_string(&after.frequency_caps))?,
    );
    entry.change(
        "quiet_hours",
        json(serde_json::to_string(&before.quiet_hours))?,
        json(serde_json::to_string(&after.quiet_hours))?,
    );
    entry.change(
        "leave_window_to_meta",
        before.leave_window_to_meta.to_string(),
        after.leave_window_to_meta.to_string(),
    );
    Ok(entry)
}

impl App {
    pub async fn guard_settings_get(&self, grant: &Grant<permission::GuardRead>) -> Result<GuardSettings> {
        let scope = WorkspaceScope::from(grant);
        read(self.0.store.read(scope, async |tx| tx.guard_settings().await).await?.as_deref())
    }

    /// Sets all of them. They bind the next message on every node: they are read with it.
    ///
    /// Errors: `invalid_field` naming what makes no sense; `channel_not_allowed` for a key that is bound to channels.
    pub async fn guard_settings_set(
        &self,
        grant: &Grant<permission::GuardManage>,
        settings: GuardSettings,
    ) -> Result<GuardSettings> {
        whole_workspace(grant)?;
        settings.check().map_err(|(pointer, detail)| {
            Error::fields(vec![FieldError::new(pointer, "invalid_value", detail)])
        })?;
        let scope = WorkspaceScope::from(grant);
        let text = serde_json::to_string(&settings).map_err(Error::internal)?;
        let target = ("workspace", scope.workspace().to_string());
        let audit = self.audit(grant, Action::GuardSettingsChanged, target, Vec::new());
        let new = settings.clone();
        self.0
            .store
            .write(scope, async move |tx| {
                let before = read(tx.guard_settings().await?.as_deref())?;
                tx.guard_settings_set(&text).await?;
                tx.commit(difference(audit.clone(), &before, &new)?, ())
            })
            .await?;
        Ok(settings)
    }
}
