//! A Gatepost with people in it, for browsers: `tests/browser` starts it.
//!
//! Its arguments are the locks of forms that are shut (`same_site`, `origin`, `token`), all of them where it gets none,
//! none of them for `none`; and `at=ORIGIN`, the address by which browsers see it where that is not its own. It says in one JSON line where it is and what is there; to a line with the name of a role on
//! standard input it answers with the cookies of a session that has just begun. It ends when its input does.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a part of the tests")]

use std::io::BufRead as _;

use gatepost_app::KeyCreate;
use gatepost_core::access::{Role, Scope, operator_permission, permission};
use gatepost_core::channel::Mode;
use gatepost_http::Locks;
use gatepost_testkit::{Engines, Setup, World};
use serde_json::json;

/// What a stranger or a customer may have written; browsers must show it and do nothing of it.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-' javascript:alert(1)",
    "</title></textarea><svg/onload=alert(1)>",
    "=HYPERLINK(\"http://evil.example\")",
    "{{constructor.constructor('alert(1)')()}} ليلى حداد 🎉",
];

/// The address by which browsers see it.
fn origin() -> Option<String> {
    std::env::args().skip(1).find_map(|named| named.strip_prefix("at=").map(str::to_owned))
}

fn locks() -> Locks {
    let named: Vec<String> = std::env::args().skip(1).filter(|named| !named.starts_with("at=")).collect();
    if named.is_empty() {
        return Locks::default();
    }
    let shut = |name: &str| named.iter().any(|own| own == name);
    Locks { same_site: shut("same_site"), origin: shut("origin"), token: shut("token") }
}

#[tokio::main]
async fn main() {
    let mut setup = Setup { locks: locks(), ..Setup::new(Engines::Sqlite) };
    if let Some(origin) = origin() {
        setup.config.public_url = origin;
    }
    let world = World::start(setup).await;
    let workspace = world.tenant("Northwind <b>& Söhne</b>").await.workspace;
    for name in HOSTILE {
        let enter = world.operator::<operator_permission::WorkspaceEnter>();
        let visit = gatepost_app::Visit::InProcess;
        let principal = world.app.workspace_enter(&enter, workspace, visit).await.unwrap();
        let grant = principal.grant::<permission::KeyManage>().unwrap();
        let create = KeyCreate {
            name: name.to_owned(),
            mode: Mode::Live,
            scopes: vec![Scope::Send, Scope::Read],
            channels: None,
            expires_at: None,
        };
        world.app.key_create(&grant, create, None).await.unwrap();
    }
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push((role, world.member(workspace, role).await));
    }
    println!("{}", json!({ "base": world.base, "workspace": workspace }));
    let (lines, mut heard) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(line) = heard.recv().await {
        let (_, person) = people.iter().find(|(role, _)| role.as_str() == line.trim()).unwrap();
        let begun = world.sign_in(person).await;
        println!(
            "{}",
            json!({ "__Host-gatepost": begun.token.expose(), "__Host-gatepost-device": begun.device.expose() })
        );
    }
    world.stop().await;
}
