//! Who an entry's actor is, as people know them: beside the id, which is what counts.
//!
//! Names are looked up when the log is read and are no part of it: an entry tells of an id for ever, and of nobody's name.

use std::collections::BTreeMap;

use gatepost_core::{ApiKeyId, Result, UserId};
use gatepost_store::WorkspaceScope;

use super::reading::AuditView;
use crate::App;
use crate::people::UserColumn;

/// What is told of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum People {
    /// Nothing: the caller may not see who is a member.
    Hidden,
    /// Their names.
    Names,
    /// The names and addresses of those who act in the workspace; of operators, names alone.
    Addresses,
}

/// An actor's text, read again.
enum Who {
    Person(UserId),
    Operator(UserId),
    Key(ApiKeyId),
    Known(&'static str),
    Nobody,
}

fn who(actor: &str) -> Who {
    if let Ok(id) = actor.parse() {
        return Who::Person(id);
    }
    if let Ok(id) = actor.parse() {
        return Who::Key(id);
    }
    match actor.split_once(':') {
        Some(("operator", "local")) => Who::Known("Operator"),
        Some(("operator", id)) => id.parse().map_or(Who::Nobody, Who::Operator),
        Some(("system", _)) => Who::Known("Gatepost"),
        _ => Who::Nobody,
    }
}

impl App {
    /// Puts names beside the actors of one page.
    pub(super) async fn audit_actors(
        &self,
        scope: WorkspaceScope,
        people: People,
        entries: &mut [AuditView],
    ) -> Result<()> {
        let (mut users, mut keys) = (Vec::new(), Vec::new());
        for entry in entries.iter() {
            match who(&entry.record.actor) {
                Who::Person(id) | Who::Operator(id) if people != People::Hidden => users.push(id),
                Who::Key(id) => keys.push(id),
                _ => {}
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let users = self.audit_people(users, people).await?;
        let keys = if keys.is_empty() {
            BTreeMap::new()
        } else {
            let read = self.0.store.read(scope, async move |tx| {
                let mut names = BTreeMap::new();
                for id in &keys {
                    names.extend(tx.api_key_get(*id).await?.map(|key| (*id, key.name)));
                }
                Ok(names)
            });
            read.await?
        };
        for entry in entries {
            entry.actor_name = match who(&entry.record.actor) {
                Who::Person(id) => users.get(&id).map(|(name, email)| match email {
                    Some(email) => format!("{name} ({email})"),
                    None => name.clone(),
                }),
                Who::Operator(id) => users.get(&id).map(|(name, _)| format!("{name} (operator)")),
                Who::Key(id) => keys.get(&id).cloned(),
                Who::Known(name) => Some(name.to_owned()),
                Who::Nobody => None,
            };
        }
        Ok(())
    }

    /// Names, with addresses where those may be told.
    async fn audit_people(
        &self,
        ids: Vec<UserId>,
        people: People,
    ) -> Result<BTreeMap<UserId, (String, Option<String>)>> {
        let rows = self.users_of(ids).await?;
        if rows.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sealing = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let mut found = BTreeMap::new();
        for row in rows {
            let name = UserColumn::Name.open_text(&sealing, row.id, &row.name)?;
            let email = match people {
                People::Addresses => Some(UserColumn::Email.open_text(&sealing, row.id, &row.email)?),
                People::Hidden | People::Names => None,
            };
            found.insert(row.id, (name, email));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_read_as_they_are_written() {
        use gatepost_core::access::Actor;
        use uuid::Uuid;
        let (user, key) = (UserId::from_uuid(Uuid::from_u128(7)), ApiKeyId::from_uuid(Uuid::from_u128(8)));
        let read = |actor: Actor| who(&actor.to_string());
        assert!(matches!(read(Actor::User(user)), Who::Person(id) if id == user));
        assert!(matches!(read(Actor::Operator(user)), Who::Operator(id) if id == user));
        assert!(matches!(read(Actor::ApiKey(key)), Who::Key(id) if id == key));
        assert!(matches!(read(Actor::LocalOperator), Who::Known("Operator")));
        assert!(matches!(read(Actor::System("retention")), Who::Known("Gatepost")));
        assert!(matches!(read(Actor::Nobody), Who::Nobody));
        for odd in ["", "operator:", "operator:key_x", "usr_", "whoever"] {
            assert!(matches!(who(odd), Who::Nobody), "{odd}");
        }
    }
}
