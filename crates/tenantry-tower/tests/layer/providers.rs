//! Tokens in the shapes that identity providers document, and what is told of their users.

use serde_json::{Value, json};
use tenantry_core::values::clock::Clock;
use tenantry_tower::{ClaimNames, JwtVerifier, jwt::Issuer};

use crate::{
    jwts::identified,
    support::{Signing, TestClock, hs256_key, sign},
};

/// What is told of a user, as far as the providers differ: id, verified address, other address, name, picture, and whether
/// they administer the platform.
fn told(issuer: Issuer, mut claims: Value) -> Result<Value, String> {
    let clock = std::sync::Arc::new(TestClock::default());
    claims["exp"] = (clock.now().as_seconds() + 300).into();
    claims["iat"] = clock.now().as_seconds().into();
    let identity = identified(JwtVerifier::builder().clock(clock).issuer(issuer), &sign(&claims, &Signing::hs256()));
    let identity = identity.map_err(|error| error.to_string())?;
    let (email, verified) = (identity.email.as_ref().map(ToString::to_string), identity.email_verified);
    let username = identity.username.as_ref().map(ToString::to_string);
    Ok(json!([identity.id, email, verified, username, identity.name, identity.avatar_url, identity.platform_admin]))
}

fn issuer(claims: &Value, audience: &str, names: ClaimNames) -> Issuer {
    Issuer::new(claims["iss"].as_str().unwrap(), hs256_key()).audience(audience).claims(names)
}

#[test]
fn auth0() {
    let claims = json!({
        "iss": "https://acme.eu.auth0.com/", "sub": "auth0|507f1f77bcf86cd799439020",
        "aud": ["https://api.example.com/", "https://acme.eu.auth0.com/userinfo"], "azp": "my_client_id",
        "scope": "openid profile", "org_id": "org_9ybsU1dN2dKfDkBi", "org_name": "acme",
        "https://app.example.com/email": "ann@example.com", "https://app.example.com/email_verified": true,
        "https://app.example.com/name": "Ann", "https://app.example.com/picture": "https://example.com/ann.png",
    });
    let names = ClaimNames::auth0("https://app.example.com/");
    assert_eq!(
        told(issuer(&claims, "https://api.example.com/", names), claims).unwrap(),
        json!([
            "auth0|507f1f77bcf86cd799439020",
            "ann@example.com",
            true,
            null,
            "Ann",
            "https://example.com/ann.png",
            false
        ])
    );
}

#[test]
fn clerk() {
    let claims = json!({
        "iss": "https://clerk.app.example.com", "sub": "user_2abc", "sid": "sess_2abc", "azp": "https://app.example.com",
        "fva": [0, -1], "v": 2, "o": { "id": "org_2abc", "slg": "acme", "rol": "admin" }, "email": "ann@example.com",
        "email_verified": true, "name": "Ann",
    });
    let by_azp = |audience: &str| issuer(&claims, audience, ClaimNames::clerk()).audience_claim("azp");
    let expected = json!(["user_2abc", "ann@example.com", true, null, "Ann", null, false]);
    assert_eq!(told(by_azp("https://app.example.com"), claims.clone()).unwrap(), expected);
    assert!(told(by_azp("https://other.example"), claims.clone()).unwrap_err().contains("(azp)"));
}

#[test]
fn workos() {
    let claims = json!({
        "iss": "https://api.workos.com/user_management/client_01", "sub": "user_01HBEQKA6K4QJAS93VPE39W1JT",
        "sid": "session_01", "client_id": "client_01", "org_id": "org_01HRDMC6CM357W30QMHMQ96Q0S", "role": "member",
        "permissions": ["posts:read"], "email": "ann@example.com",
    });
    let issuer = issuer(&claims, "client_01", ClaimNames::workos()).audience_claim("client_id");
    let expected = json!(["user_01HBEQKA6K4QJAS93VPE39W1JT", "ann@example.com", false, null, null, null, false]);
    assert_eq!(told(issuer, claims).unwrap(), expected);
}

#[test]
fn keycloak() {
    let claims = json!({
        "iss": "https://id.example.com/realms/main", "sub": "f1a2c3d4-0000-4000-8000-000000000001",
        "aud": ["notes", "account"], "typ": "Bearer", "azp": "web", "realm_access": { "roles": ["platform-admin", "x"] },
        "resource_access": { "account": { "roles": ["manage-account"] } }, "organization": { "acme": {} },
        "email_verified": true, "name": "Ann Example", "preferred_username": "ann", "email": "ann@example.com",
    });
    let names = || ClaimNames::keycloak().username("preferred_username");
    let expected = |is_admin: bool| {
        json!(["f1a2c3d4-0000-4000-8000-000000000001", "ann@example.com", true, "ann", "Ann Example", null, is_admin])
    };
    assert_eq!(told(issuer(&claims, "notes", names()), claims.clone()).unwrap(), expected(false));
    let admins = names().platform_admin_role("/realm_access/roles", "platform-admin");
    assert_eq!(told(issuer(&claims, "notes", admins), claims.clone()).unwrap(), expected(true));
    let others = names().platform_admin_role("/realm_access/roles", "other");
    assert_eq!(told(issuer(&claims, "notes", others), claims).unwrap(), expected(false));
}

