//! Which organization a user means.

use http::{Request, header::AUTHORIZATION};
use serde_json::json;
use tenantry_core::operations::organizations;
use tenantry_tower::{Choice, ClaimNames, TenantryLayer, jwt::Issuer};

use crate::support::{AUDIENCE, ISSUER, Service, Signing, World, ask, ask_clone, claims, get, hs256_key, plain, sign};

const HEADER: &str = "x-organization-id";

async fn chosen(service: &Service, bearer: &str, path: &str, header: Option<&str>) -> (u16, String) {
    let mut headers = vec![("authorization", bearer)];
    headers.extend(header.map(|header| (HEADER, header)));
    let answer = ask_clone(service, get(path, &headers)).await;
    let word = if answer.status == 200 { &answer.body["organization"] } else { &answer.body["code"] };
    (answer.status.as_u16(), word.as_str().unwrap_or("none").to_owned())
}

fn is(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

#[tokio::test]
async fn a_header_names_one_by_id_or_slug() {
    let world = World::new().await;
    let (beta, other) = (world.organization("ann", "Beta").await, world.organization("bob", "Other").await);
    let service = plain(&world.layer().build().unwrap());
    let ann = world.bearer("ann");
    assert_eq!(chosen(&service, &ann, "/", Some(&world.acme.to_string())).await, is(200, "Acme"));
    assert_eq!(chosen(&service, &ann, "/", Some(&beta.to_string())).await, is(200, "Beta"));
    assert_eq!(chosen(&service, &ann, "/", Some("beta")).await, is(200, "Beta"));
    for theirs in [other.to_string().as_str(), "other", "no-such", "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"] {
        assert_eq!(chosen(&service, &ann, "/", Some(theirs)).await, is(404, "not_found"), "{theirs}");
    }
    for malformed in ["", "a", "Acme", "a b", "acme/beta"] {
        assert_eq!(chosen(&service, &ann, "/", Some(malformed)).await, is(400, "invalid_request"), "{malformed:?}");
    }
    let twice = [("authorization", ann.as_str()), (HEADER, "acme"), (HEADER, "acme")];
    let answer = ask(&service, &twice).await;
    assert_eq!((answer.status.as_u16(), &answer.body["errors"][0]["field"]), (400, &json!("X-Organization-Id")));
}

#[tokio::test]
async fn the_only_one_is_meant_and_of_several_none() {
    let world = World::new().await;
    let service = plain(&world.layer().build().unwrap());
    assert_eq!(chosen(&service, &world.bearer("ann"), "/", None).await, is(200, "Acme"));
    assert_eq!(chosen(&service, &world.bearer("zoe"), "/", None).await, is(403, "no_organization"));
    world.organization("ann", "Beta").await;
    crate::support::eventually("the second organization is seen", async || {
        chosen(&service, &world.bearer("ann"), "/", None).await == is(400, "organization_required")
    })
    .await;
    let answer = ask(&service, &[("authorization", &world.bearer("ann"))]).await;
    assert_eq!(answer.body["errors"][0]["field"], "X-Organization-Id");
    assert_eq!(answer.body["errors"][0]["code"], "required");
}

#[tokio::test]
async fn where_it_is_optional_a_request_may_have_none() {
    let world = World::new().await;
    world.organization("bob", "Beta").await;
    world.organization("bob", "Gamma").await;
    let service = plain(&world.layer().build().unwrap().optional());
    assert_eq!(ask(&service, &[]).await.status, 200);
    assert_eq!(chosen(&service, &world.bearer("zoe"), "/", None).await, is(200, "none"));
    assert_eq!(chosen(&service, &world.bearer("bob"), "/", None).await, is(200, "none"));
    assert_eq!(chosen(&service, &world.bearer("bob"), "/", Some("beta")).await, is(200, "Beta"));
    assert_eq!(chosen(&service, &world.bearer("bob"), "/", Some("acme")).await, is(404, "not_found"));
    assert_eq!(chosen(&service, &world.bearer("ann"), "/", None).await, is(200, "Acme"));
}

#[tokio::test]
async fn an_optional_layer_shares_what_the_required_one_remembers() {
    let world = World::new().await;
    let required = world.layer().build().unwrap();
    let (optional, required) = (plain(&required.optional()), plain(&required));
    let (ann, zoe) = (world.bearer("ann"), world.bearer("zoe"));
    world.until_remembered(&required, || Request::get("/").header(AUTHORIZATION, &ann).body(()).unwrap()).await;
    assert_eq!(chosen(&optional, &zoe, "/", None).await, is(200, "none"));
    let before = world.store.reads();
    assert_eq!(chosen(&optional, &ann, "/", None).await, is(200, "Acme"));
    assert_eq!(chosen(&required, &zoe, "/", None).await, is(403, "no_organization"));
    assert_eq!(chosen(&optional, &zoe, "/", None).await, is(200, "none"));
    assert_eq!(world.store.reads(), before, "both were remembered");
    world.join("zoe", "member").await;
    for service in [&required, &optional] {
        assert_eq!(chosen(service, &zoe, "/", None).await, is(200, "Acme"));
    }
    assert_eq!(ask(&required, &[]).await.status, 401);
    assert_eq!(ask(&optional, &[]).await.status, 200);
}

#[tokio::test]
async fn a_part_of_the_path_names_one() {
    let world = World::new().await;
    world.organization("ann", "Beta").await;
    let choices = [Choice::PathParameter("/orgs/{organization}".to_owned()), Choice::Header(Choice::HEADER)];
    let service = plain(&world.layer().choose(choices).build().unwrap());
    let ann = world.bearer("ann");
    assert_eq!(chosen(&service, &ann, "/orgs/beta/notes", None).await, is(200, "Beta"));
    assert_eq!(chosen(&service, &ann, &format!("/orgs/{}", world.acme), None).await, is(200, "Acme"));
    assert_eq!(chosen(&service, &ann, "/notes", Some("acme")).await, is(200, "Acme"));
    assert_eq!(chosen(&service, &ann, "/orgs/%62eta", None).await, is(404, "not_found"));
    assert_eq!(chosen(&service, &ann, "/notes", None).await, is(400, "organization_required"));
}

#[tokio::test]
async fn a_claim_names_one_beside_the_header() {
    let world = World::new().await;
    world.organization("ann", "Beta").await;
    let bearer = |organization: &str| {
        let mut claims = claims("ann", &world.clock);
        claims["organization"] = organization.into();
        format!("Bearer {}", sign(&claims, &Signing::hs256()))
    };
    let claim_first = plain(&world.layer().choose([Choice::Claim, Choice::Header(Choice::HEADER)]).build().unwrap());
    let header_first = plain(&world.layer().choose([Choice::Header(Choice::HEADER), Choice::Claim]).build().unwrap());
    let acme = world.acme.to_string();
    for service in [&claim_first, &header_first] {
        assert_eq!(chosen(service, &bearer("beta"), "/", None).await, is(200, "Beta"));
        assert_eq!(chosen(service, &world.bearer("ann"), "/", Some("acme")).await, is(200, "Acme"));
        for (claim, header) in [("acme", "acme"), ("acme", &acme), (&acme, "acme"), (&acme, &acme)] {
            assert_eq!(chosen(service, &bearer(claim), "/", Some(header)).await, is(200, "Acme"), "{claim} {header}");
        }
        for (claim, header) in [("beta", "acme"), ("beta", &acme), ("no-such", "acme"), (&acme, "beta")] {
            let refused = is(400, "invalid_request");
            assert_eq!(chosen(service, &bearer(claim), "/", Some(header)).await, refused, "{claim} {header}");
        }
        assert_eq!(chosen(service, &bearer("beta"), "/", Some("No Slug")).await, is(400, "invalid_request"));
        assert_eq!(chosen(service, &bearer("no-such"), "/", None).await, is(404, "not_found"));
    }
    // Where the host does not listen to the claim, it says nothing.
    let header_alone = plain(&world.layer().choose([Choice::Header(Choice::HEADER)]).build().unwrap());
    assert_eq!(chosen(&header_alone, &bearer("beta"), "/", Some("acme")).await, is(200, "Acme"));
}

#[tokio::test]
async fn names_that_contradict_each_other_are_refused() {
    let world = World::new().await;
    let beta = world.organization("ann", "Beta").await.to_string();
    let acme = world.acme.to_string();
    let (header, path) = (Choice::Header(Choice::HEADER), Choice::PathParameter("/orgs/{organization}".to_owned()));
    let ann = world.bearer("ann");
    let token = format!("Bearer {}", world.token(&[], None).await.bearer);
    for choices in [[header.clone(), path.clone(), Choice::Only], [path, header, Choice::Only]] {
        let service = plain(&world.layer().choose(choices.clone()).build().unwrap());
        let strict = plain(&world.layer().choose(choices).strict().build().unwrap());
        for (service, bearer) in [(&service, &ann), (&strict, &ann), (&service, &token), (&strict, &token)] {
            for (header, path) in [("acme", "acme"), ("acme", &acme), (&acme, "acme"), (&acme, &acme)] {
                let answer = chosen(service, bearer, &format!("/orgs/{path}/notes"), Some(header)).await;
                assert_eq!(answer, is(200, "Acme"), "{header} {path}");
            }
            for (header, path) in [
                ("acme", "beta"),
                ("beta", "acme"),
                (&acme, &beta),
                (&acme, "beta"),
                ("beta", &acme),
                ("acme", "no-such"),
                (&acme, "no-such"),
            ] {
                let request = || {
                    let headers = [("authorization", bearer.as_str()), (HEADER, header)];
                    get(&format!("/orgs/{path}/notes"), &headers)
                };
                for _ in 0..2 {
                    let answer = ask_clone(service, request()).await;
                    assert_eq!((answer.status.as_u16(), answer.code()), (400, "invalid_request"), "{header} {path}");
                    let error = &answer.body["errors"][0];
                    assert_eq!(
                        (&error["field"], &error["code"]),
                        (&json!("X-Organization-Id"), &json!("contradictory"))
                    );
                }
            }
            // What is no name at all is refused wherever it stands.
            let malformed = chosen(service, bearer, "/orgs/acme", Some("No Slug")).await;
            assert_eq!(malformed, is(400, "invalid_request"));
            assert_eq!(chosen(service, bearer, "/orgs/No%20Slug", Some("acme")).await, is(404, "not_found"));
        }
        // To a token, another organization is one that it may not see.
        assert_eq!(chosen(&service, &token, &format!("/orgs/{beta}"), Some("beta")).await, is(404, "not_found"));
        // And so is, to a user, one of which they are no member.
        assert_eq!(
            chosen(&service, &world.bearer("bob"), &format!("/orgs/{acme}"), Some("acme")).await,
            is(404, "not_found")
        );
    }
}

#[tokio::test]
async fn an_id_and_a_slug_together_are_one_read_and_end_when_the_slug_moves() {
    let world = World::new().await;
    let choices = [Choice::Header(Choice::HEADER), Choice::PathParameter("/orgs/{organization}".to_owned())];
    let service = plain(&world.layer().choose(choices).build().unwrap());
    let (ann, acme) = (world.bearer("ann"), world.acme.to_string());
    let request = || get("/orgs/acme", &[("authorization", &ann), (HEADER, &acme)]);
    let before = world.store.calls();
    assert_eq!(ask_clone(&service, request()).await.status, 200);
    assert_eq!(world.store.calls() - before, 1);
    world.until_remembered(&service, request).await;
    let rename = json!({ "organizationId": world.acme, "slug": "acme-2" });
    world.run("ann", &serde_json::from_value::<organizations::Update>(rename).unwrap()).await;
    assert_eq!(ask_clone(&service, request()).await.status, 400);
    let back = json!({ "organizationId": world.acme, "slug": "acme" });
    world.run("ann", &serde_json::from_value::<organizations::Update>(back).unwrap()).await;
    assert_eq!(ask_clone(&service, request()).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_for_an_organization_which_cannot_be_told_reaches_none() {
    let world = World::new().await;
    let bearer = |organization: serde_json::Value| {
        let mut claims = claims("ann", &world.clock);
        claims["organization"] = organization;
        format!("Bearer {}", sign(&claims, &Signing::hs256()))
    };
    let header = || Choice::Header(Choice::HEADER);
    let by_claim = [
        vec![Choice::Claim, header(), Choice::Only],
        vec![header(), Choice::Claim, Choice::Only],
        vec![Choice::Claim, Choice::Only],
    ];
    // Keycloak's is a list or an object, and other providers have ids of their own.
    let unclear = [json!(["acme"]), json!({ "acme": {} }), json!("Acme Ltd"), json!(""), json!(7), json!(false)];
    for choices in by_claim {
        let service = plain(&world.layer().choose(choices.clone()).build().unwrap());
        for named in [None, Some("acme")] {
            for claim in &unclear {
                let mut headers = vec![("authorization", bearer(claim.clone()))];
                headers.extend(named.map(|named| (HEADER, named.to_owned())));
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                // Also when the token has been verified before.
                for _ in 0..2 {
                    let answer = ask(&service, &headers).await;
                    assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"), "{choices:?} {claim}");
                    assert!(answer.body["detail"].as_str().unwrap().contains("claim organization"), "{}", answer.body);
                }
            }
        }
        for absent in [bearer(json!(null)), world.bearer("ann")] {
            assert_eq!(chosen(&service, &absent, "/", None).await, is(200, "Acme"), "{choices:?}");
        }
    }
    // Where the host does not choose by it, it means nothing.
    let service = plain(&world.layer().choose([header(), Choice::Only]).build().unwrap());
    for claim in unclear {
        for named in [None, Some("acme")] {
            assert_eq!(chosen(&service, &bearer(claim.clone()), "/", named).await, is(200, "Acme"), "{claim}");
        }
    }
}

#[tokio::test]
async fn an_issuer_may_call_its_organization_otherwise_or_tell_none() {
    let world = World::new().await;
    let bearer = |claims_more: serde_json::Value| {
        let mut claims = claims("ann", &world.clock);
        claims.as_object_mut().unwrap().extend(claims_more.as_object().unwrap().clone());
        format!("Bearer {}", sign(&claims, &Signing::hs256()))
    };
    let service = |names: ClaimNames| {
        let issuer = Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE).claims(names);
        let layer = TenantryLayer::builder(world.engine.clone(), world.believing([issuer]));
        plain(&layer.choose([Choice::Claim, Choice::Only]).build().unwrap())
    };
    world.organization("ann", "Beta").await;
    let renamed = service(ClaimNames::new().organization("org"));
    let both = bearer(json!({ "org": "beta", "organization": ["acme"] }));
    assert_eq!(chosen(&renamed, &both, "/", None).await, is(200, "Beta"));
    let none = service(ClaimNames::new().no_organization());
    assert_eq!(chosen(&none, &both, "/", None).await, is(400, "organization_required"));
}

#[tokio::test]
async fn an_api_token_means_its_own() {
    let world = World::new().await;
    let beta = world.organization("ann", "Beta").await;
    let token = format!("Bearer {}", world.token(&[], None).await.bearer);
    let required = world.layer().build().unwrap();
    for layer in [required.optional(), required] {
        let service = plain(&layer);
        for own in [None, Some(world.acme.to_string()), Some("acme".to_owned())] {
            assert_eq!(chosen(&service, &token, "/", own.as_deref()).await, is(200, "Acme"), "{own:?}");
        }
        for other in [beta.to_string().as_str(), "beta", "no-such"] {
            assert_eq!(chosen(&service, &token, "/", Some(other)).await, is(404, "not_found"), "{other}");
        }
    }
}

#[tokio::test]
async fn a_mistake_in_the_setting_up_names_its_mend() {
    let world = World::new().await;
    let mend = |builder: tenantry_tower::TenantryLayerBuilder| builder.build().unwrap_err().to_string();
    assert!(mend(world.layer().choose([])).contains("at least one"));
    assert!(mend(world.layer().choose([Choice::PathParameter("/orgs".to_owned())])).contains("/orgs/{organization}"));
    assert!(mend(world.layer().choose([Choice::Only, Choice::Claim])).contains("put it last"));
    assert!(mend(world.layer().choose([Choice::Only, Choice::Only])).contains("put it last"));
    assert!(mend(world.layer().serves(["notes"])).contains("\"notes\""));
    assert!(mend(world.layer().exempt(["/:id"])).contains("{id}"));
    assert!(mend(world.layer().capacity(0)).contains("strict()"));
    assert!(mend(world.layer().max_age(std::time::Duration::from_secs(7200))).contains("at most"));
    assert!(mend(world.layer().max_age(std::time::Duration::ZERO)).contains("strict()"));
    assert!(mend(world.layer().max_staleness(std::time::Duration::ZERO)).contains("give from 1s to 3600s"));
    let builder = world.layer();
    let outside = std::thread::spawn(move || builder.build().unwrap_err().to_string()).join().unwrap();
    assert!(outside.contains("within a tokio runtime"));
}
