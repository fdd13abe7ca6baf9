//! What was open for somebody ends when they become a member, and when they are one no more.

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

/// Invites `actor` as an admin, by their address or by their username; the invitation and its token.
async fn invite(world: &World, owner: &Actor, organization: &str, actor: &Actor, by: &str) -> Value {
    let mut input = json!({ "organizationId": organization, "role": "admin" });
    input[by] = json!(if by == "email" { actor.email() } else { actor.id.clone() });
    world.call(owner, "invitations/create", input).await.ok()
}

/// How often the list of members, pending ones included, has somebody of this name or address.
async fn listed(world: &World, owner: &Actor, organization: &str, actor: &Actor) -> usize {
    let list = json!({ "organizationId": organization, "withInvitations": true });
    let list = world.call(owner, "members/list", list).await.ok();
    let shown = list["members"].as_array().unwrap().iter();
    shown.filter(|shown| shown["username"] == actor.id || shown["email"] == actor.email()).count()
}

/// How the token and the id of the invitation are answered.
async fn tried(world: &World, actor: &Actor, invited: &Value) -> [(u16, String); 2] {
    let inputs = [json!({ "token": invited["token"] }), json!({ "id": invited["invitation"]["id"] })];
    let mut answers = Vec::new();
    for input in inputs {
        let answer = world.call(actor, "invitations/accept", input).await;
        answers.push((answer.status.as_u16(), answer.body["code"].as_str().unwrap_or_default().to_owned()));
    }
    answers.try_into().unwrap()
}

fn refused(code: &str) -> [(u16, String); 2] {
    [(410, code.to_owned()), (410, code.to_owned())]
}

#[tokio::test]
async fn joining_by_a_code_ends_what_is_open_for_the_members_addresses() {
    on_every_store(async |world| {
        let [alice, carol] = ["alice", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let by_email = invite(&world, &alice, &organization, &carol, "email").await;
        let by_username = invite(&world, &alice, &organization, &carol, "username").await;
        let code = world.call(&alice, "join-codes/create", json!({ "organizationId": organization })).await.ok();
        let joined = world.call(&carol, "join-codes/join", json!({ "code": code["code"] })).await.ok();
        assert_eq!((&joined["role"], &joined["notGranted"]), (&json!("member"), &json!(["admin"])));
        assert_eq!(listed(&world, &alice, &organization, &carol).await, 1);
        let waiting = world.call(&carol, "invitations/mine", json!({})).await.ok();
        assert_eq!(waiting["invitations"], json!([]));

        // As long as she is a member, the link in her mail only tells her so.
        for invited in [&by_email, &by_username] {
            let again = world.call(&carol, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
            assert_eq!((&again["alreadyMember"], &again["role"]), (&json!(true), &json!("member")));
        }
        let remove = json!({ "organizationId": organization, "userId": "carol", "revokeIssued": true });
        world.call(&alice, "members/remove", remove).await.ok();
        for invited in [&by_email, &by_username] {
            assert_eq!(tried(&world, &carol, invited).await, refused("used"));
        }
        world.whoami(&carol, Some(&organization)).await.refused(404, "not_found");
    })
    .await;
}

/// What is addressed to a member all the same: their credential tells an address that it did not tell before.
async fn invited_as_a_member(world: &World, alice: &Actor) -> (String, Value, Actor) {
    let organization = world.organization(alice).await;
    let nameless = Actor::with_claims("carol", &json!({ "email": null, "preferred_username": null }));
    world.join(alice, &organization, &nameless, "member").await;
    let carol = Actor::user("carol");
    let invited = invite(world, alice, &organization, &carol, "username").await;
    (organization, invited, carol)
}

#[tokio::test]
async fn accepting_as_a_member_ends_the_invitation_and_says_what_it_did_not_give() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let (organization, invited, carol) = invited_as_a_member(&world, &alice).await;
        let accept = json!({ "token": invited["token"] });
        let joined = world.call(&carol, "invitations/accept", accept).await.ok();
        let expected = json!({
            "organizationId": organization, "role": "member", "alreadyMember": true, "notGranted": ["admin"],
        });
        assert_eq!(joined, expected);
        assert_eq!(world.whoami(&carol, Some(&organization)).await.ok()["role"], "member");
        world.call(&alice, "members/remove", json!({ "organizationId": organization, "userId": "carol" })).await.ok();
        assert_eq!(tried(&world, &carol, &invited).await, refused("used"));
        // Whoever may invite can do so anew.
        let anew = invite(&world, &alice, &organization, &carol, "username").await;
        world.call(&carol, "invitations/accept", json!({ "token": anew["token"] })).await.ok();
    })
    .await;
}

#[tokio::test]
async fn whoever_leaves_leaves_nothing_open_behind() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let (organization, invited, carol) = invited_as_a_member(&world, &alice).await;
        world.call(&carol, "leave", json!({ "organizationId": organization })).await.ok();
        assert_eq!(tried(&world, &carol, &invited).await, refused("revoked"));
    })
    .await;
}

#[tokio::test]
async fn a_username_that_was_forgotten_opens_nothing_for_whoever_bears_it_next() {
    on_every_store(async |world| {
        let [alice, carol] = ["alice", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invited = invite(&world, &alice, &organization, &carol, "username").await;
        world.join(&alice, &organization, &carol, "member").await;
        world.call(&Actor::platform_admin(), "accounts/forget", json!({ "userId": "carol" })).await.ok();
        let another = Actor::with_claims("another", &json!({ "preferred_username": "carol" }));
        assert_eq!(tried(&world, &another, &invited).await, refused("used"));
    })
    .await;
}

#[tokio::test]
async fn a_username_that_is_forgotten_by_name_is_invited_nowhere_any_more() {
    on_every_store(async |world| {
        let [alice, dave, carol] = ["alice", "dave", "carol"].map(Actor::user);
        let root = Actor::platform_admin();
        let [home, elsewhere] = [world.organization(&alice).await, world.organization(&dave).await];
        world.join(&alice, &home, &carol, "member").await;
        let invited = invite(&world, &dave, &elsewhere, &carol, "username").await;
        let by_email = invite(&world, &dave, &elsewhere, &carol, "email").await;
        let forget = json!({ "userId": "carol", "username": "carol" });
        world
            .call(&root, "accounts/forget", json!({ "userId": "carol", "username": "a b" }))
            .await
            .names_field("username");
        let forgotten = world.call(&root, "accounts/forget", forget).await.ok();
        assert_eq!(forgotten, json!({ "removedFrom": 1, "more": false }));
        let another = Actor::with_claims("another", &json!({ "preferred_username": "carol" }));
        assert_eq!(tried(&world, &another, &invited).await, refused("revoked"));
        let events = world.tenantry.engine().audit_events(elsewhere.parse().unwrap(), None, 1).await.unwrap();
        assert_eq!(events[0].details["endedInvitations"], json!([invited["invitation"]["id"]]));
        // An address of e-mail is its owner's, whatever account they have.
        world.call(&carol, "invitations/accept", json!({ "token": by_email["token"] })).await.ok();
    })
    .await;
}
