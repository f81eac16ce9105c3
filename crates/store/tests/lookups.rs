//! What is looked up by a key that looks random: Meta's message ids, and the items of its callbacks. Both lie in the order
//! of time, and are found wherever they lie, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

use gatepost_core::audit::Audit;
use gatepost_core::channel::{ChannelKind, ChannelState, Mode};
use gatepost_core::message::MessageState;
use gatepost_core::{ChannelId, MessageId, MetaAppId, Timestamp, WorkspaceId};
use gatepost_store::engine::{Engine, Error, Lane, PostgresOptions, SqliteOptions, Tx};
use gatepost_store::{
    ChannelRow, ItemKey, MIGRATIONS, MessageChange, MetaAppRow, NewInbound, Store, WorkspaceScope, params,
    statements,
};
use gatepost_testdb::{APP_ROLE, TestPostgres};
use uuid::Uuid;

statements! {
    /// As if so many events had been written down.
    COUNT = same("INSERT INTO workspace_counter (workspace_id, name, value) VALUES ($1, 'event', $2) ON CONFLICT (workspace_id, name) DO UPDATE SET value = excluded.value");
    SPAN = same("SELECT provider_span FROM message WHERE workspace_id = $1 AND id = $2");
    ITEMS = same("SELECT COUNT(*) FROM callback_item WHERE workspace_id = $1");
}

const OURS: Uuid = Uuid::nil();
const SPAN_EVENTS: i64 = 65_536;

fn id(number: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(number))
}

async fn events_so_far(store: &Store, count: i64) {
    let write =
        async move |tx: &Tx<'_>| -> Result<_, Error> { tx.execute_one(&COUNT, params![OURS, count]).await };
    store.engine().write(Lane::Workspace(OURS), write).await.unwrap();
}

async fn number(
    store: &Store,
    stmt: &'static gatepost_store::engine::Stmt,
    message: Option<MessageId>,
) -> i64 {
    let read = async move |tx: &Tx<'_>| -> Result<_, Error> {
        let read = |row: &gatepost_store::engine::Row<'_>| row.get(0);
        match message {
            Some(id) => tx.query_one(stmt, params![OURS, id.uuid()], read).await,
            None => tx.query_one(stmt, params![OURS], read).await,
        }
    };
    store.engine().read(Lane::Workspace(OURS), read).await.unwrap()
}

async fn channel(store: &Store) -> ChannelId {
    let (app, channel) = (MetaAppId::from_uuid(Uuid::from_u128(1)), ChannelId::from_uuid(Uuid::from_u128(2)));
    let at = Timestamp::from_micros(1);
    store
        .write(WorkspaceScope::platform(), async move |tx| {
            tx.meta_app_insert(&MetaAppRow {
                id: app,
                name: "app".to_owned(),
                app_id: "1".to_owned(),
                secret: Vec::new(),
                verify_digest: Vec::new(),
                created_at: at,
                base_url: None,
                graph_version: None,
            })
            .await?;
            let row = ChannelRow {
                id: channel,
                mode: Mode::Test,
                kind: ChannelKind::Cloud,
                name: "channel".to_owned(),
                state: ChannelState::Active,
                app_owner: WorkspaceId::from_uuid(OURS),
                meta_app: app,
                phone_number_id: "1".to_owned(),
                waba_id: "2".to_owned(),
                token: Vec::new(),
                token_last4: "0000".to_owned(),
                display: None,
                verified_name: None,
                throughput: 80,
                created_at: at,
                found_by: None,
                attention: None,
                next_action: None,
                quality_rating: None,
                throughput_level: None,
                messaging_limit: None,
                name_status: None,
                number_status: None,
                token_expires_at: None,
                checked_at: None,
            };
            tx.channel_insert(&row, &[1; 16], &[2; 16]).await?;
            tx.commit(Audit::None("a test"), ())
        })
        .await
        .unwrap();
    channel
}

async fn insert(store: &Store, channel: ChannelId, message: MessageId, index: [u8; 16]) {
    store
        .write(WorkspaceScope::platform(), async move |tx| {
            tx.message_insert_inbound(&[NewInbound {
                id: message,
                channel,
                mode: Mode::Test,
                kind: "text".to_owned(),
                contact: None,
                party: Vec::new(),
                content: Vec::new(),
                provider_index: index,
                provider_id: Vec::new(),
                reply_to: None,
                created_at: Timestamp::from_micros(1),
            }])
            .await?;
            tx.commit(Audit::None("a test"), ())
        })
        .await
        .unwrap();
}

async fn find(store: &Store, indexes: &[[u8; 16]]) -> Vec<Option<MessageId>> {
    let indexes = indexes.to_vec();
    let found = store
        .read(WorkspaceScope::platform(), async move |tx| tx.message_find_by_provider(&indexes).await)
        .await;
    found.unwrap()
}

