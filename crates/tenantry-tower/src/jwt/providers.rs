//! The claims of identity providers that many hosts have, as their documentation shows them.

use super::ClaimNames;

impl ClaimNames {
    /// Auth0. Its access tokens tell nothing of the user by themselves: an Action of the host's adds claims under a
    /// `namespace`, a URL such as `https://app.example.com/`, to which `email`, `email_verified`, `name` and `picture` are
    /// appended here.
    ///
    /// No claim tells the organization: Auth0's `org_id` is an id of its own. Where its `org_name` is the organization's slug
    /// here, add `.organization("org_name")`.
    #[must_use]
    pub fn auth0(namespace: &str) -> Self {
        let claim = |name: &str| format!("{namespace}{name}");
        Self::new()
            .email(claim("email"))
            .email_verified(claim("email_verified"))
            .name(claim("name"))
            .picture(claim("picture"))
            .no_organization()
    }

    /// Clerk. Its session tokens have no `aud`: use [`Issuer::audience_claim`](super::Issuer::audience_claim) with `azp`, and
    /// your pages' origins as audiences. They tell of the user what the host adds to them (Sessions → Customize session
    /// token): name the claims `email`, `email_verified`, `name` and `picture`.
    ///
    /// The organization that is active in the session is told by its slug (`o.slg`). Choose by
    /// [`RememberedClaim`](crate::Choice::RememberedClaim): Clerk changes it when the user switches, and limits nothing by it.
    #[must_use]
    pub fn clerk() -> Self {
        Self::new().organization("/o/slg")
    }

    /// WorkOS AuthKit. Its access tokens have no `aud`: use [`Issuer::audience_claim`](super::Issuer::audience_claim) with
    /// `client_id`. They tell of the user what the host's JWT template adds: name the claims as OpenID Connect does.
    ///
    /// No claim tells the organization: `org_id` is an id of WorkOS' own.
    #[must_use]
    pub fn workos() -> Self {
        Self::new().no_organization()
    }

    /// Keycloak. The names are those of OpenID Connect; add a mapper of audiences to the client, since `aud` is `account`
    /// otherwise. No claim tells the organization: Keycloak's `organization` is a list or an object.
    ///
    /// Where usernames are unique in the realm and users cannot edit theirs, add `.username("preferred_username")`. A realm
    /// role makes platform admins: `.platform_admin_role("/realm_access/roles", "platform-admin")`.
    #[must_use]
    pub fn keycloak() -> Self {
        Self::new().no_organization()
    }

    /// Zitadel, whose access tokens are JWTs if the application says so. The names are those of OpenID Connect.
    ///
    /// A project's role makes platform admins:
    /// `.platform_admin_role("urn:zitadel:iam:org:project:roles", "platform-admin")`.
    #[must_use]
    pub fn zitadel() -> Self {
        Self::new().no_organization()
    }

    /// Supabase, whose `aud` is `authenticated`. Name and picture are what users write of themselves (`user_metadata`).
    ///
    /// No e-mail address is verified: whether Supabase confirms addresses is a setting of the project, and the
    /// `email_verified` in `user_metadata` is one that users can set. Where addresses are confirmed, say so by a claim of an
    /// access token hook: `.email_verified("/app_metadata/email_verified")`.
    #[must_use]
    pub fn supabase() -> Self {
        Self::new()
            .no_verified_email()
            .name("/user_metadata/full_name")
            .picture("/user_metadata/avatar_url")
            .no_organization()
    }

    /// Amazon Cognito's id tokens, whose `aud` is the app client's id and whose `email_verified` may be a text. Its access
    /// tokens tell nothing but `sub`, and have `client_id` in the place of `aud`:
    /// [`Issuer::audience_claim`](super::Issuer::audience_claim).
    #[must_use]
    pub fn cognito() -> Self {
        Self::new().email_verified_as_text().no_organization()
    }

    /// Microsoft Entra ID. A user's id is `oid`, which is the same for all applications of a tenant, where `sub` is not.
    ///
    /// No e-mail address is verified: in Entra, the administrator of any tenant can give a user any address. Where the claim
    /// `xms_edov` is configured, add `.email_verified("xms_edov")`.
    ///
    /// An [`Issuer`](super::Issuer) is one tenant: `https://login.microsoftonline.com/<tenant id>/v2.0`.
    #[must_use]
    pub fn entra() -> Self {
        Self::new().user_id("oid").no_verified_email().no_organization()
    }
}
