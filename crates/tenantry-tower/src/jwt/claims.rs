//! From the claims of a verified token to what they tell of a user.

use serde_json::{Map, Value};
use tenantry_core::{
    access::caller::Identity,
    values::{address::Address, ids::UserId, web_address},
};

use crate::{
    identity::verified_user::{Limit, display_name},
    request::choice::OrganizationName,
};

/// Which claims of an issuer's tokens tell of the user, and so what this issuer is believed about them.
///
/// Each issuer has its own: what one vouches for, another may not. Begin with [`new`](Self::new) or with the provider that
/// it is ([`auth0`](Self::auth0), [`keycloak`](Self::keycloak), …), and say what is otherwise. A claim within another is
/// named by a JSON pointer (RFC 6901), such as `/user_metadata/full_name`:
///
/// ```
/// use tenantry_tower::ClaimNames;
///
/// // The host's own provider: usernames are unique there, and it knows who administers the platform.
/// let own = ClaimNames::new().username("login").platform_admin("is_admin");
/// // A partner's, where anybody can write any address into their profile.
/// let partners = ClaimNames::new().no_verified_email();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    user_id: String,
    email: String,
    email_verified: Option<String>,
    /// Whether the text `true` says that an address is verified, too.
    is_verified_by_text: bool,
    username: Option<String>,
    name: String,
    picture: String,
    organization: Option<String>,
    platform_admin: Option<String>,
    /// A claim that lists roles, and the role in it that administers the platform.
    platform_admin_role: Option<(String, String)>,
}

impl ClaimNames {
    /// The names of OpenID Connect Core 1.0, 5.1: `email`, `email_verified`, `name`, `picture`; and `organization`. No
    /// claim tells a username or makes a platform admin.
    #[must_use]
    pub fn new() -> Self {
        Self {
            user_id: "sub".to_owned(),
            email: "email".to_owned(),
            email_verified: Some("email_verified".to_owned()),
            is_verified_by_text: false,
            username: None,
            name: "name".to_owned(),
            picture: "picture".to_owned(),
            organization: Some("organization".to_owned()),
            platform_admin: None,
            platform_admin_role: None,
        }
    }

    /// The user's id: `sub` unless set.
    ///
    /// # Danger
    /// Name a claim that is unique among the issuer's users, that stays the same, and that they cannot set for themselves.
    /// To change it once users have signed in makes others of all of them.
    #[must_use]
    pub fn user_id(mut self, claim: impl Into<String>) -> Self {
        self.user_id = claim.into();
        self
    }

    /// The e-mail address: `email` unless set.
    #[must_use]
    pub fn email(mut self, claim: impl Into<String>) -> Self {
        self.email = claim.into();
        self
    }

    /// Whether the issuer vouches that the e-mail address is the user's: `email_verified` unless set. Only a JSON `true`
    /// counts.
    ///
    /// Whoever has a verified address may accept what is sent to it: see [`no_verified_email`](Self::no_verified_email).
    #[must_use]
    pub fn email_verified(mut self, claim: impl Into<String>) -> Self {
        self.email_verified = Some(claim.into());
        self
    }

    /// The text `"true"` says that an e-mail address is verified, as the JSON `true` does: some issuers write it so.
    #[must_use]
    pub fn email_verified_as_text(mut self) -> Self {
        self.is_verified_by_text = true;
        self
    }

    /// The issuer vouches for no e-mail address, whatever its tokens say: its users accept no invitation by one.
    ///
    /// That is right for an issuer that does not make sure of every address itself, and for one that is run by somebody
    /// who must not be able to accept what was sent to the users of others.
    #[must_use]
    pub fn no_verified_email(mut self) -> Self {
        self.email_verified = None;
        self
    }

    /// The username; no claim tells one unless it is named here.
    ///
    /// # Danger
    /// Whoever bears a username may accept the invitations that are addressed to it. So name a claim that is unique among
    /// the users of all issuers that tell one, that users cannot set for themselves, and that is not given to another
    /// user when it falls free. `preferred_username` is often none of that (OpenID Connect Core 1.0, 5.7).
    #[must_use]
    pub fn username(mut self, claim: impl Into<String>) -> Self {
        self.username = Some(claim.into());
        self
    }

