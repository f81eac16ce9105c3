//! A code is readable nowhere once it was drawn, but at Meta: not in the database, its files and its log, not in our own
//! logs at their highest level, not in events, webhooks, answers, recorded answers, the message, the audit log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use gatepost_testkit::{Engines, Receiver, eventually};
use serde_json::json;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::support::{Stage, events, other, talking, text};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen() -> Log {
    let log = Log::default();
    let writer = log.clone();
    let filter = Targets::new().with_default(LevelFilter::WARN).with_target("gatepost", LevelFilter::TRACE);
    let lines = fmt::layer().with_ansi(false).with_writer(move || writer.clone()).with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
    log
}

/// Whether a code stands in it by itself; within a longer number it is another number.
fn holds(hay: &[u8], code: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let code = code.as_bytes();
    (0..hay.len().saturating_sub(code.len() - 1)).any(|at| {
        hay[at..].starts_with(code)
            && edge(at.checked_sub(1).and_then(|before| hay.get(before)))
            && edge(hay.get(at + code.len()))
    })
}

/// Bytes that a dump shows as hex.
fn decoded(text: &str) -> Vec<u8> {
    let runs = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|run| run.len() >= 16);
    let mut bytes = Vec::new();
    for run in runs {
        bytes.extend((0..run.len() / 2).map(|at| u8::from_str_radix(&run[at * 2..at * 2 + 2], 16).unwrap()));
        bytes.push(b'\n');
    }
    bytes
}

pub async fn look(stage: &Stage, codes: &[String], when: &str) {
    let mut rows = 0;
    for (table, dump) in stage.world.rows().await {
        for row in dump {
            for code in codes {
                assert!(!holds(row.as_bytes(), code), "{table}, {when}");
                assert!(!holds(&decoded(&row), code), "{table}, in bytes, {when}");
            }
            rows += 1;
        }
    }
    assert!(rows > 30, "{rows}");
    for (name, file) in stage.world.files() {
        for code in codes {
            assert!(!holds(&file, code), "{name}, {when}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_lies_nowhere() {
    assert!(holds(b"a 12345678.", "12345678") && holds(b"12345678", "12345678"));
    assert!(!holds(b"0123456789", "12345678") && holds(&decoded("X'220031323334353637380022'"), "12345678"));
    let log = listen();
    for engine in Engines::available() {
        let stage = Stage::bare(engine, talking()).await;
        stage.template("sign_in", "en_US", None).await;
        let receiver = Receiver::start().await;
        receiver.answer_with(&[500]);
        let endpoint = json!({"url": receiver.url});
        stage.live.admin.post("/v1/webhook-endpoints", &endpoint).await.expect(201);
        let mut codes = Vec::new();
        let mut begun = Vec::new();
        for number in 0..4 {
            let ask = json!({"to": format!("+1202555018{number}"), "code_length": 8, "channel_id": stage.live.channel});
            let once = [("idempotency-key", format!("canary-{number}"))];
            let once = [(once[0].0, once[0].1.as_str())];
            let one = stage.live.admin.call("POST", "/v1/verifications", &once, Some(&ask)).await.expect(201);
            begun.push(one.json());
        }
        for verification in &begun {
            codes.push(stage.code(verification).await);
        }
        // One waits: nobody can be reached there.
        let waiting = json!({"to": "+12025550106", "code_length": 8});
        let waiting = stage.begin(waiting).await;
        let shown = stage.message(&waiting).await;
        assert_eq!((&shown["text"], &shown["content"]), (&json!(null), &json!(null)));
        look(&stage, &codes, "while they are good").await;
        // Right, wrong, in the wrong places, and as what is no code.
        stage.check(&begun[0], &codes[0]).await.expect(200);
        stage.check(&begun[0], &codes[0]).await.expect(422);
        stage.check(&begun[1], &codes[2]).await.expect(422);
        let place = format!("{}/check", crate::support::path(&begun[2]));
        let code = &codes[2];
        for body in [
            json!({"code": code, "kode": code}),
            json!({"kode": code}),
            json!({"code": format!("{code}x")}),
            json!({"code": code.parse::<u32>().unwrap()}),
        ] {
            stage.live.admin.post(&place, &body).await.expect(422);
        }
        let broken = format!("{{\"code\": \"{code}\"");
        stage.live.admin.raw("POST", &place, &[], Some(broken.into_bytes())).await.expect(400);
        stage.live.admin.post(&format!("{place}?code={code}"), &json!({})).await;
        for _ in 0..5 {
            stage.check(&begun[3], &other(&codes[3])).await.expect(422);
        }
        codes.push(other(&codes[3]));
        eventually("webhooks", async || {
            (receiver.of_type("verification.delivered").len() == 4).then_some(())
        })
        .await;
        for event in events(&stage.live.admin).await {
            for code in &codes {
                assert!(!holds(event.to_string().as_bytes(), code), "{event}");
            }
        }
        for verification in &begun {
            let message = stage.message(verification).await;
            assert_eq!((&message["text"], &message["content"]), (&json!(null), &json!(null)));
            for code in &codes {
                assert!(!holds(stage.get(verification).await.to_string().as_bytes(), code));
            }
        }
        let left = stage.world.rows_of(stage.tenant.workspace).await["message"].clone();
        assert_eq!(left.len(), 5);
        let audit = stage.live.admin.get("/v1/audit-log?limit=100").await.expect(200).text;
        assert!(codes.iter().all(|code| !holds(audit.as_bytes(), code)));
        look(&stage, &codes, "when they are over").await;
        assert!(text(&begun[0], "id").starts_with("ver_"));
        stage.stop().await;
        let log = log.0.lock().unwrap().clone();
        assert!(log.len() > 500, "something was logged");
        assert!(codes.iter().all(|code| !holds(&log, code)), "in the logs on {engine:?}");
    }
}
