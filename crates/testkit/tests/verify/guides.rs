//! What the guides tell people to copy works as it stands: every command, and the whole sign-in.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gatepost_testkit::{Client, Engines};
use serde_json::{Value, json};

use crate::support::{Stage, silent, text};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").canonicalize().unwrap()
}

/// The commands of a page, a line each.
fn commands(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(docs().join(page)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let lines: Vec<String> = blocks.map(|block| block.replace("\\\n", " ").trim().to_owned()).collect();
    assert!(lines.iter().all(|line| line.starts_with("curl ") && !line.contains('\n')), "{page}: {lines:?}");
    lines
}

/// The words of a command as a shell makes them: quotes, and the variables that `known` has.
fn words(line: &str, known: &[(&str, String)]) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (quote, c) {
            (None, ' ') => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '$') => {
                let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
                let value = known.iter().find(|(name, _)| *name == &rest[..end]);
                word.push_str(&value.unwrap_or_else(|| panic!("${} is not told: {line}", &rest[..end])).1);
                rest = &rest[end..];
            }
            (_, c) => word.push(c),
        }
        begun = true;
    }
    assert!(quote.is_none(), "{line}");
    if begun {
        words.push(word);
    }
    words
}

/// Does what curl would.
async fn run(stage: &Stage, key: &str, line: &str, known: &[(&str, String)]) -> Value {
    let mut all = vec![("GATEPOST", stage.world.base.clone()), ("GATEPOST_KEY", key.to_owned())];
    all.extend_from_slice(known);
    let words = words(line, &all);
    let (mut method, mut path, mut body, mut headers) = (None, String::new(), None, Vec::new());
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-sS" => {}
            "-X" => method = words.next(),
            "-d" => body = words.next(),
            "-H" => {
                let (name, value) = words
                    .next()
                    .map(|h| h.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned())))
                    .unwrap()
                    .unwrap();
                headers.push((name.to_lowercase(), value));
            }
            url => path = url.strip_prefix(stage.world.base.as_str()).unwrap().to_owned(),
        }
    }
    let method = method.unwrap_or_else(|| if body.is_some() { "POST".to_owned() } else { "GET".to_owned() });
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert!(headers.contains(&("authorization", &format!("Bearer {key}"))), "{line}");
    let answer = Client::new(&stage.world.base, None)
        .raw(&method, &path, &headers, body.map(String::into_bytes))
        .await;
    assert!((200..300).contains(&answer.status), "{line}\n{}", answer.text);
    answer.json()
}

/// A stage whose test channel is the only one that its key could mean.
async fn trial(engine: Engines) -> (Stage, String) {
    let stage = Stage::bare(engine, silent()).await;
    stage.tenant.admin.post("/v1/channels", &json!({"name": "Trial", "type": "test"})).await.expect(201);
    let key = stage.tenant.admin_key.clone();
    (stage, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_do_what_the_pages_say() {
    let (stage, key) = trial(Engines::Sqlite).await;
    let web = commands("guides/sign-in-web.md");
    let [begin, check, resend] = web.as_slice() else { panic!("{web:?}") };
    let begun = run(&stage, &key, begin, &[]).await;
    let id = ("VERIFICATION_ID", text(&begun, "id").to_owned());
    stage.advance(31);
    run(&stage, &key, resend, std::slice::from_ref(&id)).await;
    let code = ("CODE", "424242".to_owned());
    assert_eq!(run(&stage, &key, check, &[id, code]).await["status"], "approved");

    let inbound = commands("verify-inbound.md");
    let shown = run(&stage, &key, &inbound[0], &[]).await;
    assert!(shown["code"].is_string() && shown["wa_link"].is_string());

    for line in commands("guides/sign-in-mobile.md") {
        stage.advance(600);
        run(&stage, &key, &line, &[]).await;
    }

    let pages = commands("verification-pages.md");
    let page = run(&stage, &key, &pages[0], &[]).await;
    let (visitor, at) = (stage.world.browser(), text(&page, "url"));
    let at = &at[at.find("/verify/").unwrap()..];
    stage.advance(600);
    visitor.open(at).await.expect(200);
    visitor.submit(at, &[("phone", "+12025550104"), ("step", "start")]).await.expect(200);
    let sent = visitor.filled(at, &[("code", "424242"), ("step", "check")]);
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = visitor.post(at, &sent).await.expect(303);
    let back = url::Url::parse(done.headers["location"].to_str().unwrap()).unwrap();
    let result = back.query_pairs().find(|(name, _)| name == "result").unwrap().1.into_owned();
    let result = run(&stage, &key, &pages[1], &[("RESULT", result)]).await;
    assert_eq!(result["verification"]["phone"], "+12025550104");
    stage.stop().await;
}

/// A child process that is ended with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
fn runtimes_are_required() -> bool {
    std::env::var_os("GATEPOST_TEST_REQUIRE_VERIFIERS").is_some_and(|value| !value.is_empty())
}

/// The sign-in of the guide for web apps, as a visitor goes through it. Left out where there is no Node, unless it is
/// required as the webhook verifiers' runtimes are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_sign_in_works() {
    let (stage, key) = trial(Engines::Sqlite).await;
    let started = Command::new("node")
        .arg(docs().join("guides/sign-in.mjs"))
        .env("GATEPOST", &stage.world.base)
        .env("GATEPOST_KEY", &key)
        .env("PORT", "0")
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        assert!(!runtimes_are_required(), "node is missing");
        return stage.stop().await;
    };
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let _ended = Ended(child);
    let visitor = gatepost_testkit::Browser::new(&format!("http://127.0.0.1:{}", port.trim()));
    visitor.open("/").await.expect(200);
    let before = visitor.cookie("session");
    let told = async |path: &str, field: (&str, &str), words: &str| {
        let answer = visitor.post(path, &[field]).await.expect(200);
        assert!(answer.text.contains(words), "{words}: {}", answer.text);
    };
    told("/phone", ("phone", "nonsense"), "country code").await;
    told("/phone", ("phone", "+12025550105"), "sent you a code").await;
    told("/code", ("code", "12"), "not right").await;
    told("/code", ("code", "000000"), "not right").await;
    told("/code", ("code", "424242"), "signed in").await;
    assert!(before.is_some() && visitor.cookie("session") != before, "another session from then on");
    let stranger = gatepost_testkit::Browser::new(&format!("http://127.0.0.1:{}", port.trim()));
    let answer = stranger.post("/code", &[("code", "424242")]).await.expect(200);
    assert!(answer.text.contains("Begin again"), "{}", answer.text);
    stage.stop().await;
}