async fn messages_are_found_in_any_span(store: &Store) {
    let channel = channel(store).await;
    // Before the first event, at the edges of a span, and in spans with gaps between them.
    let counts = [0, 1, SPAN_EVENTS - 1, SPAN_EVENTS, 7 * SPAN_EVENTS, 255 * SPAN_EVENTS];
    for (number, count) in (1_u8..).zip(counts) {
        if count > 0 {
            events_so_far(store, count).await;
        }
        insert(store, channel, id(number.into()), [number; 16]).await;
    }
    let mut spans = Vec::new();
    for message in 1..=6 {
        spans.push(number(store, &SPAN, Some(id(message))).await);
    }
    assert_eq!(spans, [0, 0, 0, 1, 7, 255]);
    let all: Vec<[u8; 16]> = (1..=6).map(|n| [n; 16]).collect();
    let expected: Vec<_> = (1..=6).map(|n| Some(id(n))).collect();
    assert_eq!(find(store, &all).await, expected);
    assert_eq!(find(store, &[[9; 16], [3; 16]]).await, [None, Some(id(3))]);
    // Too long ago is as good as unknown; what is newer is still found.
    events_so_far(store, 262 * SPAN_EVENTS).await;
    let expected: Vec<_> = (1..=6).map(|n| (n > 4).then(|| id(n))).collect();
    assert_eq!(find(store, &all).await, expected);
}

fn change(message: MessageId, state: MessageState, provider: Option<[u8; 16]>) -> MessageChange {
    MessageChange {
        id: message,
        state,
        reached: Some((state, Timestamp::from_micros(5))),
        provider: provider.map(|index| (index, vec![7])),
        error: None,
        doubtful: false,
        drop_content: false,
    }
}

/// A message gets its provider's id once; news in one batch are written in their order.
async fn a_message_is_named_once(store: &Store) {
    let message = id(6);
    let named = async |changes: Vec<MessageChange>| {
        let write = store.write(WorkspaceScope::platform(), async move |tx| {
            tx.message_change(&changes).await?;
            let row = tx.message_status(&[message]).await?.pop().unwrap().unwrap();
            tx.commit(Audit::None("a test"), (row.state, row.named))
        });
        write.await.unwrap()
    };
    let changes = vec![
        change(message, MessageState::Sent, Some([66; 16])),
        change(message, MessageState::Delivered, None),
        change(message, MessageState::Read, None),
    ];
    assert_eq!(named(changes).await, (MessageState::Read, true));
    assert_eq!(find(store, &[[6; 16], [66; 16]]).await, [Some(message), None], "the first name stays");
    assert_eq!(number(store, &SPAN, Some(message)).await, 255, "and so does its place");
    let gone = change(id(99), MessageState::Read, None);
    let refused = store
        .write(WorkspaceScope::platform(), async move |tx| {
            tx.message_change(std::slice::from_ref(&gone)).await?;
            tx.commit(Audit::None("a test"), ())
        })
        .await;
    assert!(refused.is_err(), "a message that is not there cannot change");
}

async fn items_count_once(store: &Store) {
    let (day, now) = (86_400, 1_800_000_000);
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    let claim = async |keys: Vec<ItemKey>, seen: i64| {
        let seen = Timestamp::from_seconds(seen);
        let write = store.write(WorkspaceScope::platform(), async move |tx| {
            let new = tx.callback_items_claim(&keys, seen).await?;
            tx.commit(Audit::None("a test"), new)
        });
        write.await.unwrap()
    };
    let old = ItemKey::new(at(now - 9 * day), [1; 16]);
    let untimed = ItemKey::new(None, [1; 16]);
    let late = ItemKey::new(at(now - 9 * day), [2; 16]);
    let ahead = ItemKey::new(at(1 << 40), [3; 16]);
    let before = ItemKey::new(at(-1), [4; 16]);
    let new = ItemKey::new(at(now), [1; 16]);
    assert_eq!(claim(vec![old, untimed, old, before], now - 9 * day).await, [true, true, false, true]);
    assert_eq!(claim(vec![late, new, ahead, old, new], now).await, [true, true, true, false, false]);
    let retained = store.write(WorkspaceScope::platform(), async move |tx| {
        let gone = tx.retain_items(Timestamp::from_seconds(now - 8 * day)).await?;
        tx.commit(Audit::None("a test"), gone)
    });
    assert_eq!(retained.await.unwrap(), 3, "those that were seen long ago");
    assert_eq!(number(store, &ITEMS, None).await, 3);
    assert_eq!(claim(vec![late, new, ahead, old], now).await, [false, false, false, true]);
}

async fn check(engine: Engine) {
    let store = Store::new(engine);
    messages_are_found_in_any_span(&store).await;
    a_message_is_named_once(&store).await;
    items_count_once(&store).await;
    store.engine().shutdown().await;
}

#[tokio::test]
async fn lookups_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::sqlite(SqliteOptions::new(directory.path().join("test.db"))).await.unwrap();
    engine.migrate(MIGRATIONS, None, 1).await.unwrap();
    check(engine).await;
}

#[tokio::test]
async fn lookups_on_postgres() {
    let Some(server) = TestPostgres::start() else { return };
    let database = server.create_database();
    let owner = Engine::postgres(PostgresOptions::new(&database.owner_url)).await.unwrap();
    owner.migrate(MIGRATIONS, Some(APP_ROLE), 1).await.unwrap();
    owner.shutdown().await;
    check(Engine::postgres(PostgresOptions::new(&database.app_url)).await.unwrap()).await;
}
