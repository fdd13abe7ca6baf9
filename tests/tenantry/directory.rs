//! What the host's directory changes: who does not exist is not invited, nor who is here by another address.

use serde_json::json;
use tenantry::core::{
    host::{
        Host,
        directory::{HostError, Profile, Who},
    },
    values::ids::UserId,
};

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, redis},
};

/// `zoe` has two addresses, `yan` has only a username; the table of users is away for `broken`. Of `sub-7` the directory
/// knows more than the tokens tell.
async fn find(who: Who) -> Result<Option<Profile>, HostError> {
    let who = match who {
        Who::Id(id) if id.as_str() == "sub-7" => {
            return Ok(Some(Profile::new(id).email("seven@example.com").username("seven").name("Seven")));
        }
        Who::Id(id) if id.as_str() == "broken" => return Err("a password that nobody may see".into()),
        Who::Address(address) => address,
        _ => return Ok(None),
    };
    let id = match (who.as_email(), who.as_username()) {
        (Some("seven@example.com"), _) | (_, Some("seven")) => Some("sub-7"),
        (Some("zoe@example.com" | "zoe@work.example.com"), _) | (_, Some("zoe")) => Some("zoe"),
        (_, Some("yan")) => Some("yan"),
        (_, Some("broken")) => return Err("a password that nobody may see".into()),
        _ => None,
    };
    Ok(id.map(UserId::new).transpose()?.map(Profile::new))
}

async fn on_every_store(test: impl AsyncFn(World)) {
    let host = Host::default().directory(find);
    test(World::start_with(embedded(), host.clone()).await).await;
    test(World::start_with(redis(&new_namespace()).await, host).await).await;
}

#[tokio::test]
async fn a_username_that_nobody_has_is_not_invited() {
    on_every_store(async |world| {
        let [alice, yan] = ["alice", "yan"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invite = |who: serde_json::Value| {
            let mut input = who;
            input["organizationId"] = json!(organization);
            input
        };
        let refused = world.call(&alice, "invitations/create", invite(json!({ "username": "nobody" }))).await;
        refused.refused(404, "not_found");
        assert_eq!(refused.body["errors"][0]["field"], "username");
        let created = world.call(&alice, "invitations/create", invite(json!({ "username": "yan" }))).await.ok();
        world.call(&yan, "invitations/accept", json!({ "token": created["token"] })).await.ok();
        // An address that nobody has yet can be invited: whoever registers will have it.
        world.call(&alice, "invitations/create", invite(json!({ "email": "new@example.com" }))).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_member_is_a_member_by_whatever_address() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let invite = json!({ "organizationId": organization, "email": "zoe@work.example.com" });
        world.join(&alice, &organization, &zoe, "member").await;
        world.call(&alice, "invitations/create", invite.clone()).await.refused(409, "already_member");
        let remove = json!({ "organizationId": organization, "userId": "zoe" });
        world.call(&alice, "members/remove", remove).await.ok();
        world.call(&alice, "invitations/create", invite).await.ok();
    })
    .await;
}

#[tokio::test]
async fn of_a_batch_each_is_looked_for() {
    on_every_store(async |world| {
        let [alice, zoe] = ["alice", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &zoe, "member").await;
        let batch = json!({ "organizationId": organization, "invitations": [
            { "username": "yan" }, { "username": "nobody" }, { "email": "zoe@work.example.com" }, { "email": "x@y.org" },
        ] });
        let answer = world.call(&alice, "invitations/create-batch", batch).await.ok();
        let results = answer["results"].as_array().unwrap();
        assert!(results[0]["token"].is_string() && results[3]["token"].is_string());
        assert_eq!(results[1]["error"]["code"], "not_found");
        assert_eq!(results[1]["error"]["errors"][0]["field"], "invitations[1].username");
        assert_eq!(results[2]["error"]["code"], "already_member");
    })
    .await;
}

#[tokio::test]
async fn a_directory_that_fails_lets_nothing_happen() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let create = json!({ "organizationId": organization, "username": "broken" });
        let batch =
            json!({ "organizationId": organization, "invitations": [{ "username": "yan" }, { "username": "broken" }] });
        for (operation, input) in [("invitations/create", create), ("invitations/create-batch", batch)] {
            let refused = world.call(&alice, operation, input).await;
            refused.refused(503, "unavailable");
            assert!(refused.headers.contains_key("retry-after"));
            assert!(!refused.body.to_string().contains("password"));
        }
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn who_is_not_told_by_the_token_is_known_by_the_directory() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let silent = json!({ "email": null, "email_verified": null, "preferred_username": null, "name": null });
        let [seven, nobody, broken] = ["sub-7", "sub-8", "broken"].map(|id| Actor::with_claims(id, &silent));
        let organization = world.organization(&alice).await;
        let mut tokens = Vec::new();
        for who in [json!({ "email": "Seven@Example.com" }), json!({ "username": "seven" })] {
            let mut invite = who;
            invite["organizationId"] = json!(organization);
            let invited = world.call(&alice, "invitations/create", invite).await.ok();
            tokens.push(json!({ "token": invited["token"] }));
        }
        let waiting = world.call(&seven, "invitations/mine", json!({})).await.ok();
        assert_eq!(waiting["invitations"].as_array().map(Vec::len), Some(2));
        // Whom the directory does not know is nobody in particular; and when it cannot tell, nothing happens.
        assert_eq!(world.call(&nobody, "invitations/mine", json!({})).await.ok()["invitations"], json!([]));
        world.call(&nobody, "invitations/accept", tokens[0].clone()).await.refused(403, "email_unverified");
        world.call(&broken, "invitations/accept", tokens[0].clone()).await.refused(503, "unavailable");
        world.call(&seven, "invitations/decline", tokens[1].clone()).await.ok();
        world.call(&seven, "invitations/accept", tokens[0].clone()).await.ok();
        let get = json!({ "organizationId": organization, "userId": "sub-7" });
        let member = world.call(&alice, "members/get", get).await.ok()["member"].clone();
        assert_eq!([&member["email"], &member["username"], &member["name"]], ["seven@example.com", "seven", "Seven"]);
        let invite = json!({ "organizationId": organization, "username": "seven" });
        world.call(&alice, "invitations/create", invite).await.refused(409, "already_member");
    })
    .await;
}
