//! Nothing is changed without a trace: the events of an organization, after each operation that changes something.

use serde_json::{Value, json};
use tenantry::core::values::principal::Principal;

use crate::{
    actors::Actor,
    world::{World, on_every_store},
};

/// The actions on record, oldest first.
async fn actions(world: &World, organization: &str) -> Vec<String> {
    let organization = organization.parse().unwrap();
    let events = world.tenantry.engine().audit_events(organization, None, 1000).await.unwrap();
    let numbers: Vec<_> = events.iter().rev().map(|event| event.number).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>(), "events are numbered without gaps");
    events.into_iter().rev().map(|event| event.action).collect()
}

/// What the test below has on record.
const EXPECTED: [&str; 36] = [
    "organization.create",
    "organization.update",
    "invitations.create",
    "invitations.accept",
    "invitations.create",
    "invitations.resend",
    "invitations.revoke",
    "invitations.create",
    "invitations.decline",
    "invitations.create-batch",
    "invitations.create-batch",
    "join-codes.create",
    "join-codes.join",
    "join-codes.revoke",
    "members.set-role",
    "members.remove",
    "tokens.create",
    "tokens.revoke",
    "members.update",
    "members.update",
    "tokens.create",
    "tokens.update",
    "tokens.rotate",
    "roles.create",
    "roles.update",
    "roles.delete",
    "workspaces.create",
    "workspaces.update",
    "members.update",
    "workspaces.delete",
    "join-codes.create",
    "join-codes.join",
    "organization.leave",
    "organization.set-status",
    "organization.set-status",
    "organization.transfer-ownership",
];

