//! People of a world: made by the operator's hand, signed in through the doors that everybody uses.

use std::sync::atomic::{AtomicU32, Ordering};

use gatepost_app::{Caller, SecondFactor, SessionBegun, SignIn, UserCreate};
use gatepost_core::access::{
    OperatorGrant, OperatorPermission, OperatorRole, Role, SessionKind, operator_permission,
};
use gatepost_core::audit::Audit;
use gatepost_core::{Clock as _, EmailAddress, RequestId, Secret, UserId, WorkspaceId};
use gatepost_store::WorkspaceScope;
use gatepost_vault::totp::TotpSecret;
use gatepost_vault::{
    Aad, LeaseDecision, MasterKey, MasterKeyring, SystemEntropy, WorkspaceKeys, WrappedKey, next_lease,
};

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

    /// A new operator with an authenticator app; they may sign in at once.
    ///
    /// # Panics
    /// When the app cannot be added.
    pub async fn operator_with_app(&self, role: OperatorRole) -> (Somebody, TotpSecret) {
        let somebody = self.somebody(Some(role)).await;
        let session = self.sign_in(&somebody).await;
        let person = self.app.person_of_session(session.token.expose(), SessionKind::Console).await;
        let person = person.expect("a session");
        let enrolment = self.app.totp_enrol(&person).await.expect("a secret");
        let secret = TotpSecret::from_bytes(&base32(enrolment.secret.expose())).expect("a secret");
        let code = secret.code(self.clock.now());
        self.app.totp_confirm(&person, &self.caller(), &code).await.expect("the code is right");
        // A code opens once.
        self.clock.advance(std::time::Duration::from_mins(1));
        (somebody, secret)
    }

    /// Somebody who has just signed in as an operator.
    ///
    /// # Panics
    /// When that does not do.
    pub async fn operator_signed_in(&self, role: OperatorRole) -> (Somebody, SessionBegun) {
        let (somebody, secret) = self.operator_with_app(role).await;
        let (caller, password) = (self.caller(), Secret::new(PASSWORD.to_owned()));
        let step = self.app.sign_in_password(&caller, SessionKind::Operator, &somebody.email, &password);
        let SignIn::SecondFactor { ticket } = step.await.expect("the password is right") else {
            panic!("a password is not enough for an operator");
        };
        let proof = SecondFactor::Totp(Secret::new(secret.code(self.clock.now())));
        let begun =
            self.app.sign_in_second_factor(&caller, SessionKind::Operator, ticket.expose(), &proof).await;
        (somebody, begun.expect("the code is right"))
    }

    /// The operator of a session, with a permission.
    ///
    /// # Panics
    /// When they do not hold it.
    pub async fn operator_grant<P: OperatorPermission>(&self, session: &SessionBegun) -> OperatorGrant<P> {
        let person = self.app.person_of_session(session.token.expose(), SessionKind::Operator).await;
        person.expect("a session").operator_grant(self.clock.now()).expect("the permission")
    }
}

/// RFC 4648 without padding, in groups.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for c in text.bytes().filter(u8::is_ascii_alphanumeric) {
        let value = match c.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c => c - b'2' + 26,
        };
        (bits, held) = (bits << 5 | u32::from(value), held + 5);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("a byte"));
        }
    }
    bytes
}

/// [`PASSWORD`] under weaker parameters than today's.
const WEAK_HASH: &str =
    "$argon2id$v=19$m=1024,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$By/XPVsmLQwsr08MwccV24taqC8Fp16iCrCg2900tCk";

fn password_aad(user: UserId) -> Aad {
    Aad {
        workspace: WorkspaceScope::platform().workspace().uuid(),
        table: "user_account",
        column: "password",
        row: user.uuid().into_bytes(),
    }
}

impl World {
    /// The platform's keys, opened with the master key as a backup would be.
    async fn platform_keys(&self) -> WorkspaceKeys {
        let owner = WorkspaceScope::platform().workspace().uuid();
        let rows = self.store.read_system(async move |tx| tx.wrapped_key_list(owner).await);
        let rows = rows.await.expect("the platform's keys");
        let of = |purpose: i64| {
            let rows = rows.iter().filter(move |row| row.purpose == purpose);
            rows.map(|row| (row.clone(), WrappedKey::from_bytes(&row.wrapped).expect("a wrapped key")))
        };
        let (_, blind) = of(2).next().expect("an index key");
        let data: Vec<_> = of(1).collect();
        let versions: Vec<(u32, WrappedKey)> =
            data.iter().map(|(row, key)| (u32::try_from(row.version).expect("a version"), *key)).collect();
        let master = MasterKey::parse("the test's key", &self.master).expect("a key");
        let ring = MasterKeyring::new(master, Vec::new());
        let keys = WorkspaceKeys::unwrap(owner, &ring, &blind, &versions).expect("the right master key");
        let current = data.into_iter().map(|(row, _)| row).max_by_key(|row| row.version).expect("a data key");
        let lease = match next_lease(u64::try_from(current.leased_uses).expect("a count")) {
            LeaseDecision::Grant(lease) => lease,
            LeaseDecision::RotateFirst => panic!("the key is worn out"),
        };
        let (version, uses) = (keys.current_version(), i64::from(lease.uses()));
        let leased = self.store.write_system(async move |tx| {
            let won = tx.nonce_uses_lease(&current, uses).await?;
            tx.commit(Audit::None("a test"), won)
        });
        assert!(leased.await.expect("the store answers"), "nobody else leases");
        keys.add_lease(version, lease, &SystemEntropy).expect("a lease");
        keys
    }

    /// The PHC string of somebody's password, as it lies sealed in the store.
    ///
    /// # Panics
    /// When there is none.
    pub async fn password_hash_of(&self, user: UserId) -> String {
        let row = self.store.read_system(async move |tx| tx.user_get(user).await).await;
        let sealed = row.expect("the store answers").and_then(|row| row.password).expect("a password");
        let plain = self.platform_keys().await.open(&password_aad(user), &sealed).expect("it opens");
        String::from_utf8(plain.expose().clone()).expect("a text")
    }

    /// Puts [`PASSWORD`] in the place of somebody's password, hashed as it might have been years ago.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn weaken_password(&self, user: UserId) {
        let keys = self.platform_keys().await;
        let sealed = keys.seal(&password_aad(user), WEAK_HASH.as_bytes()).expect("a lease").into_vec();
        let stored = self.store.write_system(async move |tx| {
            tx.user_password_set(user, Some(&sealed)).await?;
            tx.commit(Audit::None("a test"), ())
        });
        stored.await.expect("the store answers");
    }
}
