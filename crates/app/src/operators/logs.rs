//! Logs across workspaces: newest first, ids, states, codes and masked numbers only.

use gatepost_core::access::{OperatorGrant, operator_permission};
use gatepost_core::audit::Action;
use gatepost_core::channel::Mode;
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::message::{Direction, MessageState};
use gatepost_core::{
    ChannelId, Code, EndpointId, Error, EventId, MetaAppId, Phone, Result, Timestamp, WorkspaceId,
};
use gatepost_store::{
    LogAsk, LogBody, LogRow, LogSource, PolicyEventRow, WorkspaceRow, WorkspaceScope, floor_id,
};
use gatepost_vault::WorkspaceKeys;
use serde::Deserialize;
use uuid::Uuid;

use crate::App;
use crate::messages::{StoredParty, open_json, place};
use crate::pages::{Page, PageQuery};

/// Workspaces that a page without a named one looks through.
const WORKSPACES_MAX: usize = 2_000;
/// Workspaces that are looked through in one transaction.
const AT_ONCE: usize = 100;

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// Messages to people.
    Sends,
    /// Messages from people.
    Inbound,
    /// Callbacks that wait to be worked on.
    Envelopes,
    /// What goes to webhook endpoints.
    Deliveries,
    /// Sends that failed, and deliveries that were given up or may not go where they should.
    Failures,
    /// What the guard did not simply let through, and who was refused what by the audit logs.
    PolicyEvents,
    /// The audit logs of workspaces.
    Audit,
}

