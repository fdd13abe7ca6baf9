//! Real `WebSocket`s: they learn their new rights and end with them, over two nodes.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    response::Response,
};
use futures_util::{StreamExt, stream};
use serde_json::json;
use tenantry::{RedisOptions, RedisStore, Tenant};
use tenantry_testing::redis_server::RedisServer;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, client::IntoClientRequest},
};

use crate::{
    actors::Actor,
    world::{World, new_namespace, redis},
};

/// Tells the caller's role at first and after each change, and why it closes.
pub(crate) async fn open(tenant: Tenant, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let role = |tenant: &Tenant| tenant.role().map_or_else(String::new, ToString::to_string);
        let now = stream::iter([Ok(tenant.clone())]);
        let mut changes = std::pin::pin!(now.chain(tenant.changes()));
        while let Some(change) = changes.next().await {
            let message = match change {
                Ok(tenant) => Message::text(role(&tenant)),
                Err(ended) => Message::Close(Some(CloseFrame { code: 4000, reason: ended.code().into() })),
            };
            if socket.send(message).await.is_err() {
                return;
            }
        }
    })
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(world: &World, actor: &Actor, organization: &str) -> Result<Socket, u16> {
    let mut request = world.base.replace("http://", "ws://").into_client_request().unwrap();
    *request.uri_mut() = format!("{}socket", request.uri()).parse().unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", actor.authorization.as_deref().unwrap().parse().unwrap());
    headers.insert("x-organization-id", organization.parse().unwrap());
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// What the socket says next; for a close, why.
async fn next(socket: &mut Socket) -> String {
    let message = tokio::time::timeout(Duration::from_secs(60), socket.next()).await.unwrap().unwrap().unwrap();
    match message {
        tungstenite::Message::Close(Some(frame)) => format!("closed: {}", frame.reason),
        text => text.into_text().unwrap().to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_on_one_node_follows_what_is_done_on_another() {
    let namespace = new_namespace();
    let here = World::start(redis(&namespace).await).await;
    let there = World::start(redis(&namespace).await).await;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
    let organization = here.organization(&alice).await;
    for member in [&bob, &carol] {
        here.join(&alice, &organization, member, "member").await;
    }
    let token = here.token(&alice, &organization, &["org:view"]).await;
    let mut by_bob = connect(&there, &bob, &organization).await.unwrap();
    let mut by_token = connect(&there, &token, &organization).await.unwrap();
    let mut by_carol = connect(&there, &carol, &organization).await.unwrap();
    assert_eq!((next(&mut by_bob).await, next(&mut by_carol).await), ("member".to_owned(), "member".to_owned()));
    assert_eq!(next(&mut by_token).await, "");
    assert_eq!(connect(&there, &Actor::user("dave"), &organization).await.unwrap_err(), 404);

    let set = json!({ "organizationId": organization, "userId": "bob", "role": "admin" });
    here.call(&alice, "members/set-role", set).await.ok();
    assert_eq!(next(&mut by_bob).await, "admin");
    let remove = json!({ "organizationId": organization, "userId": "bob" });
    here.call(&alice, "members/remove", remove).await.ok();
    assert_eq!(next(&mut by_bob).await, "closed: not_found");
    let revoke = json!({ "organizationId": organization, "key": token.id });
    here.call(&alice, "tokens/revoke", revoke).await.ok();
    assert_eq!(next(&mut by_token).await, "closed: invalid_token");
    // Carol, about whom nothing changed, was told nothing, and hears of the end of the organization.
    here.call(&alice, "delete", json!({ "organizationId": organization })).await.ok();
    assert_eq!(next(&mut by_carol).await, "closed: not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_when_the_link_to_redis_is_frozen() {
    let server = RedisServer::start(&[]);
    let store = RedisStore::connect(&server.store_url(), RedisOptions::default()).await.unwrap();
    let world = World::in_real_time(Arc::new(store)).await;
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    let mut socket = connect(&world, &alice, &organization).await.unwrap();
    assert_eq!(next(&mut socket).await, "owner");
    server.freeze();
    assert_eq!(next(&mut socket).await, "closed: unavailable");
    server.thaw();
}
