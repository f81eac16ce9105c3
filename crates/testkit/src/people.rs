//! People of a world: made by the operator's hand, signed in through the doors that everybody uses.

use std::sync::atomic::{AtomicU32, Ordering};

use gatepost_app::{Caller, SessionBegun, SignIn, UserCreate};
use gatepost_core::access::{OperatorRole, Role, SessionKind, operator_permission};
use gatepost_core::{Clock as _, EmailAddress, RequestId, Secret, UserId, WorkspaceId};
use gatepost_vault::SystemEntropy;

use crate::World;

/// On no list of known passwords, and long enough alone.
pub const PASSWORD: &str = "seven lanterns under the quay";

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// Somebody with an account and [`PASSWORD`].
#[derive(Debug, Clone)]
pub struct Somebody {
    pub id: UserId,
    pub email: String,
}

impl World {
    /// A new account.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn somebody(&self, operator: Option<OperatorRole>) -> Somebody {
        let email = format!("person{}@example.com", NUMBER.fetch_add(1, Ordering::Relaxed));
        let create = UserCreate {
            email: EmailAddress::parse(&email).expect("an address"),
            name: "Ann Example".to_owned(),
            password: Some(Secret::new(PASSWORD.to_owned())),
            operator,
        };
        let grant = self.operator::<operator_permission::UserManage>();
        let user = self.app.user_create(&grant, create).await.expect("an account");
        Somebody { id: user.id, email }
    }

    /// A new account with a seat.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn member(&self, workspace: WorkspaceId, role: Role) -> Somebody {
        let somebody = self.somebody(None).await;
        let grant = self.operator::<operator_permission::UserManage>();
        self.app.member_add(&grant, workspace, somebody.id, role).await.expect("a seat");
        somebody
    }

    /// A request from this machine, for use cases that are called without one.
    pub fn caller(&self) -> Caller {
        Caller {
            client: Some(std::net::IpAddr::from([127, 0, 0, 1]).into()),
            request: Some(RequestId::new(self.clock.now(), &SystemEntropy)),
            agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
            device: None,
        }
    }

    /// Signs somebody in with their password alone.
    ///
    /// # Panics
    /// When that does not do.
    pub async fn sign_in(&self, somebody: &Somebody) -> SessionBegun {
        let (caller, password) = (self.caller(), Secret::new(PASSWORD.to_owned()));
        let step = self.app.sign_in_password(&caller, SessionKind::Console, &somebody.email, &password);
        match step.await.expect("the password is right") {
            SignIn::Done(session) => session,
            SignIn::SecondFactor { .. } => panic!("a second factor is asked for"),
        }
    }
}
