//! What passed between a channel and a person.

use gatepost_core::guard::{SENDS_TEXT_MAX, SendHistory};
use gatepost_core::{ChannelId, Purpose, Result, Timestamp};

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What passed between a channel and a person before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    /// When the person last wrote.
    pub last_inbound_at: Option<Timestamp>,
    /// When something was first sent to them.
    pub first_sent_at: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
    pub sends: SendHistory,
}

statements! {
    /// Counts a send and tells what was before: the person's row is held until the commit.
    SENT = same("INSERT INTO conversation (workspace_id, channel_id, person, first_sent_at, last_sent_at, sends) VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (workspace_id, channel_id, person) DO UPDATE SET first_sent_at = COALESCE(conversation.first_sent_at, $4), last_sent_at = $4, sends = SUBSTR(CAST($5 AS TEXT) || COALESCE(conversation.sends, ''), 1, $6) RETURNING last_inbound_at, first_sent_at, sends");
    RECEIVED = same("INSERT INTO conversation (workspace_id, channel_id, person, last_inbound_at) VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id, channel_id, person) DO UPDATE SET last_inbound_at = CASE WHEN conversation.last_inbound_at > $4 THEN conversation.last_inbound_at ELSE $4 END");
    GET = same("SELECT last_inbound_at, first_sent_at, sends, last_sent_at FROM conversation WHERE workspace_id = $1 AND channel_id = $2 AND person = $3");
    REPLIES = same("UPDATE conversation SET replies = CASE WHEN replies_since > $5 THEN COALESCE(replies, 0) + 1 ELSE 1 END, replies_since = CASE WHEN replies_since > $5 THEN replies_since ELSE $4 END WHERE workspace_id = $1 AND channel_id = $2 AND person = $3 RETURNING replies");
    HEARD_SINCE = same("SELECT c.created_at, (SELECT applied_at FROM schema_migration WHERE number = 19) FROM channel c WHERE c.workspace_id = $1 AND c.id = $2 AND EXISTS (SELECT 1 FROM conversation v WHERE v.workspace_id = $1 AND v.channel_id = $2 AND v.last_inbound_at IS NOT NULL)");
}

fn moment(row: &Row<'_>, index: usize) -> engine::Result<Option<Timestamp>> {
    Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_micros))
}

impl WorkspaceTx<'_> {
    /// Counts a send to a person; returns what was before it. A person to whom nothing was sent has no
    /// `first_sent_at`.
    pub async fn conversation_sent(
        &self,
        channel: ChannelId,
        person: &[u8; 16],
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Conversation> {
        let entry = SendHistory::entry(now, purpose);
        let most = i64::try_from(SENDS_TEXT_MAX).unwrap_or(i64::MAX);
        let values =
            params![self.workspace, channel.uuid(), person.as_slice(), now.micros(), entry.as_str(), most];
        let width = entry.len();
        let read = |row: &Row<'_>| {
            let sends: Option<String> = row.get(2)?;
            let before = sends.as_deref().and_then(|text| text.get(width..)).unwrap_or_default();
            Ok(Conversation {
                last_inbound_at: moment(row, 0)?,
                // It is what was just written where nothing was before.
                first_sent_at: if before.is_empty() { None } else { moment(row, 1)? },
                last_sent_at: None,
                sends: SendHistory::parse(before),
            })
        };
        Ok(self.tx.query_one(&SENT, values, read).await?)
    }

    /// The person wrote, at this moment.
    pub async fn conversations_received(&self, people: &[(ChannelId, [u8; 16], Timestamp)]) -> Result<()> {
        let rows: Vec<_> = people
            .iter()
            .map(|(channel, person, at)| {
                params![self.workspace, channel.uuid(), person.as_slice(), at.micros()].to_vec()
            })
            .collect();
        self.tx.execute_many(&RECEIVED, &rows).await?;
        Ok(())
    }

    pub async fn conversation_get(
        &self,
        channel: ChannelId,
        person: &[u8; 16],
    ) -> Result<Option<Conversation>> {
        let read = |row: &Row<'_>| {
            Ok(Conversation {
                last_inbound_at: moment(row, 0)?,
                first_sent_at: moment(row, 1)?,
                last_sent_at: moment(row, 3)?,
                sends: SendHistory::parse(&row.get::<Option<String>>(2)?.unwrap_or_default()),
            })
        };
        let values = params![self.workspace, channel.uuid(), person.as_slice()];
        Ok(self.tx.query_opt(&GET, values, read).await?)
    }

    /// Counts an answer to a choice of a person who wrote on the channel; false where there were `most` of them within
    /// `span` already.
    pub async fn conversation_reply_take(
        &self,
        channel: ChannelId,
        person: &[u8; 16],
        now: Timestamp,
        span: std::time::Duration,
        most: i64,
    ) -> Result<bool> {
        let since = now.minus(span).micros();
        let values = params![self.workspace, channel.uuid(), person.as_slice(), now.micros(), since];
        let taken = self.tx.query_opt(&REPLIES, values, |row: &Row<'_>| row.get::<i64>(0)).await?;
        Ok(taken.is_some_and(|taken| taken <= most))
    }

    /// Since when every message that came in on the channel is known here; `None` where none ever came in: its callbacks
    /// may never have worked.
    pub async fn channel_heard_since(&self, channel: ChannelId) -> Result<Option<Timestamp>> {
        let since = |row: &Row<'_>| {
            let (made, kept): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok(Timestamp::from_micros(kept.map_or(made, |kept| made.max(kept))))
        };
        Ok(self.tx.query_opt(&HEARD_SINCE, params![self.workspace, channel.uuid()], since).await?)
    }
}
