//! What every operation refuses alike.

use reqwest::Method;
use serde_json::{Value, json};
use tenantry::core::values::limits;

use crate::{
    actors::{Actor, jwt},
    world::{Answer, World, on_every_store},
};

const GET: &str = "/tenantry/v1/organizations/get";

async fn post(world: &World, actor: &Actor, content_type: &str, body: impl Into<String>) -> Answer {
    let request = world.request(Method::POST, GET).header("Content-Type", content_type).body(body.into());
    world.send(actor, request).await
}

#[tokio::test]
async fn a_body_that_is_not_the_operations_input_names_the_mend() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let json = "application/json";
        post(&world, &alice, json, "{}").await.names_field("organizationId");
        post(&world, &alice, json, r#"{"organizationId":"7"}"#).await.names_field("organizationId");
        let unknown = r#"{"organizationId":"0192f0c1-2b3a-7c4d-8e5f-60718293a4b5","color":"red"}"#;
        post(&world, &alice, json, unknown).await.names_field("color");
        post(&world, &alice, json, "{").await.refused(400, "invalid_request");
        post(&world, &alice, json, "").await.refused(400, "invalid_request");
        post(&world, &alice, json, "[".repeat(10_000)).await.refused(400, "invalid_request");
        post(&world, &alice, "text/plain", "{}").await.refused(415, "unsupported_media_type");
        let large = format!(r#"{{"organizationId":"{}"}}"#, "x".repeat(64 * 1024));
        post(&world, &alice, json, large).await.refused(413, "payload_too_large");
        // Also in the midst of writing a client gets to see why it is refused.
        for _ in 0..20 {
            post(&world, &alice, json, "x".repeat(900_000)).await.refused(413, "payload_too_large");
            post(&world, &Actor::nobody(), json, "x".repeat(900_000)).await.refused(401, "unauthenticated");
        }
    })
    .await;
}

#[tokio::test]
async fn a_credential_that_is_not_valid_is_told_apart_from_none() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        let input = json!({ "organizationId": organization });
        let call = async |authorization: &str| {
            let actor = Actor { id: String::new(), authorization: Some(authorization.to_owned()) };
            world.call(&actor, "get", input.clone()).await
        };
        let nobody = world.call(&Actor::nobody(), "get", input.clone()).await;
        nobody.refused(401, "unauthenticated");
        assert_eq!(nobody.headers["www-authenticate"], "Bearer realm=\"tenantry\"");

        let expired = format!("Bearer {}", jwt("alice", &json!({ "exp": 1_000_000_000 })));
        let refused = call(&expired).await;
        refused.refused(401, "expired_token");
        assert!(refused.headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
        for claims in [json!({ "iss": "x" }), json!({ "aud": "x" }), json!({ "iss": null }), json!({ "exp": null })] {
            call(&format!("Bearer {}", jwt("alice", &claims))).await.refused(401, "invalid_token");
        }
        let wrong_secret = format!("Bearer {}:ts_{}", token.id, "0".repeat(49));
        for authorization in ["Bearer nonsense", "Bearer ", "Basic !", &wrong_secret] {
            call(authorization).await.refused(401, "invalid_token");
        }
        // A secret is no better in an organization that is not the token's.
        let elsewhere = world.organization(&Actor::user("dave")).await;
        let forged = Actor { id: String::new(), authorization: Some(wrong_secret) };
        let input = json!({ "organizationId": elsewhere });
        world.call(&forged, "get", input.clone()).await.refused(401, "invalid_token");
        world.call(&token, "get", input).await.refused(404, "not_found");
        world.call(&forged, "roles", json!({})).await.refused(401, "invalid_token");
        world.call(&forged, "create", json!({ "name": "x" })).await.refused(401, "invalid_token");
    })
    .await;
}

#[tokio::test]
async fn a_repetition_under_the_same_key_gets_the_first_answer() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let create = json!({ "name": "Once" });
        let first = world.call_once(&alice, "k-1", "create", create.clone()).await.ok();
        let again = world.call_once(&alice, "k-1", "create", create.clone()).await.ok();
        assert_eq!(first, again);
        let other = world.call_once(&alice, "k-1", "create", json!({ "name": "Twice" })).await;
        other.refused(422, "idempotency_mismatch");
        let by_bob = world.call_once(&Actor::user("bob"), "k-1", "create", create).await.ok();
        assert_ne!(first["organization"]["id"], by_bob["organization"]["id"]);

        let organization = &first["organization"]["id"];
        let mint = json!({ "organizationId": organization, "permissions": ["org:view"] });
        let minted = world.call_once(&alice, "k-2", "tokens/create", mint.clone()).await.ok();
        let minted_again = world.call_once(&alice, "k-2", "tokens/create", mint).await.ok();
        assert_eq!(minted["apiToken"]["secret"], minted_again["apiToken"]["secret"]);
        let listed = world.call(&alice, "tokens/list", json!({ "organizationId": organization })).await.ok();
        assert_eq!(listed["apiTokens"].as_array().map(Vec::len), Some(1));
        let listed = world.call(&alice, "list", json!({})).await.ok();
        assert_eq!(listed["organizations"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_has_a_form() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let long = "x".repeat(256);
        for key in ["", "a b", &long] {
            let answer = world.call_once(&alice, key, "create", json!({ "name": "x" })).await;
            answer.names_field("Idempotency-Key");
        }
    })
    .await;
}

