//! Who calls: people with JWTs, API tokens, and nobody.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

/// What signs the JWTs of the tests.
pub(crate) const JWT_SECRET: &str = "a-secret-for-tests-of-thirty-two-bytes-or-more";

/// Somebody who calls, by the `Authorization` header that they send.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) id: String,
    pub(crate) authorization: Option<String>,
}

impl Actor {
    /// A user with a verified address at example.com.
    pub(crate) fn user(name: &str) -> Self {
        Self::with_claims(name, &json!({}))
    }

    /// A user with other claims than usual; `null` takes one away.
    pub(crate) fn with_claims(name: &str, other: &Value) -> Self {
        Self { id: name.to_owned(), authorization: Some(format!("Bearer {}", jwt(name, other))) }
    }

    /// The same, signed with another secret than usual.
    pub(crate) fn signed_by(secret: &str, name: &str, other: &Value) -> Self {
        Self { id: name.to_owned(), authorization: Some(format!("Bearer {}", signed(secret, name, other))) }
    }

    /// A user who administers the platform.
    pub(crate) fn platform_admin() -> Self {
        Self::with_claims("root", &json!({ "platform_admin": true }))
    }

    /// Whoever presents an API token as `<key>:<secret>`.
    pub(crate) fn token(bearer: &str) -> Self {
        let key = bearer.split(':').next().unwrap_or_default();
        Self { id: key.to_owned(), authorization: Some(format!("Bearer {bearer}")) }
    }

    /// The same API token, by HTTP Basic.
    pub(crate) fn basic(bearer: &str) -> Self {
        Self { authorization: Some(format!("Basic {}", STANDARD.encode(bearer))), ..Self::token(bearer) }
    }

    /// A caller without a credential.
    pub(crate) fn nobody() -> Self {
        Self { id: "nobody".to_owned(), authorization: None }
    }

    /// The verified address that a [`user`](Self::user) has.
    pub(crate) fn email(&self) -> String {
        format!("{}@example.com", self.id)
    }
}

/// A JWT of the user `name`, with the usual claims, and others in their place.
pub(crate) fn jwt(name: &str, other: &Value) -> String {
    signed(JWT_SECRET, name, other)
}

fn signed(secret: &str, name: &str, other: &Value) -> String {
    #[expect(clippy::disallowed_methods, reason = "this stands in for an identity provider, which has its own clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "sub": name,
        "email": format!("{name}@example.com"),
        "email_verified": true,
        "preferred_username": name,
        "name": name,
        "exp": now + 3600,
        "iss": "tests",
        "aud": "tests",
    });
    for (claim, value) in other.as_object().into_iter().flatten() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim);
        } else {
            claims[claim] = value.clone();
        }
    }
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}
