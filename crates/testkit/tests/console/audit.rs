//! The page of the audit log.

use gatepost_core::access::Role;
use gatepost_testkit::Engines;

use super::{HOSTILE, Stage, harmless};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_can_be_found_kept_and_taken_away() {
    for engine in Engines::available() {
        let stage = Stage::set(engine).await;
        let owner = stage.browser(Role::Owner).await;
        let list = format!("{}?mode=live", stage.path("/allowlist"));
        owner.open(&list).await.expect(200);
        let hostile = format!("192.0.2.0/24 {}", "<script>alert(1)</script>");
        owner.submit(&list, &[("entries", &hostile), ("do", "save")]).await.expect(200);
        let new = stage.path("/keys/new");
        owner.open(&new).await.expect(200);
        owner.submit(&new, &[("name", HOSTILE), ("mode", "test"), ("scopes", "read")]).await.expect(200);

        let page = owner.open(&stage.path("/audit")).await.expect(200);
        harmless(&page.text);
        for said in
            ["ip_allowlist.changed", "api_key.created", "192.0.2.0/24", ">You<", "127.0.0.1", " became "]
        {
            assert!(page.text.contains(said), "{said}: {}", page.text);
        }
        // Filters are the page's address; empty ones, as forms send them, are none.
        let filtered = stage.path("/audit?action=ip_allowlist&actor=&target=&outcome=&since=&until=");
        let page = owner.open(&filtered).await.expect(200);
        assert!(page.text.contains("ip_allowlist.changed") && !page.text.contains("api_key.created"));
        assert!(page.text.contains("<option value=\"ip_allowlist\" selected>"));
        let day = stage.path("/audit?since=2020-01-01&until=2020-12-31");
        assert!(owner.open(&day).await.expect(200).text.contains("No entry fits these filters."));
        for wrong in ["action=nonsense", "since=yesterday", "outcome=x", "until=2026-13-01"] {
            let page = owner.open(&stage.path(&format!("/audit?{wrong}"))).await.expect(422);
            assert!(
                page.text.contains("One thing is not right yet.") && !page.text.contains("api_key.created"),
                "{wrong}"
            );
        }
        owner.open(&stage.path("/audit?nonsense=1")).await.expect(400);

        let paged = owner.open(&stage.path("/audit?limit=1")).await.expect(200);
        let next = paged.text.split("href=\"").find(|href| href.contains("after=")).unwrap();
        let next = next.split('"').next().unwrap().replace("&amp;", "&");
        let older = owner.open(&next).await.expect(200);
        assert!(older.text.contains("Newest") && older.text.contains("entry"));

        for (format, start) in [("csv", "\"workspace_id\""), ("jsonl", "{")] {
            let file = owner.open(&stage.path(&format!("/audit/export?format={format}"))).await.expect(200);
            let disposition = file.headers["content-disposition"].to_str().unwrap();
            assert!(disposition.starts_with("attachment"), "{disposition}");
            assert!(file.text.starts_with(start), "{format}: {}", &file.text[..40]);
            // No cell begins a formula.
            let formula = file
                .text
                .lines()
                .flat_map(|line| line.split(','))
                .any(|cell| format == "csv" && cell.trim_matches('"').starts_with(['=', '+', '-', '@']));
            assert!(!formula, "{}", file.text);
        }
        stage.world.stop().await;
    }
}
