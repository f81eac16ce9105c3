//! How a workspace stands: pausing its sending, reviews, plans.

use gatepost_core::access::{
    Grant, OperatorGrant, OperatorPermission, OperatorReason, PermissionId, operator_permission, permission,
};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::guard::{PlanName, Subscription, SubscriptionState};
use gatepost_core::{Code, Error, FieldError, Result, Timestamp, WorkspaceId};
use gatepost_store::{StandingRow, WorkspaceCounts};
use gatepost_vault::WorkspaceKeys;
use std::sync::Arc;
use std::time::Duration;

use crate::App;
use crate::notices::{Notice, to_workspace};
use crate::workspaces::WorkspaceView;

/// What operators set for a workspace: since when, and why where the reader may know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingView {
    pub paused_since: Option<Timestamp>,
    pub paused_why: Option<String>,
    pub review_since: Option<Timestamp>,
    pub review_why: Option<String>,
    /// The name of its plan; `None`: the one of workspaces without one.
    pub plan: Option<String>,
    pub subscription: Subscription,
    /// Since when it is in its state; `None`: since the workspace was made.
    pub subscription_since: Option<Timestamp>,
}

impl StandingView {
    fn of(row: StandingRow, reasons: bool) -> Self {
        let split = |state: Option<(Timestamp, String)>| match state {
            Some((since, why)) => (Some(since), reasons.then_some(why)),
            None => (None, None),
        };
        let ((paused_since, paused_why), (review_since, review_why)) = (split(row.paused), split(row.review));
        Self {
            paused_since,
            paused_why,
            review_since,
            review_why,
            plan: row.plan,
            subscription: row.subscription,
            subscription_since: row.subscription_since,
        }
    }
}

/// A workspace as operators see it.
#[derive(Debug, Clone)]
pub struct WorkspaceDetail {
    pub workspace: WorkspaceView,
    pub standing: StandingView,
    /// Counted where one workspace is asked for.
    pub counts: Option<WorkspaceCounts>,
}

/// Why a state has begun, for the audit log; nothing where it has not.
fn why(state: Option<&(Timestamp, String)>) -> String {
    state.map(|(_, why)| why.clone()).unwrap_or_default()
}

impl App {
    /// Every workspace and how it stands, newest first.
    pub async fn workspace_overview(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
    ) -> Result<Vec<WorkspaceDetail>> {
        let (rows, mut standings) = self
            .0
            .store
            .read_system(async move |tx| Ok((tx.workspace_list().await?, tx.standings().await?)))
            .await?;
        standings.sort_unstable_by_key(|(id, _)| *id);
        let standing = |id: WorkspaceId| {
            let at = standings.binary_search_by_key(&id, |(known, _)| *known).ok()?;
            standings.get(at).map(|(_, row)| row.clone())
        };
        Ok(rows
            .into_iter()
            .map(|row| WorkspaceDetail {
                standing: StandingView::of(standing(row.id).unwrap_or_default(), true),
                workspace: row.into(),
                counts: None,
            })
            .collect())
    }

    /// One workspace, how it stands, and how much there is of what it owns.
    ///
    /// Errors: `not_found`.
    pub async fn workspace_detail(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
        id: WorkspaceId,
    ) -> Result<WorkspaceDetail> {
        let found = self
            .0
            .store
            .read_system(async move |tx| {
                let Some(row) = tx.workspace_get(id).await? else { return Ok(None) };
                Ok(Some((row, tx.standing_of(id).await?, tx.workspace_counts(id).await?)))
            })
            .await?;
        let (row, standing, counts) = found.ok_or_else(|| Error::of(Code::NotFound))?;
        Ok(WorkspaceDetail {
            workspace: row.into(),
            standing: StandingView::of(standing, true),
            counts: Some(counts),
        })
    }

    /// Stops a workspace's sending: from when this returns on, every send on every node is refused with
    /// `sending_paused`. What is queued waits; receiving goes on.
    ///
    /// Errors: `not_found`; `conflict` where it is paused already.
    pub async fn workspace_sending_pause(
        &self,
        grant: &OperatorGrant<operator_permission::SendingManage>,
        id: WorkspaceId,
        reason: OperatorReason,
    ) -> Result<StandingView> {
        let now = self.now();
        self.standing_change(grant, id, Action::WorkspaceSendingPaused, None, move |row| {
            if row.paused.is_some() {
                return Err(Error::new(Code::Conflict, "sending is paused already"));
            }
            let why = reason.as_str().to_owned();
            let change = ("reason", String::new(), why.clone());
            Ok((StandingRow { paused: Some((now, why)), ..row }, change))
        })
        .await
    }

    /// Lets a workspace send again.
    ///
    /// Errors: `not_found`; `conflict` where it is not paused.
    pub async fn workspace_sending_resume(
        &self,
        grant: &OperatorGrant<operator_permission::SendingManage>,
        id: WorkspaceId,
    ) -> Result<StandingView> {
        self.standing_change(grant, id, Action::WorkspaceSendingResumed, None, |row| {
            if row.paused.is_none() {
                return Err(Error::new(Code::Conflict, "sending is not paused"));
            }
            let change = ("reason", why(row.paused.as_ref()), String::new());
            Ok((StandingRow { paused: None, ..row }, change))
        })
        .await
    }