impl LogKind {
    pub const ALL: [Self; 7] = [
        Self::Sends,
        Self::Inbound,
        Self::Envelopes,
        Self::Deliveries,
        Self::Failures,
        Self::PolicyEvents,
        Self::Audit,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sends => "sends",
            Self::Inbound => "inbound",
            Self::Envelopes => "envelopes",
            Self::Deliveries => "deliveries",
            Self::Failures => "failures",
            Self::PolicyEvents => "policy-events",
            Self::Audit => "audit",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What a page of it is made of.
    fn sources(self, state: Option<&str>) -> Result<Vec<LogSource>> {
        let unknown = |known: Vec<&str>| {
            let known = if known.is_empty() { "this log has none".to_owned() } else { known.join(", ") };
            Error::new(Code::InvalidParameter, format!("state: not a state of this log; {known}"))
        };
        let message = || match state {
            None => Ok(None),
            Some(text) => MessageState::parse(text)
                .map(Some)
                .ok_or_else(|| unknown(MessageState::ALL.iter().map(|state| state.as_str()).collect())),
        };
        let delivery = || match state {
            None => Ok(None),
            Some(text) => DeliveryState::ALL
                .into_iter()
                .find(|state| state.as_str() == text)
                .map(Some)
                .ok_or_else(|| unknown(DeliveryState::ALL.iter().map(|state| state.as_str()).collect())),
        };
        Ok(match self {
            Self::Sends => vec![LogSource::Messages(Direction::Outbound, message()?)],
            Self::Inbound => vec![LogSource::Messages(Direction::Inbound, message()?)],
            Self::Deliveries => vec![LogSource::Deliveries(delivery()?)],
            _ if state.is_some() => return Err(unknown(Vec::new())),
            Self::Envelopes => vec![LogSource::Envelopes],
            Self::Failures => vec![
                LogSource::Messages(Direction::Outbound, Some(MessageState::Failed)),
                LogSource::Deliveries(Some(DeliveryState::Dead)),
                LogSource::Deliveries(Some(DeliveryState::Blocked)),
            ],
            Self::PolicyEvents => vec![LogSource::Policy, LogSource::Audit { refusals: true }],
            Self::Audit => vec![LogSource::Audit { refusals: false }],
        })
    }
}

/// Which page of which log.
#[derive(Debug, Clone)]
pub struct LogQuery {
    pub kind: LogKind,
    /// `None`: of all workspaces.
    pub workspace: Option<WorkspaceId>,
    /// Of sends, inbound messages and deliveries.
    pub state: Option<String>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    pub page: PageQuery,
}

/// An entry.
#[derive(Debug, Clone)]
pub struct LogEntry {
    pub workspace: WorkspaceId,
    pub at: Timestamp,
    /// Its id, as its workspace knows it.
    pub id: String,
    pub subject: LogSubject,
}

/// What is told of it.
#[derive(Debug, Clone)]
pub enum LogSubject {
    Message {
        channel: ChannelId,
        mode: Mode,
        direction: Direction,
        state: MessageState,
        kind: String,
        /// Masked.
        contact: Option<String>,
        code: Option<String>,
        provider_code: Option<i64>,
    },
    Envelope {
        app: MetaAppId,
    },
    Delivery {
        endpoint: EndpointId,
        event: EventId,
        mode: Mode,
        state: DeliveryState,
        attempts: i64,
        code: Option<String>,
    },
    Audit {
        actor: String,
        action: String,
        target: String,
        outcome: String,
    },
    Policy(Box<PolicyEventRow>),
}

/// What is read of a sealed error: not its words, which may be Meta's.
#[derive(Deserialize)]
struct Codes {
    code: String,
    provider_code: Option<i64>,
}

/// A person for whoever may not know them: the country and the last two digits of a number, else of a BSUID.
pub(crate) fn masked(party: &StoredParty) -> Option<String> {
    if let Some(phone) = &party.phone {
        return Some(Phone::parse(phone).map_or_else(|_| "•••".to_owned(), |phone| phone.masked()));
    }
    let bsuid = party.bsuid.as_deref()?;
    let (country, rest) = bsuid.split_once('.').unwrap_or(("", bsuid));
    let tail: String = rest.chars().skip(rest.chars().count().saturating_sub(2)).collect();
    Some(format!("{country}.•••{tail}"))
}

fn subject(keys: &WorkspaceKeys, body: LogBody) -> Result<(String, LogSubject)> {
    Ok(match body {
        LogBody::Message { id, channel, mode, direction, state, kind, party, error } => {
            let at = |column| place(WorkspaceId::from_uuid(keys.workspace()), column, id);
            let party: StoredParty = open_json(keys, &at("party"), &party)?;
            let codes: Option<Codes> =
                error.map(|sealed| open_json(keys, &at("error"), &sealed)).transpose()?;
            let (code, provider_code) = codes.map_or((None, None), |c| (Some(c.code), c.provider_code));
            let contact = masked(&party);
            let message =
                LogSubject::Message { channel, mode, direction, state, kind, contact, code, provider_code };
            (id.to_string(), message)
        }
        LogBody::Envelope { id, app } => (id.to_string(), LogSubject::Envelope { app }),
        LogBody::Delivery { id, endpoint, event, mode, state, attempts, status, error } => {
            // Errors lie as class and words; the words may name what the receiver is.
            let class = error.map(|error| error.split(':').next().unwrap_or_default().to_owned());
            let code = status.map(|status| format!("http_{status}")).or(class);
            (id.to_string(), LogSubject::Delivery { endpoint, event, mode, state, attempts, code })
        }
        LogBody::Audit { id, actor, action, target, outcome } => {
            (id.to_string(), LogSubject::Audit { actor, action, target, outcome })
        }
        LogBody::Policy(event) => (event.id.to_string(), LogSubject::Policy(event)),
    })
}

impl App {
    /// A page of a log across workspaces. That it was read is in the platform's audit log before it is.
    ///
    /// Errors: `not_found` for an unknown workspace, `invalid_parameter` for a state that the log does not know or where
    /// there are too many workspaces to look through without naming one.
    pub async fn operator_log(
        &self,
        grant: &OperatorGrant<operator_permission::LogRead>,
        query: LogQuery,
    ) -> Result<Page<LogEntry>> {
        let sources = query.kind.sources(query.state.as_deref())?;
        let (after, limit) = query.page.bounds()?;
        let before = query.until.map_or(after, |until| after.min(floor_id(until)));
        let from = query.since.map_or(Uuid::nil(), floor_id);
        let scopes = self.log_scopes(query.workspace).await?;
        self.log_audit(grant, &query).await?;
        let mut rows: Vec<LogRow> = Vec::new();
        for some in scopes.chunks(AT_ONCE) {
            let (some, sources) = (some.to_vec(), sources.clone());
            let found = self.0.store.read_system(async move |tx| {
                let mut found = Vec::new();
                for scope in &some {
                    for source in &sources {
                        let ask = LogAsk { source: *source, before, from, limit };
                        found.extend(tx.log_page(*scope, ask).await?);
                    }
                }
                Ok(found)
            });
            rows.extend(found.await?);
            // Never more in hand than a page and what one step brings.
            rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let page = query.page.page(rows, |row| row.id, Ok)?;
        let mut items = Vec::with_capacity(page.items.len());
        for row in page.items {
            let keys = self.0.sealing.keys(row.scope).await?;
            let (id, subject) = subject(&keys, row.body)?;
            items.push(LogEntry { workspace: row.scope.workspace(), at: row.at, id, subject });
        }
        Ok(Page { items, next: page.next })
    }

    async fn log_scopes(&self, workspace: Option<WorkspaceId>) -> Result<Vec<WorkspaceScope>> {
        let scopes: Vec<WorkspaceScope> = self
            .0
            .store
            .read_system(async move |tx| match workspace {
                Some(id) => Ok(tx.workspace_scope(id).await?.into_iter().collect()),
                None => {
                    // What could be shown of a destroyed one is in its own audit log.
                    let rows = tx.workspace_list().await?;
                    Ok(rows
                        .iter()
                        .filter(|row| row.destroyed_at.is_none())
                        .map(WorkspaceRow::scope)
                        .collect())
                }
            })
            .await?;
        if workspace.is_some() && scopes.is_empty() {
            return Err(Error::of(Code::NotFound));
        }
        if scopes.len() > WORKSPACES_MAX {
            let detail = format!(
                "there are {} workspaces, more than a page looks through: name one with workspace_id",
                scopes.len()
            );
            return Err(Error::new(Code::InvalidParameter, detail));
        }
        Ok(scopes)
    }

    async fn log_audit(
        &self,
        grant: &OperatorGrant<operator_permission::LogRead>,
        query: &LogQuery,
    ) -> Result<()> {
        let target = ("operator_log", query.kind.as_str().to_owned());
        let mut entry = self.audit_operator(grant, Action::OperatorLogRead, target);
        let filters = [
            ("workspace", query.workspace.map(|id| id.to_string())),
            ("state", query.state.clone()),
            ("since", query.since.map(|at| at.to_string())),
            ("until", query.until.map(|at| at.to_string())),
        ];
        entry.details.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
        self.0.store.write_system(async move |tx| tx.commit(entry.clone(), ())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_person_is_not_one() {
        let party = |phone: Option<&str>, bsuid: Option<&str>| StoredParty {
            phone: phone.map(str::to_owned),
            bsuid: bsuid.map(str::to_owned),
            name: Some("Ada".to_owned()),
        };
        assert_eq!(masked(&party(Some("+12025550123"), Some("US.1"))).as_deref(), Some("+12•••••••23"));
        assert_eq!(masked(&party(None, Some("US.13491208655302741918"))).as_deref(), Some("US.•••18"));
        assert_eq!(masked(&party(None, None)), None);
    }

    #[test]
    fn states_belong_to_logs_that_have_them() {
        assert!(LogKind::Sends.sources(Some("failed")).is_ok());
        assert!(LogKind::Deliveries.sources(Some("dead")).is_ok());
        for (kind, state) in
            [(LogKind::Sends, "dead"), (LogKind::Deliveries, "queued"), (LogKind::Audit, "done")]
        {
            let refused = kind.sources(Some(state)).err().map(|error| error.code());
            assert_eq!(refused, Some(Code::InvalidParameter), "{}", kind.as_str());
        }
        assert!(LogKind::ALL.into_iter().all(|kind| LogKind::parse(kind.as_str()) == Some(kind)));
    }
}
