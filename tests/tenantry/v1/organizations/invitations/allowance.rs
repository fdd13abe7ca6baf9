//! How much may be invited: by whom, how many at once, and how many mails to strangers.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry::core::{
    access::caller::Caller,
    host::{
        Host,
        mailer::{InvitationMail, Mailed, NotMailed},
    },
};

use crate::{
    actors::Actor,
    policies::with,
    world::{Answer, World, on_every_store},
};

async fn invite(world: &World, actor: &Actor, organization: &str, username: &str) -> Answer {
    let invite = json!({ "organizationId": organization, "username": username });
    world.call(actor, "invitations/create", invite).await
}

async fn invite_many(world: &World, actor: &Actor, organization: &str, usernames: &[&str]) -> Answer {
    let invitees: Vec<_> = usernames.iter().map(|username| json!({ "username": username })).collect();
    let batch = json!({ "organizationId": organization, "invitations": invitees });
    world.call(actor, "invitations/create-batch", batch).await
}

async fn open(world: &World, actor: &Actor, organization: &str) -> usize {
    let listed = world.call(actor, "invitations/list", json!({ "organizationId": organization })).await.ok();
    listed["invitations"].as_array().unwrap().len()
}

#[tokio::test]
async fn only_whom_the_host_lets_invites_anybody() {
    let host = Host::default().who_may_invite(|caller, organization| {
        organization.kind.as_deref() == Some("paying")
            && matches!(caller, Caller::User(user) if user.verified_email().is_some())
    });
    with(host, async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let refused = invite(&world, &alice, &organization, "zoe").await;
        refused.refused(403, "forbidden");
        assert!(refused.body["detail"].as_str().unwrap().contains("ask the operator"));
        invite_many(&world, &alice, &organization, &["zoe"]).await.refused(403, "forbidden");
        world.call(&alice, "update", json!({ "organizationId": organization, "type": "paying" })).await.ok();
        let created = invite(&world, &alice, &organization, "zoe").await.ok();
        let unverified = Actor::with_claims("alice", &json!({ "email_verified": false }));
        let token = world.token(&alice, &organization, &["members:manage", "members:view", "org:view"]).await;
        for actor in [&unverified, &token] {
            invite(&world, actor, &organization, "yan").await.refused(403, "forbidden");
            let resend = json!({ "organizationId": organization, "id": created["invitation"]["id"] });
            world.call(actor, "invitations/resend", resend).await.refused(403, "forbidden");
        }
    })
    .await;
}

