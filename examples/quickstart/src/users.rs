//! The users, who sign in elsewhere: here are three of them, ready-made.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use tenantry::jwt::{Algorithm, ClaimNames, Issuer, JwtVerifier, JwtVerifierBuilder, Key};

use crate::settings::Settings;

const ISSUER: &str = "quickstart";
const AUDIENCE: &str = "quickstart";
/// How long a ready-made JWT can be used.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How users' JWTs are verified.
pub(crate) fn verifier(secret: &str) -> JwtVerifierBuilder {
    // This issuer gives no username twice, and nobody sets these claims for themselves.
    let claims = ClaimNames::new().username("preferred_username").platform_admin("platform_admin");
    let issuer = Issuer::new(ISSUER, Key::new(Algorithm::Hs256, secret)).audience(AUDIENCE).claims(claims);
    JwtVerifier::builder().issuer(issuer)
}

/// A JWT as the identity provider would give it.
fn jwt(secret: &str, user: &str, name: &str) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "this stands in for an identity provider, which is elsewhere")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let claims = json!({
        "sub": user,
        "email": format!("{user}@example.com"),
        "email_verified": true,
        "preferred_username": user,
        "name": name,
        "exp": (now + LIFETIME).as_secs(),
        "iss": ISSUER,
        "aud": AUDIENCE,
    });
    Ok(jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
}

/// What a newcomer can paste.
pub(crate) fn welcome(settings: &Settings, address: SocketAddr) -> Result<String> {
    let [alice, bob, carol] = [("alice", "Alice"), ("bob", "Bob"), ("carol", "Carol")]
        .map(|(user, name)| jwt(&settings.jwt_secret, user, name));
    let (alice, bob, carol) = (alice?, bob?, carol?);
    let base = format!("http://{address}");
    let admin = format!("{base}/tenantry/v1/organizations");
    Ok(format!(
        r#"# quickstart listens on {base} and keeps organizations in {store}
# Three users, each with a verified address at example.com; their JWTs are good for a day:
ALICE={alice}
BOB={bob}
CAROL={carol}

# 1. Alice creates an organization.
ORG=$(curl -sS {admin}/create -H "Authorization: Bearer {alice}" -H 'Content-Type: application/json' -d '{{"name":"Acme"}}' | sed -E 's/.*"organization":\{{"id":"([^"]+)".*/\1/'); echo "$ORG"

# 2. She mints a token that the organization owns.
TOKEN=$(curl -sS {admin}/tokens/create -H "Authorization: Bearer {alice}" -H 'Content-Type: application/json' -d '{{"organizationId":"'"$ORG"'","permissions":["org:view","notes:write"]}}' | sed -E 's/.*"bearer":"([^"]+)".*/\1/'); echo "$TOKEN"

# 3. The token writes a note.
curl -sS {base}/notes -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{"text":"hello"}}'; echo

# 4. Who am I?
curl -sS {base}/whoami -H "Authorization: Bearer $TOKEN"; echo

# What else there is: {base}/tenantry/openapi.json
"#,
        store = settings.store_shown(),
    ))
}