/// Every answer says that nobody on the way may keep it, and no refusal shows what was sent as a secret.
#[tokio::test]
async fn answers_are_not_for_keeping_and_secrets_are_not_echoed() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let answer = world.call(&alice, "create", json!({ "name": "x" })).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        let secret = "ts_do-not-show-this-to-anybody";
        let actor = Actor { id: String::new(), authorization: Some(format!("Bearer tk_live_x:{secret}")) };
        let refused = world.call(&actor, "list", json!({})).await;
        refused.refused(401, "invalid_token");
        assert_eq!(refused.headers["cache-control"], "no-store");
        assert!(!format!("{:?}{}", refused.headers, refused.body).contains(secret));
        assert!(refused.body["type"].as_str().is_some_and(|kind| kind.contains("invalid_token")));
    })
    .await;
}

/// JSON that is nested so deeply, itself being the first level.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

#[tokio::test]
async fn what_is_stored_can_be_read_however_deep_it_is() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let deep = json!({ "name": "Deep", "metadata": nested(limits::METADATA_DEPTH_MAX) });
        let first = world.call_once(&alice, "deep", "create", deep.clone()).await.ok();
        assert_eq!(first["organization"]["metadata"], nested(limits::METADATA_DEPTH_MAX));
        assert_eq!(world.call_once(&alice, "deep", "create", deep).await.ok(), first);
        let id = &first["organization"]["id"];
        let update = json!({ "organizationId": id, "metadata": nested(limits::METADATA_DEPTH_MAX), "city": "Ulm" });
        for _ in 0..2 {
            world.call_once(&alice, "deeper", "update", update.clone()).await.ok();
        }
        world.call(&alice, "get", json!({ "organizationId": id })).await.ok();
        world.call(&alice, "list", json!({})).await.ok();
        world.call(&alice, "search", json!({})).await.ok();
        for levels in [limits::METADATA_DEPTH_MAX + 1, 63, 64, 125] {
            let create = json!({ "name": "Deep", "metadata": nested(levels) });
            world.call_once(&alice, &format!("deep-{levels}"), "create", create).await.names_field("metadata");
            let update = json!({ "organizationId": id, "metadata": nested(levels) });
            world.call(&alice, "update", update).await.names_field("metadata");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_is_what_was_sent_or_it_is_refused() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let create = async |body: &str| {
            let request = world.request(Method::POST, "/tenantry/v1/organizations/create");
            let request = request.header("Content-Type", "application/json").body(body.to_owned());
            world.send(&alice, request).await
        };
        let kept = create(r#"{"name":"X","metadata":{"n":[18446744073709551615,-9223372036854775808,0.1,1.5e300]}}"#);
        let numbers = kept.await.ok()["organization"]["metadata"]["n"].clone();
        assert_eq!(numbers, json!([u64::MAX, i64::MIN, 0.1, 1.5e300]));
        for number in ["18446744073709551616", "1e400", "1e-400", "0.1234567890123456789"] {
            create(&format!(r#"{{"name":"X","metadata":{{"n":[{number}]}}}}"#)).await.names_field("metadata.n[0]");
        }
        create(r#"{"name":"X","name":"Y"}"#).await.names_field("name");
        create(r#"{"name":"X","metadata":{"a":{"b":1,"b":2}}}"#).await.names_field("metadata.a.b");
        // A list is no object, and nothing is done by it.
        create(r#"["X",null,null,null,null,null,null,null,null,null,null,null,null]"#).await.names_field("body");
        let organization = world.organization(&alice).await;
        let request = world.request(Method::POST, "/tenantry/v1/organizations/delete");
        world.send(&alice, request.json(&json!([organization]))).await.names_field("body");
        // One id has one spelling.
        for spelled in
            [organization.replace('-', ""), format!("{{{organization}}}"), format!("urn:uuid:{organization}")]
        {
            world.call(&alice, "get", json!({ "organizationId": spelled })).await.names_field("organizationId");
        }
        world.call(&alice, "get", json!({ "organizationId": organization })).await.ok();
    })
    .await;
}

#[tokio::test]
async fn an_end_beyond_all_time_is_too_late_and_says_so() {
    on_every_store(async |world| {
        let alice = Actor::user("alice");
        let organization = world.organization(&alice).await;
        let token = world.token(&alice, &organization, &["org:view"]).await;
        let invite = json!({ "organizationId": organization, "email": "zoe@example.com" });
        let invited = world.call(&alice, "invitations/create", invite).await.ok();
        let operations = [
            ("invitations/create", json!({ "email": "xi@example.com" })),
            ("invitations/resend", json!({ "id": invited["invitation"]["id"] })),
            ("join-codes/create", json!({})),
            ("tokens/create", json!({})),
            ("tokens/update", json!({ "key": token.id })),
        ];
        for late in ["9999-12-30T22:00:01Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-12:00"] {
            for (operation, input) in &operations {
                let mut input = input.clone();
                (input["organizationId"], input["expiresAt"]) = (json!(organization), json!(late));
                let answer = world.call(&alice, operation, input).await;
                answer.names_field("expiresAt");
                let error = &answer.body["errors"][0];
                assert_eq!(error["code"], "too_late", "{operation} {late}: {error}");
                assert!(error["detail"].as_str().unwrap().contains("within 10 years"), "{operation}: {error}");
            }
            let invitations = json!([{ "email": "xi@example.com", "expiresAt": late }]);
            let batch = json!({ "organizationId": organization, "invitations": invitations });
            let answer = world.call(&alice, "invitations/create-batch", batch).await.ok();
            let error = &answer["results"][0]["error"]["errors"][0];
            assert_eq!((&error["field"], &error["code"]), (&json!("invitations[0].expiresAt"), &json!("too_late")));
        }
    })
    .await;
}

#[tokio::test]
async fn null_is_as_absent_and_takes_away_only_what_no_empty_text_could() {
    on_every_store(async |world| {
        let [alice, bob] = ["alice", "bob"].map(Actor::user);
        let organization = world.organization(&alice).await;
        world.join(&alice, &organization, &bob, "writer").await;
        // Of an organization, a member and a role.
        let profile = ["name", "slug", "description", "avatarUrl", "type", "countryCode", "country", "state", "city"];
        let profile = profile.into_iter().chain(["address", "timezone", "email", "metadata", "ifVersion"]);
        let mut update: Value = profile.map(|field| (field.to_owned(), Value::Null)).collect();
        update["organizationId"] = json!(organization);
        let fill = json!({
            "organizationId": organization, "description": "d", "avatarUrl": "https://a.example/", "type": "t",
            "countryCode": "DE", "city": "c", "metadata": { "a": 1 },
        });
        let filled = world.call(&alice, "update", fill).await.ok()["organization"].clone();
        assert_eq!(world.call(&alice, "update", update).await.ok()["organization"], filled);
        let clear = json!({
            "organizationId": organization, "description": "", "avatarUrl": "", "type": "", "countryCode": "",
            "city": "", "metadata": {},
        });
        let cleared = world.call(&alice, "update", clear).await.ok()["organization"].clone();
        assert_eq!((&cleared["description"], &cleared["avatarUrl"]), (&json!(""), &json!(null)));
        assert_eq!((&cleared["type"], &cleared["metadata"]), (&json!(null), &json!({})));
        let update = json!({ "organizationId": organization, "userId": "bob", "roles": null, "workspaces": null });
        assert_eq!(world.call(&alice, "members/update", update).await.ok()["member"]["roles"], json!(["writer"]));
        let role = json!({ "organizationId": organization, "role": "clerk", "permissions": ["org:view"], "description": "d" });
        let defined = world.call(&alice, "roles/create", role).await.ok();
        let update = json!({ "organizationId": organization, "role": "clerk", "permissions": null, "description": null });
        assert_eq!(world.call(&alice, "roles/update", update).await.ok(), defined);

        // Of an API token, the end alone can be taken away.
        let token = json!({
            "organizationId": organization, "name": "ci", "permissions": ["org:view"], "expiresAt": "2030-01-01T00:00:00Z",
        });
        let key = world.call(&alice, "tokens/create", token).await.ok()["apiToken"]["key"].clone();
        let update = |field: &str| json!({ "organizationId": organization, "key": key, field: null });
        for field in ["name", "permissions", "expiresAt"] {
            let token = world.call(&alice, "tokens/update", update(field)).await.ok()["apiToken"].clone();
            assert_eq!((&token["name"], &token["permissions"]), (&json!("ci"), &json!(["org:view"])));
            assert_eq!(token["expiresAt"].is_null(), field == "expiresAt", "{field}: {token}");
        }
    })
    .await;
}
