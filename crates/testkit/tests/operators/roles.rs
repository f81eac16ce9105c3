//! Who is an operator.

use gatepost_core::access::OperatorRole;
use gatepost_core::{Code, EmailAddress};
use gatepost_testkit::{Engines, Setup, World};
use serde_json::json;

use crate::support::{Op, listen};

const PATH: &str = "/operator/v1/operators";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_are_given_and_taken_and_bind_at_once() {
    for engine in Engines::available() {
        let world = World::start(Setup { set_up: false, ..Setup::new(engine) }).await;
        let base = listen(&world).await;
        let first = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
        let second = Op::sign_in(&world, &base, OperatorRole::Support).await;
        assert_eq!(
            second
                .change("PUT", PATH, Some(&json!({"email": second.who.email, "role": "administrator"})))
                .await
                .code(),
            "permission_missing",
            "nobody raises themselves"
        );
        let everybody = second.get(PATH).await.expect(200).json();
        let roles: Vec<&str> =
            everybody["data"].as_array().unwrap().iter().map(|o| o["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["administrator", "support"]);

        // The last administrator stays one.
        let last =
            first.change("PUT", PATH, Some(&json!({"email": first.who.email, "role": "support"}))).await;
        assert_eq!((last.status, last.code().as_str()), (409, "conflict"));
        let raise = json!({"email": second.who.email, "role": "administrator"});
        first.change("PUT", PATH, Some(&raise)).await.expect(204);
        // What a session may do has changed, so it is over.
        assert_eq!(second.get("/operator/v1/status").await.code(), "session_ended");
        second.again(&world).await;
        let demote = json!({"email": first.who.email, "role": null});
        second.change("PUT", PATH, Some(&demote)).await.expect(204);
        assert_eq!(first.get("/operator/v1/status").await.code(), "session_ended");
        let unknown = json!({"email": "nobody@example.com", "role": "support"});
        assert_eq!(second.change("PUT", PATH, Some(&unknown)).await.status, 404);

        let log = world.audit_log(None).await;
        let changes: Vec<_> = log.iter().filter(|row| row.record.action == "operator.role_changed").collect();
        assert_eq!(changes.len(), 2);
        let raised = changes.iter().find(|row| row.record.before.get("role") == Some("support")).unwrap();
        assert_eq!(raised.record.after.get("role"), Some("administrator"));
        world.stop().await;
    }
}

/// Two administrators who each take the other's role at once: one of them remains.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_administrator_remains() {
    for engine in Engines::available() {
        let world = World::start(Setup { set_up: false, ..Setup::new(engine) }).await;
        let first = world.somebody(Some(OperatorRole::Administrator)).await;
        let second = world.somebody(Some(OperatorRole::Administrator)).await;
        let take = async |email: &str| {
            let email = EmailAddress::parse(email).unwrap();
            world.app.operator_role_set(&world.operator(), &email, None).await.map_err(|error| error.code())
        };
        let (a, b) = tokio::join!(take(&first.email), take(&second.email));
        let failed: Vec<Code> = [a.err(), b.err()].into_iter().flatten().collect();
        assert_eq!(failed, [Code::Conflict]);
        assert_eq!(world.app.operator_list(&world.operator()).await.unwrap().len(), 1);
        world.stop().await;
    }
}
