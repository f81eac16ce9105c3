//! Message templates over the real router, against the simulated Meta.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use gatepost_channels::cloud::{CloudApp, CloudChannel, CloudClient, NewTemplate};
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxRules};
use gatepost_core::Secret;
use gatepost_core::template::{ParameterFormat, TemplateCategory};
use gatepost_net::{Resolver, TlsRoots, TrustedBudgets, TrustedClient};
use gatepost_testkit::{Answer, Client, Engines, Live, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

/// A simulated Meta that reviews quickly.
async fn meta() -> SandboxHandle {
    let rules = SandboxRules { template_review: Duration::from_millis(20), ..SandboxRules::default() };
    sandbox(SandboxConfig { rules, ..SandboxConfig::default() }).await
}

fn order(name: &str) -> Value {
    json!({
        "name": name, "language": "en_US", "category": "UTILITY",
        "components": [
            { "type": "BODY", "text": "Hello {{1}}, your order {{2}} is ready for you.",
              "example": { "body_text": [["Ada", "17"]] } },
            { "type": "FOOTER", "text": "Example Ltd" },
        ],
    })
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

async fn list(admin: &Client, query: &str) -> Vec<Value> {
    let page = admin.get(&format!("/v1/templates?{query}")).await.expect(200).json();
    page["data"].as_array().unwrap().clone()
}

async fn create(admin: &Client, body: &Value) -> Answer {
    admin.post("/v1/templates", body).await
}

async fn until_status(admin: &Client, id: &str, status: &str) -> Value {
    let path = format!("/v1/templates/{id}");
    eventually(&format!("the template to be {status}"), async || {
        let template = admin.get(&path).await.expect(200).json();
        (template["status"] == status).then_some(template)
    })
    .await
}

async fn events(admin: &Client, count: usize) -> Vec<Value> {
    eventually(&format!("{count} events"), async || {
        let page = admin.get("/v1/events?limit=100&types=template.updated").await.expect(200).json();
        let found: Vec<Value> =
            page["data"].as_array().unwrap().iter().map(|e| e["data"]["template"].clone()).collect();
        (found.len() >= count).then_some(found)
    })
    .await
}

/// Somebody who works on the account without Gatepost.
fn elsewhere(meta: &SandboxHandle, live: &Live) -> (CloudClient, CloudChannel) {
    let resolver = Resolver::fixed([("localhost", vec![])]);
    let http = TrustedClient::new(resolver, TrustedBudgets::default(), TlsRoots::Bundled).unwrap();
    let app = CloudApp { app_id: live.app.app_id.clone(), app_secret: Secret::new(live.app.secret.clone()) };
    let channel = CloudChannel {
        base_url: meta.base_url(),
        graph_version: "v25.0".to_owned(),
        phone_number_id: live.phone_number_id.clone(),
        waba_id: live.waba_id.clone(),
        token: Secret::new(live.token.clone()),
        app: Some(app),
    };
    (CloudClient::new(http), channel)
}

async fn made_elsewhere(meta: &SandboxHandle, live: &Live, name: &str) -> String {
    let (client, channel) = elsewhere(meta, live);
    let components = r#"[{"type":"BODY","text":"Made elsewhere."}]"#;
    let components = serde_json::value::RawValue::from_string(components.to_owned()).unwrap();
    let template = NewTemplate {
        name,
        language: "en_US",
        category: TemplateCategory::Utility,
        parameter_format: ParameterFormat::Positional,
        components: &components,
    };
    client.template_create(&channel, &live.waba_id, &template).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_draft_to_a_phone() {
    for engine in Engines::available() {
        let meta = meta().await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let admin = &live.admin;

        let keyed = async |body: &Value| {
            admin.call("POST", "/v1/templates", &[("idempotency-key", "t-1")], Some(body)).await
        };
        let first = keyed(&order("order_ready")).await.expect(201);
        let again = keyed(&order("order_ready")).await.expect(201);
        assert_eq!((&first.text, &first.headers["location"]), (&again.text, &again.headers["location"]));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(keyed(&order("another")).await.code(), "idempotency_key_reused");
        let draft = first.json();
        let id = text(&draft, "id").to_owned();
        assert_eq!((text(&draft, "status"), &draft["provider_id"]), ("DRAFT", &Value::Null));
        assert_eq!(draft["components"], order("x")["components"], "as it was given");
        let taken = create(admin, &order("order_ready")).await;
        assert_eq!((taken.status, taken.code().as_str()), (409, "template_exists"));
        assert!(taken.text.contains(&id), "{}", taken.text);

        let path = |rest: &str| format!("/v1/templates/{id}{rest}");
        let test =
            json!({"to": "+12025550101", "purpose": "internal_team", "parameters": {"body": ["Ada", "17"]}});
        assert_eq!(admin.post(&path("/test-send"), &test).await.code(), "template_not_submitted");
        let change = json!({"category": "MARKETING"});
        let changed = admin.patch(&path(""), &change).await.expect(200).json();
        assert_eq!((text(&changed, "category"), text(&changed, "status")), ("MARKETING", "DRAFT"));
        assert_eq!(list(admin, "status=DRAFT&category=MARKETING&name=order_ready").await.len(), 1);
        // Marketing goes to people who agreed, and nowhere by way of a test.
        admin.patch(&path(""), &json!({"category": "UTILITY"})).await.expect(200);
        assert_eq!(list(admin, "status=APPROVED").await.len(), 0, "Meta has heard of nothing");

        let submitted = admin.post(&path("/submit"), &Value::Null).await.expect(200).json();
        assert!(submitted["provider_id"].is_string(), "{submitted}");
        until_status(admin, &id, "APPROVED").await;
        let news = events(admin, 1).await;
        assert_eq!((&news[0]["id"], &news[0]["status"]), (&json!(id), &json!("APPROVED")), "{engine:?}");
        assert_eq!(news[0]["language"], "en_US");
        assert_eq!(admin.post(&path("/submit"), &Value::Null).await.code(), "template_submitted");

        let missing = json!({"parameters": {"body": ["Ada"]}});
        let shown = admin.post(&path("/preview"), &missing).await.expect(200).json();
        assert_eq!(text(&shown, "body"), "Hello Ada, your order {{2}} is ready for you.");
        assert_eq!(shown["missing"], json!(["/body/1"]));
        let mut short = test.clone();
        short["parameters"] = missing["parameters"].clone();
        let refused = admin.post(&path("/test-send"), &short).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/parameters/body/1");
        let sent = admin.post(&path("/test-send"), &test).await.expect(202).json();
        let message = format!("/v1/messages/{}", text(&sent, "id"));
        eventually("the template to arrive", async || {
            let message = admin.get(&message).await.expect(200).json();
            matches!(message["state"].as_str(), Some("delivered" | "read")).then_some(())
        })
        .await;

        // Once more through review, then away with it. Meta tells whole seconds, and the same words in the same second
        // are the same news.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let words = json!({"components": [{"type": "BODY", "text": "Your order is ready for you."}]});
        let edited = admin.patch(&path(""), &words).await.expect(200).json();
        assert_eq!(edited["components"], words["components"]);
        until_status(admin, &id, "APPROVED").await;
        admin.delete(&path("")).await.expect(204);
        assert_eq!(admin.get(&path("")).await.status, 404);
        let (client, channel) = elsewhere(&meta, &live);
        let left = client.template_list(&channel, &live.waba_id, None).await.unwrap();
        assert!(left.templates.iter().all(|t| t.name != "order_ready"), "gone at Meta too");

        let audit = world.rows_of(tenant.workspace).await["audit"].join("\n");
        for action in ["created", "updated", "submitted", "test_sent", "deleted"] {
            assert!(audit.contains(&format!("template.{action}")), "{engine:?} {action}: {audit}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_and_leaves_nothing() {
    let meta = meta().await;
    let world = World::start(Setup::new(Engines::Sqlite).with_meta(&meta)).await;
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(&meta, tenant.workspace, 1).await;
    let admin = &live.admin;
    let bad = json!({
        "name": "Order Ready", "language": "english", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "{{1}}" }, { "type": "FOOTER", "text": "x".repeat(61) }],
    });
    let refused = create(admin, &bad).await.expect(422).json();
    let pointers: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|e| text(e, "pointer")).collect();
    for pointer in ["/name", "/language", "/components/0/text", "/components/0/example", "/components/1/text"]
    {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    // Meta has one of that name already, which Gatepost does not know yet.
    made_elsewhere(&meta, &live, "order_ready").await;
    let mut at_once = order("order_ready");
    at_once["submit"] = json!(true);
    let refused = create(admin, &at_once).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "meta_refused"), "{}", refused.text);
    assert!(list(admin, "").await.is_empty(), "no draft is left behind");
    // What Meta rejects says why, and can be mended.
    let mut rejected = order("rejected_offer");
    rejected["submit"] = json!(true);
    let made = create(admin, &rejected).await.expect(201).json();
    let found = until_status(admin, text(&made, "id"), "REJECTED").await;
    assert_eq!(text(&found, "reason"), "INVALID_FORMAT");
    let mut pending = order("pending_offer");
    pending["submit"] = json!(true);
    let pending = create(admin, &pending).await.expect(201).json();
    let path = format!("/v1/templates/{}", text(&pending, "id"));
    let early = admin.patch(&path, &json!({"category": "MARKETING"})).await;
    assert_eq!((early.status, early.code().as_str()), (409, "template_not_editable"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronisation_finds_what_happened_elsewhere() {
    for engine in Engines::available() {
        let meta = meta().await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let admin = &live.admin;
        let sync = async || admin.post("/v1/templates/sync", &json!({})).await.expect(200).json();

        let draft = create(admin, &order("only_here")).await.expect(201).json();
        let provider_id = made_elsewhere(&meta, &live, "made_elsewhere").await;
        let first = sync().await;
        let (total, added) = (first["total"].as_u64().unwrap(), first["added"].as_u64().unwrap());
        assert!(total > 1 && total == added, "{engine:?}: {first}");
        assert_eq!((&first["changed"], &first["deleted"]), (&json!(0), &json!(0)));
        let found = list(admin, "name=made_elsewhere").await;
        assert_eq!(found[0]["provider_id"], json!(provider_id));
        assert_eq!(found[0]["components"], json!([{"type": "BODY", "text": "Made elsewhere."}]));
        assert!(found[0]["synced_at"].is_string());
        assert_eq!(list(admin, "limit=100").await.len() as u64, total + 1);
        until_status(admin, text(&found[0], "id"), "APPROVED").await;
        let second = sync().await;
        assert_eq!((&second["added"], &second["changed"]), (&json!(0), &json!(0)), "{engine:?}: {second}");

        // Deleted elsewhere: by callback or by synchronisation, it ends as DELETED, and its name is free again.
        let (client, channel) = elsewhere(&meta, &live);
        client.template_delete(&channel, &live.waba_id, "made_elsewhere", Some(&provider_id)).await.unwrap();
        sync().await;
        let gone = until_status(admin, text(&found[0], "id"), "DELETED").await;
        assert_eq!(gone["provider_id"], json!(provider_id));
        create(admin, &order("made_elsewhere")).await.expect(201);
        let kept = admin.get(&format!("/v1/templates/{}", text(&draft, "id"))).await.expect(200).json();
        assert_eq!(text(&kept, "status"), "DRAFT", "a draft is nobody else's business");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_belong_to_accounts() {
    for engine in Engines::available() {
        let meta = meta().await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let one = world.live(&meta, tenant.workspace, 1).await;
        let two = world.live_channel(&meta, tenant.workspace, &one.app, 2).await;
        let named = |name: &str, channel: &str| {
            let mut body = order(name);
            body["channel_id"] = json!(channel);
            body
        };
        assert_eq!(create(&one.admin, &order("which")).await.code(), "channel_required");
        let first = create(&one.admin, &named("order_ready", &one.channel)).await.expect(201).json();
        let second = create(&one.admin, &named("order_ready", &two.channel)).await.expect(201).json();
        assert_eq!(list(&one.admin, "").await.len(), 2);
        assert_eq!(list(&one.admin, &format!("channel_id={}", two.channel)).await[0]["id"], second["id"]);

        let bound = json!({"name": "bound", "scopes": ["admin"], "channels": [one.channel]});
        let bound = one.admin.post("/v1/keys", &bound).await.expect(201).json();
        let bound = world.nobody().with_key(Some(text(&bound, "secret")));
        let seen = list(&bound, "").await;
        assert_eq!((seen.len(), &seen[0]["id"]), (1, &first["id"]), "{engine:?}");
        for (id, status) in [(text(&first, "id"), 200), (text(&second, "id"), 404)] {
            assert_eq!(bound.get(&format!("/v1/templates/{id}")).await.status, status);
        }
        assert_eq!(bound.delete(&format!("/v1/templates/{}", text(&second, "id"))).await.status, 404);
        assert_eq!(bound.get(&format!("/v1/templates?channel_id={}", two.channel)).await.status, 404);
        assert_eq!(create(&bound, &named("x", &two.channel)).await.status, 404);
        assert!(list(&tenant.admin, "").await.is_empty(), "a test key sees no live template");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_come_late_twice_and_about_strangers() {
    for engine in Engines::available() {
        let meta = meta().await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let tell = async |time: i64, field: &str, id: &Value, name: &str, value: Value| {
            let mut value = value;
            value["message_template_id"] = id.clone();
            value["message_template_name"] = json!(name);
            value["message_template_language"] = json!("en-US");
            let body = json!({"object": "whatsapp_business_account", "entry": [
                {"id": live.waba_id, "time": time, "changes": [{"field": field, "value": value}]}]});
            live.app.call(&world, body.to_string()).await.expect(200);
        };
        let status = "message_template_status_update";
        let mut body = order("pending_order");
        body["submit"] = json!(true);
        let made = create(&live.admin, &body).await.expect(201).json();
        let id: Value = serde_json::from_str(text(&made, "provider_id")).unwrap();
        let word = |word: &str| json!({"event": word, "reason": "NONE"});
        tell(200, status, &id, "pending_order", word("APPROVED")).await;
        until_status(&live.admin, text(&made, "id"), "APPROVED").await;
        tell(100, status, &id, "pending_order", word("REJECTED")).await;
        tell(200, status, &id, "pending_order", word("APPROVED")).await;
        let quality = json!({"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"});
        tell(150, "message_template_quality_update", &id, "pending_order", quality).await;
        let category = json!({"previous_category": "UTILITY", "new_category": "MARKETING"});
        tell(300, "template_category_update", &id, "pending_order", category).await;
        tell(300, status, &json!(77), "a_stranger", word("PAUSED")).await;
        let news = events(&live.admin, 4).await;
        let told: Vec<_> = news
            .iter()
            .map(|n| (text(n, "name"), n["status"].clone(), n["quality"].clone(), n["category"].clone()))
            .collect();
        assert_eq!(
            told,
            [
                ("pending_order", json!("APPROVED"), Value::Null, json!("UTILITY")),
                ("pending_order", json!("APPROVED"), json!("YELLOW"), json!("UTILITY")),
                ("pending_order", json!("APPROVED"), json!("YELLOW"), json!("MARKETING")),
                ("a_stranger", json!("PAUSED"), Value::Null, Value::Null),
            ],
            "{engine:?}"
        );
        assert_eq!(news[3]["id"], Value::Null, "it is not known here");
        // What Meta said is in the log as it came, all of it that was new.
        let page = live.admin.get("/v1/events?limit=100&types=channel.notification").await.expect(200).json();
        let fields = page["data"].as_array().unwrap().iter();
        let raw = fields
            .filter(|e| e["data"]["notification"]["field"].as_str().is_some_and(|f| f.contains("template")));
        assert_eq!(raw.count(), 5, "{engine:?}: the one that came twice is told once");
        let found = list(&live.admin, "name=pending_order").await;
        let found = &found[0];
        assert_eq!((text(found, "status"), text(found, "category")), ("APPROVED", "MARKETING"));
        world.stop().await;
    }
}
