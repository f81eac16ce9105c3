//! PostgreSQL alone: one row and one commit at a time, from so many clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use super::ROW_BYTES;
use crate::error::Result;
use crate::installation;

/// A fresh database with one table; its URL.
pub async fn database() -> Result<String> {
    let url = installation::postgres()?.create_database().owner_url;
    let client = connect(&url).await?;
    client.batch_execute("CREATE TABLE accepted (id BIGINT PRIMARY KEY, body BYTEA NOT NULL)").await?;
    Ok(url)
}

pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its end shows at the client.
    tokio::spawn(connection);
    Ok(client)
}

/// Commits a second of `clients` clients, each with a connection of its own.
pub async fn commits(clients: usize, time: Duration) -> Result<f64> {
    let url = database().await?;
    let (next, done) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut open = Vec::with_capacity(clients);
    for _ in 0..clients {
        let client = connect(&url).await?;
        let insert = client.prepare("INSERT INTO accepted (id, body) VALUES ($1, $2)").await?;
        open.push((client, insert));
    }
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for (client, insert) in open {
        let (next, done) = (Arc::clone(&next), Arc::clone(&done));
        running.spawn(async move {
            let body = [0x5a_u8; ROW_BYTES];
            while started.elapsed() < time {
                let id = next.fetch_add(1, Ordering::Relaxed);
                client.execute(&insert, &[&id, &body.as_slice()]).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), tokio_postgres::Error>(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
}
