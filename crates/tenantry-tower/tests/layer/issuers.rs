//! Several issuers: whose users are whose, and who is believed what.

use futures_util::FutureExt;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tenantry_core::{
    access::caller::{Caller, Identity},
    values::ids::UserId,
};
use tenantry_tower::{
    Authenticator, ClaimNames, Head, JwtVerifier, TenantryLayer,
    jwt::{self, Issuer, Key},
};

use crate::support::{
    AUDIENCE, Answer, ISSUER, Service, Signing, World, ask, claims, eventually, get, hs256_key, plain, sign,
    sign_with_header, with_authorization,
};

const PARTNER: &str = "https://partner.example";
const PARTNERS_SECRET: &[u8] = b"a secret of the partner's, which has at least thirty-two bytes";

fn own() -> Issuer {
    Issuer::new(ISSUER, hs256_key()).audience(AUDIENCE)
}

/// Its users are others than those of the host's own.
fn partner() -> Issuer {
    let key = Key::new(jwt::Algorithm::Hs256, PARTNERS_SECRET);
    Issuer::new(PARTNER, key).audience(AUDIENCE).qualified_ids()
}

fn partners_signing() -> Signing {
    Signing::secret(Algorithm::HS256, PARTNERS_SECRET)
}

/// What `iss` says of the user whom it calls `sub`.
fn said(world: &World, iss: &str, sub: &str) -> Value {
    let mut said = claims(sub, &world.clock);
    said["iss"] = iss.into();
    said
}

/// A credential by which `iss` calls somebody `sub`.
fn bearer(world: &World, iss: &str, sub: &str) -> String {
    let signing = if iss == ISSUER { Signing::hs256() } else { partners_signing() };
    format!("Bearer {}", sign(&said(world, iss, sub), &signing))
}

/// The id of the user whom the partner calls `sub`.
fn of_partner(sub: &str) -> String {
    UserId::qualified(PARTNER, sub).unwrap().to_string()
}

fn service(world: &World, authenticator: Authenticator) -> Service {
    plain(&TenantryLayer::builder(world.engine.clone(), authenticator).build().unwrap())
}

async fn ask_as(service: &Service, bearer: &str) -> Answer {
    ask(service, &[("authorization", bearer)]).await
}

fn identity(authenticator: &Authenticator, bearer: &str) -> Result<Identity, String> {
    match authenticator.authenticate(Head::of(&with_authorization(bearer))).now_or_never().unwrap() {
        Ok(Some(Caller::User(identity))) => Ok(*identity),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(format!("{}: {error}", error.code())),
    }
}

