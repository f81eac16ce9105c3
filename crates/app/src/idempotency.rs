//! Idempotency keys around use cases that create something.

use gatepost_core::audit::Audit;
use gatepost_core::{Code, Error, Result, Timestamp};
use gatepost_store::{Recorded, WorkspaceScope, WorkspaceTx};
use gatepost_vault::{Aad, WorkspaceKeys};
use uuid::Uuid;

use crate::App;

/// A caller's idempotency key and how to write the answer that is kept with it.
pub struct Idempotent<V> {
    /// 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of method, path and body: another request under the same key is refused.
    pub request: [u8; 32],
    pub render: fn(&V) -> Vec<u8>,
}

/// The result of a creation: made now, or the answer that was given the first time.
pub enum Outcome<V> {
    Fresh(V),
    /// The body of the first answer.
    Replayed(Vec<u8>),
}

/// A key ready to be recorded: indexed, and with its answer sealed where it is known already.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub id: [u8; 16],
    request: [u8; 32],
    answer: Option<Vec<u8>>,
}

fn place(workspace: Uuid, id: [u8; 16]) -> Aad {
    Aad { workspace, table: "idempotency", column: "answer", row: id }
}

impl Prepared {
    /// For a use case that is one transaction: the answer is known before it.
    pub fn with_answer<V>(
        keys: &WorkspaceKeys,
        given: Option<&Idempotent<V>>,
        value: &V,
    ) -> Result<Option<Self>> {
        let Some(given) = given else { return Ok(None) };
        let mut prepared = Self::pending(keys, given);
        prepared.answer = Some(prepared.sealed(keys, &(given.render)(value))?);
        Ok(Some(prepared))
    }

    /// For a use case with work outside the transaction: the answer follows.
    pub fn pending<V>(keys: &WorkspaceKeys, given: &Idempotent<V>) -> Self {
        let id = keys.blind_index("idempotency.key", given.key.as_bytes());
        Self { id, request: given.request, answer: None }
    }

    pub fn sealed(&self, keys: &WorkspaceKeys, answer: &[u8]) -> Result<Vec<u8>> {
        let sealed = keys.seal(&place(keys.workspace(), self.id), answer).map_err(Error::internal)?;
        Ok(sealed.into_vec())
    }

    /// Records the key in `tx`. `Some` is the sealed first answer; a key in use for something else is refused.
    pub async fn record(&self, tx: &WorkspaceTx<'_>, now: Timestamp) -> Result<Option<Vec<u8>>> {
        match tx.idempotency_record(&self.id, &self.request, self.answer.as_deref(), now).await? {
            Recorded::New => Ok(None),
            Recorded::Seen { request, .. } if request != self.request => {
                Err(Error::of(Code::IdempotencyKeyReused))
            }
            Recorded::Seen { answer: Some(answer), .. } => Ok(Some(answer)),
            Recorded::Seen { answer: None, .. } => {
                Err(Error::of(Code::IdempotencyInProgress)
                    .with_retry_after(std::time::Duration::from_secs(1)))
            }
        }
    }

    /// Opens a first answer.
    pub fn open<V>(&self, keys: &WorkspaceKeys, sealed: &[u8]) -> Result<Outcome<V>> {
        let plain = keys.open_content(&place(keys.workspace(), self.id), sealed).map_err(Error::internal)?;
        Ok(Outcome::Replayed(plain))
    }
}

impl App {
    /// Does work that is more than one transaction, such as a call to Meta, once under its key: takes the key first,
    /// and keeps the answer after. Work that fails frees the key, so it must have made nothing then.
    pub(crate) async fn once<V>(
        &self,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        idempotent: Option<Idempotent<V>>,
        work: impl Future<Output = Result<V>>,
    ) -> Result<Outcome<V>> {
        let Some(given) = idempotent else { return work.await.map(Outcome::Fresh) };
        let prepared = Prepared::pending(keys, &given);
        let (recording, now) = (prepared.clone(), self.now());
        let first = self
            .0
            .store
            .write(scope, async move |tx| {
                let first = recording.record(tx, now).await?;
                tx.commit(Audit::None("an idempotency key"), first)
            })
            .await?;
        if let Some(first) = first {
            return prepared.open(keys, &first);
        }
        match work.await {
            Ok(value) => {
                let answer = prepared.sealed(keys, &(given.render)(&value))?;
                self.0
                    .store
                    .write(scope, async move |tx| {
                        tx.idempotency_answer(&prepared.id, &answer).await?;
                        tx.commit(Audit::None("the answer of an idempotency key"), ())
                    })
                    .await?;
                Ok(Outcome::Fresh(value))
            }
            Err(error) => {
                self.0
                    .store
                    .write(scope, async move |tx| {
                        tx.idempotency_forget(&prepared.id).await?;
                        tx.commit(Audit::None("nothing was made, so the key is free again"), ())
                    })
                    .await?;
                Err(error)
            }
        }
    }
}
