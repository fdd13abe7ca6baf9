//! `POST /v1/organizations/members/remove`

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

/// What nobody left.
fn nothing() -> Value {
    json!({ "invitations": [], "joinCodes": [], "apiTokens": [] })
}

/// Has Bob, an admin, issue one thing of each kind, and others that end at once. Answers the invitation's token, the
/// join code, the API token, and what is told of them.
async fn issue(world: &World, organization: &str) -> (String, String, Actor, Value) {
    let bob = Actor::user("bob");
    let call = async |operation: &str, mut input: Value| {
        input["organizationId"] = json!(organization);
        world.call(&bob, operation, input).await.ok()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let invited = call("invitations/create", json!({ "email": "yan@example.com", "roles": ["writer", "admin"] })).await;
    let coded = call("join-codes/create", json!({ "role": "writer", "maxUses": 3 })).await;
    let minted = call("tokens/create", json!({ "name": "ci", "permissions": ["org:view"] })).await["apiToken"].clone();
    for name in ["zoe", "xav", "wes"] {
        let ended = call("invitations/create", json!({ "username": name })).await;
        let (id, token) = (&ended["invitation"]["id"], &ended["token"]);
        match name {
            "zoe" => drop(world.call(&Actor::user("zoe"), "invitations/accept", json!({ "token": token })).await.ok()),
            "xav" => drop(world.call(&Actor::user("xav"), "invitations/decline", json!({ "token": token })).await.ok()),
            _ => drop(call("invitations/revoke", json!({ "id": id })).await),
        }
    }
    let ended = call("join-codes/create", json!({})).await;
    call("join-codes/revoke", json!({ "id": ended["joinCode"]["id"] })).await;
    let ended = call("tokens/create", json!({})).await;
    call("tokens/revoke", json!({ "key": ended["apiToken"]["key"] })).await;
    let (invitation, code) = (&invited["invitation"], &coded["joinCode"]);
    let left = json!({
        "invitations": [{
            "id": invitation["id"], "email": "yan@example.com", "username": null, "roles": ["admin", "writer"],
            "expiresAt": invitation["expiresAt"],
        }],
        "joinCodes": [{ "id": code["id"], "codeHint": code["codeHint"], "role": "writer", "expiresAt": null }],
        "apiTokens": [{ "key": minted["key"], "name": "ci", "permissions": ["org:view"], "expiresAt": null }],
    });
    (text(&invited["token"]), text(&coded["code"]), Actor::token(minted["bearer"].as_str().unwrap()), left)
}

#[tokio::test]
async fn whoever_is_removed_is_out_at_the_next_request() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.whoami(&bob, None).await.ok();
        let remove = json!({ "organizationId": organization, "userId": "bob" });
        let removed = json!({ "ok": true, "left": nothing(), "more": false, "revoked": nothing() });
        assert_eq!(world.call(&alice, "members/remove", remove.clone()).await.ok(), removed);
        world.call(&bob, "get", json!({ "organizationId": organization })).await.refused(404, "not_found");
        world.whoami(&bob, Some(&organization)).await.refused(404, "not_found");
        assert_eq!(world.call(&bob, "list", json!({})).await.ok()["organizations"], json!([]));
        // Again changes nothing, nor does a stranger.
        world.call(&alice, "members/remove", remove).await.ok();
        let stranger = json!({ "organizationId": organization, "userId": "stranger" });
        world.call(&alice, "members/remove", stranger).await.ok();
        // Who was removed can be invited anew.
        let invite = json!({ "organizationId": organization, "email": bob.email() });
        world.call(&alice, "invitations/create", invite).await.ok();
    })
    .await;
}

#[tokio::test]
async fn only_an_owner_removes_an_owner_and_never_the_last() {
    on_every_store(async |world| {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let remove = |user: &str| json!({ "organizationId": organization, "userId": user });
        world.call(&bob, "members/remove", remove("alice")).await.refused(403, "forbidden");
        world.call(&alice, "members/remove", remove("alice")).await.refused(409, "last_owner");
        world.join(&alice, &organization, &carol, "owner").await;
        world.call(&carol, "members/remove", remove("alice")).await.ok();
        let shown = world.call(&carol, "get", json!({ "organizationId": organization })).await.ok();
        assert_eq!(shown["organization"]["owner"], "carol");
    })
    .await;
}

