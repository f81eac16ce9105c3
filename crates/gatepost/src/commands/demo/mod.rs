//! `gatepost demo`: the whole way through, on real code paths, with nothing to set up.
//!
//! The gateway is the one that `serve` runs; the workspace and its first key are made over the operator's socket as the
//! command line does; everything else goes through the public API. Only the simulated person's words are put into the
//! simulated Meta directly, since no API of ours speaks for the people on the other side.

mod home;
mod receiver;
mod screen;
mod story;
mod tally;

use std::collections::HashMap;
use std::time::Duration;

use gatepost_app::App;
use gatepost_channels::sandbox::{SandboxConfig, SandboxTimings};
use gatepost_core::access::permission::MessageSend;
use gatepost_core::{ChannelId, Phone, Secret};
use gatepost_net::{Exception, Scheme};
use serde_json::{Value, json};

use self::home::Home;
use self::receiver::{Heard, Receiver};
use self::screen::Screen;
use self::story::{Answer, Reply, Scene};
use self::tally::Tally;
use super::serve::Signals;
use crate::answer::text;
use crate::api_client::Api;
use crate::cli::Context;
use crate::config::{MetricsListen, Settings};
use crate::failure::{Failure, Result};
use crate::installation::Installation;
use crate::installation::data_dir::DataDir;
use crate::operator_client::Operator;
use crate::server::{Role, Server};

/// How long everything may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two messages, so that eyes can follow.
const PACE: Duration = Duration::from_millis(90);
/// The simulated Meta's times: fast, and yet one after the other.
const TIMINGS: SandboxTimings = SandboxTimings {
    sent: Duration::from_millis(60),
    delivered: Duration::from_millis(300),
    read: Duration::from_millis(700),
    slow_delivered: Duration::from_secs(30),
    reply: Duration::from_millis(500),
};

/// See everything work, with nothing to set up.
///
/// Starts the gateway with a fresh SQLite database and a new master key, a simulated Meta and a webhook receiver, all on
/// loopback and on free ports; sends messages through all three and checks every signature. Then it stays up, with a
/// test key and a curl line to try, until Ctrl-C; its data goes with it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  gatepost demo
  gatepost demo --once --json    for scripts: the last line counts everything, the exit code is 1 if anything is missing")]
pub struct Demo {
    /// End when everything was shown
    #[arg(long)]
    once: bool,
}

/// The running demo.
struct Stage {
    server: Server,
    receiver: Receiver,
    keys: Keys,
    channel: ChannelId,
}

/// The three keys, each a client of the public API.
struct Keys {
    admin: Api,
    send: Api,
    send_secret: Secret<String>,
    read: Api,
}

impl Demo {
    pub async fn run(self, context: Context) -> Result<()> {
        context.log()?;
        let mut signals = Signals::new()?;
        let screen = Screen::new(context.output);
        let mut tally = Tally::default();
        screen.title();
        let home = Home::new()?;
        let played = tokio::select! {
            played = play(&home, &screen, &mut tally) => played,
            () = signals.next() => return Ok(()),
        };
        let summary = tally.summary(screen.seconds());
        let (mut stage, failure) = match played {
            Ok((stage, in_time)) => (Some(stage), (!in_time).then(|| late(&tally_words(&summary)))),
            Err(failure) => (None, Some(failure)),
        };
        screen.counted(&summary);
        if let Some(stage) = &stage {
            invite(stage, &home, &screen, context.output.is_json(), self.once);
        }
        screen.last_line(&summary);
        if summary.ok
            && !self.once
            && let Some(stage) = &mut stage
        {
            stay_up(stage, &screen, &mut signals, context.output.is_json()).await;
        }
        if let Some(stage) = stage {
            stage.server.stop().await;
        }
        match failure {
            Some(failure) => Err(failure),
            None if summary.ok => Ok(()),
            None => Err(Failure::failed("not everything that was sent came through; see the counts above")),
        }
    }
}

fn late(words: &str) -> Failure {
    Failure::failed(format!("after {} s something is still missing: {words}", LIMIT.as_secs()))
}

fn tally_words(summary: &tally::Summary) -> String {
    format!(
        "{} messages, {} delivered, {} read, {} failed, {} replies, {} of {} signatures verified",
        summary.messages,
        summary.delivered,
        summary.read,
        summary.failed,
        summary.replies,
        summary.signatures_verified,
        summary.webhooks
    )
}

/// Sets the stage and plays the story; whether all was seen in time.
async fn play(home: &Home, screen: &Screen, tally: &mut Tally) -> Result<(Stage, bool)> {
    let mut stage = set_up(home, screen).await?;
    let in_time = match tokio::time::timeout(LIMIT, tell(&mut stage, screen, tally)).await {
        Ok(told) => told.map(|()| true)?,
        Err(_) => false,
    };
    Ok((stage, in_time))
}

