//! `POST /v1/organizations/invitations/create-batch`

use serde_json::{Value, json};

use crate::{actors::Actor, world::on_every_store};

#[tokio::test]
async fn each_is_decided_by_itself_and_one_who_cannot_be_invited_stops_nobody() {
    on_every_store(async |world| {
        let [alice, bob, zoe] = ["alice", "bob", "zoe"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "recruiter").await;
        let invite = json!({ "organizationId": organization, "email": "there@example.com" });
        world.call(&alice, "invitations/create", invite).await.ok();
        let batch = json!({ "organizationId": organization, "invitations": [
            { "email": "zoe@example.com", "name": "Zoe" },
            { "email": "THERE@example.com" },
            { "email": "Zoe@Example.com" },
            { "email": "no address" },
            { "username": "bob" },
            { "username": "yan", "role": "admin" },
            { "username": "yan" },
            { "email": "xi@example.com", "role": "emperor", "expiresAt": "2020-01-01T00:00:00Z" },
            {},
        ] });
        let answer = world.call(&bob, "invitations/create-batch", batch).await.ok();
        let results = answer["results"].as_array().unwrap();
        let codes: Vec<_> = results.iter().map(|result| result["error"]["code"].as_str().unwrap_or("-")).collect();
        let invalid = "invalid_request";
        let exceeds = "grant_exceeds_own";
        let expected =
            ["-", "already_invited", "already_invited", invalid, "already_member", exceeds, "-", invalid, invalid];
        assert_eq!(codes, expected);
        assert_eq!(results[3]["error"]["errors"][0]["field"], "invitations[3].email");
        assert_eq!(results[7]["error"]["errors"][0]["field"], "invitations[7].expiresAt");
        assert!(results[1]["error"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        assert_eq!(results[1]["error"]["errors"], Value::Null);

        // Numbers without gaps, and tokens that work.
        assert_eq!(results[0]["invitation"]["number"], 2);
        assert_eq!(results[6]["invitation"]["number"], 3);
        let listed = world.call(&alice, "invitations/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["invitations"][0], results[6]["invitation"]);
        assert_eq!(listed["invitations"][1], results[0]["invitation"]);
        assert_eq!(listed["invitations"].as_array().map(Vec::len), Some(3));
        world.call(&zoe, "invitations/accept", json!({ "token": results[0]["token"] })).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_hundred_are_invited_at_once_and_no_more() {
    on_every_store(async |world| {
        let [alice, carol, dave] = ["alice", "carol", "dave"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &carol, "member").await;
        let batch = |count: usize| {
            let invitees: Vec<_> = (0..count).map(|n| json!({ "username": format!("user-{n}") })).collect();
            json!({ "organizationId": organization, "invitations": invitees })
        };
        for count in [0, 101] {
            world.call(&alice, "invitations/create-batch", batch(count)).await.names_field("invitations");
        }
        world.call(&carol, "invitations/create-batch", batch(1)).await.refused(403, "forbidden");
        world.call(&dave, "invitations/create-batch", batch(1)).await.refused(404, "not_found");
        let mut odd = batch(1);
        odd["invitations"][0]["color"] = json!("red");
        world.call(&alice, "invitations/create-batch", odd).await.refused(400, "invalid_request");

        let first = world.call_once(&alice, "batch-1", "invitations/create-batch", batch(100)).await.ok();
        let results = first["results"].as_array().unwrap();
        assert_eq!(results.iter().filter(|result| result["token"].is_string()).count(), 100);
        assert_eq!(world.call_once(&alice, "batch-1", "invitations/create-batch", batch(100)).await.ok(), first);
        let waiting = world.call(&Actor::user("user-77"), "invitations/mine", json!({})).await.ok();
        assert_eq!(waiting["invitations"], json!([results[77]["invitation"]]));
        let again = world.call(&alice, "invitations/create-batch", batch(100)).await.ok();
        let refused = again["results"].as_array().unwrap().iter();
        assert_eq!(refused.filter(|result| result["error"]["code"] == "already_invited").count(), 100);
    })
    .await;
}
