//! Contacts of a whole batch are found or made as if they came one after the other, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

use gatepost_core::audit::Audit;
use gatepost_core::{ContactId, Timestamp};
use gatepost_store::engine::{Engine, PostgresOptions, SqliteOptions};
use gatepost_store::{ContactRow, MIGRATIONS, Store, WorkspaceScope};
use gatepost_testdb::{APP_ROLE, TestPostgres};
use uuid::Uuid;

fn person(id: u128, phone: Option<u8>, bsuid: Option<u8>) -> ContactRow {
    ContactRow {
        id: ContactId::from_uuid(Uuid::from_u128(id)),
        phone_index: phone.map(|n| [n; 16]),
        bsuid_index: bsuid.map(|n| [n; 16]),
        party: vec![1, 2, 3],
        seen_at: Timestamp::from_micros(7),
    }
}

/// Upserts a batch; answers which contact each became.
async fn upsert(store: &Store, people: Vec<ContactRow>) -> Vec<u128> {
    let ids = store
        .write(WorkspaceScope::platform(), async move |tx| {
            let people: Vec<&ContactRow> = people.iter().collect();
            let ids = tx.contacts_upsert(&people).await?;
            tx.commit(Audit::None("a test"), ids)
        })
        .await
        .unwrap();
    ids.into_iter().map(|id| id.uuid().as_u128()).collect()
}

async fn check(engine: Engine) {
    let store = Store::new(engine);
    assert_eq!(upsert(&store, Vec::new()).await, [0; 0]);
    let first = vec![
        person(1, Some(1), None),
        // The same phone: the same contact, which does not learn the other index.
        person(2, Some(1), Some(9)),
        person(3, None, Some(9)),
        // An index of one kind is not that of the other.
        person(4, None, Some(1)),
        // Both are known, to two contacts: the older one.
        person(5, Some(1), Some(9)),
    ];
    assert_eq!(upsert(&store, first).await, [1, 1, 3, 4, 1]);
    let second = vec![person(6, Some(2), None), person(7, None, Some(9)), person(8, Some(1), None)];
    assert_eq!(upsert(&store, second).await, [6, 3, 1]);
    store.engine().shutdown().await;
}

#[tokio::test]
async fn a_batch_of_people_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::sqlite(SqliteOptions::new(directory.path().join("test.db"))).await.unwrap();
    engine.migrate(MIGRATIONS, None, 1).await.unwrap();
    check(engine).await;
}

#[tokio::test]
async fn a_batch_of_people_on_postgres() {
    let Some(server) = TestPostgres::start() else { return };
    let database = server.create_database();
    let owner = Engine::postgres(PostgresOptions::new(&database.owner_url)).await.unwrap();
    owner.migrate(MIGRATIONS, Some(APP_ROLE), 1).await.unwrap();
    owner.shutdown().await;
    check(Engine::postgres(PostgresOptions::new(&database.app_url)).await.unwrap()).await;
}
