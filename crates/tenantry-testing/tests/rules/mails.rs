//! Who is invited is mailed, whoever dies in between; and no more than wanted.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use serde_json::json;
use tenantry_core::{
    access::registry::Registry,
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    host::{
        Host,
        directory::{HostError, Profile},
        mailer::{InvitationMail, Mailed, NotMailed},
    },
    operations::{invitations, organizations},
    store::Store,
    values::{
        clock::{Clock as _, SystemClock},
        delivery::Delivery,
        error::ErrorKind,
        ids::UserId,
        limits,
    },
};
use tenantry_testing::{actors, model::ManualClock};

use crate::log::{Lines, runs_alone};

/// Notes what is mailed; of the next mails so many hang, then so many fail.
#[derive(Debug, Clone, Default)]
struct Post {
    mails: Arc<Mutex<Vec<InvitationMail>>>,
    hangs: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
}

impl Post {
    async fn take(self, mail: InvitationMail) -> Result<Mailed, NotMailed> {
        self.mails.lock().unwrap_or_else(|_| panic!("nobody panics with the lock")).push(mail);
        let less = |count: usize| count.checked_sub(1);
        if self.hangs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            std::future::pending::<()>().await;
        }
        let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        if fails { Err(NotMailed::Failed("it fails".into())) } else { Ok(Mailed::Sent) }
    }

    fn tokens(&self) -> Vec<String> {
        let mails = self.mails.lock().unwrap_or_else(|_| panic!("nobody panics with the lock"));
        mails.iter().map(|mail| mail.link.expose().replace("https://a.example/#", "")).collect()
    }
}

/// A node of its own, over the same state, with a directory that knows where `bob` gets his mail.
fn node(store: &Arc<dyn Store>, clock: &Arc<ManualClock>, post: &Post) -> Engine {
    let post = post.clone();
    let directory = async |_| Ok::<_, HostError>(Some(Profile::new(UserId::new("bob")?).email("bob@mail.example")));
    let host =
        Host::default().directory(directory).mailer(move |mail| post.clone().take(mail), "https://a.example/#{token}");
    Engine::builder(store.clone(), Registry::builder().build().expect("what is built in fits together"))
        .clock(clock.clone())
        .host(host.expect("the template is one"))
        .build()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock.now()))
}

async fn run<O: Operation>(engine: &Engine, user: &str, input: serde_json::Value) -> Result<O::Output, ErrorKind> {
    let operation: O = serde_json::from_value(input).expect("the test gives valid inputs");
    engine.run(&Request::new(actors::user(user)), &operation).await.map_err(|error| error.kind())
}

/// Alice creates an organization and invites Bob; the input that names the invitation.
async fn bob_is_invited(engine: &Engine) -> serde_json::Value {
    let created = run::<organizations::Create>(engine, "alice", json!({ "name": "Acme" })).await;
    let id = created.expect("nothing stands in the way").organization.id;
    let invite = json!({ "organizationId": id, "username": "bob" });
    let invited = run::<invitations::Create>(engine, "alice", invite).await.expect("nothing stands in the way");
    assert_eq!(invited.invitation.delivery, Some(Delivery::Pending));
    json!({ "organizationId": id, "id": invited.invitation.id })
}

async fn delivery(engine: &Engine, named: &serde_json::Value) -> Option<Delivery> {
    let list = json!({ "organizationId": named["organizationId"] });
    let listed = run::<invitations::List>(engine, "alice", list).await.expect("nothing stands in the way");
    listed.invitations[0].delivery
}

async fn accept(engine: &Engine, token: &str) -> Result<(), ErrorKind> {
    run::<invitations::Accept>(engine, "bob", json!({ "token": token })).await.map(|_| ())
}

