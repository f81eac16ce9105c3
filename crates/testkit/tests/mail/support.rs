//! An installation with a mail server, and people in it.

use std::time::Duration;

use gatepost_app::{Caller, SessionBegun, SignIn, UserCreate};
use gatepost_core::access::{Person, Role, SessionKind, operator_permission};
use gatepost_core::{ClientAddr, EmailAddress, Result, Secret, UserId, WorkspaceId};
use gatepost_store::WorkspaceScope;
use gatepost_testkit::{Engines, MailServer, Setup, World, eventually};

pub const ANNA: &str = "anna@example.com";
pub const PASSWORD: &str = "three sleepy badgers";
pub const OTHER_PASSWORD: &str = "seven awkward herons";

pub struct House {
    pub world: World,
    pub server: MailServer,
}

impl House {
    pub async fn open(engine: Engines) -> Self {
        let server = MailServer::start().await;
        let world = World::start(Setup { mail: Some(server.mailer()), ..Setup::new(engine) }).await;
        Self { world, server }
    }

    pub async fn person(&self, email: &str) -> UserId {
        let grant = self.world.operator::<operator_permission::UserManage>();
        let create = UserCreate {
            email: EmailAddress::parse(email).unwrap(),
            name: "Anna Bell".to_owned(),
            password: Some(secret(PASSWORD)),
            operator: None,
        };
        self.world.app.user_create(&grant, create).await.unwrap().id
    }

    pub async fn seat(&self, workspace: WorkspaceId, user: UserId, role: Role) {
        let grant = self.world.operator::<operator_permission::UserManage>();
        self.world.app.member_add(&grant, workspace, user, role).await.unwrap();
    }

    pub async fn sign_in_from(&self, caller: &Caller, email: &str, password: &str) -> Result<SessionBegun> {
        let done =
            self.world.app.sign_in_password(caller, SessionKind::Console, email, &secret(password)).await?;
        match done {
            SignIn::Done(begun) => Ok(begun),
            SignIn::SecondFactor { .. } => unreachable!("no second factor here"),
        }
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<SessionBegun> {
        self.sign_in_from(&caller(1), email, password).await
    }

    pub async fn who(&self, begun: &SessionBegun) -> Result<std::sync::Arc<Person>> {
        self.world.app.person_of_session(begun.token.expose(), SessionKind::Console).await
    }

    /// The token at the end of a link in a mail.
    pub fn token(link: &str) -> String {
        link.rsplit('/').next().unwrap().to_owned()
    }

    /// Sets the clock forward, and lets this process notice: leases are renewed by it.
    pub async fn later(&self, span: Duration) {
        self.world.clock.advance(span);
        tokio::time::sleep(Duration::from_millis(120)).await;
    }

    /// Actions in the platform's audit log.
    pub async fn audited(&self, action: &str) -> usize {
        let read =
            self.world.store.read(WorkspaceScope::platform(), async |tx| tx.audit_after(0, 1_000).await);
        read.await.unwrap().iter().filter(|row| row.record.action == action).count()
    }

    /// The queue as it lies.
    pub async fn queue(&self) -> Vec<Queued> {
        // Columns in the order of their names: attempts, content, created_at, finished_at, give_up_at, id, kind, outcome,
        // person_id, recipient, state.
        let rows = self.world.rows().await.remove("mail").unwrap_or_default();
        let rows =
            rows.iter().map(|row| row.split(',').map(|cell| cell.trim_matches('\'')).collect::<Vec<_>>());
        rows.map(|cells| Queued {
            attempts: cells[0].parse().unwrap(),
            kind: cells[6].to_owned(),
            outcome: cells[7].to_owned(),
            erased: cells[1] == "NULL" && cells[9] == "NULL",
            state: cells[10].parse().unwrap(),
        })
        .collect()
    }

    /// Waits until no mail waits or is under way.
    pub async fn settled(&self) {
        eventually("an empty queue", async || (self.world.work_left().await == 0).then_some(())).await;
    }
}

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub attempts: i64,
    pub kind: String,
    pub outcome: String,
    /// Neither recipient nor content is there any more.
    pub erased: bool,
    /// 1 waits, 2 sent, 3 dead.
    pub state: i64,
}

pub fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// Somebody at the address 203.0.113.`n`, with a browser of their own.
pub fn caller(n: u8) -> Caller {
    Caller {
        client: Some(ClientAddr::new(std::net::IpAddr::from([203, 0, 113, n]))),
        request: None,
        agent: Some("Firefox on Linux".to_owned()),
        device: Some(format!("gpd_browser-{n}")),
    }
}
