//! What a code is sent in.

use gatepost_testkit::Engines;
use serde_json::json;

use crate::support::{Stage, silent, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_template_fits_the_person() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage.template("sign_in", "es", None).await;
        stage.template("payment", "en_GB", None).await;
        let language = async |ask: serde_json::Value| {
            let begun = stage.begin(ask).await;
            let sent = stage.sent(&begun).await;
            let template = &sent["template"];
            assert_eq!(template["name"], begun["template"]);
            (text(template, "name").to_owned(), text(&template["language"], "code").to_owned())
        };
        let is = |name: &str, code: &str| (name.to_owned(), code.to_owned());
        assert_eq!(language(json!({"locale": "es-MX"})).await, is("sign_in", "es"));
        assert_eq!(language(json!({"locale": "en_US"})).await, is("sign_in", "en_US"));
        assert_eq!(language(json!({"locale": "en_GB"})).await, is("payment", "en_GB"));
        assert_eq!(language(json!({"locale": "de"})).await, is("payment", "en_GB"), "the newest");
        assert_eq!(language(json!({"locale": "de", "template": "sign_in"})).await, is("sign_in", "es"));
        assert_eq!(language(json!({"locale": "en_IE", "template": "sign_in"})).await, is("sign_in", "en_US"));
        let unknown = stage.try_begin(json!({"template": "sing_in"})).await.expect(422);
        assert_eq!(unknown.code(), "verification_template_required");
        assert_eq!(unknown.json()["errors"][0]["pointer"], "/template");
        let both = stage.try_begin(json!({"template": "sign_in", "text": "{code}"})).await.expect(422);
        assert_eq!(both.json()["errors"][0]["pointer"], "/text");
        // A template of another category is none for codes.
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_for_as_long_as_its_template_says() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, silent()).await;
        stage.template("ten", "en", Some(10)).await;
        stage.template("twenty", "en", Some(20)).await;
        let seconds = |verification: &serde_json::Value| {
            let at = |name: &str| gatepost_core::Timestamp::parse(text(verification, name)).unwrap();
            at("expires_at").since(at("created_at")).as_secs()
        };
        let begun = stage.begin(json!({})).await;
        assert_eq!((text(&begun, "template"), seconds(&begun)), ("ten", 600), "twenty minutes are too many");
        let refused = stage.try_begin(json!({"ttl": 300})).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/ttl", "{}", refused.text);
        assert!(refused.text.contains("20 minutes") || refused.text.contains("10 minutes"));
        assert_eq!(
            stage.try_begin(json!({"template": "twenty"})).await.expect(422).json()["errors"][0]["pointer"],
            "/ttl"
        );
        stage.template("two", "en", Some(2)).await;
        assert_eq!(seconds(&stage.begin(json!({})).await), 120);
        assert_eq!(seconds(&stage.begin(json!({"ttl": 300})).await), 300, "longer than it says does no harm");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_goes_to_who_wrote_within_a_day() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, silent()).await;
        let person = "+12025550180";
        for ask in [json!({"to": person}), json!({"to": person, "text": "{code}"})] {
            let refused = stage.try_begin(ask).await.expect(422);
            assert_eq!(refused.code(), "verification_template_required");
        }
        stage.says(person, "hello").await;
        let begun = stage.begin(json!({"to": person, "ttl": 90})).await;
        let sent = stage.sent(&begun).await;
        let words = text(&sent["text"], "body");
        assert!(words.contains("good for 2 minutes"), "{words}");
        assert!(begun["template"].is_null());
        let ask = json!({"to": person, "text": "{app}: {code} ({ttl} min). {app} never asks for it."});
        let nameless = stage.try_begin(ask.clone()).await.expect(422);
        assert_eq!(nameless.json()["errors"][0]["pointer"], "/app_name");
        let mut ask = ask;
        ask["app_name"] = json!("Example Shop");
        let begun = stage.begin(ask).await;
        let sent = stage.sent(&begun).await;
        let code = stage.code(&begun).await;
        let words = format!("Example Shop: {code} (5 min). Example Shop never asks for it.");
        assert_eq!(sent["text"]["body"], words);
        stage.check(&begun, &code).await.expect(200);
        // Sent again it says the same, with another code.
        stage.advance(24 * 3600);
        assert_eq!(
            stage.try_begin(json!({"to": person})).await.expect(422).code(),
            "verification_template_required"
        );
        for (text, why) in [("no place", "{code}"), ("{code} {otp}", "{ttl}"), ("{code}{code}", "once")] {
            let refused = stage.try_begin(json!({"text": text})).await.expect(422);
            assert!(refused.text.contains(why), "{}", refused.text);
        }
        stage.stop().await;
    }
}
