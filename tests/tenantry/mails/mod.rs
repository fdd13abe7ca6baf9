//! What becomes of the mail of an invitation: told once for each sending, with a link whose token works, tried until it
//! succeeds, and nothing else depends on it.

mod smtp;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tenantry::core::{
    host::{
        Host,
        mailer::{InvitationMail, Mailed, NotMailed},
        registrar::{NotRegistered, Registration},
    },
    values::ids::UserId,
};

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, redis},
};

const PAGE: &str = "https://app.example.com/join#token=";

/// Longer than the pauses after a few failures, and than a try may take.
const A_WHILE: Duration = Duration::from_secs(61);

/// The mails that there were. The address says what becomes of one: `twice@…` fails two times, `refused@…` for good.
#[derive(Debug, Clone, Default)]
struct Post(Arc<Mutex<Vec<InvitationMail>>>);

impl Post {
    fn take(&self, mail: InvitationMail) -> Result<Mailed, NotMailed> {
        let Some(email) = mail.email.clone() else { return Ok(Mailed::NoWay) };
        let mut mails = self.0.lock().unwrap();
        mails.push(mail);
        let count = mails.iter().filter(|mail| mail.email.as_ref() == Some(&email)).count();
        match email.split('@').next() {
            Some("twice") if count <= 2 => Err(NotMailed::Failed("the server is away".into())),
            Some("refused") => Err(NotMailed::Undeliverable("there is no such mailbox".into())),
            _ => Ok(Mailed::Sent),
        }
    }

