//! Subdomains, parameters of the query, cookies, claims that only remember, and functions of the host's.

use http::{Request, header::HOST};
use serde_json::json;
use tenantry_core::operations::{members, organizations};
use tenantry_core::values::ids::UserId;
use tenantry_tower::{Choice, ClaimNames, Head, TenantryLayerBuilder, jwt::Issuer};

use crate::support::{AUDIENCE, ISSUER, Service, Signing, World, ask_clone, claims, hs256_key, plain, sign};

fn choosing(world: &World, choices: impl IntoIterator<Item = Choice>) -> Service {
    plain(&world.layer().choose(choices).build().unwrap())
}

/// Ann owns Acme (`acme`), and Beta too (`beta`).
async fn with_two() -> World {
    let world = World::new().await;
    world.organization("ann", "Beta").await;
    world
}

async fn chosen(service: &Service, bearer: &str, uri: &str, headers: &[(&str, &str)]) -> String {
    let mut request = Request::get(uri).header("authorization", bearer);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = ask_clone(service, request.body(()).unwrap()).await;
    answer.body["organization"].as_str().unwrap_or(answer.code()).to_owned()
}

#[tokio::test]
async fn a_subdomain_means_its_organization() {
    let world = with_two().await;
    let service = choosing(&world, [Choice::Subdomain("Ledgerly.example".to_owned()), Choice::Only]);
    let (ann, bob) = (world.bearer("ann"), world.bearer("bob"));
    for (host, expected) in [
        ("acme.ledgerly.example", "Acme"),
        ("BETA.ledgerly.example:8080", "Beta"),
        ("acme.ledgerly.example.", "Acme"),
        ("ledgerly.example", "organization_required"),
        ("other.example", "organization_required"),
        ("gamma.ledgerly.example", "not_found"),
        ("ab.ledgerly.example", "not_found"),
        ("acme.beta.ledgerly.example", "not_found"),
    ] {
        for _ in 0..2 {
            assert_eq!(chosen(&service, &ann, "/", &[("host", host)]).await, expected, "{host}");
        }
    }
    // HTTP/2 has it in the URI.
    assert_eq!(chosen(&service, &ann, "https://beta.ledgerly.example/", &[]).await, "Beta");
    let both = [("host", "acme.ledgerly.example")];
    assert_eq!(chosen(&service, &ann, "https://acme.ledgerly.example:443/", &both).await, "Acme");
    assert_eq!(chosen(&service, &ann, "https://beta.ledgerly.example/", &both).await, "invalid_request");
    assert_eq!(chosen(&service, &bob, "/", &both).await, "not_found");
    let twice = [("host", "acme.ledgerly.example"), ("host", "beta.ledgerly.example")];
    assert_eq!(chosen(&service, &ann, "/", &twice).await, "invalid_request");
    // Who sits in front is not believed unless the host says so.
    let forwarded = [("host", "acme.ledgerly.example"), ("x-forwarded-host", "beta.ledgerly.example")];
    assert_eq!(chosen(&service, &ann, "/", &forwarded).await, "Acme");
    let behind = choosing(&world, [Choice::ForwardedSubdomain("ledgerly.example".to_owned())]);
    assert_eq!(chosen(&behind, &ann, "/", &forwarded).await, "Beta");
    assert_eq!(chosen(&behind, &ann, "/", &forwarded[..1]).await, "organization_required");
    // An API token means its own organization, whatever the address says.
    let token = world.token(&["notes:read"], None).await;
    let token = format!("Bearer {}", token.bearer);
    assert_eq!(chosen(&service, &token, "/", &[("host", "acme.ledgerly.example")]).await, "Acme");
    assert_eq!(chosen(&service, &token, "/", &[("host", "beta.ledgerly.example")]).await, "not_found");
    assert_eq!(chosen(&service, &token, "/", &[("host", "ledgerly.example")]).await, "Acme");
}

#[tokio::test]
async fn a_parameter_of_the_query_means_its_organization() {
    let world = with_two().await;
    let service = choosing(&world, [Choice::QueryParameter("org".to_owned()), Choice::Header(Choice::HEADER)]);
    let ann = world.bearer("ann");
    for (uri, expected) in [
        ("/?org=acme", "Acme"),
        ("/?x=1&org=b%65ta", "Beta"),
        ("/?org=", "organization_required"),
        ("/?xorg=acme", "organization_required"),
        ("/?org=elsewhere", "not_found"),
        ("/?org=No+Slug", "not_found"),
        ("/?org=acme&org=beta", "invalid_request"),
    ] {
        assert_eq!(chosen(&service, &ann, uri, &[]).await, expected, "{uri}");
    }
    let header = [("x-organization-id", "beta")];
    assert_eq!(chosen(&service, &ann, "/?org=acme", &header).await, "invalid_request");
    assert_eq!(chosen(&service, &ann, "/?org=beta", &header).await, "Beta");
}

