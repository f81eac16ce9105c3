//! W6b: Meta's handshake carries no signature; the verify token is what it proves itself with.

use gatepost_testkit::Engines;

use crate::support::live;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handshake_needs_the_right_token() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        meta.verify_callback(&live.app.app_id).await.unwrap();
        let ask = async |app: &str, token: &str| {
            let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
            world.nobody().get(&format!("/hooks/meta/{app}?{query}")).await
        };
        let right = live.app.verify_token.as_str();
        let good = ask(&live.app.id, right).await.expect(200);
        assert_eq!(good.text, "1158201444");
        assert!(good.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
        let mut wrong: Vec<String> = (0..right.len()).map(|end| right[..end].to_owned()).collect();
        wrong.extend([
            "nonsense".to_owned(),
            format!("{right}x"),
            right.to_uppercase(),
            format!("%20{right}"),
        ]);
        for wrong in wrong {
            let answer = ask(&live.app.id, &wrong).await;
            assert!(answer.status == 403 && !answer.text.contains("1158201444"), "{wrong}: {}", answer.text);
        }
        assert_eq!(ask("app_01kagq5rh8e5htqh9sk95d3x4w", right).await.status, 404);
        // Another mode, no challenge, a challenge that would be a page, a token twice: nothing is echoed.
        for query in [
            format!("hub.mode=unsubscribe&hub.challenge=1158201444&hub.verify_token={right}"),
            format!("hub.challenge=1158201444&hub.verify_token={right}"),
            format!("hub.mode=subscribe&hub.verify_token={right}"),
            format!("hub.mode=subscribe&hub.challenge=%3Cscript%3E%0d%0a&hub.verify_token={right}"),
            format!("hub.mode=subscribe&hub.challenge={}&hub.verify_token={right}", "1".repeat(300)),
            format!(
                "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=x&hub.verify_token={right}"
            ),
            "hub.mode=subscribe&hub.challenge=1158201444".to_owned(),
        ] {
            let answer = world.nobody().get(&format!("/hooks/meta/{}?{query}", live.app.id)).await;
            assert!((400..500).contains(&answer.status), "{query}: {}", answer.text);
            assert!(!answer.text.contains("1158201444"), "{query}: {}", answer.text);
        }
        world.stop().await;
    }
}