#[tokio::test]
async fn users_whom_two_issuers_call_the_same_never_see_each_others_organization() {
    let world = World::new().await;
    let (anns, other_anns) = (bearer(&world, ISSUER, "ann"), bearer(&world, PARTNER, "ann"));
    let layers = [
        TenantryLayer::builder(world.engine.clone(), world.believing([own(), partner()])),
        TenantryLayer::builder(world.engine.clone(), world.believing([partner(), own()])).strict(),
    ];
    for layer in &layers {
        let service = plain(&layer.clone().build().unwrap());
        // Cold and warm, in turns.
        for _ in 0..3 {
            assert_eq!(ask_as(&service, &anns).await.body["organization"], "Acme");
            assert_eq!(ask_as(&service, &other_anns).await.status, 403);
            let named = [("authorization", other_anns.as_str()), ("x-organization-id", "acme")];
            assert_eq!(ask(&service, &named).await.code(), "not_found");
        }
    }
    world.organization(&of_partner("ann"), "Partners").await;
    for layer in layers {
        let service = plain(&layer.build().unwrap());
        eventually("her organization is seen", async || ask_as(&service, &other_anns).await.status == 200).await;
        for _ in 0..3 {
            for (bearer, organization, id) in
                [(&anns, "Acme", "ann".to_owned()), (&other_anns, "Partners", of_partner("ann"))]
            {
                let answer = ask_as(&service, bearer).await;
                assert_eq!(
                    (&answer.body["organization"], &answer.body["principal"]),
                    (&json!(organization), &json!(id))
                );
            }
            for (bearer, theirs) in [(&anns, "partners"), (&other_anns, "acme")] {
                let named = [("authorization", bearer.as_str()), ("x-organization-id", theirs)];
                assert_eq!(ask(&service, &named).await.code(), "not_found", "{theirs}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_who_goes_is_not_the_one_whom_another_issuer_calls_the_same() {
    let world = World::new().await;
    world.join("cy", "member").await;
    world.join(&of_partner("cy"), "member").await;
    let service = service(&world, world.believing([own(), partner()]));
    let (cys, other_cys) = (bearer(&world, ISSUER, "cy"), bearer(&world, PARTNER, "cy"));
    for bearer in [&cys, &other_cys] {
        world.until_remembered(&service, || get("/", &[("authorization", bearer)])).await;
    }
    let remove = json!({ "organizationId": world.acme, "userId": of_partner("cy") });
    let remove: tenantry_core::operations::members::Remove = serde_json::from_value(remove).unwrap();
    world.run_elsewhere("ann", &remove).await;
    eventually("the removal is seen", async || ask_as(&service, &other_cys).await.status == 403).await;
    assert_eq!(ask_as(&service, &cys).await.body["organization"], "Acme");
}

#[tokio::test]
async fn an_issuers_keys_verify_its_own_tokens_and_no_others() {
    let world = World::new().await;
    let key = |secret: &[u8], kid: &str| Key::new(jwt::Algorithm::Hs256, secret).kid(kid);
    let secrets = [(ISSUER, crate::support::HS_SECRET.as_slice()), (PARTNER, PARTNERS_SECRET)];
    // Named alike, named apart, and without names.
    for kids in [Some(["k", "k"]), Some(["a", "b"]), None] {
        let keys = [0, 1].map(|which| match kids {
            Some(kids) => key(secrets[which].1, kids[which]),
            None => Key::new(jwt::Algorithm::Hs256, secrets[which].1),
        });
        let [first, second] = keys;
        let first = Issuer::new(ISSUER, first).audience(AUDIENCE);
        let second = Issuer::new(PARTNER, [second]).audience(AUDIENCE).qualified_ids();
        let authenticator = world.believing([first, second]);
        for (owner, secret) in secrets {
            for (iss, _) in secrets {
                for kid in [Some("k"), Some("a"), Some("b"), None] {
                    let header = json!({ "alg": "HS256", "kid": kid });
                    let signing = Signing::secret(Algorithm::HS256, secret);
                    let jwt = sign_with_header(&header, &said(&world, iss, "ann"), &signing);
                    let told = identity(&authenticator, &format!("Bearer {jwt}"));
                    if owner != iss {
                        assert!(told.unwrap_err().contains("not signed by a key"), "{owner} for {iss}, {kid:?}");
                    } else if kids.is_none() || kid.is_none() {
                        assert!(told.is_ok(), "{iss}, {kid:?}: {told:?}");
                    }
                }
            }
        }
        let unknown = said(&world, "https://unknown.example", "ann");
        let unknown = format!("Bearer {}", sign(&unknown, &Signing::hs256()));
        assert!(identity(&authenticator, &unknown).unwrap_err().contains("issuer (iss)"));
    }
}

#[tokio::test]
async fn an_issuers_audiences_and_token_types_are_its_own() {
    let world = World::new().await;
    let theirs = Issuer::new(PARTNER, Key::new(jwt::Algorithm::Hs256, PARTNERS_SECRET)).qualified_ids();
    let authenticator = world.believing([own().audience("own"), theirs.audience("theirs").token_type("at+jwt")]);
    let ask = |iss: &str, audience: &str, typ: &str| {
        let mut said = said(&world, iss, "ann");
        said["aud"] = audience.into();
        let signing = if iss == ISSUER { Signing::hs256() } else { partners_signing() };
        let jwt = sign_with_header(&json!({ "alg": "HS256", "typ": typ }), &said, &signing);
        identity(&authenticator, &format!("Bearer {jwt}")).is_ok()
    };
    for (audience, typ, is_own, is_theirs) in [
        (AUDIENCE, "JWT", true, false),
        ("own", "at+jwt", true, false),
        ("theirs", "at+jwt", false, true),
        ("theirs", "JWT", false, false),
    ] {
        assert_eq!(ask(ISSUER, audience, typ), is_own, "{audience}, {typ}");
        assert_eq!(ask(PARTNER, audience, typ), is_theirs, "{audience}, {typ}");
    }
}

#[tokio::test]
async fn an_issuer_vouches_for_what_the_host_believes_of_it_alone() {
    let world = World::new().await;
    let names = ClaimNames::new().username("login").platform_admin("is_admin");
    let authenticator = world.believing([own().claims(names), partner().claims(ClaimNames::new().no_verified_email())]);
    let told = |iss: &str| {
        let mut said = said(&world, iss, "eve");
        for (claim, value) in [
            ("is_admin", json!(true)),
            ("platform_admin", json!(true)),
            ("email", json!("ann@example.com")),
            ("email_verified", json!(true)),
            ("login", json!("ann")),
            ("preferred_username", json!("ann")),
        ] {
            said[claim] = value;
        }
        let signing = if iss == ISSUER { Signing::hs256() } else { partners_signing() };
        identity(&authenticator, &format!("Bearer {}", sign(&said, &signing))).unwrap()
    };
    let (ours, theirs) = (told(ISSUER), told(PARTNER));
    assert!(ours.platform_admin && ours.verified_email().is_some());
    assert_eq!(ours.username.unwrap().to_string(), "ann");
    assert!(!theirs.platform_admin);
    assert_eq!((theirs.verified_email(), theirs.username.as_ref()), (None, None));
    assert_eq!(theirs.addresses().count(), 0);
    // And where the host says nothing, its users have no username and are no platform admins.
    let authenticator = world.believing([own()]);
    let mut said = said(&world, ISSUER, "eve");
    (said["preferred_username"], said["platform_admin"]) = (json!("ann"), json!(true));
    let told = identity(&authenticator, &format!("Bearer {}", sign(&said, &Signing::hs256()))).unwrap();
    assert!(told.username.is_none() && !told.platform_admin);
}

#[tokio::test]
async fn what_is_kept_for_users_does_not_change_with_the_issuers_beside_theirs() {
    let world = World::new().await;
    world.organization(&of_partner("ann"), "Partners").await;
    let third = || {
        let key = Key::new(jwt::Algorithm::Hs256, b"a third secret of at least thirty-two bytes");
        Issuer::new("https://third.example", key).audience(AUDIENCE).qualified_ids()
    };
    let sets = [
        vec![own()],
        vec![own(), partner()],
        vec![third(), partner(), own()],
        vec![partner(), own()],
        vec![partner()],
        vec![third(), partner()],
    ];
    for set in sets {
        let shown = format!("{set:?}");
        let has = |name: &str| shown.contains(&format!("{name:?}"));
        let (has_own, has_partner) = (has(ISSUER), has(PARTNER));
        let service = service(&world, world.believing(set));
        for (iss, is_known, organization) in [(ISSUER, has_own, "Acme"), (PARTNER, has_partner, "Partners")] {
            let answer = ask_as(&service, &bearer(&world, iss, "ann")).await;
            if is_known {
                assert_eq!(answer.body["organization"], organization, "{shown}");
            } else {
                assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"), "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_reads_like_the_user_of_another_issuer() {
    let world = World::new().await;
    world.organization(&of_partner("ann"), "Partners").await;
    world.organization("iss:https://long.gone#bob", "Gone").await;
    // Whether that issuer is known or not: it may have been, or come to be.
    for issuers in [vec![own()], vec![own(), partner()]] {
        let service = service(&world, world.believing(issuers));
        for sub in [of_partner("ann"), "iss:https://long.gone#bob".to_owned(), "iss:".to_owned()] {
            let answer = ask_as(&service, &bearer(&world, ISSUER, &sub)).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (401, "invalid_token"), "{sub}");
            assert!(answer.body["detail"].as_str().unwrap().contains("another issuer's user"), "{}", answer.body);
        }
    }
    // What only resembles it is a name like any other.
    let authenticator = world.believing([own(), partner()]);
    for sub in ["https://partner.example#ann", "ISS:https://partner.example#ann", "issuer:ann", "#ann", " iss:x#y"] {
        assert_eq!(identity(&authenticator, &bearer(&world, ISSUER, sub)).unwrap().id.as_str(), sub);
    }
    // And behind the name of its issuer a sub may be what it likes.
    for sub in ["#ann", "iss:https://id.example.com/#ann", "ann#", "ann"] {
        let id = identity(&authenticator, &bearer(&world, PARTNER, sub)).unwrap().id;
        assert_eq!(id.as_str(), format!("iss:https://partner.example#{sub}"));
    }
}

#[tokio::test]
async fn a_qualified_id_has_the_same_bound_as_another() {
    let world = World::new().await;
    let authenticator = world.believing([partner()]);
    let room = 255 - "iss:https://partner.example#".len();
    let ask = |length: usize| identity(&authenticator, &bearer(&world, PARTNER, &"x".repeat(length)));
    assert_eq!(ask(room).unwrap().id.as_str().len(), 255);
    let refusal = ask(room + 1).unwrap_err();
    assert!(refusal.contains("at most 255 bytes, and this would have 256"), "{refusal}");
    assert!(ask(0).unwrap_err().contains("is not empty"));
}

#[tokio::test]
async fn a_second_issuer_has_the_host_say_whose_users_are_apart() {
    let world = World::new().await;
    let plain = |iss: &str| Issuer::new(iss, Key::new(jwt::Algorithm::Hs256, PARTNERS_SECRET)).audience(AUDIENCE);
    let build = |issuers: Vec<Issuer>| {
        issuers.into_iter().fold(JwtVerifier::builder(), tenantry_tower::JwtVerifierBuilder::issuer)
    };
    let mend = |issuers: Vec<Issuer>| build(issuers).build().unwrap_err().to_string();
    let message = mend(vec![own(), plain(PARTNER)]);
    for part in [ISSUER, PARTNER, "qualified_ids()", "dangerously_share_users()"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(mend(vec![plain("https://a"), partner(), own()]).contains("qualified_ids()"));
    assert!(mend(vec![own(), own()]).contains("named twice"));
    assert!(mend(vec![partner(), partner()]).contains("named twice"));
    assert!(mend(vec![own(), plain("https://a#b").qualified_ids()]).contains("a # in its name"));
    assert!(build(vec![plain("https://a#b"), partner()]).build().is_ok());

    // In so many words, they have their users in common; whoever is apart stays so.
    let third = plain("https://third.example").qualified_ids();
    let verifier = build(vec![own(), plain(PARTNER), third]).dangerously_share_users();
    let authenticator = Authenticator::new().jwt(verifier.clock(world.clock.clone()).build().unwrap());
    let service = service(&world, authenticator);
    for iss in [ISSUER, PARTNER] {
        assert_eq!(ask_as(&service, &bearer(&world, iss, "ann")).await.body["organization"], "Acme", "{iss}");
    }
    assert_eq!(ask_as(&service, &bearer(&world, "https://third.example", "ann")).await.status, 403);
}

#[tokio::test]
async fn no_secret_of_an_issuer_is_shown() {
    let world = World::new().await;
    let secretive = Issuer::new("https://ann:hunter2@id.example.com/", hs256_key()).audience(AUDIENCE);
    let authenticator = world.believing([secretive.clone(), partner()]);
    let told = format!("{secretive:?} {:?} {authenticator:?}", JwtVerifier::builder().issuer(secretive.clone()));
    for shown in [PARTNER, AUDIENCE, "HS256", "qualified: true"] {
        assert!(told.contains(shown), "{shown}: {told}");
    }
    let twice = JwtVerifier::builder().issuer(secretive.clone()).issuer(secretive).build().unwrap_err().to_string();
    for secret in ["hunter2", "a test secret", "a secret of the partner"] {
        assert!(!told.contains(secret) && !twice.contains(secret), "{secret}: {told} {twice}");
    }
}