async fn set_up(home: &Home, screen: &Screen) -> Result<Stage> {
    let receiver = Receiver::start().await?;
    let mut settings = Settings::fresh(home.path().to_owned());
    settings.config.server.listen = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.config.server.metrics_listen = Some(MetricsListen::Off);
    settings.config.operators.listen = Some(MetricsListen::Off);
    // The receiver is on loopback and has no certificate: exactly this place is opened, as an operator would.
    let exception = Exception::new("127.0.0.1", Some(receiver.address.port()), Scheme::Http);
    settings.config.egress.exceptions = vec![exception.map_err(Failure::failed)?];
    let installation = Installation::open(DataDir::own(home.path())?, settings).await?;
    let socket = installation.places().socket();
    let sandbox = SandboxConfig { timings: TIMINGS, ..SandboxConfig::default() };
    let server = Server::start(installation, Role::All, sandbox).await?;
    let url = server.addresses.api.clone().unwrap_or_default();
    screen.fact("gateway", &url);
    screen.fact("simulated Meta", &server.addresses.sandbox);
    screen.fact("your webhooks", &receiver.url());
    screen.fact("data", &format!("{} (gone at the end)", home.path().display()));
    screen.line("");

    let operator = Operator::Socket(socket);
    let workspace = operator.post("/operator/v1/workspaces", &json!({ "name": "Parcel Shop" })).await?;
    let keys_path = format!("/operator/v1/workspaces/{}/keys", text(&workspace, "id"));
    let first = json!({ "name": "First key", "mode": "test", "scopes": ["admin"] });
    let admin = secret_of(&operator.post(&keys_path, &first).await?)?;
    screen.step(
        "workspace",
        "Parcel Shop, and its first API key, as `gatepost workspace create` and `key create` make them",
    );

    let admin = Api::new(&url, admin)?;
    let channel = admin.post("/v1/channels", &json!({ "name": "Counter", "type": "test" }), None).await?;
    screen.step("channel", &format!("{} on the simulated Meta", text(&channel, "display_phone_number")));
    let templates = admin.post("/v1/templates/sync", &json!({}), None).await?;
    screen.step("templates", &format!("{} that Meta has, read", templates["total"]));
    let key = async |name: &str, scope: &str| {
        let body = json!({ "name": name, "scopes": [scope] });
        admin.post("/v1/keys", &body, None).await.and_then(|made| secret_of(&made))
    };
    let (send, read) = (key("Shop", "send").await?, key("Reports", "read").await?);
    screen.step("keys", "one that only sends, one that only reads");
    let endpoint = json!({ "url": receiver.url(), "events": ["message.*", "contact.*"] });
    let endpoint = admin.post("/v1/webhook-endpoints", &endpoint, None).await?;
    receiver.set_secret(text(&endpoint, "secret"))?;
    screen.step("endpoint", "your webhook, with a signing secret\n");

    let channel = text(&channel, "id").parse().map_err(Failure::failed)?;
    let keys =
        Keys { send: admin.with_key(send.clone()), send_secret: send, read: admin.with_key(read), admin };
    Ok(Stage { server, receiver, keys, channel })
}

fn secret_of(made: &Value) -> Result<Secret<String>> {
    match made["secret"].as_str() {
        Some(secret) => Ok(Secret::new(secret.to_owned())),
        None => Err(Failure::failed("the API answered without a secret")),
    }
}

