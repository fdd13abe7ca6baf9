//! Users whom the host knows by other means than a JWT in `Authorization`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, Request};
use tenantry_core::{
    access::caller::Identity,
    values::{
        clock::Clock,
        error::{Error, ErrorKind},
        ids::UserId,
    },
};
use tenantry_tower::{
    Authenticator, Head, IdentitySource, TenantryLayer,
    identity::{AuthenticatedUser, Identified},
};

use crate::support::{Answer, Service, Signing, World, ask_clone, claims, plain, sign};

/// What a session layer puts into a request.
#[derive(Clone)]
struct SignedIn(Arc<Identity>);

fn user(id: &str) -> Identity {
    Identity::new(UserId::new(id).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "an IdentitySource may refuse")]
fn session(head: Head<'_>) -> Result<Identified, Error> {
    Ok(match head.extensions().get::<SignedIn>() {
        Some(SignedIn(identity)) => Identified::user(identity.clone()),
        None => Identified::nobody(),
    })
}

fn signed_in(identity: Identity) -> Request<()> {
    let mut request = Request::new(());
    request.extensions_mut().insert(SignedIn(Arc::new(identity)));
    request
}

fn with_cookie(cookie: &str) -> Request<()> {
    Request::builder().header("cookie", cookie).body(()).unwrap()
}

fn layer(world: &World, authenticator: Authenticator) -> TenantryLayer {
    TenantryLayer::builder(world.engine.clone(), authenticator).build().unwrap()
}

fn service(world: &World, source: impl IdentitySource) -> Service {
    plain(&layer(world, world.authenticator().identity_source(source)))
}

async fn told(service: &Service, request: Request<()>) -> String {
    let Answer { status, body, .. } = ask_clone(service, request).await;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let said = text("code").or_else(|| Some(format!("{} {}", text("organization")?, text("principal")?)));
    format!("{} {}", status.as_u16(), said.as_deref().unwrap_or("no tenant"))
}

#[tokio::test]
async fn who_signs_out_is_refused_at_the_next_request() {
    let world = World::new().await;
    let service = service(&world, session);
    for _ in 0..2 {
        assert_eq!(told(&service, signed_in(user("ann"))).await, "200 Acme ann");
        assert_eq!(told(&service, Request::new(())).await, "401 unauthenticated");
        assert_eq!(told(&service, signed_in(user("bob"))).await, "403 no_organization");
    }
    world.until_remembered(&service, || signed_in(user("ann"))).await;
    assert_eq!(told(&service, Request::new(())).await, "401 unauthenticated");
}

#[tokio::test]
async fn nothing_is_remembered_of_a_user_of_whom_the_host_says_something_else() {
    let world = World::new().await;
    let service = service(&world, session);
    world.until_remembered(&service, || signed_in(user("ann"))).await;
    let ends = world.clock.now().after(Duration::from_secs(1));
    let reads = world.store.reads();
    assert_eq!(told(&service, signed_in(user("ann").with_platform_admin())).await, "200 Acme ann");
    assert!(world.store.reads() > reads, "a platform admin is somebody else to the cache");
    let brief = move |head: Head<'_>| {
        let SignedIn(identity) = head.extensions().get().unwrap();
        Ok(Identified::user(AuthenticatedUser::new(identity.clone()).until(ends)))
    };
    let service = self::service(&world, brief);
    world.until_remembered(&service, || signed_in(user("ann"))).await;
    world.clock.advance(Duration::from_secs(2));
    let reads = world.store.reads();
    told(&service, signed_in(user("ann"))).await;
    assert!(world.store.reads() > reads, "what has ended is asked anew");
}