    /// The name for people to read: `name` unless set.
    #[must_use]
    pub fn name(mut self, claim: impl Into<String>) -> Self {
        self.name = claim.into();
        self
    }

    /// Where the picture is, an `https` or `http` URL: `picture` unless set.
    #[must_use]
    pub fn picture(mut self, claim: impl Into<String>) -> Self {
        self.picture = claim.into();
        self
    }

    /// The organization that the token is for, by its id or slug: `organization` unless set.
    ///
    /// It is looked at only where the host chooses by it ([`Choice::Claim`](crate::Choice::Claim)): behind the layer, and
    /// not by the admin router, whose operations name their organization themselves. There a token is refused if the claim
    /// cannot be understood, whatever else the request says: its issuer limited it to some organization, and it must not
    /// reach another. An absent claim and `null` limit nothing.
    #[must_use]
    pub fn organization(mut self, claim: impl Into<String>) -> Self {
        self.organization = Some(claim.into());
        self
    }

    /// No claim tells an organization: for an issuer whose claim of that name means something else, as Keycloak's does,
    /// beside others whose users choose by it.
    #[must_use]
    pub fn no_organization(mut self) -> Self {
        self.organization = None;
        self
    }

    /// Whether the user administers the platform; no claim tells so unless it is named here. Only a JSON `true` counts.
    ///
    /// # Danger
    /// Whoever does may do nearly everything with every organization. Name a claim that users cannot set for themselves,
    /// of an issuer that you run yourself.
    #[must_use]
    pub fn platform_admin(mut self, claim: impl Into<String>) -> Self {
        self.platform_admin = Some(claim.into());
        self
    }

    /// Who bears `role` administers the platform, where `claim` is a list of roles, an object with a member for each, or one
    /// role: `/realm_access/roles`, say.
    ///
    /// # Danger
    /// That of [`platform_admin`](Self::platform_admin).
    #[must_use]
    pub fn platform_admin_role(mut self, claim: impl Into<String>, role: impl Into<String>) -> Self {
        self.platform_admin_role = Some((claim.into(), role.into()));
        self
    }

    /// The claim that is the user's id, and its name.
    pub(super) fn user<'a>(&self, claims: &'a Map<String, Value>) -> (&str, Option<&'a Value>) {
        (&self.user_id, find(claims, &self.user_id))
    }

    /// What `claims` tell of the user; what is malformed or too long among them is not told.
    pub(super) fn identity(&self, id: UserId, claims: &Map<String, Value>) -> Identity {
        let text = |name: &str| find(claims, name).and_then(Value::as_str);
        let claimed = |name: &Option<String>| find(claims, name.as_deref()?);
        let holds = |name: &Option<String>| claimed(name).and_then(Value::as_bool).unwrap_or(false);
        let is_text = |name: &Option<String>| claimed(name).and_then(Value::as_str) == Some("true");
        let bears = |(claim, role): &(String, String)| find(claims, claim).is_some_and(|roles| has_role(roles, role));
        let username = self.username.as_deref().and_then(text);
        let mut identity = Identity::new(id);
        identity.email = text(&self.email).and_then(|email| Address::email(email).ok());
        identity.email_verified =
            holds(&self.email_verified) || (self.is_verified_by_text && is_text(&self.email_verified));
        identity.username = username.and_then(|username| Address::username(username).ok());
        identity.name = text(&self.name).and_then(display_name).map(str::to_owned);
        identity.avatar_url = text(&self.picture).and_then(web_address::read);
        identity.platform_admin = holds(&self.platform_admin) || self.platform_admin_role.as_ref().is_some_and(bears);
        identity
    }

    /// Which organization the token is for.
    pub(super) fn limit(&self, claims: &Map<String, Value>) -> Limit {
        let Some(name) = &self.organization else { return Limit::None };
        match find(claims, name) {
            None | Some(Value::Null) => Limit::None,
            Some(value) => value
                .as_str()
                .and_then(OrganizationName::parse)
                .map_or_else(|| Limit::Unclear(name.clone()), Limit::Organization),
        }
    }
}

