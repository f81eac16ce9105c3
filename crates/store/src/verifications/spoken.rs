//! Codes that people send to us: which verification each belongs to, and who sends codes that are nobody's.

use gatepost_core::{ChannelId, Result, Timestamp, VerificationId};
use uuid::Uuid;

use super::VerificationRow;
use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

statements! {
    TAKE = same("INSERT INTO spoken_code (workspace_id, channel_id, digest, verification_id) VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id, channel_id, digest) DO NOTHING");
    FIND = same("SELECT verification_id FROM spoken_code WHERE workspace_id = $1 AND channel_id = $2 AND digest = $3");
    DROP_ONE = same("DELETE FROM spoken_code WHERE workspace_id = $1 AND channel_id = $2 AND digest = $3 AND verification_id = $4");
    /// Whose number it turned out to be.
    PERSON = same("UPDATE verification SET person = $3, party = $4, country = $5 WHERE workspace_id = $1 AND id = $2 AND person IS NULL");
    MISSES = same("SELECT misses FROM spoken_miss WHERE workspace_id = $1 AND person = $2 AND since > $3");
    MISS = same("INSERT INTO spoken_miss (workspace_id, person, since, misses) VALUES ($1, $2, $3, 1) ON CONFLICT (workspace_id, person) DO UPDATE SET misses = CASE WHEN spoken_miss.since <= $4 THEN 1 ELSE spoken_miss.misses + 1 END, since = CASE WHEN spoken_miss.since <= $4 THEN $3 ELSE spoken_miss.since END");
    FORGET = same("DELETE FROM spoken_miss WHERE workspace_id = $1 AND since <= $2");
}

impl WorkspaceTx<'_> {
    /// Takes a code for a verification; false where another that is pending on this channel has the same.
    pub async fn spoken_code_take(
        &self,
        channel: ChannelId,
        digest: &[u8; 16],
        id: VerificationId,
    ) -> Result<bool> {
        let values = params![self.workspace, channel.uuid(), digest.as_slice(), id.uuid()];
        Ok(self.tx.execute(&TAKE, values).await? == 1)
    }

    /// The verification that a code belongs to.
    pub async fn spoken_code_find(
        &self,
        channel: ChannelId,
        digest: &[u8; 16],
    ) -> Result<Option<VerificationId>> {
        let values = params![self.workspace, channel.uuid(), digest.as_slice()];
        let id = |row: &Row<'_>| row.get::<Uuid>(0);
        Ok(self.tx.query_opt(&FIND, values, id).await?.map(VerificationId::from_uuid))
    }

    /// Gives a code free again: its verification is over.
    pub async fn spoken_code_drop(
        &self,
        channel: ChannelId,
        digest: &[u8],
        id: VerificationId,
    ) -> Result<bool> {
        let values = params![self.workspace, channel.uuid(), digest, id.uuid()];
        Ok(self.tx.execute(&DROP_ONE, values).await? == 1)
    }

    /// Writes whose number it turned out to be, of a verification that is held and was anybody's.
    pub async fn verification_person_set(&self, row: &VerificationRow) -> Result<()> {
        let values = params![
            self.workspace,
            row.id.uuid(),
            row.person.as_deref(),
            row.party.as_deref(),
            row.country.as_deref()
        ];
        Ok(self.tx.execute_one(&PERSON, values).await?)
    }

    /// How often somebody sent a code in vain since then, as far as they began to after it.
    pub async fn spoken_misses(&self, person: &[u8], after: Timestamp) -> Result<i64> {
        let values = params![self.workspace, person, after.micros()];
        Ok(self.tx.query_opt(&MISSES, values, |row: &Row<'_>| row.get(0)).await?.unwrap_or(0))
    }

    /// Counts a code that was sent in vain; a count that began by `over` begins anew.
    pub async fn spoken_miss(&self, person: &[u8], now: Timestamp, over: Timestamp) -> Result<()> {
        let values = params![self.workspace, person, now.micros(), over.micros()];
        Ok(self.tx.execute_one(&MISS, values).await?)
    }

    pub(crate) async fn spoken_misses_forget(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&FORGET, params![self.workspace, before.micros()]).await?)
    }
}