#[tokio::test]
async fn a_session_that_each_request_prolongs_is_remembered_and_one_that_is_cut_short_is_not() {
    let world = World::new().await;
    let minutes = Arc::new(AtomicUsize::new(30));
    let (left, clock) = (minutes.clone(), world.clock.clone());
    let sliding = move |head: Head<'_>| {
        let SignedIn(identity) = head.extensions().get().unwrap();
        let left = Duration::from_secs(60) * u32::try_from(left.load(Ordering::Relaxed)).unwrap();
        Ok(Identified::user(AuthenticatedUser::new(identity.clone()).until(clock.now().after(left))))
    };
    let service = service(&world, sliding);
    world.until_remembered(&service, || signed_in(user("ann"))).await;
    world.clock.advance(Duration::from_secs(1));
    let reads = world.store.reads();
    assert_eq!(told(&service, signed_in(user("ann"))).await, "200 Acme ann");
    assert_eq!(world.store.reads(), reads, "it ends later than was said at first");
    minutes.store(1, Ordering::Relaxed);
    assert_eq!(told(&service, signed_in(user("ann"))).await, "200 Acme ann");
    assert!(world.store.reads() > reads, "it ends earlier than was said at first");
}

#[tokio::test]
async fn authorization_counts_before_the_host_s_source() {
    let world = World::new().await;
    world.organization("bob", "Beta").await;
    let service = service(&world, session);
    let both = |authorization: &str| {
        let mut request = signed_in(user("bob"));
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
        request
    };
    assert_eq!(told(&service, both(&world.bearer("ann"))).await, "200 Acme ann");
    assert_eq!(told(&service, both("Bearer nonsense")).await, "401 invalid_token");
    assert_eq!(told(&service, signed_in(user("bob"))).await, "200 Beta bob");
}

/// Sessions that the host keeps itself, by their cookie.
#[derive(Default)]
struct Sessions {
    of: Mutex<Vec<(&'static str, &'static str)>>,
    asked: AtomicUsize,
}

fn lookup(sessions: &Arc<Sessions>) -> impl IdentitySource + use<> {
    let sessions = sessions.clone();
    move |head: Head<'_>| {
        let Some(cookie) = head.cookie("session")?.map(str::to_owned) else { return Ok(Identified::nobody()) };
        let sessions = sessions.clone();
        Ok(Identified::lookup(cookie.clone(), move || {
            sessions.asked.fetch_add(1, Ordering::Relaxed);
            let known = sessions.of.lock().unwrap();
            let found = known.iter().find(|(session, _)| *session == cookie);
            let answer = match found {
                Some((_, "away")) => Err(Error::new(ErrorKind::Unavailable, "the sessions are away")),
                Some((_, id)) => Ok(Some(user(id).into())),
                None => Ok(None),
            };
            async { answer }
        }))
    }
}

#[tokio::test]
async fn what_a_lookup_answers_is_remembered_for_a_while() {
    let world = World::new().await;
    let sessions = Arc::new(Sessions::default());
    sessions.of.lock().unwrap().extend([("a", "ann"), ("b", "bob"), ("x", "away")]);
    let service = service(&world, lookup(&sessions));
    world.until_remembered(&service, || with_cookie("session=a")).await;
    let asked = sessions.asked.load(Ordering::Relaxed);
    assert_eq!(told(&service, with_cookie("session=a")).await, "200 Acme ann");
    assert_eq!(sessions.asked.load(Ordering::Relaxed), asked);
    assert_eq!(told(&service, with_cookie("session=b")).await, "403 no_organization");
    assert_eq!(told(&service, with_cookie("session=c")).await, "401 unauthenticated");
    assert_eq!(told(&service, with_cookie("session=x")).await, "503 unavailable");
    assert_eq!(told(&service, with_cookie("session=a; session=b")).await, "401 invalid_token");
    // The session is gone: known for as long as the layer remembers, and no longer.
    sessions.of.lock().unwrap().clear();
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(told(&service, with_cookie("session=a")).await, "401 unauthenticated");
}

#[tokio::test]
async fn an_optional_layer_lets_through_whom_a_lookup_does_not_know() {
    let world = World::new().await;
    let sessions = Arc::new(Sessions::default());
    let authenticator = Authenticator::new().identity_source(lookup(&sessions));
    let service = plain(&layer(&world, authenticator).optional());
    assert_eq!(told(&service, with_cookie("session=a")).await, "200 no tenant");
}