    /// Puts a workspace under review, or ends the review. It is a word to the workspace and to other operators; by itself
    /// it stops nothing.
    ///
    /// Errors: `not_found`.
    pub async fn workspace_review_set(
        &self,
        grant: &OperatorGrant<operator_permission::SendingManage>,
        id: WorkspaceId,
        reason: Option<OperatorReason>,
    ) -> Result<StandingView> {
        let now = self.now();
        self.standing_change(grant, id, Action::WorkspaceReviewChanged, None, move |row| {
            let since = row.review.as_ref().map_or(now, |(since, _)| *since);
            let review = reason.as_ref().map(|reason| (since, reason.as_str().to_owned()));
            let change = ("reason", why(row.review.as_ref()), why(review.as_ref()));
            Ok((StandingRow { review, ..row }, change))
        })
        .await
    }

    /// Gives a workspace a plan. `None` takes it away: then the default one holds, where there is one.
    ///
    /// Errors: `not_found`; `invalid_field` for a plan that there is not.
    pub async fn workspace_plan_set(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        id: WorkspaceId,
        plan: Option<PlanName>,
    ) -> Result<StandingView> {
        let given = plan.clone();
        self.standing_change(grant, id, Action::WorkspacePlanChanged, plan, move |row| {
            let name = given.as_ref().map(ToString::to_string);
            let change = ("plan", row.plan.clone().unwrap_or_default(), name.clone().unwrap_or_default());
            Ok((StandingRow { plan: name, ..row }, change))
        })
        .await
    }

    /// Says how a workspace stands with whoever bills it. Only a trial and what is past due end by themselves; what is past
    /// due gets the grace of its plan where no end is given.
    ///
    /// Errors: `not_found`; `invalid_field` for an end that is past, or of a state that has none.
    pub async fn workspace_subscription_set(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        id: WorkspaceId,
        state: SubscriptionState,
        until: Option<Timestamp>,
    ) -> Result<StandingView> {
        let now = self.now();
        let wrong = |detail: &str| {
            Err(Error::fields(vec![FieldError::new("/until", "invalid_value", detail.to_owned())]))
        };
        let ends = matches!(state, SubscriptionState::Trialing | SubscriptionState::PastDue);
        match until {
            Some(_) if !ends => return wrong("only trialing and past_due have an end"),
            Some(until) if until <= now => return wrong("expected a time that is to come"),
            _ => {}
        }
        let until = match (until, state) {
            (None, SubscriptionState::PastDue) => Some(now.plus(self.workspace_grace(id).await?)),
            (until, _) => until,
        };
        let new = Subscription { state, until };
        self.standing_change(grant, id, Action::SubscriptionChanged, None, move |row| {
            let since = if row.subscription.state == state { row.subscription_since } else { Some(now) };
            let change = ("subscription", row.subscription.said(), new.said());
            Ok((StandingRow { subscription: new, subscription_since: since, ..row }, change))
        })
        .await
    }

    /// For how long what is past due passes.
    async fn workspace_grace(&self, id: WorkspaceId) -> Result<Duration> {
        let scope = self.0.store.read_system(async move |tx| tx.workspace_scope(id).await).await?;
        let scope = scope.ok_or_else(|| Error::of(Code::NotFound))?;
        let default_plan = self.default_plan();
        let entitled =
            self.0.store.read(scope, async move |tx| tx.entitled(default_plan.as_deref()).await).await?;
        let days = entitled.plan.unwrap_or_default().grace_days();
        Ok(Duration::from_hours(24 * u64::from(days)))
    }

    /// How the caller's workspace stands. Reasons are for those who manage it.
    pub async fn workspace_standing(&self, grant: &Grant<permission::WorkspaceRead>) -> Result<StandingView> {
        let row = self.0.store.read(grant.into(), async move |tx| tx.standing().await).await?;
        Ok(StandingView::of(row, grant.holds(PermissionId::AuditRead)))
    }

    /// The keys of a workspace, for what its owners are told.
    ///
    /// Errors: `not_found`.
    pub(super) async fn workspace_keys(&self, id: WorkspaceId) -> Result<Arc<WorkspaceKeys>> {
        let scope = self.0.store.read_system(async move |tx| tx.workspace_scope(id).await).await?;
        self.0.sealing.keys(scope.ok_or_else(|| Error::of(Code::NotFound))?).await
    }

    /// Changes how a workspace stands, with an entry in its own log. A plan that is given must be there. Keys and seats carry a part of it, so this returns
    /// when every node has read them anew.
    async fn standing_change<P: OperatorPermission>(
        &self,
        grant: &OperatorGrant<P>,
        id: WorkspaceId,
        action: Action,
        plan: Option<PlanName>,
        change: impl Fn(StandingRow) -> Result<(StandingRow, (&'static str, String, String))> + Send + 'static,
    ) -> Result<StandingView> {
        let entry = self.audit_operator(grant, action, ("workspace", id.to_string()));
        let keys = self.workspace_keys(id).await?;
        let (app, now) = (self.clone(), self.now());
        let (row, epoch) = self
            .0
            .store
            .write_system(async move |tx| {
                if let Some(plan) = &plan
                    && tx.plan_hold(plan).await?.is_none()
                {
                    let detail = format!("there is no plan {plan}");
                    return Err(Error::fields(vec![FieldError::new("/plan", "invalid_value", detail)]));
                }
                let was = tx.standing_hold(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                let (new, (name, before, after)) = change(was)?;
                tx.standing_set(id, &new).await?;
                if matches!(action, Action::WorkspaceSendingPaused | Action::WorkspaceSendingResumed) {
                    let notice = Notice::sending(new.paused.as_ref().map(|(_, why)| why.as_str()), now);
                    let notice = to_workspace(&keys, now, app.entropy(), &notice, app.mail_on())?;
                    tx.workspace_tell(id, &notice).await?;
                }
                let entry = entry.clone().changed(name, before, after);
                tx.audit_add(id, std::slice::from_ref(&entry)).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), (new, epoch))
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(StandingView::of(row, true))
    }
}
