//! Notices as people see them in the console.

use gatepost_core::access::{Actor, Grant, Person, permission};
use gatepost_core::audit::Audit;
use gatepost_core::{NoticeId, Result, Timestamp, UserId};
use gatepost_store::WorkspaceScope;

use super::{Notice, notice_place, user_notice_place};
use crate::App;

/// Shown at once; older ones are not.
const SHOWN: i64 = 100;

/// A notice in the console.
#[derive(Debug, Clone)]
pub struct NoticeView {
    pub id: NoticeId,
    /// `endpoint.disabled`, `password.changed` …
    pub kind: String,
    /// A sentence without a full stop.
    pub title: String,
    /// Label and value; values may be what somebody else chose.
    pub facts: Vec<(String, String)>,
    pub next_action: String,
    pub created_at: Timestamp,
    pub unread: bool,
}

fn view(id: NoticeId, kind: String, body: &[u8], created_at: Timestamp, unread: bool) -> NoticeView {
    // One of an earlier version has other words: what it is about stands in its kind.
    let notice: Option<Notice> = serde_json::from_slice(body).ok();
    let (title, facts, next_action) = match notice {
        Some(notice) => {
            let fact = |fact: super::Fact| (fact.label.into_owned(), fact.value);
            (notice.title, notice.facts.into_iter().map(fact).collect(), notice.next_action)
        }
        None => (kind.clone(), Vec::new(), String::new()),
    };
    NoticeView { id, kind, title, facts, next_action, created_at, unread }
}

/// The person behind a grant; keys and operators are none, and have no notices of their own to read.
fn member(grant: &Grant<permission::NoticeRead>) -> Option<UserId> {
    match grant.actor() {
        Actor::User(user) => Some(user),
        _ => None,
    }
}

impl App {
    /// The newest notices to the workspace. To a member those are unread that came since [`App::notices_see`]; to a key
    /// none is.
    pub async fn notice_list(&self, grant: &Grant<permission::NoticeRead>) -> Result<Vec<NoticeView>> {
        let scope = WorkspaceScope::from(grant);
        let user = member(grant);
        let (rows, seen) = self
            .0
            .store
            .read(scope, async move |tx| {
                let seen = match user {
                    Some(user) => tx.notices_seen_until(user).await?,
                    None => Some(Timestamp::from_micros(i64::MAX)),
                };
                Ok((tx.notice_list(SHOWN).await?, seen))
            })
            .await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let place = notice_place(scope.workspace().uuid(), row.id);
            let body = self.0.sealing.open(scope, &place, &row.body).await?;
            let unread = seen.is_none_or(|seen| row.created_at > seen);
            views.push(view(row.id, row.kind, &body, row.created_at, unread));
        }
        Ok(views)
    }

    /// Takes note that the member has seen the notices to the workspace; nothing for a key.
    pub async fn notices_see(&self, grant: &Grant<permission::NoticeRead>) -> Result<()> {
        let (Some(user), now) = (member(grant), self.now()) else { return Ok(()) };
        self.0
            .store
            .write(WorkspaceScope::from(grant), async move |tx| {
                tx.notices_see(user, now).await?;
                tx.commit(Audit::None("what a person has read is theirs"), ())
            })
            .await
    }

    /// The newest notices to the person.
    ///
    /// Errors: `session_confined`.
    pub async fn notices_of(&self, person: &Person) -> Result<Vec<NoticeView>> {
        person.unconfined()?;
        let user = person.user();
        let rows = self.0.store.read_system(async move |tx| tx.user_notice_list(user, SHOWN).await).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let platform = WorkspaceScope::platform();
            let body = self.0.sealing.open(platform, &user_notice_place(row.id), &row.body).await?;
            views.push(view(row.id, row.kind, &body, row.created_at, row.seen_at.is_none()));
        }
        Ok(views)
    }

    /// Takes note that the person has seen their notices.
    pub async fn notices_of_see(&self, person: &Person) -> Result<()> {
        person.unconfined()?;
        let (user, now) = (person.user(), self.now());
        self.0
            .store
            .write_system(async move |tx| {
                tx.user_notices_see(user, now).await?;
                tx.commit(Audit::None("what a person has read is theirs"), ())
            })
            .await
    }

    /// How many notices to the person are unread, where the session may read them.
    pub async fn notices_unread(&self, person: &Person) -> Result<i64> {
        if person.confined_to().is_some() {
            return Ok(0);
        }
        let user = person.user();
        self.0.store.read_system(async move |tx| tx.user_notices_unseen(user).await).await
    }
}
