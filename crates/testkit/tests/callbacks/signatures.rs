//! W6: what Meta did not sign is refused, changes nothing, and is counted.

use gatepost_testkit::{Dump, Engines, World};
use gatepost_vault::AppSecret;
use serde_json::{Value, json};

use crate::support::{
    Counted, Dice, Door, all_read, body, entry, events, inbound, live, silent, status, told,
};

const SIGNATURE: &str = "x-hub-signature-256";
/// Mutated, unsigned and wrongly signed bodies of each engine.
const FORGERIES: u64 = 100_000;

/// Everything but the signs of life of nodes and the audit log, which tells of refusals.
async fn rows(world: &World) -> Dump {
    let mut rows = world.rows().await;
    for table in ["node", "audit", "audit_chain", "audit_checkpoint"] {
        rows.remove(table);
    }
    rows
}

/// One attempt at getting a body in: what it says, and what it shows as signature.
struct Forgery {
    body: Vec<u8>,
    signature: Option<String>,
}

/// Every byte of a body changed, every beginning of it, every digit of its signature changed, every beginning of that.
fn systematic(raw: &[u8], good: &str) -> Vec<Forgery> {
    let mut all = Vec::new();
    let mut forge = |body: Vec<u8>, signature: &str| {
        all.push(Forgery { body, signature: Some(signature.to_owned()) });
    };
    for at in 0..raw.len() {
        for bit in 0..8 {
            let mut flipped = raw.to_vec();
            flipped[at] ^= 1 << bit;
            forge(flipped, good);
        }
        forge(raw[..at].to_vec(), good);
        let mut without = raw.to_vec();
        without.remove(at);
        forge(without, good);
    }
    for (at, digit) in good.char_indices().skip("sha256=".len()) {
        for other in "0123456789abcdef".chars().filter(|other| *other != digit) {
            let mut signature = good.to_owned();
            signature.replace_range(at..=at, &other.to_string());
            forge(raw.to_vec(), &signature);
        }
        forge(raw.to_vec(), &good[..at]);
    }
    all
}

/// One of the many ways to be wrong, by chance.
fn random(dice: &mut Dice, bodies: &[(Vec<u8>, String)], foreign: &AppSecret) -> Forgery {
    let (raw, good) = &bodies[dice.roll(bodies.len())];
    let mut changed = raw.clone();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(changed.len());
        match dice.roll(4) {
            0 => changed[at] = changed[at].wrapping_add(u8::try_from(1 + dice.roll(255)).unwrap()),
            1 => changed.insert(at, b" \t\n\0{}[]\",:0"[dice.roll(12)]),
            2 => {
                changed.truncate(at.max(1));
            }
            _ => {
                let piece = changed[at..(at + 20).min(changed.len())].to_vec();
                changed.extend_from_slice(&piece);
            }
        }
    }
    if changed == *raw {
        changed.push(b' ');
    }
    let signature = match dice.roll(6) {
        0 => None,
        1 => Some(foreign.sign(&changed)),
        2 => Some(bodies[dice.roll(bodies.len())].1.clone()),
        3 => Some(format!("sha256={:064x}", dice.roll(usize::MAX))),
        4 => Some(good.to_uppercase()),
        _ => Some(good.clone()),
    };
    Forgery { body: changed, signature }
}

/// On one thread, so that what is counted on it is ours alone.
#[tokio::test]
async fn a_hundred_thousand_forgeries_change_nothing_and_are_counted() {
    let counted = Counted::default();
    let _guard = metrics::set_default_local_recorder(&counted);
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let door = Door::of(&world, &live);
        let news = [
            body(&[entry(&live, &inbound("wamid.one", "hello"))]),
            body(&[entry(&live, &status("wamid.two", "msg_x", "read", 1))]),
            body(&[
                entry(&live, &inbound("wamid.three", "Grüße 👋")),
                entry(&live, &status("wamid.4", "", "sent", 2)),
            ]),
        ];
        let signed: Vec<(Vec<u8>, String)> =
            news.into_iter().map(|raw| (raw.clone(), live.app.sign(&raw))).collect();
        let foreign = AppSecret::new("another secret").unwrap();
        let mut dice = Dice::new(0x5eed_0001);
        let mut forgeries: Vec<Forgery> =
            signed.iter().flat_map(|(raw, good)| systematic(raw, good)).collect();
        let (before, refused) = (rows(&world).await, counted.of("signature_invalid"));
        let mut tried = 0;
        while tried < FORGERIES {
            let forgery = forgeries.pop().unwrap_or_else(|| random(&mut dice, &signed, &foreign));
            let shown = forgery.signature.clone();
            let headers: Vec<(&str, &str)> = shown.iter().map(|s| (SIGNATURE, s.as_str())).collect();
            let (status, code) = door.post(&headers, forgery.body).await;
            assert_eq!((status, code.as_str()), (401, "signature_invalid"), "{engine:?} {tried}: {shown:?}");
            tried += 1;
        }
        assert_eq!(counted.of("signature_invalid") - refused, tried, "each of them is counted");
        assert_eq!(counted.of("accepted"), 0);
        assert_eq!(before, rows(&world).await, "nothing was written on {engine:?}");
        world.app.refusals_settle().await;
        let told = world.rows().await["audit"].iter().filter(|row| row.contains("callback.refused")).count();
        assert!((2..=8).contains(&told), "{told} entries for {tried} refusals: one a minute, and a count");
        // The same bodies, rightly signed: what was refused was the signature.
        for (raw, good) in &signed {
            assert_eq!(door.post(&[(SIGNATURE, good)], raw.clone()).await.0, 200);
        }
        all_read(&world).await;
        assert_eq!(events(&live.admin).await.len(), 4);
        counted.clear();
        world.stop().await;
    }
}

