//! A workspace as its members change it: its name, its rules for them, and its end.
//!
//! A deleted workspace is shut at once, for people and keys alike, and keeps its rows: the operator can bring it back until
//! its grace is over ([`crate::deleted`]).

use gatepost_core::access::{
    Actor, Credential, Grant, OperatorGrant, Person, Role, operator_permission, permission,
};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::guard::Zone;
use gatepost_core::{Code, Error, FieldError, IdentityProviderId, Result, Timestamp, WorkspaceId};
use gatepost_store::{WorkspaceRow, WorkspaceRules, WorkspaceTx};

use super::Caller;
use crate::App;
use crate::workspaces::with_acceptance;

/// A workspace as its members see it.
#[derive(Debug, Clone)]
pub struct WorkspaceSettings {
    pub id: WorkspaceId,
    pub name: String,
    pub created_at: Timestamp,
    /// Whether members get in only with a second factor.
    pub second_factor_required: bool,
    /// The identity provider through which alone members get in.
    pub only_through: Option<IdentityProviderId>,
    /// IANA name; days and months of its plan are counted in it.
    pub time_zone: String,
}

/// What is to be changed of a workspace.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceChange {
    pub name: Option<String>,
    pub second_factor_required: Option<bool>,
    pub time_zone: Option<Zone>,
    /// True for who knows that members will be shut out.
    pub confirm_lockout: bool,
}

fn settings(id: WorkspaceId, rules: WorkspaceRules) -> WorkspaceSettings {
    WorkspaceSettings {
        id,
        name: rules.name,
        created_at: rules.created_at,
        second_factor_required: rules.second_factor_required,
        only_through: rules.only_through,
        time_zone: rules.time_zone,
    }
}

/// Whoever changes the workspace is an owner still.
async fn still_owner(tx: &WorkspaceTx<'_>, actor: Actor) -> Result<()> {
    let owner = match actor {
        Actor::User(user) => tx.owners_hold().await?.contains(&user),
        actor => actor == Actor::LocalOperator,
    };
    if owner {
        Ok(())
    } else {
        Err(Error::new(Code::PermissionMissing, "only an owner changes the workspace"))
    }
}

impl App {
    pub async fn workspace_settings(
        &self,
        grant: &Grant<permission::WorkspaceRead>,
    ) -> Result<WorkspaceSettings> {
        let rules = self.0.store.read(grant.into(), async |tx| tx.workspace_rules().await).await?;
        Ok(settings(grant.workspace(), rules))
    }

    /// How many members a rule for a second factor would shut out.
    pub async fn members_without_second_factor(&self, grant: &Grant<permission::MemberRead>) -> Result<i64> {
        self.0.store.read(grant.into(), async |tx| tx.members_without_second_factor().await).await
    }

