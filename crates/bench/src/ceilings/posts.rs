//! Signed POSTs without a queue: the way out that deliveries take, in a loop, with nothing read before and nothing
//! written down after.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_net::{SafeClient, Target};
use gatepost_vault::{SigningKey, SystemEntropy, WebhookSecret, delivery_headers};

use crate::error::{Failure, Result};
use crate::installation::{hook_url, safe};
use crate::process;

/// The limit of one request.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How the loop went.
pub struct Posts {
    pub per_second: f64,
    /// Processor time of this process for each.
    pub cpu_us: f64,
}

/// Posts `body` to these ports of the receiver, `parallel` requests to each at once, for a time.
pub async fn signed_posts(ports: &[u16], parallel: usize, time: Duration, body: &Bytes) -> Result<Posts> {
    let client = safe()?;
    let done = Arc::new(AtomicU64::new(0));
    let (cpu, started) = (process::cpu(), Instant::now());
    let mut running = tokio::task::JoinSet::new();
    for port in ports {
        let target = client.policy().target(&hook_url(*port)).map_err(|v| Failure::new(v.detail))?;
        let target = Arc::new(target);
        let key = WebhookSecret::generate(&SystemEntropy).signing_key()?;
        for _ in 0..parallel {
            let (client, target, key) = (client.clone(), Arc::clone(&target), key.clone());
            let (body, done) = (body.clone(), Arc::clone(&done));
            running.spawn(async move {
                while started.elapsed() < time {
                    let number = done.fetch_add(1, Ordering::Relaxed);
                    post(&client, &target, &key, body.clone(), number).await?;
                }
                Ok::<(), Failure>(())
            });
        }
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let posts = done.load(Ordering::Relaxed) as f64;
    let cpu = process::cpu().saturating_sub(cpu);
    Ok(Posts { per_second: posts / started.elapsed().as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / posts })
}

async fn post(
    client: &SafeClient,
    target: &Target,
    key: &SigningKey,
    body: Bytes,
    number: u64,
) -> Result<()> {
    let (id, seconds) = (format!("evt_{number:026}"), SystemClock.now().seconds());
    let headers = delivery_headers(&id, "message.received", seconds, &body, std::slice::from_ref(key))?;
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let attempt = client.post_target(target, &headers, body, TIMEOUT).await;
    if attempt.is_success() {
        return Ok(());
    }
    Err(Failure::new(format!("a bare signed POST failed: status {:?}, {:?}", attempt.status, attempt.error)))
}