/// Sends, listens, lets people answer and replies to them, until all was seen.
async fn tell(stage: &mut Stage, screen: &Screen, tally: &mut Tally) -> Result<()> {
    let mut scenes = story::scenes().into_iter();
    let mut pace = tokio::time::interval(PACE);
    // By message id: what the person says when it is read.
    let mut to_say: HashMap<String, (&'static str, Reply)> = HashMap::new();
    // By what was said: what the shop answers.
    let mut to_reply: HashMap<&'static str, Reply> = HashMap::new();
    let mut met_by_id = false;
    let mut sending = true;
    while !tally.is_complete() {
        tokio::select! {
            _ = pace.tick(), if sending => match scenes.next() {
                None => sending = false,
                Some(scene) => {
                    let id = send(&stage.keys.send, &scene, &scene.body(), screen, tally).await?;
                    if let Answer::Says(words, reply) = scene.answer {
                        to_say.insert(id, (words, reply));
                    }
                }
            },
            heard = stage.receiver.heard.recv() => {
                let Some(event) = hear(heard, screen, tally) else { continue };
                let message = &event["data"]["message"];
                match text(&event, "type") {
                    "message.read" => {
                        if let Some((words, reply)) = to_say.remove(text(message, "id")) {
                            to_reply.insert(words, reply);
                            person_says(stage, message, words).await?;
                        }
                    }
                    "message.received" => {
                        if let Some(reply) = to_reply.remove(text(message, "text")) {
                            answer(stage, message, reply, screen, tally).await?;
                        } else if message["contact"]["phone"].is_null() && !std::mem::replace(&mut met_by_id, true) {
                            let scene = story::reply_by_id(text(&message["contact"], "bsuid"));
                            send(&stage.keys.send, &scene, &scene.body(), screen, tally).await?;
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    check_the_log(stage, screen, tally).await
}

/// Counts and shows one webhook; the event, where it is verified.
fn hear(heard: Option<Heard>, screen: &Screen, tally: &mut Tally) -> Option<Value> {
    let heard = heard?;
    tally.heard(heard.event.as_ref(), heard.verified);
    match &heard.event {
        Some(event) => screen.heard(event),
        None => screen.unverified(),
    }
    heard.event
}

async fn send(api: &Api, scene: &Scene, body: &Value, screen: &Screen, tally: &mut Tally) -> Result<String> {
    let message = api.post("/v1/messages", body, None).await?;
    let id = text(&message, "id").to_owned();
    screen.accepted(&message, &scene.to, &scene.words);
    tally.accepted(&id, scene.kind.as_str(), scene.end);
    Ok(id)
}

/// The person who read `message` answers it, at the simulated Meta.
async fn person_says(stage: &Stage, message: &Value, words: &str) -> Result<()> {
    let app: &App = stage.server.app();
    let principal =
        app.principal_of_key(stage.keys.send_secret.expose(), None).await.map_err(|refused| refused.error)?;
    let grant = principal.grant::<MessageSend>()?;
    let from = Phone::parse(text(&message["contact"], "phone"))
        .map_err(|_| Failure::failed("a webhook named no phone number"))?;
    app.test_inbound(&grant, stage.channel, &from, words, message["provider_id"].as_str()).await?;
    Ok(())
}

/// The shop has read what a person wrote, types, and answers.
async fn answer(
    stage: &Stage,
    message: &Value,
    reply: Reply,
    screen: &Screen,
    tally: &mut Tally,
) -> Result<()> {
    let id = text(message, "id");
    let api = &stage.keys.send;
    api.post(&format!("/v1/messages/{id}/read"), &json!({ "typing": true }), None).await?;
    let scene = story::reply(text(&message["contact"], "phone"), id, reply);
    let mut body = scene.body();
    if let Reply::Text(_) = reply {
        body["reply_to"] = json!(id);
    }
    send(api, &scene, &body, screen, tally).await?;
    Ok(())
}

/// The key that only reads finds in the event log what the webhooks told.
async fn check_the_log(stage: &Stage, screen: &Screen, tally: &Tally) -> Result<()> {
    let (mut logged, mut after) = (0, String::new());
    loop {
        let page = stage.keys.read.get(&format!("/v1/events?limit=100{after}")).await?;
        let count = page["data"].as_array().map_or(0, Vec::len);
        logged += count;
        if count == 0 {
            break;
        }
        after = format!("&after={}", text(&page, "next_cursor"));
    }
    screen.line("");
    screen.step("event log", &format!("holds {logged} events; GET /v1/events gives them again"));
    if logged < tally.webhooks() {
        return Err(Failure::failed(format!(
            "the event log holds {logged} events, fewer than the webhooks told"
        )));
    }
    Ok(())
}

/// What a person can do now.
fn invite(stage: &Stage, home: &Home, screen: &Screen, json: bool, once: bool) {
    let key = stage.keys.send_secret.expose();
    let base = stage.keys.admin.base();
    if json {
        screen.ready(base, &stage.server.addresses.sandbox, &stage.receiver.url(), key, home.path());
        return;
    }
    if !once {
        screen.line("\nIt stays up until Ctrl-C. Try it (the person at …0108 answers):\n");
        screen.line(&format!(
            "curl {base}/v1/messages \\\n  -H 'Authorization: Bearer {key}' \\\n  -H 'Content-Type: application/json' \\\n  \
             -d '{{\"to\": \"+12025550108\", \"purpose\": \"transactional\", \"text\": \"Hello from the demo\"}}'\n"
        ));
        screen.fact("gateway", &format!("{base}  ({base}/openapi.json describes it)"));
        screen.fact("simulated Meta", &stage.server.addresses.sandbox);
        screen.fact("your webhooks", &stage.receiver.url());
        screen.fact("data", &format!("{}, gone at Ctrl-C", home.path().display()));
    }
    screen.line("\nNext, for real:");
    screen.line("  gatepost serve                 a server that keeps its data");
    screen.line("  gatepost channel add cloud     a WhatsApp number of yours: asks for what Meta gives, and checks it\n");
}

/// Shows what comes in until a signal does. For a program the last line is the last line.
async fn stay_up(stage: &mut Stage, screen: &Screen, signals: &mut Signals, json: bool) {
    loop {
        tokio::select! {
            () = signals.next() => return,
            heard = stage.receiver.heard.recv() => match heard {
                Some(Heard { event: Some(event), .. }) if !json => screen.heard(&event),
                Some(_) => {}
                None => return,
            },
        }
    }
}