/// Header by header: which forms are read, and which are not.
#[tokio::test]
async fn only_one_whole_signature_is_read() {
    let counted = Counted::default();
    let _guard = metrics::set_default_local_recorder(&counted);
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        let other_app = world.meta_app(&meta, &live.admin, 77).await;
        let door = Door::of(&world, &live);
        let raw = body(&[entry(&live, &inbound("wamid.one", "hello"))]);
        let good = live.app.sign(&raw);
        let hex = good.strip_prefix("sha256=").unwrap();
        let (theirs, empty) = (other_app.sign(&raw), AppSecret::new("x").unwrap().sign(b""));
        let before = rows(&world).await;
        let one = |value: &str| vec![(SIGNATURE, value.to_owned())];
        let two =
            |first: &str, second: &str| vec![(SIGNATURE, first.to_owned()), (SIGNATURE, second.to_owned())];
        let wrong: Vec<Vec<(&str, String)>> = vec![
            vec![],
            // The legacy header alone, rightly made or not, proves nothing.
            vec![("x-hub-signature", format!("sha1={}", &hex[..40]))],
            vec![("x-hub-signature", good.clone())],
            one(""),
            one("sha256="),
            one(hex),
            one(&format!("sha1={}", &hex[..40])),
            one(&format!("sha1={hex}")),
            one(&format!("SHA256={hex}")),
            one(&format!("sha256:{hex}")),
            one(&format!("sha256={good}")),
            one(&format!("{good}00")),
            one(&format!("{good}, {good}")),
            one(&format!("{good},sha1={}", &hex[..40])),
            one(&format!("sha256={}", &hex[..32])),
            one(&format!("sha256={}", "0".repeat(64))),
            one(&format!("sha256=\u{ff10}{}", &hex[1..])),
            one(&theirs),
            one(&empty),
            two(&good, &good),
            two(&good, &theirs),
            two(&theirs, &good),
            two("", &good),
        ];
        let refused = counted.of("signature_invalid");
        for headers in &wrong {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let (status, code) = door.post(&headers, raw.clone()).await;
            assert_eq!((status, code.as_str()), (401, "signature_invalid"), "{headers:?}");
        }
        assert_eq!(counted.of("signature_invalid") - refused, wrong.len() as u64, "each is counted");
        // The same JSON in other bytes.
        let spaced = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&raw).unwrap()).unwrap();
        assert_eq!(door.post(&[(SIGNATURE, &good)], spaced).await.0, 401);
        assert_eq!(before, rows(&world).await);
        // Hex digits of either case are the same number; the legacy header may ride along.
        let upper = format!("sha256={}", hex.to_uppercase());
        assert_eq!(
            door.post(&[(SIGNATURE, &upper), ("x-hub-signature", "sha1=00")], raw.clone()).await.0,
            200
        );
        assert_eq!(door.post(&[(SIGNATURE, &good)], raw).await.0, 200);
        all_read(&world).await;
        assert_eq!(events(&live.admin).await.len(), 1);
        world.stop().await;
    }
}

/// A right signature of app A under a body that names a number of app B: nothing of B's changes; it is kept apart,
/// counted, and does not come back as anybody's event.
#[tokio::test]
async fn a_right_signature_opens_only_its_own_numbers() {
    let counted = Counted::default();
    let _guard = metrics::set_default_local_recorder(&counted);
    for engine in Engines::available() {
        let meta = silent().await;
        let setup = gatepost_testkit::Setup::new(engine).with_meta(&meta);
        let world = World::start(setup).await;
        let (ours, victim) = (world.tenant("Attacker").await, world.tenant("Victim").await);
        let attacker = world.live(&meta, ours.workspace, 1).await;
        let theirs = world.live(&meta, victim.workspace, 2).await;
        let before = world.rows_of(victim.workspace).await;
        let kept = counted.of("gatepost_callback_orphans_total");
        let door = Door::of(&world, &attacker);
        let forged = body(&[
            entry(&theirs, &inbound("wamid.forged", "pay here")),
            // Among entries of its own: what is its own is read, the other is not.
            entry(&attacker, &inbound("wamid.own", "mine")),
            json!({"id": theirs.waba_id, "changes": [{"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}]}),
        ]);
        let signature = attacker.app.sign(&forged);
        assert_eq!(door.post(&[(SIGNATURE, &signature)], forged.clone()).await.0, 200);
        // At the victim's own door the attacker's signature is none.
        let victims = Door::of(&world, &theirs);
        assert_eq!(victims.post(&[(SIGNATURE, &signature)], forged).await.0, 401);
        all_read(&world).await;
        assert_eq!(counted.of("gatepost_callback_orphans_total") - kept, 2, "kept and alarmed");
        let after = world.rows_of(victim.workspace).await;
        for (table, rows) in &before {
            // Uses of keys are noted, and so is the refusal at the victim's own door.
            let noted = table == "api_key" || table.starts_with("audit");
            assert!(noted || rows == &after[table], "{table} on {engine:?}");
        }
        assert!(events(&theirs.admin).await.is_empty());
        let own = events(&attacker.admin).await;
        assert_eq!(told(&own).into_keys().map(|(wamid, _)| wamid).collect::<Vec<_>>(), ["wamid.own"]);
        world.stop().await;
    }
}