impl Default for ClaimNames {
    /// The same as [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

/// The claim of this name, or the value within claims to which this JSON pointer leads.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let Some(path) = name.strip_prefix('/') else { return claims.get(name) };
    match path.split_once('/') {
        Some((claim, _)) => claims.get(&unescaped(claim))?.pointer(&path[claim.len()..]),
        None => claims.get(&unescaped(path)),
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn has_role(roles: &Value, role: &str) -> bool {
    match roles {
        Value::String(one) => one == role,
        Value::Array(several) => several.iter().any(|one| one == role),
        Value::Object(by_name) => by_name.contains_key(role),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
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
            "email": "ann@example.com", "email_verified": true, "login": "ann", "name": " Ann ",
            "picture": "https://example.com/ann.png", "is_admin": true,
        });
        let told = identity(&claims, &ClaimNames::new().username("login").platform_admin("is_admin"));
        assert_eq!(told.verified_email().unwrap().to_string(), "ann@example.com");
        assert_eq!(told.username.as_ref().unwrap().to_string(), "ann");
        assert_eq!(told.name.as_deref(), Some("Ann"));
        assert!(told.avatar_url.is_some() && told.platform_admin);
        let others = json!({
            "mail": "ann@example.com", "mail_ok": true, "label": "Ann", "photo": "https://example.com/ann.png",
        });
        let names = ClaimNames::new().email("mail").email_verified("mail_ok").name("label").picture("photo");
        let mut told = told;
        (told.username, told.platform_admin) = (None, false);
        assert_eq!(identity(&others, &names), told);
    }

    #[test]
    fn an_issuer_vouches_for_what_the_host_says_and_for_nothing_else() {
        let claims = json!({
            "email": "ann@example.com", "email_verified": true, "preferred_username": "ann", "username": "ann",
            "platform_admin": true, "admin": true,
        });
        let told = identity(&claims, &ClaimNames::default());
        assert!(told.verified_email().is_some());
        assert!(told.username.is_none() && !told.platform_admin);
        let told = identity(&claims, &ClaimNames::new().no_verified_email());
        assert!(told.email.is_some() && told.verified_email().is_none());
        assert_eq!(told.addresses().count(), 0);
    }

    #[test]
    fn a_picture_is_told_percent_encoded_and_a_name_that_turns_the_line_is_not() {
        let told = |claims: Value| identity(&claims, &ClaimNames::new().username("preferred_username"));
        let picture = told(json!({ "picture": "https://example.com/\"x" })).avatar_url;
        assert_eq!(picture.as_deref(), Some("https://example.com/%22x"));
        for name in ["Ann\u{202e}nnA", "Ann\u{2028}B", "\u{200b}", "\u{3164}"] {
            assert_eq!(told(json!({ "name": name, "preferred_username": name })), told(json!({})), "{name:?}");
        }
        assert_eq!(told(json!({ "name": "שרה" })).name.as_deref(), Some("שרה"));
    }

    #[test]
    fn what_is_malformed_is_not_told() {
        let claims = json!({
            "email": "not an address", "email_verified": "true", "login": "a b", "name": "a\u{7}b",
            "picture": "javascript:alert(1)", "is_admin": "true",
        });
        let names = ClaimNames::new().username("login").platform_admin("is_admin");
        assert_eq!(identity(&claims, &names), Identity::new(UserId::new("ann").unwrap()));
    }

    #[test]
    fn an_organization_that_cannot_be_understood_is_not_taken_for_none() {
        let limit = |value: Value| ClaimNames::new().limit(json!({ "organization": value }).as_object().unwrap());
        assert_eq!(limit(json!("acme")).organization().unwrap(), OrganizationName::parse("acme").as_ref());
        assert_eq!(limit(Value::Null), Limit::None);
        assert_eq!(ClaimNames::new().limit(&Map::new()), Limit::None);
        for unclear in [json!(""), json!("Acme Ltd"), json!("x".repeat(100)), json!(["acme"]), json!({}), json!(7)] {
            let refusal = limit(unclear.clone()).organization().unwrap_err();
            assert_eq!(refusal.code(), "invalid_token", "{unclear}");
            assert!(refusal.to_string().contains("claim organization"), "{refusal}");
        }
        let elsewhere = json!({ "organization": ["x"], "org": "acme" });
        let elsewhere = elsewhere.as_object().unwrap();
        assert!(matches!(ClaimNames::new().organization("org").limit(elsewhere), Limit::Organization(_)));
        assert_eq!(ClaimNames::new().no_organization().limit(elsewhere), Limit::None);
    }
}
