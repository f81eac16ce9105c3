//! Group commit on PostgreSQL with one table and one connection, for the bare durable accept.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

use super::bare::{BATCH, Waiting};
use super::postgres::{connect, database};
use crate::error::Result;

pub async fn start(mut inbox: mpsc::Receiver<Waiting>) -> Result<JoinHandle<Result<()>>> {
    let client = connect(&database().await?).await?;
    let insert = client.prepare("INSERT INTO accepted (id, body) VALUES ($1, $2)").await?;
    Ok(tokio::spawn(async move {
        let (mut batch, mut next) = (Vec::with_capacity(BATCH), 0_i64);
        while inbox.recv_many(&mut batch, BATCH).await > 0 {
            write(&client, &insert, next, &batch).await?;
            next += i64::try_from(batch.len()).unwrap_or(0);
            for waiting in batch.drain(..) {
                // A caller that has gone away does not mind.
                let _ = waiting.safe.send(());
            }
        }
        Ok(())
    }))
}

/// All inserts are on the wire before the first is answered: one round trip, and one for the commit.
async fn write(client: &Client, insert: &Statement, first: i64, batch: &[Waiting]) -> Result<()> {
    let ids: Vec<i64> = (first..).take(batch.len()).collect();
    let inserts = ids.iter().zip(batch).map(|(id, waiting)| async move {
        client.execute(insert, &[id, &waiting.body.as_ref()]).await.map(drop)
    });
    let (begun, inserted) =
        futures_util::future::join(client.batch_execute("BEGIN"), futures_util::future::join_all(inserts))
            .await;
    begun?;
    inserted.into_iter().collect::<std::result::Result<Vec<()>, _>>()?;
    Ok(client.batch_execute("COMMIT").await?)
}