    /// Waits for so many mails to that address.
    async fn mails(&self, email: &str, count: usize) -> Vec<InvitationMail> {
        loop {
            let mails = self.0.lock().unwrap().clone();
            let mails: Vec<_> = mails.into_iter().filter(|mail| mail.email.as_deref() == Some(email)).collect();
            if mails.len() >= count {
                assert_eq!(mails.len(), count, "{mails:?}");
                return mails;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits for the only mail to that address, and reads the token from its link.
    async fn token(&self, email: &str) -> String {
        token(&self.mails(email, 1).await[0])
    }
}

fn token(mail: &InvitationMail) -> String {
    mail.link.expose().strip_prefix(PAGE).unwrap().to_owned()
}

async fn world(store: Arc<dyn tenantry::core::store::Store>) -> (World, Post) {
    let post = Post::default();
    let told = post.clone();
    let registrar = async |registration: Registration| {
        UserId::new(registration.email).map_err(|error| NotRegistered::Failed(error.into()))
    };
    let mailer = move |mail| std::future::ready(told.take(mail));
    let host = Host::default().registrar(registrar).mailer(mailer, &format!("{PAGE}{{token}}")).unwrap();
    (World::start_with(store, host).await, post)
}

async fn on_every_store(test: impl AsyncFn(World, Post)) {
    let (on_embedded, post) = world(embedded()).await;
    test(on_embedded, post).await;
    let (on_redis, post) = world(redis(&new_namespace()).await).await;
    test(on_redis, post).await;
}

async fn invite(world: &World, organization: &str, whom: Value) -> Value {
    let mut input = whom;
    input["organizationId"] = json!(organization);
    world.call(&Actor::user("alice"), "invitations/create", input).await.ok()
}

/// The deliveries that are listed, the newest invitation first.
async fn deliveries(world: &World, organization: &str) -> Vec<Value> {
    let list = json!({ "organizationId": organization });
    let listed = world.call(&Actor::user("alice"), "invitations/list", list).await.ok();
    listed["invitations"].as_array().unwrap().iter().map(|invitation| invitation["delivery"].clone()).collect()
}

/// Waits until the mail of the only invitation was tried, and requires what became of it.
async fn tried(world: &World, organization: &str, delivery: &Value) {
    while deliveries(world, organization).await == [json!("pending")] {
        tokio::task::yield_now().await;
    }
    assert_eq!(deliveries(world, organization).await, std::slice::from_ref(delivery));
}

/// Lets time pass until the mail of the only invitation is sent, however busy this machine is.
async fn until_sent(world: &World, organization: &str) {
    loop {
        match deliveries(world, organization).await[0].as_str() {
            Some("sent") => return,
            Some("failed") => {
                world.clock.advance(A_WHILE);
                world.tenantry.engine().work_once().await.unwrap();
            }
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_in_a_mail_is_a_link() {
    on_every_store(async |world, post| {
        let alice = Actor::user("alice");
        let name = "Your account is locked, see https://evil.example/login";
        let created = world.call(&alice, "create", json!({ "name": name })).await.ok();
        let organization = created["organization"]["id"].as_str().unwrap();
        let invite = json!({
            "organizationId": organization, "email": "bob@example.com", "name": "www.evil.example",
        });
        world.call(&alice, "invitations/create", invite).await.ok();
        let mails = post.mails("bob@example.com", 1).await;
        assert_eq!(mails[0].organization_name, "Your account is locked, see https evil example/login");
        assert_eq!(mails[0].name.as_deref(), Some("www evil example"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_gets_a_link_that_works() {
    on_every_store(async |world, post| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &organization, json!({ "email": "bob@example.com", "name": "Bob" })).await;
        assert_eq!(invited["invitation"]["delivery"], "pending");
        let mails = post.mails("bob@example.com", 1).await;
        tried(&world, &organization, &json!("sent")).await;
        let mail = &mails[0];
        assert_eq!(mail.organization.to_string(), organization);
        assert_eq!((mail.organization_name.as_str(), mail.name.as_deref()), ("Acme", Some("Bob")));
        assert_eq!((mail.roles[0].as_str(), mail.invited_by.id()), ("member", "alice".to_owned()));
        assert_eq!(json!(mail.expires_at), invited["invitation"]["expiresAt"]);
        assert_eq!(json!(mail.invitation), invited["invitation"]["id"]);
        assert_ne!(token(mail), invited["token"].as_str().unwrap());
        // Whom it is for is not told what became of its mail.
        let mine = world.call(&bob, "invitations/mine", json!({})).await.ok();
        assert_eq!(mine["invitations"][0]["delivery"], Value::Null);
        world.call(&bob, "invitations/accept", json!({ "token": token(mail) })).await.ok();
        // The token that was answered works as well, and another invitation's is no way in.
        let invited = invite(&world, &organization, json!({ "email": "carol@example.com" })).await;
        let carols = post.token("carol@example.com").await;
        world.call(&Actor::user("carol"), "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        world.call(&Actor::user("carol"), "invitations/decline", json!({ "token": carols })).await.refused(410, "used");
        invite(&world, &organization, json!({ "email": "dave@example.com" })).await;
        let declined = json!({ "token": post.token("dave@example.com").await });
        world.call(&Actor::user("dave"), "invitations/decline", declined).await.ok();
        invite(&world, &organization, json!({ "email": "new@example.com" })).await;
        let register = json!({ "token": post.token("new@example.com").await, "password": "correct horse battery" });
        world.call(&Actor::nobody(), "invitations/register", register).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_mailed_one_by_one() {
    on_every_store(async |world, post| {
        let organization = world.organization(&Actor::user("alice")).await;
        let emails: Vec<_> = (0..20).map(|number| format!("guest{number}@example.com")).collect();
        let invitations: Vec<_> = emails.iter().map(|email| json!({ "email": email })).collect();
        let input = json!({ "organizationId": organization, "invitations": invitations });
        let results = world.call(&Actor::user("alice"), "invitations/create-batch", input).await.ok();
        for (email, result) in emails.iter().zip(results["results"].as_array().unwrap()) {
            let mail = post.mails(email, 1).await.remove(0);
            assert_eq!(json!(mail.invitation), result["invitation"]["id"]);
        }
        while deliveries(&world, &organization).await.iter().any(|delivery| delivery != "sent") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resending_ends_what_was_mailed_before() {
    on_every_store(async |world, post| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &organization, json!({ "email": bob.email() })).await;
        let first = post.token(&bob.email()).await;
        let resend = json!({ "organizationId": organization, "id": invited["invitation"]["id"] });
        let renewed = world.call(&alice, "invitations/resend", resend).await.ok();
        assert_eq!(renewed["invitation"]["delivery"], "pending");
        let mails = post.mails(&bob.email(), 2).await;
        assert_ne!(mails[0].id, mails[1].id);
        for dead in [json!(first), invited["token"].clone()] {
            world.call(&bob, "invitations/accept", json!({ "token": dead })).await.refused(404, "not_found");
        }
        world.call(&bob, "invitations/accept", json!({ "token": token(&mails[1]) })).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_fails_is_tried_again_and_the_invitation_stays() {
    on_every_store(async |world, post| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &organization, json!({ "email": "twice@example.com" })).await;
        tried(&world, &organization, &json!("failed")).await;
        until_sent(&world, &organization).await;
        let mails = post.0.lock().unwrap().clone();
        assert!(mails.len() >= 3 && mails.iter().all(|mail| mail.id == mails[0].id), "{mails:?}");
        let [.., earlier, last] = mails.as_slice() else { panic!("there are three") };
        // Whichever of them arrived in the end. Those that are none of the invitation's do not work, of course.
        let mut other = token(last);
        other.replace_range(50..52, "zz");
        let who = Actor::user("twice");
        world.call(&who, "invitations/accept", json!({ "token": other })).await.names_field("token");
        world.call(&who, "invitations/accept", json!({ "token": token(earlier) })).await.ok();
        world.call(&who, "invitations/accept", json!({ "token": token(last) })).await.ok();
        let invited = json!({ "token": invited["token"] });
        assert_eq!(world.call(&who, "invitations/accept", invited).await.ok()["alreadyMember"], true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_not_tried_again() {
    on_every_store(async |world, post| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &organization, json!({ "email": "refused@example.com" })).await;
        tried(&world, &organization, &json!("failed")).await;
        for _ in 0..3 {
            world.clock.advance(A_WHILE);
            world.tenantry.engine().work_once().await.unwrap();
        }
        post.mails("refused@example.com", 1).await;
        let resend = json!({ "organizationId": organization, "id": invited["invitation"]["id"] });
        world.call(&alice, "invitations/resend", resend).await.ok();
        post.mails("refused@example.com", 2).await;
        world
            .call(&Actor::user("refused"), "invitations/accept", json!({ "id": invited["invitation"]["id"] }))
            .await
            .ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_told_but_in_the_link() {
    on_every_store(async |world, post| {
        let organization = world.organization(&Actor::user("alice")).await;
        invite(&world, &organization, json!({ "email": "bob@example.com" })).await;
        let mail = post.mails("bob@example.com", 1).await.remove(0);
        let secret = &token(&mail)[47..];
        let events = world.tenantry.engine().audit_events(organization.parse().unwrap(), None, 10).await.unwrap();
        let told = format!("{mail:?} {:?} {}", world.tenantry, serde_json::to_string(&events).unwrap());
        assert!(told.contains("bob@example.com") && !told.contains(secret), "{told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mailer_or_a_way_nothing_is_said_of_a_mail() {
    let world = World::start(embedded()).await;
    let organization = world.organization(&Actor::user("alice")).await;
    let invited = invite(&world, &organization, json!({ "email": "bob@example.com" })).await;
    assert_eq!(invited["invitation"]["delivery"], Value::Null);
    assert_eq!(deliveries(&world, &organization).await, [Value::Null]);
    on_every_store(async |world, _| {
        let organization = world.organization(&Actor::user("alice")).await;
        invite(&world, &organization, json!({ "username": "bob" })).await;
        tried(&world, &organization, &Value::Null).await;
    })
    .await;
}
