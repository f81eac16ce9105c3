//! The console's pages: who sees which, what they show and do, and what forms are taken.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod allowlist;
mod audit;
mod forms;
mod keys;
mod roles;

use gatepost_core::WorkspaceId;
use gatepost_core::access::Role;
use gatepost_testkit::{Browser, Engines, Setup, World};

/// Words of somebody who means harm, fit for a name.
const HOSTILE: &str = "\"><img src=x onerror=alert(1)> {{7*7}} =1+1 </title><script>";

/// A workspace, and a browser of a member with each role in it.
struct Stage {
    world: World,
    workspace: WorkspaceId,
}

impl Stage {
    async fn set(engine: Engines) -> Self {
        let world = World::start(Setup::new(engine)).await;
        let workspace = world.tenant("Northwind").await.workspace;
        Self { world, workspace }
    }

    async fn browser(&self, role: Role) -> Browser {
        let member = self.world.member(self.workspace, role).await;
        self.world.browser_of(&member).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/w/{}{rest}", self.workspace)
    }
}

/// Markup of a stranger is text wherever it stands.
#[track_caller]
fn harmless(html: &str) {
    assert!(!html.contains("<img") && !html.contains("alert(1)> {{7*7}} =1+1 </title>"), "{html}");
    assert_eq!(html.matches("<script").count(), 1, "only our own");
}
