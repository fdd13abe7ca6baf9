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

/// What a newcomer can paste: it shows what one organization sees of another.
pub(crate) fn tour(settings: &Settings, address: SocketAddr) -> Result<String> {
    let [alice, bob] = [("alice", "Alice"), ("bob", "Bob")].map(|(user, name)| jwt(&settings.jwt_secret, user, name));
    let (alice, bob) = (alice?, bob?);
    let base = format!("http://{address}");
    Ok(format!(
        r#"# quickstart listens on {base} and keeps organizations in {store}
# Paste this into a shell, all of it or line by line.
# Two users, each with a verified address at example.com; their JWTs are good for a day:
ALICE={alice}
BOB={bob}
manage() {{ curl -sS "{base}/tenantry/v1/organizations/$2" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -d "$3"; }}
notes() {{ credential=$1; shift; curl -sS "{base}/notes" -H "Authorization: Bearer $credential" "$@"; echo; }}
id() {{ sed -E 's/.*"organization":\{{"id":"([^"]+)".*/\1/'; }}

# 1. Alice creates an organization, and Bob another.
ACME=$(manage "$ALICE" create '{{"name":"Acme"}}' | id); echo "Acme is $ACME"
UMBRELLA=$(manage "$BOB" create '{{"name":"Umbrella"}}' | id); echo "Umbrella is $UMBRELLA"

# 2. Alice makes an API token, which Acme owns. It writes a note.
TOKEN=$(manage "$ALICE" tokens/create '{{"organizationId":"'"$ACME"'","permissions":["org:view","notes:write"]}}' | sed -E 's/.*"bearer":"([^"]+)".*/\1/')
notes "$TOKEN" -H 'Content-Type: application/json' -d '{{"text":"hello"}}'

# 3. Bob asks for the notes of Acme, and is refused: to him there is no such organization.
notes "$BOB" -H "X-Organization-Id: $ACME"

# 4. Alice invites him, and he accepts.
INVITATION=$(manage "$ALICE" invitations/create '{{"organizationId":"'"$ACME"'","email":"bob@example.com"}}' | sed -E 's/.*"token":"([^"]+)".*/\1/')
manage "$BOB" invitations/accept '{{"token":"'"$INVITATION"'"}}'; echo

# 5. Now he sees the notes of Acme. Those of Umbrella are others: it has none.
notes "$BOB" -H "X-Organization-Id: $ACME"
notes "$BOB" -H "X-Organization-Id: $UMBRELLA"

# 6. Alice revokes the token. It is refused at the next request.
manage "$ALICE" tokens/revoke '{{"organizationId":"'"$ACME"'","key":"'"${{TOKEN%%:*}}"'"}}'; echo
notes "$TOKEN"

# Where to go next: docs/guide.md, examples/quickstart/src/main.rs, and every operation at {base}/tenantry/openapi.json
"#,
        store = settings.store_shown(),
    ))
}
