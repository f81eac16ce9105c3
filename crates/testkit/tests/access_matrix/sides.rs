//! Two workspaces that own one of everything in both modes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gatepost_app::{BillingConfig, InvitationCreate, OperatorVisitOpen, Outcome, Visit};
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle};
use gatepost_core::access::{OperatorReason, OperatorRole, Role, Scope, VISIT_LASTS, operator_permission};
use gatepost_core::channel::Mode;
use gatepost_core::guard::PauseScope;
use gatepost_core::{
    ApiKeyId, Clock, EmailAddress, IdentityProviderId, InvitationId, MessageId, OperatorVisitId, PauseId,
    Purpose, WorkspaceId,
};
use gatepost_store::engine::EngineKind;
use gatepost_testkit::idp::Idp;
use gatepost_testkit::{Client, Engines, Fixtures, Receiver, Setup, World, eventually, sandbox};
use gatepost_vault::{ApiKeyToken, StripeSecret, SystemEntropy};
use serde_json::json;

pub struct Side {
    pub workspace: WorkspaceId,
    pub test_key: String,
    live_key: String,
    nobody: Client,
    pub test: Fixtures,
    pub live: Fixtures,
    token: String,
}

pub struct Sides {
    pub world: World,
    pub attacker: Side,
    pub victim: Side,
    meta: SandboxHandle,
}

impl Side {
    async fn make(world: &World, meta: &SandboxHandle, number: u32) -> Self {
        let tenant = world.tenant(&format!("Workspace {number}")).await;
        let live = world.live(meta, tenant.workspace, number).await;
        let receiver = Receiver::start().await;
        let channel = json!({"type": "test", "name": format!("Test desk {number}")});
        let channel = tenant.admin.post("/v1/channels", &channel).await.expect(201).json();
        let channel = channel["id"].as_str().unwrap();
        let test = Fixtures::make(&tenant.admin, channel, &live.app.id, &receiver);
        let member = world.member(tenant.workspace, Role::Owner).await.id;
        let invitation = invited(world, tenant.workspace).await;
        let (provider, visit) =
            (provider(world, tenant.workspace).await, visit(world, tenant.workspace).await);
        let pause = pause(world, tenant.workspace).await;
        let with_people = |fixtures: Fixtures| {
            let fixtures = fixtures.with("usr", &member).with("inv", &invitation);
            fixtures.with("idp", &provider).with("opv", &visit).with("pse", &pause)
        };
        let test = with_people(test.await);
        Self {
            workspace: tenant.workspace,
            test_key: tenant.admin_key,
            live_key: live.admin_key.clone(),
            nobody: world.nobody(),
            test: with_review(world, test).await,
            live: with_review(
                world,
                with_people(Fixtures::make(&live.admin, &live.channel, &live.app.id, &receiver).await),
            )
            .await,
            token: live.token,
        }
    }

    /// A caller with all permissions in one mode.
    pub fn of(&self, mode: Mode) -> Client {
        self.nobody.with_key(Some(match mode {
            Mode::Test => &self.test_key,
            Mode::Live => &self.live_key,
        }))
    }

    pub fn fixtures(&self, mode: Mode) -> &Fixtures {
        match mode {
            Mode::Test => &self.test,
            Mode::Live => &self.live,
        }
    }

    /// What nobody else may ever read: every id, and a token.
    pub fn secrets(&self) -> Vec<String> {
        let ids = self.test.ids().chain(self.live.ids()).map(|(_, id)| id.to_owned());
        ids.chain([self.token.clone(), self.workspace.to_string()]).collect()
    }
}

/// An open invitation, by the operator's hand.
async fn invited(world: &World, workspace: WorkspaceId) -> InvitationId {
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    let inside = world.app.workspace_enter(&enter, workspace, Visit::InProcess).await.unwrap();
    let email = EmailAddress::parse(&format!("{workspace}@example.com")).unwrap();
    let create = InvitationCreate { email, role: Role::Agent };
    match world.app.invitation_create(&inside.grant().unwrap(), create, None).await.unwrap() {
        Outcome::Fresh(sent) => sent.view.id,
        Outcome::Replayed(_) => unreachable!("nothing to replay"),
    }
}