    /// Changes the name, the time zone, and whether members need a second factor. A rule binds their next request on every node.
    ///
    /// Errors: `second_factor_required` where whoever asks for one of others signed in without one; `members_shut_out`
    /// with their number, unless confirmed; `permission_missing`.
    pub async fn workspace_update(
        &self,
        grant: &Grant<permission::WorkspaceManage>,
        change: WorkspaceChange,
    ) -> Result<WorkspaceSettings> {
        let (actor, workspace) = (grant.actor(), grant.workspace());
        if change.second_factor_required == Some(true)
            && let Credential::Session(session) = grant.credential()
        {
            let found = self.0.store.read_system(async move |tx| tx.session_get(session).await).await?;
            if !found.is_some_and(|row| row.session.second_factor) {
                let detail = "sign in with a second factor yourself before you ask it of others";
                return Err(Error::new(Code::SecondFactorRequired, detail));
            }
        }
        let target = ("workspace", workspace.to_string());
        let entry = self.audit(grant, Action::WorkspaceUpdated, target, Vec::new());
        let (rules, epoch) = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                still_owner(tx, actor).await?;
                let before = tx.workspace_rules().await?;
                let name = change.name.clone().unwrap_or_else(|| before.name.clone());
                let required = change.second_factor_required.unwrap_or(before.second_factor_required);
                if required && !before.second_factor_required && !change.confirm_lockout {
                    let without = tx.members_without_second_factor().await?;
                    if without > 0 {
                        let detail = format!("members without a second factor: {without}");
                        return Err(Error::new(Code::MembersShutOut, detail));
                    }
                }
                let zone = change.time_zone.as_ref().map_or(before.time_zone.as_str(), Zone::name).to_owned();
                if name == before.name
                    && required == before.second_factor_required
                    && zone == before.time_zone
                {
                    return tx.commit(Audit::None("nothing was changed"), (before, None));
                }
                let epoch = if required == before.second_factor_required {
                    None
                } else {
                    Some(tx.credential_epoch_raise().await?)
                };
                let audit = entry
                    .clone()
                    .changed("name", &before.name, &name)
                    .changed(
                        "second_factor_required",
                        before.second_factor_required.to_string(),
                        required.to_string(),
                    )
                    .changed("time_zone", &before.time_zone, &zone);
                let after =
                    WorkspaceRules { name, second_factor_required: required, time_zone: zone, ..before };
                tx.workspace_rules_set(&after).await?;
                tx.commit(audit, (after, epoch))
            })
            .await?;
        if let Some(epoch) = epoch {
            self.await_epoch(epoch).await?;
        }
        Ok(settings(workspace, rules))
    }

    /// Shuts the workspace for everybody. When this returns, the next request of each member and key is refused on every
    /// node. `name` is typed by whoever means it.
    ///
    /// Errors: `invalid_field` where it is another name, `permission_missing`.
    pub async fn workspace_delete(
        &self,
        grant: &Grant<permission::WorkspaceManage>,
        name: &str,
    ) -> Result<()> {
        let (actor, now, name) = (grant.actor(), self.now(), name.to_owned());
        let target = ("workspace", grant.workspace().to_string());
        let entry = self.audit(grant, Action::WorkspaceDeleted, target, Vec::new());
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                still_owner(tx, actor).await?;
                let rules = tx.workspace_rules().await?;
                if rules.name != name {
                    let wrong =
                        FieldError::new("/name", "invalid_value", "expected the workspace's own name");
                    return Err(Error::fields(vec![wrong]));
                }
                tx.workspace_delete(now).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(entry.clone().was("name", &rules.name), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// Takes a deletion back: members and keys open the workspace again.
    ///
    /// Errors: `not_found`, `conflict` where it was not deleted, or its grace was over and its keys are gone.
    pub async fn workspace_restore(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        id: WorkspaceId,
    ) -> Result<()> {
        let entry = self.audit_operator(grant, Action::WorkspaceRestored, ("workspace", id.to_string()));
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                // Whoever destroys it at this moment is waited for.
                let row = tx.workspace_hold(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                let Some(deleted) = row.deleted_at else {
                    return Err(Error::new(Code::Conflict, "the workspace is not deleted"));
                };
                if row.destroyed_at.is_some() {
                    return Err(Error::new(Code::Conflict, "the workspace's keys and data are gone"));
                }
                tx.workspace_restore(id).await?;
                let entry = entry.clone().was("deleted_at", deleted.to_string());
                tx.audit_add(id, std::slice::from_ref(&entry)).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// Whether this person may make another workspace: where the installation allows it, whoever owns one.
    pub async fn workspace_create_allowed(&self, person: &Person) -> Result<bool> {
        if !self.0.config.workspaces_self_service {
            return Ok(false);
        }
        Ok(self.seats_of(person).await?.iter().any(|seat| seat.role == Role::Owner))
    }

    /// Another workspace for somebody who owns one, where the installation allows it. They own it.
    ///
    /// Errors: `reauth_required`, `permission_missing`, `acceptable_use_required`.
    pub async fn workspace_create_own(
        &self,
        person: &Person,
        caller: &Caller,
        name: String,
        acceptable_use: Option<&str>,
    ) -> Result<WorkspaceId> {
        if !self.workspace_create_allowed(person).await? {
            let detail = "whoever runs this installation makes the workspaces";
            return Err(Error::new(Code::PermissionMissing, detail));
        }
        let (now, user) = (self.now(), person.user());
        person.fresh(now)?;
        let accepted = self.acceptable_use_accepted(acceptable_use)?;
        let row = WorkspaceRow {
            id: WorkspaceId::new(now, self.entropy()),
            name,
            created_at: now,
            deleted_at: None,
            destroyed_at: None,
        };
        let (id, keys) = (row.id, self.0.sealing.new_keys(row.id.uuid())?);
        let entry = |action, target| {
            self.audit_person(caller, person.actor(), Some(person.credential()), action, target)
        };
        let made = entry(Action::WorkspaceCreated, ("workspace", id.to_string())).made("name", &row.name);
        let made = with_acceptance(made, accepted.as_deref());
        let joined =
            entry(Action::MemberJoined, ("user", user.to_string())).made("role", Role::Owner.as_str());
        self.0
            .store
            .write_system(async move |tx| {
                tx.workspace_insert(&row, &keys, accepted.as_deref()).await?;
                tx.member_add(id, user, Role::Owner, now).await?;
                tx.audit_add(id, std::slice::from_ref(&joined)).await?;
                tx.commit(made.clone(), id)
            })
            .await
    }
}
