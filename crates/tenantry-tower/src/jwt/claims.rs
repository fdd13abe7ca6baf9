//! From the claims of a verified token to what they tell of a user.

use serde_json::{Map, Value};
use tenantry_core::{address::Address, caller::Identity, clock::Timestamp, ids::UserId, limits};

use super::standing::Vouched;
use crate::choice::Named;

/// The longest name of a user that is kept, in characters.
const NAME_CHARS_MAX: usize = 256;

/// Which claims tell of the user. `sub` is always their id.
///
/// ```
/// use tenantry_tower::ClaimNames;
///
/// let names = ClaimNames { platform_admin: Some("is_admin".to_owned()), ..ClaimNames::default() };
/// assert_eq!(names.username, "preferred_username");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The e-mail address: `email`.
    pub email: String,
    /// Whether the issuer vouches for the e-mail address: `email_verified`. Only a JSON `true` counts.
    pub email_verified: String,
    /// The username: `preferred_username`.
    pub username: String,
    /// The name for people to read: `name`.
    pub name: String,
    /// Where the picture is, an `https` or `http` URL: `picture`.
    pub picture: String,
    /// The organization that the user means, its id or slug: `organization`.
    pub organization: String,
    /// Whether the user administers the platform; no claim tells so unless it is named here.
    ///
    /// Only a JSON `true` counts. Name a claim that users cannot set for themselves.
    pub platform_admin: Option<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            username: "preferred_username".to_owned(),
            name: "name".to_owned(),
            picture: "picture".to_owned(),
            organization: "organization".to_owned(),
            platform_admin: None,
        }
    }
}

/// What a token tells whose signature, issuer, audience and times are right.
#[derive(Clone)]
pub(crate) struct Verified {
    pub(crate) identity: Identity,
    /// The organization that the user means, as the token names it.
    pub(crate) organization: Option<Named>,
    /// When the token ends, the leeway included.
    pub(crate) expires_at: Timestamp,
    /// By which keys it was verified.
    pub(crate) vouched: Vouched,
}

impl ClaimNames {
    /// What `claims` tell of the user; what is malformed or too long among them is not told.
    pub(super) fn identity(&self, id: UserId, claims: &Map<String, Value>) -> Identity {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let holds = |name: &str| claims.get(name).and_then(Value::as_bool).unwrap_or(false);
        Identity {
            email: text(&self.email).and_then(|email| Address::email(email).ok()),
            email_verified: holds(&self.email_verified),
            username: text(&self.username).and_then(|username| Address::username(username).ok()),
            name: text(&self.name).and_then(line).map(str::to_owned),
            avatar_url: text(&self.picture).filter(|url| is_web_address(url)).map(str::to_owned),
            platform_admin: self.platform_admin.as_deref().is_some_and(holds),
            ..Identity::new(id)
        }
    }

    /// The organization that the token names; `None` if it names none, or what it names cannot be one.
    pub(super) fn organization(&self, claims: &Map<String, Value>) -> Option<Named> {
        claims.get(&self.organization).and_then(Value::as_str).and_then(Named::parse)
    }
}

/// A text of one line that is not too long, without the space around it.
fn line(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

fn is_web_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && text.len() <= limits::URL_CHARS_MAX
        && text.chars().all(|character| character.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(claims: &Value, names: &ClaimNames) -> Identity {
        names.identity(UserId::new("ann").unwrap(), claims.as_object().unwrap())
    }

    #[test]
    fn claims_tell_of_the_user() {
        let claims = json!({
            "email": "ann@example.com", "email_verified": true, "preferred_username": "ann", "name": " Ann ",
            "picture": "https://example.com/ann.png", "is_admin": true,
        });
        let names = ClaimNames { platform_admin: Some("is_admin".to_owned()), ..ClaimNames::default() };
        let told = identity(&claims, &names);
        assert_eq!(told.verified_email().unwrap().to_string(), "ann@example.com");
        assert_eq!(told.username.as_ref().unwrap().to_string(), "ann");
        assert_eq!(told.name.as_deref(), Some("Ann"));
        assert!(told.avatar_url.is_some() && told.platform_admin);
        assert!(!identity(&claims, &ClaimNames::default()).platform_admin);
    }

    #[test]
    fn what_is_malformed_is_not_told() {
        let claims = json!({
            "email": "not an address", "email_verified": "true", "preferred_username": "a b", "name": "a\u{7}b",
            "picture": "javascript:alert(1)", "is_admin": "true", "organization": "x".repeat(100),
        });
        let names = ClaimNames { platform_admin: Some("is_admin".to_owned()), ..ClaimNames::default() };
        assert_eq!(identity(&claims, &names), Identity::new(UserId::new("ann").unwrap()));
        assert_eq!(names.organization(claims.as_object().unwrap()), None);
    }
}
