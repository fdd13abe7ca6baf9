//! `POST /v1/organizations/delete`

use serde_json::json;

use crate::{actors::Actor, world::on_every_store};

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_organization_is_gone_for_everyone_at_once() {
    on_every_store(async |world| {
        let [alice, bob, yan, zoe] = ["alice", "bob", "yan", "zoe"].map(Actor::user);
        let create = json!({ "name": "Acme", "slug": "acme-to-go" });
        let created = world.call(&alice, "create", create.clone()).await.ok();
        let organization = created["organization"]["id"].as_str().expect("it has an id").to_owned();
        let here = json!({ "organizationId": organization });
        world.join(&alice, &organization, &bob, "admin").await;
        let token = world.token(&alice, &organization, &["org:view", "org:manage"]).await;
        let invite = json!({ "organizationId": organization, "email": zoe.email() });
        let invited = world.call(&alice, "invitations/create", invite).await.ok();
        let other = json!({ "organizationId": organization, "email": "other@example.com" });
        let withdrawn = world.call(&alice, "invitations/create", other).await.ok();
        let revoke = json!({ "organizationId": organization, "id": withdrawn["invitation"]["id"] });
        world.call(&alice, "invitations/revoke", revoke).await.ok();
        let code = world.call(&alice, "join-codes/create", here.clone()).await.ok();
        for actor in [&alice, &bob, &token] {
            world.whoami(actor, Some(&organization)).await.ok();
        }
        // An admin may do everything else.
        world.call(&bob, "delete", here.clone()).await.refused(403, "forbidden");
        world.call(&token, "delete", here.clone()).await.refused(403, "forbidden");
        world.call(&yan, "delete", here.clone()).await.refused(404, "not_found");
        assert_eq!(world.call(&alice, "delete", here.clone()).await.ok(), json!({ "ok": true }));

        for actor in [&alice, &bob] {
            world.whoami(actor, Some(&organization)).await.refused(404, "not_found");
            world.call(actor, "get", here.clone()).await.refused(404, "not_found");
            assert_eq!(world.call(actor, "list", json!({})).await.ok()["organizations"], json!([]));
            let found = world.call(actor, "search", json!({ "name": "acme" })).await.ok();
            assert_eq!(found["organizations"], json!([]));
        }
        world.whoami(&token, None).await.refused(401, "invalid_token");
        world.call(&token, "get", here.clone()).await.refused(401, "invalid_token");
        world.call(&alice, "delete", here).await.refused(404, "not_found");
        assert_eq!(world.call(&zoe, "invitations/mine", json!({})).await.ok()["invitations"], json!([]));
        let accept = json!({ "token": invited["token"] });
        world.call(&zoe, "invitations/accept", accept).await.refused(404, "not_found");
        // Nothing is told of what was closed before, either.
        let withdrawn = json!({ "token": withdrawn["token"] });
        world.call(&yan, "invitations/accept", withdrawn).await.refused(404, "not_found");
        let join = json!({ "code": code["code"] });
        world.call(&yan, "join-codes/join", join).await.refused(404, "not_found");
        world.call(&bob, "create", create).await.ok();
    })
    .await;
}

#[tokio::test]
async fn nobody_deletes_the_organization_of_others() {
    on_every_store(async |world| {
        let [alice, dave] = ["alice", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        let elsewhere = world.organization(&dave).await;
        let token = world.token(&dave, &elsewhere, &["org:delete"]).await;
        let there = json!({ "organizationId": organization });
        world.call(&dave, "delete", there.clone()).await.refused(404, "not_found");
        world.call(&token, "delete", there.clone()).await.refused(404, "not_found");
        // A token holds what was listed at its making.
        world.call(&token, "delete", json!({ "organizationId": elsewhere })).await.ok();
        world.call(&dave, "get", json!({ "organizationId": elsewhere })).await.refused(404, "not_found");
        world.call(&alice, "get", there).await.ok();
    })
    .await;
}
