//! Contacts of a whole batch are found or made as if they came one after the other, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

use gatepost_core::audit::Audit;
use gatepost_core::{ContactId, Timestamp};
use gatepost_store::engine::{Engine, PostgresOptions, SqliteOptions};
use gatepost_store::{ContactNames, ContactRow, MIGRATIONS, Store, WorkspaceScope};
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
    ids.into_iter().map(|upserted| upserted.id.uuid().as_u128()).collect()
}

async fn check(engine: Engine) {
    let store = Store::new(engine);
    assert_eq!(upsert(&store, Vec::new()).await, [0; 0]);
    let first = vec![
        person(1, Some(1), None),
        // The same phone: the same contact, which learns the other index.
        person(2, Some(1), Some(9)),
        person(3, None, Some(9)),
        // An index of one kind is not that of the other.
        person(4, None, Some(1)),
    ];
    assert_eq!(upsert(&store, first).await, [1, 1, 1, 4]);
    let second = vec![person(6, Some(2), None), person(7, None, Some(9)), person(8, Some(1), None)];
    assert_eq!(upsert(&store, second).await, [6, 1, 1]);

    // Two contacts turn out to be one: the older is kept.
    assert_eq!(upsert(&store, vec![person(20, None, Some(3)), person(21, Some(3), None)]).await, [20, 21]);
    assert_eq!(upsert(&store, vec![person(22, Some(3), Some(3))]).await, [20]);
    assert_eq!(upsert(&store, vec![person(23, Some(3), None), person(24, None, Some(3))]).await, [20, 20]);
    // The number has another owner: it goes to them, and whoever had it is still known by the BSUID.
    assert_eq!(upsert(&store, vec![person(25, Some(3), Some(4))]).await, [25]);
    assert_eq!(upsert(&store, vec![person(26, Some(3), None), person(27, None, Some(3))]).await, [25, 20]);
    // The same person at another number.
    assert_eq!(upsert(&store, vec![person(28, Some(5), Some(3)), person(29, Some(5), None)]).await, [20, 20]);
    // Known by another BSUID, at a number that was somebody else's.
    assert_eq!(upsert(&store, vec![person(30, Some(5), Some(4))]).await, [25]);
    assert_eq!(upsert(&store, vec![person(31, Some(3), None)]).await, [31], "25 left it behind");

    // A change that the person told of: names move, and who is left without any is merged.
    let told = store
        .write(WorkspaceScope::platform(), async move |tx| {
            let (old, _) = tx.contact_find(Some([5; 16]), None).await?.unwrap();
            let names = ContactNames { phone_index: Some([3; 16]), bsuid_index: Some([6; 16]), ..old };
            tx.contact_rename(names, &[9]).await?;
            let gone = tx.contact_find(Some([5; 16]), Some([4; 16])).await?;
            let (found, party) = tx.contact_find(Some([3; 16]), None).await?.unwrap();
            tx.commit(Audit::None("a test"), (old.id, gone.is_none(), found, party))
        })
        .await
        .unwrap();
    assert_eq!((told.0, told.1, told.2.bsuid_index, told.3), (told.2.id, true, Some([6; 16]), vec![9]));
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