/// An identity provider, by the operator's hand.
async fn provider(world: &World, workspace: WorkspaceId) -> IdentityProviderId {
    let idp = Idp::start(Arc::clone(&world.clock) as _).await;
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    let inside = world.app.workspace_enter(&enter, workspace, Visit::InProcess).await.unwrap();
    let create = idp.registration();
    match world.app.identity_provider_create(&inside.grant().unwrap(), create, None).await.unwrap() {
        Outcome::Fresh(provider) => provider.id,
        Outcome::Replayed(_) => unreachable!("nothing to replay"),
    }
}

/// A visit of an operator who helps customers.
async fn visit(world: &World, workspace: WorkspaceId) -> OperatorVisitId {
    let (_, session) = world.operator_signed_in(OperatorRole::Support).await;
    let reason = OperatorReason::parse("Ticket 4711: stuck sends").unwrap();
    let open = OperatorVisitOpen { workspace, reason, content: false, lasts: VISIT_LASTS };
    let grant = world.operator_grant(&session).await;
    world.app.operator_visit_open(&grant, open).await.unwrap().id
}

/// A pause by the operator's hand, of a purpose that nothing here is sent for.
async fn pause(world: &World, workspace: WorkspaceId) -> PauseId {
    let (scope, why) =
        (PauseScope::Purpose(Purpose::Political), OperatorReason::parse("Abuse report 4711").unwrap());
    let set = world.app.pause_set_by_operator(&world.operator(), workspace, scope, why).await.unwrap();
    set.id.unwrap()
}

/// A review of the message that is there, under the message's own number.
async fn with_review(world: &World, fixtures: Fixtures) -> Fixtures {
    let message = fixtures.get("msg").unwrap().to_owned();
    let id: MessageId = message.parse().unwrap();
    let key = match world.store.engine().kind() {
        EngineKind::Sqlite => format!("x'{}'", id.uuid().simple()),
        EngineKind::Postgres => format!("'{}'", id.uuid()),
    };
    world
        .as_superuser(&format!(
            "INSERT INTO review (workspace_id, id, kind, message_id, channel_id, mode, found, state, opened_at) \
             SELECT workspace_id, id, 2, id, channel_id, mode, '{{}}', 1, created_at FROM message WHERE id = {key}"
        ))
        .await;
    fixtures.with("rvw", &message.replace("msg_", "rvw_"))
}

impl Sides {
    pub async fn start(engine: Engines) -> Self {
        let meta = sandbox(SandboxConfig { seed: 7, ..SandboxConfig::default() }).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        // No sign of life comes in between, so nothing is written that no request asked for.
        setup.config.heartbeat = Duration::from_hours(1);
        setup.config.audit_checkpoint_every = Duration::from_hours(1);
        let secret = StripeSecret::new("whsec_0123456789abcdef").unwrap();
        setup.config.billing = Some(BillingConfig { secret, prices: BTreeMap::new() });
        let world = World::start(setup).await;
        let attacker = Side::make(&world, &meta, 1).await;
        let victim = Side::make(&world, &meta, 2).await;
        for workspace in [attacker.workspace, victim.workspace] {
            eventually("all work to be done", async || {
                let rows = world.rows_of(workspace).await;
                // Every channel has its daily look waiting.
                let looks = i64::try_from(rows["channel"].len()).unwrap();
                let jobs = i64::try_from(rows["job"].len()).unwrap();
                (jobs == looks && rows["envelope"].is_empty()).then_some(())
            })
            .await;
        }
        Self { world, attacker, victim, meta }
    }

    /// A key whose form is good and that was never given out.
    pub fn unknown_key(&self) -> String {
        let id = ApiKeyId::new(self.world.clock.now(), &SystemEntropy);
        let (token, _) = ApiKeyToken::generate(Mode::Test, id, &SystemEntropy);
        assert!(Scope::ALL.len() > 1 && ApiKeyToken::parse(token.expose()).is_ok());
        token.expose().to_owned()
    }

    pub async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }
}
