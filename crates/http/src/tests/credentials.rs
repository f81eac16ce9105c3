//! One principal per request, or none.

use axum::extract::ConnectInfo;

use super::harness::{Doorman, ask, request, routes, send};
use crate::api::Surface;
use crate::operator::SocketPeer;
use crate::state::Settings;

const SEND: (&str, &str) = ("authorization", "Bearer gp_test_send");

#[tokio::test]
async fn one_key_opens_in_either_header() {
    for headers in
        [vec![SEND], vec![("x-api-key", "gp_test_send")], vec![SEND, ("x-api-key", "gp_test_send")]]
    {
        assert_eq!(ask("GET", "/v1/messages", &headers, "").await.status, 200);
    }
}

#[tokio::test]
async fn never_a_pick_between_two() {
    for (headers, code) in [
        (vec![SEND, ("x-api-key", "gp_test_admin")], "credentials_conflict"),
        (vec![SEND, SEND], "credentials_conflict"),
        (vec![("x-api-key", "gp_test_send"), ("x-api-key", "gp_test_admin")], "credentials_conflict"),
        (vec![("authorization", "Bearer ")], "unauthorized"),
        (vec![("authorization", "Basic gp_test_send")], "unauthorized"),
        (vec![("cookie", "session=gp_test_send")], "unauthorized"),
        (vec![("authorization", "Bearer wrong")], "unauthorized"),
    ] {
        let answer = ask("GET", "/v1/messages", &headers, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code), "{headers:?}");
    }
}

#[tokio::test]
async fn keys_in_the_url_are_refused_even_when_right() {
    for uri in [
        "/v1/messages?api_key=gp_test_send",
        "/v1/messages?x=gp_test_send",
        "/v1/messages?access_token=x",
        "/free?token=x",
    ] {
        for headers in [vec![], vec![SEND]] {
            let answer = ask("GET", uri, &headers, "").await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{uri}");
        }
    }
}

#[tokio::test]
async fn who_asks_comes_before_what_is_asked() {
    // Neither the body nor the parameters are looked at for a stranger.
    assert_eq!(ask("POST", "/v1/messages", &[], "{").await.status, 401);
    assert_eq!(ask("GET", "/v1/messages?nonsense=1", &[], "").await.status, 401);
    assert_eq!(ask("GET", "/v1/messages/nonsense", &[], "").await.status, 401);
}

/// The status for a peer of that user at the operator's socket, or on the public address.
async fn as_user(surface: Surface, uid: Option<u32>) -> u16 {
    let mut api = routes();
    api.surface = surface;
    let settings = Settings { operator_uid: 1000, ..Settings::default() };
    let mut request = request("GET", "/operator/v1/workspaces", &[], "");
    request.extensions_mut().insert(ConnectInfo(SocketPeer { uid }));
    send(api.into_router(Doorman::default(), settings), request).await.status
}

#[tokio::test]
async fn the_operator_is_at_the_socket_only() {
    assert_eq!(as_user(Surface::Operator, Some(1000)).await, 200);
    assert_eq!(as_user(Surface::Operator, Some(0)).await, 200);
    assert_eq!(as_user(Surface::Operator, Some(1001)).await, 403);
    assert_eq!(as_user(Surface::Operator, None).await, 403);
    assert_eq!(as_user(Surface::Public, Some(1000)).await, 404);
}