#[test]
fn zitadel() {
    let roles = "urn:zitadel:iam:org:project:roles";
    let claims = json!({
        "iss": "https://acme-abc123.zitadel.cloud", "sub": "69629023906488334", "aud": ["69234237810729019@notes", "692"],
        "email": "ann@example.com", "email_verified": true, "name": "Ann", "preferred_username": "ann@acme.example",
        roles: { "platform-admin": { "69629026806489455": "acme.zitadel.cloud" } },
    });
    let names = ClaimNames::zitadel().platform_admin_role(roles, "platform-admin");
    let expected = json!(["69629023906488334", "ann@example.com", true, null, "Ann", null, true]);
    assert_eq!(told(issuer(&claims, "692", names), claims).unwrap(), expected);
}

#[test]
fn supabase() {
    let claims = json!({
        "iss": "https://abc.supabase.co/auth/v1", "sub": "8ccaa7af-909f-44e7-84cb-67cdccb56be6", "aud": "authenticated",
        "role": "authenticated", "email": "ann@example.com", "phone": "", "aal": "aal1", "session_id": "x",
        "app_metadata": { "provider": "email", "providers": ["email"] }, "is_anonymous": false,
        "user_metadata": { "email_verified": true, "full_name": "Ann", "avatar_url": "https://example.com/ann.png" },
    });
    let expected = json!([
        "8ccaa7af-909f-44e7-84cb-67cdccb56be6",
        "ann@example.com",
        false,
        null,
        "Ann",
        "https://example.com/ann.png",
        false
    ]);
    assert_eq!(told(issuer(&claims, "authenticated", ClaimNames::supabase()), claims).unwrap(), expected);
}

#[test]
fn cognito() {
    let claims = json!({
        "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", "aud": "3lotqfu",
        "sub": "aaaaaaaa-bbbb-cccc-dddd-example", "cognito:groups": ["g"], "email_verified": "true", "token_use": "id",
        "cognito:username": "ann", "email": "ann@example.com",
    });
    let verified = |text: Value, names: ClaimNames| {
        let claims = Value::Object(
            claims.as_object().unwrap().clone().into_iter().chain([("email_verified".to_owned(), text)]).collect(),
        );
        told(issuer(&claims, "3lotqfu", names), claims).unwrap()[2] == true
    };
    assert!(verified("true".into(), ClaimNames::cognito()) && verified(true.into(), ClaimNames::cognito()));
    for text in [json!("false"), json!("TRUE"), json!("1"), json!(1), json!(null), json!(["true"])] {
        assert!(!verified(text, ClaimNames::cognito()));
    }
    assert!(!verified("true".into(), ClaimNames::new()), "only where the host says so");
    let access = json!({
        "iss": claims["iss"], "sub": claims["sub"], "client_id": "3lotqfu", "token_use": "access", "username": "ann",
    });
    let issuer = issuer(&access, "3lotqfu", ClaimNames::cognito()).audience_claim("client_id");
    assert_eq!(told(issuer, access).unwrap()[0], "aaaaaaaa-bbbb-cccc-dddd-example");
}

#[test]
fn entra() {
    let claims = json!({
        "iss": "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0", "ver": "2.0",
        "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47", "name": "Ann",
        "preferred_username": "ann@example.com", "email": "ann@example.com", "email_verified": true,
    });
    let expected = json!(["690222be-ff1a-4d56-abd1-7e4f7d38e474", "ann@example.com", false, null, "Ann", null, false]);
    let audience = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
    assert_eq!(told(issuer(&claims, audience, ClaimNames::entra()), claims.clone()).unwrap(), expected);
    let mut without = claims;
    without["oid"] = Value::Null;
    let refused = told(issuer(&without, audience, ClaimNames::entra()), without).unwrap_err();
    assert!(refused.contains("(oid)"), "{refused}");
}

#[test]
fn a_claim_within_another_is_named_by_a_pointer() {
    let claims = json!({
        "iss": "https://id.example.com", "aud": "notes", "sub": "ann", "a": { "b/c": { "~d": "Ann" } }, "/a": "slash",
    });
    let name = |pointer: &str| {
        told(issuer(&claims, "notes", ClaimNames::new().name(pointer)), claims.clone()).unwrap()[4].clone()
    };
    assert_eq!(name("/a/b~1c/~0d"), "Ann");
    assert_eq!(name("/~1a"), "slash");
    for nothing in ["/a", "/a/b", "/", "", "/x/y", "a/b~1c"] {
        assert_eq!(name(nothing), Value::Null, "{nothing}");
    }
}
