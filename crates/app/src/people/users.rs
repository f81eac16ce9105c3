//! Accounts.

use std::collections::BTreeSet;

use gatepost_core::access::{OperatorRole, Person, Role};
use gatepost_core::{Code, EmailAddress, Error, Result, Secret, Timestamp, UserId, WorkspaceId};
use gatepost_store::{UserRow, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys};

use crate::App;
use crate::sealing::failed;

/// Columns of accounts that are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserColumn {
    Email,
    Name,
    Password,
    Totp,
}

impl UserColumn {
    fn aad(self, id: UserId) -> Aad {
        let column = match self {
            Self::Email => "email",
            Self::Name => "name",
            Self::Password => "password",
            Self::Totp => "totp",
        };
        Aad {
            workspace: WorkspaceScope::platform().workspace().uuid(),
            table: "user_account",
            column,
            row: id.uuid().into_bytes(),
        }
    }

    pub(crate) fn seal(self, keys: &WorkspaceKeys, id: UserId, plain: &[u8]) -> Result<Vec<u8>> {
        keys.seal(&self.aad(id), plain).map(SealedBytes::into_vec).map_err(failed)
    }

    pub(crate) fn open(self, keys: &WorkspaceKeys, id: UserId, sealed: &[u8]) -> Result<Secret<Vec<u8>>> {
        keys.open(&self.aad(id), sealed).map_err(failed)
    }

    pub(crate) fn open_text(self, keys: &WorkspaceKeys, id: UserId, sealed: &[u8]) -> Result<String> {
        let plain = self.open(keys, id, sealed)?;
        String::from_utf8(plain.expose().clone()).map_err(Error::internal)
    }
}

/// The blind index of an address: the same for every spelling of it.
pub(crate) fn email_index(keys: &WorkspaceKeys, email: &EmailAddress) -> [u8; 16] {
    keys.blind_index("user.email", email.canonical().as_bytes())
}

impl App {
    /// The accounts of these people, each once; those that are gone are left out.
    pub(crate) async fn users_of(&self, ids: impl IntoIterator<Item = UserId>) -> Result<Vec<UserRow>> {
        let ids: BTreeSet<UserId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.0
            .store
            .read_system(async move |tx| {
                let mut found = Vec::with_capacity(ids.len());
                for id in &ids {
                    found.extend(tx.user_get(*id).await?);
                }
                Ok(found)
            })
            .await
    }
}

/// Who is to get an account.
pub struct UserCreate {
    pub email: EmailAddress,
    /// As they want to be called; 1 to 100 characters.
    pub name: String,
    /// `None` for whoever will sign in with a passkey or an identity provider.
    pub password: Option<Secret<String>>,
    pub operator: Option<OperatorRole>,
}

/// An account as its person and the operators see it.
#[derive(Debug, Clone)]
pub struct UserView {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub has_password: bool,
    pub has_totp: bool,
    pub operator: Option<OperatorRole>,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// A workspace that a person is a member of.
#[derive(Debug, Clone)]
pub struct SeatView {
    pub workspace: WorkspaceId,
    pub workspace_name: String,
    pub role: Role,
}

pub(crate) fn user_view(keys: &WorkspaceKeys, row: &UserRow) -> Result<UserView> {
    Ok(UserView {
        id: row.id,
        email: UserColumn::Email.open_text(keys, row.id, &row.email)?,
        name: UserColumn::Name.open_text(keys, row.id, &row.name)?,
        has_password: row.password.is_some(),
        has_totp: row.totp_confirmed_at.is_some(),
        operator: row.operator,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
    })
}

impl App {
    /// The row of a new account, sealed, ready to be inserted. The password's rules are the caller's to see to.
    pub(crate) async fn user_row(&self, create: UserCreate) -> Result<UserRow> {
        let hash = match &create.password {
            Some(password) => Some(self.password_hash(password).await?),
            None => None,
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let now = self.now();
        let id = UserId::new(now, self.entropy());
        let seal = |column: UserColumn, plain: &str| column.seal(&keys, id, plain.as_bytes());
        Ok(UserRow {
            id,
            email: seal(UserColumn::Email, create.email.as_str())?,
            email_index: email_index(&keys, &create.email),
            name: seal(UserColumn::Name, &create.name)?,
            password: hash.map(|hash| seal(UserColumn::Password, &hash)).transpose()?,
            totp: None,
            totp_confirmed_at: None,
            totp_step: 0,
            operator: create.operator,
            created_at: now,
            disabled_at: None,
        })
    }

    /// The person's own account.
    pub async fn user_of(&self, person: &Person) -> Result<UserView> {
        let id = person.user();
        let row = self.0.store.read_system(async move |tx| tx.user_get(id).await).await?;
        let row = row.ok_or_else(|| Error::of(Code::SessionEnded))?;
        user_view(&*self.0.sealing.keys(WorkspaceScope::platform()).await?, &row)
    }

    /// The workspaces that a person is a member of, as far as the session opens them.
    pub async fn seats_of(&self, person: &Person) -> Result<Vec<SeatView>> {
        let id = person.user();
        let rows = self.0.store.read_system(async move |tx| tx.seats_of(id).await).await?;
        let view = |row: gatepost_store::SeatRow| SeatView {
            workspace: row.workspace,
            workspace_name: row.workspace_name,
            role: row.role,
        };
        let open =
            |row: &gatepost_store::SeatRow| person.confined_to().is_none_or(|only| only == row.workspace);
        Ok(rows.into_iter().filter(open).map(view).collect())
    }
}