#[tokio::test]
async fn what_the_member_issued_is_told_and_keeps_its_role() {
    on_every_store(async |world| {
        let [alice, bob, carol, yan] = ["alice", "bob", "carol", "yan"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "recruiter").await;
        let (invitation, code, token, left) = issue(&world, &organization).await;
        // Whoever resends an invitation does not become its maker.
        let resend = json!({ "organizationId": organization, "id": left["invitations"][0]["id"] });
        let renewed = world.call(&alice, "invitations/resend", resend).await.ok();
        let mut left = left;
        left["invitations"][0]["expiresAt"] = renewed["invitation"]["expiresAt"].clone();
        let remove = json!({ "organizationId": organization, "userId": "bob" });
        let removed = world.call(&alice, "members/remove", remove.clone()).await.ok();
        assert_eq!(removed, json!({ "ok": true, "left": left, "more": false, "revoked": nothing() }));
        // Whoever may not list API tokens is told of them, and not what they may do.
        let told = world.call(&carol, "members/remove", remove.clone()).await.ok();
        left["apiTokens"][0]["name"] = Value::Null;
        left["apiTokens"][0]["permissions"] = Value::Null;
        assert_eq!(told["left"], left);

        let dan = Actor::user("dan");
        let joined = world.call(&dan, "join-codes/join", json!({ "code": code })).await.ok();
        assert_eq!(joined["role"], "writer");
        world.call(&yan, "invitations/accept", json!({ "token": invitation })).await.refused(404, "not_found");
        let accepted = world.call(&yan, "invitations/accept", json!({ "token": renewed["token"] })).await.ok();
        assert_eq!(accepted["role"], "admin");
        assert_eq!(world.whoami(&token, None).await.ok()["permissions"], json!(["org:view"]));
        // What was answered is left no more, and what others issued is theirs.
        let told = world.call(&alice, "members/remove", remove).await.ok();
        assert_eq!(told["left"]["invitations"], json!([]));
        assert_eq!(told["left"]["joinCodes"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn all_that_the_member_issued_is_revoked_in_the_same_step() {
    on_every_store(async |world| {
        let [alice, bob, yan] = ["alice", "bob", "yan"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let own = json!({ "organizationId": organization, "email": "alices@example.com" });
        world.call(&alice, "invitations/create", own).await.ok();
        let (invitation, code, token, left) = issue(&world, &organization).await;
        world.whoami(&token, None).await.ok();
        let remove = json!({ "organizationId": organization, "userId": "bob", "revokeIssued": true });
        let removed = world.call(&alice, "members/remove", remove.clone()).await.ok();
        assert_eq!(removed, json!({ "ok": true, "left": nothing(), "more": false, "revoked": left }));
        world.call(&bob, "get", json!({ "organizationId": organization })).await.refused(404, "not_found");
        world.call(&yan, "invitations/accept", json!({ "token": invitation })).await.refused(410, "revoked");
        world.call(&yan, "join-codes/join", json!({ "code": code })).await.refused(410, "revoked");
        world.whoami(&token, None).await.refused(401, "invalid_token");
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"].as_array().map(Vec::len), Some(1), "what others issued stays");
        // One event, which names what was revoked.
        let events = world.tenantry.engine().audit_events(organization.parse().unwrap(), None, 1).await.unwrap();
        assert_eq!((events[0].action.as_str(), events[0].target.as_deref()), ("members.remove", Some("bob")));
        let named = json!({
            "invitations": [left["invitations"][0]["id"]],
            "joinCodes": [left["joinCodes"][0]["id"]],
            "apiTokens": [left["apiTokens"][0]["key"]],
        });
        assert_eq!(events[0].details, json!({ "roles": ["admin"], "revoked": named }));
        // The address is free, and a repetition finds nothing to do.
        let again = json!({ "organizationId": organization, "email": "yan@example.com" });
        world.call(&alice, "invitations/create", again).await.ok();
        let repeated = world.call(&alice, "members/remove", remove).await.ok();
        assert_eq!(repeated, json!({ "ok": true, "left": nothing(), "more": false, "revoked": nothing() }));
    })
    .await;
}

#[tokio::test]
async fn what_somebody_left_earlier_can_still_be_revoked() {
    on_every_store(async |world| {
        let alice = Actor::with_claims("alice", &json!({ "exp": 4_000_000_000_u32 }));
        let bob = Actor::user("bob");
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        let (_, _, token, left) = issue(&world, &organization).await;
        let left_alone = world.call(&bob, "leave", json!({ "organizationId": organization })).await.ok();
        assert_eq!(left_alone, json!({ "ok": true }));
        // Expired, it could be resent, or given more time.
        world.clock.advance(Duration::from_secs(8 * 24 * 3600));
        let remove =
            |revokes: bool| json!({ "organizationId": organization, "userId": "bob", "revokeIssued": revokes });
        let told = world.call(&alice, "members/remove", remove(false)).await.ok();
        assert_eq!(told["left"], left);
        let removed = world.call(&alice, "members/remove", remove(true)).await.ok();
        assert_eq!(removed["revoked"], left);
        world.whoami(&token, None).await.refused(401, "invalid_token");
        let events = world.tenantry.engine().audit_events(organization.parse().unwrap(), None, 1).await.unwrap();
        assert!(events[0].details.get("roles").is_none() && events[0].details.get("revoked").is_some());
    })
    .await;
}

#[tokio::test]
async fn whoever_could_not_revoke_each_of_it_revokes_nothing_and_removes_nobody() {
    on_every_store(async |world| {
        let [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        world.join(&alice, &organization, &carol, "recruiter").await;
        let (.., token, _) = issue(&world, &organization).await;
        let remove = |user: &str| json!({ "organizationId": organization, "userId": user, "revokeIssued": true });
        let refused = world.call(&carol, "members/remove", remove("bob")).await;
        refused.refused(403, "forbidden");
        assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("tokens:manage")));
        world.whoami(&token, None).await.ok();
        world.call(&bob, "get", json!({ "organizationId": organization })).await.ok();

        // An owner's invitation is an owner's to withdraw, also when its maker is none any more.
        world.join(&alice, &organization, &dave, "owner").await;
        let as_owner = json!({ "organizationId": organization, "username": "eve", "role": "owner" });
        world.call(&dave, "invitations/create", as_owner).await.ok();
        let demote = json!({ "organizationId": organization, "userId": "dave", "role": "member" });
        world.call(&alice, "members/set-role", demote).await.ok();
        world.call(&bob, "members/remove", remove("dave")).await.refused(403, "forbidden");
        world.call(&dave, "get", json!({ "organizationId": organization })).await.ok();
        let removed = world.call(&alice, "members/remove", remove("dave")).await.ok();
        assert_eq!(removed["revoked"]["invitations"].as_array().map(Vec::len), Some(1));
        // Another organization's owner learns nothing.
        let elsewhere = world.organization(&Actor::user("xenia")).await;
        let foreign = json!({ "organizationId": elsewhere, "userId": "bob", "revokeIssued": true });
        let told = world.call(&Actor::user("xenia"), "members/remove", foreign).await.ok();
        assert_eq!((&told["left"], &told["revoked"]), (&nothing(), &nothing()));
    })
    .await;
}

#[tokio::test]
async fn an_invitation_to_an_address_that_became_its_makers_own_ends_when_they_join() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let before = Actor::with_claims("bob", &json!({ "email": "old@example.com" }));
        world.join(&alice, &organization, &before, "admin").await;
        let invite = json!({ "organizationId": organization, "email": "new@example.com" });
        world.call(&before, "invitations/create", invite.clone()).await.ok();
        world.call(&before, "leave", json!({ "organizationId": organization })).await.ok();
        let after = Actor::with_claims("bob", &json!({ "email": "new@example.com" }));
        world.join(&alice, &organization, &after, "admin").await;
        let remove = json!({ "organizationId": organization, "userId": "bob", "revokeIssued": true });
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"], json!([]));
        let removed = world.call(&alice, "members/remove", remove).await.ok();
        assert_eq!(removed["revoked"]["invitations"], json!([]));
        // Neither the member nor the invitation is at the address any more.
        world.call(&alice, "invitations/create", invite).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_thousand_things_go_at_once_and_more_are_not_begun_with() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "admin").await;
        for hundred in 0..10 {
            let invitees: Vec<_> = (0..100).map(|one| json!({ "username": format!("i{hundred}-{one}") })).collect();
            let batch = json!({ "organizationId": organization, "invitations": invitees });
            let invited = world.call(&bob, "invitations/create-batch", batch).await.ok();
            assert!(invited["results"].as_array().unwrap().iter().all(|result| result["token"].is_string()));
        }
        let one_more = world.call(&bob, "join-codes/create", json!({ "organizationId": organization })).await.ok();
        let remove =
            |revokes: bool| json!({ "organizationId": organization, "userId": "bob", "revokeIssued": revokes });
        world.call(&alice, "members/remove", remove(true)).await.names_field("revokeIssued");
        world.call(&bob, "get", json!({ "organizationId": organization })).await.ok();
        let told = world.call(&alice, "members/remove", remove(false)).await.ok();
        let shown = told["left"]["invitations"].as_array().unwrap().len() + 1;
        assert_eq!((shown, &told["more"]), (1000, &json!(true)));
        world.call(&alice, "members/remove", remove(true)).await.names_field("revokeIssued");
        let revoke = json!({ "organizationId": organization, "id": one_more["joinCode"]["id"] });
        world.call(&alice, "join-codes/revoke", revoke).await.ok();
        let removed = world.call(&alice, "members/remove", remove(true)).await.ok();
        assert_eq!(removed["revoked"]["invitations"].as_array().map(Vec::len), Some(1000));
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"], json!([]));
        let waiting = world.call(&Actor::user("i3-7"), "invitations/mine", json!({})).await.ok();
        assert_eq!(waiting["invitations"], json!([]));
    })
    .await;
}