#[tokio::test]
async fn every_change_is_on_record_and_nothing_else() {
    on_every_store(async |world| {
        let [alice, bob, zoe] = ["alice", "bob", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let call = async |actor: &Actor, operation: &str, input: Value| {
            let mut input = input;
            input["organizationId"] = json!(organization);
            world.call(actor, operation, input).await
        };
        call(&alice, "update", json!({ "city": "Ulm" })).await.ok();
        let invited = call(&alice, "invitations/create", json!({ "email": zoe.email() })).await.ok();
        world.call(&zoe, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        let other = call(&alice, "invitations/create", json!({ "username": "yan" })).await.ok();
        let resent = call(&alice, "invitations/resend", json!({ "id": other["invitation"]["id"] })).await.ok();
        call(&alice, "invitations/revoke", json!({ "id": other["invitation"]["id"] })).await.ok();
        let third = call(&alice, "invitations/create", json!({ "username": "yan" })).await.ok();
        world.call(&Actor::user("yan"), "invitations/decline", json!({ "token": third["token"] })).await.ok();
        let batch = json!({ "invitations": [{ "username": "b1" }, { "username": "b 2" }, { "username": "b3" }] });
        call(&alice, "invitations/create-batch", batch).await.ok();
        let coded = call(&alice, "join-codes/create", json!({})).await.ok();
        world.call(&bob, "join-codes/join", json!({ "code": coded["code"] })).await.ok();
        call(&alice, "join-codes/revoke", json!({ "id": coded["joinCode"]["id"] })).await.ok();
        call(&alice, "members/set-role", json!({ "userId": "bob", "role": "admin" })).await.ok();
        call(&bob, "members/remove", json!({ "userId": "zoe" })).await.ok();
        let minted = call(&bob, "tokens/create", json!({})).await.ok();
        call(&bob, "tokens/revoke", json!({ "key": minted["apiToken"]["key"] })).await.ok();
        call(&alice, "members/update", json!({ "userId": "bob", "roles": ["admin", "writer"] })).await.ok();
        call(&alice, "members/update", json!({ "userId": "bob", "roles": ["admin"] })).await.ok();
        call(&alice, "members/update", json!({ "userId": "bob", "roles": ["admin"] })).await.ok();
        let minted_too = call(&bob, "tokens/create", json!({})).await.ok();
        let key = &minted_too["apiToken"]["key"];
        call(&bob, "tokens/update", json!({ "key": key, "name": "ci" })).await.ok();
        call(&bob, "tokens/update", json!({ "key": key, "name": "ci" })).await.ok();
        let rotated = call(&bob, "tokens/rotate", json!({ "key": key })).await.ok();
        let define = json!({ "role": "helper", "permissions": [] });
        call(&alice, "roles/create", define).await.ok();
        call(&alice, "roles/update", json!({ "role": "helper", "permissions": ["org:view"] })).await.ok();
        call(&alice, "roles/delete", json!({ "role": "helper" })).await.ok();
        let workspace = call(&alice, "workspaces/create", json!({ "name": "North" })).await.ok();
        let id = &workspace["workspace"]["id"];
        call(&alice, "workspaces/update", json!({ "id": id, "name": "South" })).await.ok();
        call(&alice, "workspaces/update", json!({ "id": id, "name": " South " })).await.ok();
        call(&alice, "members/update", json!({ "userId": "bob", "workspaces": [id] })).await.ok();
        call(&alice, "members/update", json!({ "userId": "bob", "workspaces": [id, id] })).await.ok();
        call(&alice, "workspaces/delete", json!({ "id": id })).await.ok();
        // Bob is not shown to have it any more: so there is nothing to take from him.
        call(&alice, "members/update", json!({ "userId": "bob", "workspaces": [] })).await.ok();
        let carol = Actor::user("carol");
        world.join(&alice, &organization, &carol, "member").await;
        call(&carol, "leave", json!({})).await.ok();
        let root = Actor::platform_admin();
        call(&root, "set-status", json!({ "status": "inactive" })).await.ok();
        call(&root, "set-status", json!({ "status": "active" })).await.ok();
        call(&alice, "transfer-ownership", json!({ "userId": "bob" })).await.ok();
        assert_eq!(actions(&world, &organization).await, EXPECTED);

        // What changes nothing, is refused or only reads leaves none.
        call(&alice, "update", json!({ "city": "Ulm" })).await.ok();
        call(&bob, "members/set-role", json!({ "userId": "bob", "role": "owner" })).await.ok();
        call(&bob, "transfer-ownership", json!({ "userId": "bob" })).await.ok();
        call(&root, "set-status", json!({ "status": "active" })).await.ok();
        call(&carol, "leave", json!({})).await.refused(404, "not_found");
        call(&alice, "members/remove", json!({ "userId": "zoe" })).await.ok();
        call(&alice, "tokens/revoke", json!({ "key": minted["apiToken"]["key"] })).await.ok();
        call(&alice, "join-codes/revoke", json!({ "id": coded["joinCode"]["id"] })).await.ok();
        call(&alice, "roles/delete", json!({ "role": "helper" })).await.refused(404, "not_found");
        call(&alice, "members/set-role", json!({ "userId": "bob", "role": "member" })).await.refused(403, "forbidden");
        world.call(&Actor::user("yan"), "invitations/decline", json!({ "token": third["token"] })).await.ok();
        world.call(&Actor::user("yan"), "invitations/mine", json!({})).await.ok();
        call(&alice, "members/list", json!({})).await.ok();
        assert_eq!(actions(&world, &organization).await, EXPECTED);

        let events = world.tenantry.engine().audit_events(organization.parse().unwrap(), None, 1000).await.unwrap();
        let removal = &events[20];
        assert_eq!((removal.action.as_str(), removal.target.as_deref()), ("members.remove", Some("zoe")));
        assert!(matches!(&removal.actor, Principal::User(user) if user.as_str() == "bob"));
        let record = serde_json::to_string(&events).unwrap();
        for secret in [
            &invited["token"],
            &resent["token"],
            &coded["code"],
            &minted["apiToken"]["secret"],
            &rotated["apiToken"]["secret"],
        ] {
            assert!(!record.contains(secret.as_str().unwrap()), "a secret is on record");
        }
    })
    .await;
}