#[tokio::test]
async fn as_many_invitations_are_open_as_the_host_allows() {
    with(Host::default().open_invitations_max(2), async |world| {
        let [alice, zoe, yan] = ["alice", "zoe", "yan"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let first = invite(&world, &alice, &organization, "zoe").await.ok();
        let second = invite(&world, &alice, &organization, "yan").await.ok();
        let exhausted = async |username| {
            invite(&world, &alice, &organization, username).await.refused(409, "invitations_exhausted");
            invite_many(&world, &alice, &organization, &[username]).await.refused(409, "invitations_exhausted");
        };
        exhausted("xia").await;
        assert_eq!(open(&world, &alice, &organization).await, 2);
        // Resending opens none.
        let resend = json!({ "organizationId": organization, "id": second["invitation"]["id"] });
        let second = world.call(&alice, "invitations/resend", resend).await.ok();

        // However one ends, there is room for another: withdrawn, declined, accepted, or as its addressee joins.
        let revoke = json!({ "organizationId": organization, "id": first["invitation"]["id"] });
        world.call(&alice, "invitations/revoke", revoke.clone()).await.ok();
        world.call(&alice, "invitations/revoke", revoke).await.ok();
        let third = invite(&world, &alice, &organization, "zoe").await.ok();
        exhausted("xia").await;
        world.call(&zoe, "invitations/decline", json!({ "token": third["token"] })).await.ok();
        invite(&world, &alice, &organization, "zoe").await.ok();
        exhausted("xia").await;
        world.call(&yan, "invitations/accept", json!({ "token": second["token"] })).await.ok();
        invite(&world, &alice, &organization, "wei").await.ok();
        exhausted("xia").await;
        world.join(&alice, &organization, &zoe, "member").await;
        invite(&world, &alice, &organization, "vic").await.ok();
        exhausted("xia").await;
        // Another organization has room of its own.
        let other = world.organization(&alice).await;
        invite_many(&world, &alice, &other, &["a", "b"]).await.ok();
        invite_many(&world, &alice, &world.organization(&alice).await, &["a", "b", "c"])
            .await
            .refused(409, "invitations_exhausted");
    })
    .await;
}

fn mailing() -> Host {
    let mailer = async |_: InvitationMail| Ok::<_, NotMailed>(Mailed::Sent);
    Host::default().mailer(mailer, "https://app.example.com/join#token={token}").unwrap().mails_per_hour_max(4, 3)
}

/// For how long the caller is to wait, by a refusal that names this policy.
#[track_caller]
fn wait(answer: &Answer, policy: &str, count: u32) -> Duration {
    answer.refused(429, "rate_limited");
    assert_eq!(answer.headers["ratelimit-policy"], format!("\"{policy}\";q={count};w=3600"));
    let wait = answer.headers["retry-after"].to_str().unwrap();
    assert_eq!(answer.headers["ratelimit"], format!("\"{policy}\";r=0;t={wait}"));
    Duration::from_secs(wait.parse().unwrap())
}

#[tokio::test]
async fn mails_to_strangers_are_few_for_each_user_and_each_organization() {
    with(mailing(), async |world| {
        let long_lived = |name| Actor::with_claims(name, &json!({ "exp": 4_000_000_000_u64 }));
        let [alice, bob] = ["alice", "bob"].map(long_lived);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let first = invite(&world, &alice, &organization, "a").await.ok();
        let resend = json!({ "organizationId": organization, "id": first["invitation"]["id"] });
        world.call(&alice, "invitations/resend", resend.clone()).await.ok();
        // What is refused for another reason sends nothing, and counts for nothing.
        invite(&world, &alice, &organization, "a").await.refused(409, "already_invited");
        invite_many(&world, &alice, &organization, &["a"]).await.ok();
        let user = "invitation-mails-user";
        wait(&invite_many(&world, &alice, &organization, &["b", "c"]).await, user, 3);
        invite(&world, &alice, &organization, "b").await.ok();
        wait(&invite(&world, &alice, &organization, "c").await, user, 3);
        wait(&world.call(&alice, "invitations/resend", resend).await, user, 3);
        // In another organization of hers, too.
        let other = world.organization(&alice).await;
        let later = wait(&invite(&world, &alice, &other, "c").await, user, 3);

        // The organization has one left for somebody else.
        invite(&world, &bob, &organization, "c").await.ok();
        wait(&invite(&world, &bob, &organization, "d").await, "invitation-mails-organization", 4);
        let token = world.token(&alice, &organization, &["members:manage", "members:view", "org:view"]).await;
        wait(&invite(&world, &token, &organization, "d").await, "invitation-mails-organization", 4);
        assert_eq!(open(&world, &alice, &organization).await, 3);

        world.clock.advance(later);
        invite(&world, &alice, &other, "c").await.ok();
    })
    .await;
}

#[tokio::test]
async fn without_a_mailer_nothing_is_counted_but_what_is_open() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        for tens in 0..30 {
            let usernames: Vec<_> = (0..10).map(|one| format!("u{tens}-{one}")).collect();
            let usernames: Vec<_> = usernames.iter().map(String::as_str).collect();
            let invited = invite_many(&world, &alice, &organization, &usernames).await.ok();
            let results = invited["results"].as_array().unwrap();
            assert!(results.iter().all(|result| result["token"].is_string()), "{}", Value::from(results.clone()));
        }
    })
    .await;
}