#[tokio::test]
async fn a_strict_layer_asks_each_time() {
    let world = World::new().await;
    let sessions = Arc::new(Sessions::default());
    sessions.of.lock().unwrap().push(("a", "ann"));
    let authenticator = Authenticator::new().identity_source(lookup(&sessions));
    let layer = TenantryLayer::builder(world.engine.clone(), authenticator).strict().build().unwrap();
    let service = plain(&layer);
    assert_eq!(told(&service, with_cookie("session=a")).await, "200 Acme ann");
    sessions.of.lock().unwrap().clear();
    assert_eq!(told(&service, with_cookie("session=a")).await, "401 unauthenticated");
}

#[tokio::test]
async fn a_jwt_may_be_in_a_cookie_that_the_host_names() {
    let world = World::new().await;
    let service = plain(&layer(&world, world.authenticator().jwt_cookie("id")));
    let ann = sign(&claims("ann", &world.clock), &Signing::hs256());
    assert_eq!(told(&service, with_cookie(&format!("theme=dark; id={ann}"))).await, "200 Acme ann");
    assert_eq!(told(&service, with_cookie(&format!("other={ann}"))).await, "401 unauthenticated");
    assert_eq!(told(&service, with_cookie("id=nonsense")).await, "401 invalid_token");
    assert_eq!(told(&service, with_cookie(&format!("id={}", "a".repeat(9000)))).await, "401 invalid_token");
    world.clock.advance(Duration::from_secs(7200));
    assert_eq!(told(&service, with_cookie(&format!("id={ann}"))).await, "401 expired_token");
}

#[tokio::test]
async fn a_cookie_is_never_taken_for_the_authorization_header_of_the_same_text() {
    let world = World::new().await;
    let sessions = Arc::new(Sessions::default());
    let service = service(&world, lookup(&sessions));
    let bearer = world.bearer("ann");
    world.until_remembered(&service, || Request::builder().header("authorization", &bearer).body(()).unwrap()).await;
    assert_eq!(told(&service, with_cookie(&format!("session={bearer}"))).await, "401 unauthenticated");
}

#[tokio::test]
async fn answers_vary_by_the_cookie() {
    let world = World::new().await;
    let vary = async |service: &Service| {
        let answer = ask_clone(service, Request::new(())).await;
        answer.headers["vary"].to_str().unwrap().to_owned()
    };
    assert_eq!(vary(&service(&world, session)).await, "authorization, cookie, x-organization-id");
    let cookie = plain(&layer(&world, world.authenticator().jwt_cookie("id")));
    assert_eq!(vary(&cookie).await, "authorization, cookie, x-organization-id");
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_with_the_user_s_cookie() {
    let world = World::new().await;
    let authenticator = world.authenticator().identity_source(session);
    let authenticator = authenticator.trusted_origins(["https://app.example.com"]).unwrap();
    let service = plain(&layer(&world, authenticator));
    let from = |method: Method, origin: &str| {
        let mut request = signed_in(user("ann"));
        *request.method_mut() = method;
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request.headers_mut().insert("host", "api.example.com".parse().unwrap());
        request
    };
    world.until_remembered(&service, || from(Method::POST, "https://api.example.com")).await;
    for (origin, expected) in [
        ("https://api.example.com", "200 Acme ann"),
        ("https://app.example.com", "200 Acme ann"),
        ("https://evil.example", "403 cross_site_request"),
    ] {
        assert_eq!(told(&service, from(Method::POST, origin)).await, expected, "{origin}");
        assert_eq!(told(&service, from(Method::GET, origin)).await, "200 Acme ann", "{origin}");
        let mut by_token = from(Method::POST, origin);
        by_token.headers_mut().insert("authorization", world.bearer("ann").parse().unwrap());
        assert_eq!(told(&service, by_token).await, "200 Acme ann", "{origin}");
    }
}
