//! The pages as a browser meets them.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, Request},
    middleware::{Next, from_fn},
    response::Response,
    routing::{get, post},
};
use reqwest::{Client, Method, header, redirect::Policy};
use tenantry::{
    EmbeddedStore, Resolved, Tenantry,
    core::{access::caller::Identity, values::ids::UserId},
    identity,
};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

/// A browser: it keeps cookies and follows what it is told to.
struct Browser {
    base: String,
    client: Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

async fn start() -> String {
    serve(sessions::app().unwrap()).await
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

impl Browser {
    fn new(base: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { base: base.to_owned(), client, cookies: Mutex::default() }
    }

    /// Where the request ends, and what is there.
    async fn send(&self, method: Method, path: &str, form: &str, origin: &str) -> (String, u16, String) {
        let (mut method, mut path, mut form) = (method, path.to_owned(), form.to_owned());
        loop {
            let cookies: Vec<_> =
                self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut request = self
                .client
                .request(method.clone(), format!("{}{path}", self.base))
                .header(header::COOKIE, cookies.join("; "))
                .header(header::ACCEPT, "text/html");
            if method == Method::POST {
                request = request
                    .header(header::ORIGIN, origin)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.clone());
            }
            let response = request.send().await.unwrap();
            for cookie in response.headers().get_all(header::SET_COOKIE) {
                let cookie = cookie.to_str().unwrap();
                let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
            }
            match response.headers().get(header::LOCATION) {
                Some(location) if response.status() == 303 => {
                    (method, path, form) = (Method::GET, location.to_str().unwrap().to_owned(), String::new());
                }
                _ => return (path, response.status().as_u16(), response.text().await.unwrap()),
            }
        }
    }

    async fn open(&self, path: &str) -> (String, u16, String) {
        self.send(Method::GET, path, "", "").await
    }

    async fn post(&self, path: &str, form: &str) -> (String, u16, String) {
        self.send(Method::POST, path, form, &self.base).await
    }

    fn cookie(&self, name: &str) -> String {
        self.cookies.lock().unwrap()[name].clone()
    }
}

#[tokio::test]
async fn a_user_signs_in_creates_switches_and_signs_out() {
    let base = start().await;
    let ann = Browser::new(&base);
    assert_eq!(ann.open("/").await.0, "/login");
    // Who has no organization is led to where one is created.
    assert_eq!(ann.post("/login", "name=ann").await.0, "/organizations");
    let (path, status, page) = ann.post("/organizations", "name=Acme").await;
    assert_eq!((path.as_str(), status), ("/", 200));
    assert!(page.contains("<h1>Acme</h1>"), "{page}");
    assert!(ann.post("/", "text=of+Acme+%3Cb%3E").await.2.contains("<li>of Acme &lt;b&gt;</li>"));
    let acme = ann.cookie("organization");
    assert!(ann.post("/organizations", "name=Beta").await.2.contains("<h1>Beta</h1>"));
    let (_, _, page) = ann.open("/").await;
    assert!(page.contains("<h1>Beta</h1>") && !page.contains("of Acme"), "{page}");
    let (_, _, page) = ann.post("/organizations/choose", &format!("organization={acme}")).await;
    assert!(page.contains("<h1>Acme</h1>") && page.contains("of Acme"), "{page}");

    // Bob sees nothing of it, also if he brings Ann's choice along.
    let bob = Browser::new(&base);
    bob.post("/login", "name=bob").await;
    bob.cookies.lock().unwrap().insert("organization".to_owned(), acme.clone());
    assert_eq!(bob.open("/").await.0, "/organizations");

    // The old session is of no use once Ann has signed out.
    let session = ann.cookie("id");
    assert_eq!(ann.post("/logout", "").await.0, "/login");
    ann.cookies.lock().unwrap().insert("id".to_owned(), session);
    assert_eq!(ann.open("/").await.0, "/login");
}

#[tokio::test]
async fn a_page_of_another_site_does_nothing_with_the_session() {
    let base = start().await;
    let ann = Browser::new(&base);
    ann.post("/login", "name=ann").await;
    ann.post("/organizations", "name=Acme").await;
    let (_, status, problem) = ann.send(Method::POST, "/", "text=forged", "https://evil.example").await;
    assert_eq!(status, 403);
    assert!(problem.contains("cross_site_request"), "{problem}");
    assert!(!ann.open("/").await.2.contains("forged"));
}

#[tokio::test]
async fn the_admin_router_knows_the_session_and_refuses_other_sites() {
    let base = start().await;
    let ann = Browser::new(&base);
    ann.post("/login", "name=ann").await;
    ann.post("/organizations", "name=Acme").await;
    let list = async |origin: Option<&str>, site: Option<&str>| {
        let mut request = ann
            .client
            .post(format!("{base}/tenantry/v1/organizations/list"))
            .header(header::COOKIE, format!("id={}", ann.cookie("id")))
            .header(header::CONTENT_TYPE, "application/json")
            .body("{}");
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    for (origin, site) in [(None, None), (Some(base.as_str()), None), (Some(base.as_str()), Some("same-origin"))] {
        let (status, organizations) = list(origin, site).await;
        assert_eq!(status, 200, "{origin:?} {site:?}: {organizations}");
        assert!(organizations.contains("Acme"));
    }
    for (origin, site) in [(Some("https://evil.example"), None), (None, Some("cross-site")), (Some("null"), None)] {
        let (status, problem) = list(origin, site).await;
        assert_eq!(status, 403, "{origin:?} {site:?}");
        assert!(problem.contains("another site"), "{problem}");
    }
}

/// A service that keeps its users' ids in tower-sessions itself.
async fn with_sessions_alone() -> String {
    async fn know(session: Session, mut request: Request, next: Next) -> Response {
        if let Some(id) = session.get::<String>("user").await.unwrap() {
            request.extensions_mut().insert(Arc::new(Identity::new(UserId::new(id).unwrap())));
        }
        next.run(request).await
    }
    let store = Arc::new(EmbeddedStore::in_memory().unwrap());
    let tenantry = Tenantry::builder().store(store).identity_source(identity::from_extensions).build().unwrap();
    let whoami = async |user: Resolved| user.caller().unwrap().principal().to_string();
    let app = Router::new()
        .route("/whoami", get(whoami))
        .route_layer(tenantry.layer().user_only())
        .route(
            "/login/{name}",
            post(async |session: Session, Path(name): Path<String>| {
                session.insert("user", name).await.unwrap();
            }),
        )
        .route("/logout", post(async |session: Session| session.flush().await.unwrap()))
        .layer(from_fn(know))
        .layer(SessionManagerLayer::new(MemoryStore::default()).with_secure(false));
    serve(app).await
}

#[tokio::test]
async fn a_user_of_tower_sessions_is_known_until_they_sign_out() {
    let base = with_sessions_alone().await;
    let ann = Browser::new(&base);
    assert_eq!(ann.open("/whoami").await.1, 401);
    ann.post("/login/ann", "").await;
    assert_eq!(ann.open("/whoami").await.2, "user ann");
    assert_eq!(ann.open("/whoami").await.2, "user ann");
    let session = ann.cookie("id");
    ann.post("/logout", "").await;
    ann.cookies.lock().unwrap().insert("id".to_owned(), session);
    assert_eq!(ann.open("/whoami").await.1, 401);
}