#[tokio::test]
async fn what_a_cookie_remembers_counts_until_it_is_out_of_date() {
    let world = with_two().await;
    world.join("carol", "member").await;
    let gamma = world.organization("carol", "Gamma").await;
    let header = || Choice::Header(Choice::HEADER);
    let service = choosing(&world, [header(), Choice::Cookie("org".to_owned()), Choice::Only]);
    let carol = world.bearer("carol");
    let with = async |cookie: &str| chosen(&service, &carol, "/", &[("cookie", cookie)]).await;
    for _ in 0..2 {
        assert_eq!(with("org=acme").await, "Acme");
        assert_eq!(with(&format!("org={gamma}")).await, "Gamma");
        for out_of_date in ["org=beta", "org=elsewhere", "org=No Slug", "org=acme; org=gamma", "other=acme"] {
            assert_eq!(with(out_of_date).await, "organization_required", "{out_of_date}");
        }
    }
    // What is said in so many words counts before it, and does not fall through.
    let named = |organization| [("cookie", "org=acme"), ("x-organization-id", organization)];
    assert_eq!(chosen(&service, &carol, "/", &named("gamma")).await, "Gamma");
    assert_eq!(chosen(&service, &carol, "/", &named("beta")).await, "not_found");
    // Who is removed from it gets into the only one that is left.
    world.run("ann", &members::Remove::new(world.acme, UserId::new("carol").unwrap())).await;
    assert_eq!(with("org=acme").await, "Gamma");
    world.join("carol", "member").await;
    world.clock.advance(std::time::Duration::from_secs(6));
    assert_eq!(with("org=acme").await, "Acme");
}

#[tokio::test]
async fn a_suspended_organization_is_not_chosen_from_memory() {
    let world = with_two().await;
    let service = choosing(&world, [Choice::Cookie("org".to_owned()), Choice::Only]);
    let suspend = json!({ "organizationId": world.acme, "status": "suspended" });
    let suspend: organizations::SetStatus = serde_json::from_value(suspend).unwrap();
    world.run("root", &suspend).await;
    let ann = world.bearer("ann");
    assert_eq!(chosen(&service, &ann, "/", &[("cookie", "org=acme")]).await, "organization_required");
    assert_eq!(chosen(&service, &ann, "/", &[("cookie", "org=beta")]).await, "Beta");
}

#[tokio::test]
async fn a_claim_limits_or_only_remembers_as_the_host_says() {
    let world = with_two().await;
    let with = |choice: Choice| {
        let issuer = Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE).claims(ClaimNames::new());
        let layer: TenantryLayerBuilder =
            tenantry_tower::TenantryLayer::builder(world.engine.clone(), world.believing([issuer]));
        plain(&layer.choose([Choice::Header(Choice::HEADER), choice, Choice::Only]).build().unwrap())
    };
    let (limits, remembers) = (with(Choice::Claim), with(Choice::RememberedClaim));
    let bearer = |organization: &str| {
        let mut claims = claims("ann", &world.clock);
        claims["organization"] = organization.into();
        format!("Bearer {}", sign(&claims, &Signing::hs256()))
    };
    for (claim, header, limited, remembered) in [
        ("acme", None, "Acme", "Acme"),
        ("elsewhere", None, "not_found", "organization_required"),
        ("No Slug", None, "invalid_token", "organization_required"),
        ("acme", Some("beta"), "invalid_request", "Beta"),
    ] {
        let headers: Vec<_> = header.iter().map(|header| ("x-organization-id", *header)).collect();
        assert_eq!(chosen(&limits, &bearer(claim), "/", &headers).await, limited, "{claim} {header:?}");
        assert_eq!(chosen(&remembers, &bearer(claim), "/", &headers).await, remembered, "{claim} {header:?}");
    }
}

#[tokio::test]
async fn a_host_finds_it_out_itself() {
    let world = with_two().await;
    let domain =
        Choice::with(|head: Head<'_>| Ok((head.header(&HOST) == Some("books.acme.example")).then(|| "acme".into())));
    let last = Choice::remembered_with(|head: Head<'_>| Ok(head.cookie("session")?.map(str::to_owned)));
    let service = choosing(&world, [domain, last]);
    let ann = world.bearer("ann");
    for (host, cookie, expected) in [
        ("books.acme.example", "x=y", "Acme"),
        ("books.acme.example", "session=beta", "Acme"),
        ("app.example", "session=beta", "Beta"),
        ("app.example", "session=elsewhere", "organization_required"),
        ("app.example", "x=y", "organization_required"),
    ] {
        for _ in 0..2 {
            assert_eq!(chosen(&service, &ann, "/", &[("host", host), ("cookie", cookie)]).await, expected);
        }
    }
    assert_eq!(chosen(&service, &world.bearer("bob"), "/", &[("host", "books.acme.example")]).await, "not_found");
}