async fn hold(store: Arc<dyn Store>) {
    let (clock, post) = (clock(), Post::default());
    let first = node(&store, &clock, &post);
    let named = bob_is_invited(&first).await;
    // The node dies before it mailed anybody, and the next while it mails.
    drop(first);
    let second = node(&store, &clock, &post);
    post.hangs.store(1, Ordering::SeqCst);
    let mut hanging = Box::pin(second.work_once());
    while post.tokens().is_empty() {
        assert!(hanging.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(hanging);
    drop(second);
    let third = node(&store, &clock, &post);
    assert_eq!(delivery(&third, &named).await, Some(Delivery::Pending));
    clock.advance(limits::JOB_CLAIM + Duration::from_secs(1));
    assert_eq!(third.work_once().await.expect("the store is there"), 1);
    assert_eq!(delivery(&third, &named).await, Some(Delivery::Sent));
    let tokens = post.tokens();
    assert_eq!(tokens.len(), 2);
    assert_eq!(post.mails.lock().expect("nobody panics with the lock")[1].email.as_deref(), Some("bob@mail.example"));
    // Should the first have gone out before the node died: it works, and so does the second.
    assert_eq!(accept(&third, &tokens[0]).await, Ok(()));
    assert_eq!(accept(&third, &tokens[1]).await, Ok(()));
}

#[tokio::test]
async fn what_a_node_left_unmailed_another_mails_in_memory() {
    hold(crate::in_memory().store().clone()).await;
}

#[tokio::test]
async fn what_a_node_left_unmailed_another_mails_on_redis() {
    hold(crate::redis("mails").await).await;
}

#[tokio::test]
async fn of_the_mailed_tokens_the_last_ones_work() {
    let store = crate::in_memory().store().clone();
    let (clock, post) = (clock(), Post::default());
    let engine = node(&store, &clock, &post);
    let named = bob_is_invited(&engine).await;
    post.failures.store(limits::MAILED_TOKENS_MAX, Ordering::SeqCst);
    for tries in 1..=limits::MAILED_TOKENS_MAX {
        engine.work_once().await.expect("the store is there");
        assert_eq!((post.tokens().len(), delivery(&engine, &named).await), (tries, Some(Delivery::Failed)));
        clock.advance(limits::JOB_RETRY_MAX);
    }
    engine.work_once().await.expect("the store is there");
    assert_eq!(delivery(&engine, &named).await, Some(Delivery::Sent));
    let tokens = post.tokens();
    assert_eq!(accept(&engine, &tokens[0]).await, Err(ErrorKind::NotFound));
    assert_eq!(accept(&engine, &tokens[1]).await, Ok(()));
}

#[tokio::test]
async fn no_log_line_shows_a_token() {
    if !runs_alone("mails::no_log_line_shows_a_token") {
        return;
    }
    let lines = Lines::default();
    let _guard = lines.listen(tracing::Level::TRACE);
    let store = crate::in_memory().store().clone();
    let (clock, post) = (clock(), Post::default());
    let engine = node(&store, &clock, &post);
    post.failures.store(1, Ordering::SeqCst);
    bob_is_invited(&engine).await;
    for _ in 0..2 {
        engine.work_once().await.expect("the store is there");
        clock.advance(limits::JOB_RETRY_MAX);
    }
    let log = lines.text();
    assert!(log.contains("a job failed"), "{log}");
    let tokens = post.tokens();
    assert_eq!(tokens.len(), 2);
    // Behind the ids, which are no secrets.
    assert!(tokens.iter().all(|token| !log.contains(&token[47..])), "{log}");
}

#[tokio::test]
async fn what_is_pointless_is_not_mailed() {
    for what in ["revoked", "expired", "accepted", "resent"] {
        let store = crate::in_memory().store().clone();
        let (clock, post) = (clock(), Post::default());
        let engine = node(&store, &clock, &post);
        let named = bob_is_invited(&engine).await;
        match what {
            "revoked" => run::<invitations::Revoke>(&engine, "alice", named.clone()).await.map(|_| ()),
            "accepted" => run::<invitations::Accept>(&engine, "bob", json!({ "id": named["id"] })).await.map(|_| ()),
            "resent" => run::<invitations::Resend>(&engine, "alice", named.clone()).await.map(|_| ()),
            _ => {
                clock.advance(limits::INVITATION_LIFETIME_DEFAULT);
                Ok(())
            }
        }
        .expect("nothing stands in the way");
        let jobs = if what == "resent" { 2 } else { 1 };
        assert_eq!(engine.work_once().await.expect("the store is there"), jobs, "{what}");
        assert_eq!(engine.work_once().await.expect("the store is there"), 0, "{what}: nothing is left to do");
        assert_eq!(post.tokens().len(), jobs - 1, "{what}");
    }
}

#[tokio::test]
async fn a_suspended_organization_mails_when_it_is_back() {
    let store = crate::in_memory().store().clone();
    let (clock, post) = (clock(), Post::default());
    let engine = node(&store, &clock, &post);
    let named = bob_is_invited(&engine).await;
    for (status, mails) in [("suspended", 0), ("active", 1)] {
        let input = json!({ "organizationId": named["organizationId"], "status": status });
        let set: organizations::SetStatus = serde_json::from_value(input).expect("the input is valid");
        engine.run(&Request::new(actors::platform_admin()), &set).await.expect("nothing stands in the way");
        clock.advance(limits::JOB_RETRY_MAX);
        engine.work_once().await.expect("the store is there");
        assert_eq!(post.tokens().len(), mails);
    }
}
