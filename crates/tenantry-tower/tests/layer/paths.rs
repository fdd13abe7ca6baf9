//! What the service does not serve is 404, whoever asks, and what it serves is guarded.

use axum::{
    Router,
    body::Body,
    routing::{get as route, post},
};
use http::{Method, Request};
use tenantry_tower::{Tenant, TenantryService, require};
use tower::ServiceExt;

use crate::support::{Answer, World};

/// A router as a host has it, the layer around all of it.
fn app(world: &World) -> TenantryService<Router> {
    let admin = Router::new().route("/healthz", route(async || "healthy"));
    let router = Router::new()
        .route("/notes", post(async || "written").route_layer(require("notes:write")).get(whose))
        .route("/notes/{id}", route(whose))
        .route("/forgotten", route(async || "open to everybody"))
        .route("/logo.png", route(async || "a logo"))
        .route("/confused", route(whose))
        .nest("/tenantry", admin);
    let layer = world.layer().serves(["/notes", "/notes/{id}"]).exempt(["/tenantry/{*path}", "/logo.png", "/confused"]);
    layer.build().unwrap().layer(router)
}

async fn whose(tenant: Tenant) -> String {
    tenant.organization_name().to_owned()
}

async fn ask(app: &TenantryService<Router>, method: Method, path: &str, credential: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(credential) = credential {
        request = request.header("authorization", credential);
    }
    Answer::read(app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn what_is_not_served_is_404_whoever_asks() {
    let world = World::new().await;
    let app = app(&world);
    let (ann, zoe) = (world.bearer("ann"), world.bearer("zoe"));
    let before = world.store.calls();
    for path in
        ["/favicon.ico", "/", "/notes/", "/notes/7/8", "//notes", "/NOTES", "/forgotten", "/tenantry", "/tenantry/"]
    {
        for credential in [None, Some("Bearer x"), Some("Digest x"), Some(zoe.as_str()), Some(ann.as_str())] {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
                let answer = ask(&app, method.clone(), path, credential).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.code()),
                    (404, "not_found"),
                    "{method} {path} {credential:?}"
                );
                assert_eq!(answer.headers["content-type"], "application/problem+json");
            }
        }
    }
    assert_eq!(world.store.calls(), before, "nobody was looked up");
}

#[tokio::test]
async fn what_is_served_is_guarded() {
    let world = World::new().await;
    let app = app(&world);
    let (ann, zoe) = (world.bearer("ann"), world.bearer("zoe"));
    for path in ["/notes", "/notes/7", "/notes?of=7", "/notes/7?x=/tenantry/x", "/notes/%2e%2e"] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE] {
            let status = async |credential| ask(&app, method.clone(), path, credential).await.status.as_u16();
            assert_eq!(status(None).await, 401, "{method} {path}");
            assert_eq!(status(Some("Bearer x")).await, 401, "{method} {path}");
            assert_eq!(status(Some(&zoe)).await, 403, "{method} {path}");
            // Then it is the router's.
            let is_read = [Method::GET, Method::HEAD].contains(&method);
            assert_eq!(status(Some(&ann)).await, if is_read { 200 } else { 405 }, "{method} {path}");
        }
    }
    let written = ask(&app, Method::POST, "/notes", Some(&ann)).await;
    assert_eq!((written.status.as_u16(), written.body.as_str()), (200, Some("written")));
}

#[tokio::test]
async fn what_is_exempt_passes_as_it_came() {
    let world = World::new().await;
    let app = app(&world);
    for credential in [None, Some("Bearer x")] {
        for (path, status) in [("/logo.png", 200), ("/tenantry/healthz", 200), ("/tenantry/nothing", 404)] {
            let answer = ask(&app, Method::GET, path, credential).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!answer.headers.contains_key("vary"), "it was decided by no header");
        }
        // A tenant is not to be had there, also for those who have one elsewhere.
        assert_eq!(ask(&app, Method::GET, "/confused", credential).await.code(), "internal");
    }
    assert_eq!(ask(&app, Method::GET, "/confused", Some(&world.bearer("ann"))).await.code(), "internal");
}

#[tokio::test]
async fn within_a_nest_the_prefix_is_gone() {
    let world = World::new().await;
    let notes = || Router::new().route("/notes", route(whose));
    let ann = world.bearer("ann");
    let layer = world.layer().serves(["/notes"]).build().unwrap();
    let nested = Router::new().nest_service("/api", layer.layer(notes()));
    for (path, status) in [("/api/notes", 200), ("/api/other", 404), ("/notes", 404)] {
        let request = Request::get(path).header("authorization", &ann).body(Body::empty()).unwrap();
        assert_eq!(nested.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
    // Around everything it sees the whole path.
    let around = layer.layer(Router::new().nest("/api", notes()));
    for path in ["/api/notes", "/notes"] {
        let request = Request::get(path).header("authorization", &ann).body(Body::empty()).unwrap();
        assert_eq!(around.clone().oneshot(request).await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn by_route_layer_what_no_route_has_is_404_too() {
    let world = World::new().await;
    let app = Router::new().route("/notes", route(whose)).route_layer(world.layer().build().unwrap());
    for (path, status) in [("/notes", 401), ("/favicon.ico", 404)] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}
