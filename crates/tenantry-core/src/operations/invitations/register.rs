use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    accept::{Joined, take},
    addressed::{Named, either_key, require_open, unknown},
};
use crate::{
    access::caller::{Caller, Identity},
    engine::{
        Engine,
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    host::registrar::Registration,
    rows::{self, InvitationRow, OrganizationRow, keys, shards},
    secret::{InvitationToken, Plain},
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::{input, output},
};

input! {
    /// Creates an account by an invitation, and accepts it with that account. The token is the right; no credential is
    /// looked at. It is used up by the first success: whoever repeats the request is told `used`, and signs in.
    pub struct Register {
        /// The token of an invitation to an e-mail address.
        pub token: String,
        /// The password of the account: 8 to 1024 characters. It is handed to the host, and kept nowhere else.
        #[cfg_attr(
            feature = "openapi",
            schema(value_type = String, format = Password, write_only, min_length = 8, max_length = 1024)
        )]
        pub password: Password,
        /// The name of who registers, at most 100 characters; as the invitation says if absent.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub name: Option<String>,
    }
}

output! {
    /// Who registered, and where they are a member now.
    pub struct Registered {
        /// The organization.
        pub organization_id: OrganizationId,
        /// The highest of the user's roles.
        pub role: RoleName,
        /// The user that the host created.
        pub user_id: UserId,
    }
}

/// A password on its way to the host: it does not print, serializes as nothing, and is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct Password(Plain);

impl Operation for Register {
    type Output = Registered;

    const ROUTE: &'static str = "invitations/register";
    const SUMMARY: &'static str = "Create an account by an invitation";
    const NEEDS: Needs = Needs::Nobody;
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::OrganizationSuspended,
        ErrorKind::NotFound,
        ErrorKind::AlreadyMember,
        ErrorKind::AlreadyRegistered,
        ErrorKind::SeatsExhausted,
        ErrorKind::Expired,
        ErrorKind::Revoked,
        ErrorKind::Used,
    ];
    const EVENT: Option<&'static str> = Some("invitations.register");

    fn check(&self, problems: &mut Violations) {
        self.named().check(problems);
        let bounds = limits::PASSWORD_CHARS_MIN..=limits::PASSWORD_CHARS_MAX;
        if !bounds.contains(&self.password.0.expose().chars().count()) {
            problems.add(
                "password",
                "out_of_bounds",
                format!("give {} to {} characters", bounds.start(), bounds.end()),
            );
        }
        problems.optional_line("name", self.name.as_deref(), limits::NAME_CHARS_MAX);
    }

    /// The user, whom the host creates.
    async fn introduce(&self, engine: &Engine) -> Result<Caller, Error> {
        let registrar = engine.host().known_registrar().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "nobody can register here: sign in first, then accept the invitation")
        })?;
        let invitation = self.invitation(engine).await?;
        let Some(email) = invitation.address.as_email().map(str::to_owned) else {
            let mend = "the invitation is for a username: sign in with it, then accept the invitation";
            return Err(Error::invalid_field("token", "not_by_email", mend));
        };
        let given = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let name = given.or(invitation.name);
        let registration = Registration { email, password: self.password.0.clone(), name: name.clone() };
        let mut user = Identity::new(registrar.register(registration).await?);
        user.email = Some(invitation.address);
        user.email_verified = true;
        user.name = name;
        Ok(Caller::User(Box::new(user)))
    }

    async fn locate(&self, request: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        self.named().locate(request).await.map(Some)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Registered, Error> {
        let user = tx.user()?;
        let invitation = self.named().get(tx, user).await?;
        let organization = tx.organization().await?;
        organization.require_active()?;
        require_open(tx.now, &invitation.1)?;
        if tx.get(&keys::member(&user.id)).await?.is_some() {
            return Err(super::invitee::already_member());
        }
        let Joined { organization_id, role, .. } = take(tx, user, invitation, organization).await?;
        Ok(Registered { organization_id, role, user_id: user.id.clone() })
    }
}

impl Register {
    fn named(&self) -> Named<'_> {
        Named { token: Some(&self.token), id: None }
    }

    /// The invitation; refuses one that cannot be accepted, so that nobody is registered for it.
    async fn invitation(&self, engine: &Engine) -> Result<InvitationRow, Error> {
        let token = InvitationToken::parse(&self.token)
            .map_err(|error| Error::invalid_field("token", "invalid", error.to_string()))?;
        let [open, closed] = either_key(token.invitation());
        let keys = [keys::organization().key, open, closed];
        let values = engine.store().read(&shards::organization(token.organization()), &keys).await?;
        let [organization, open, closed] = values.as_slice() else { return Err(unknown()) };
        let invitation: Option<InvitationRow> = open.as_deref().or(closed.as_deref()).map(rows::decode).transpose()?;
        let invitation =
            invitation.filter(|invitation| invitation.is_opened_by(&token.hashed())).ok_or_else(unknown)?;
        let organization: Option<OrganizationRow> = organization.as_deref().map(rows::decode).transpose()?;
        organization.ok_or_else(unknown)?.require_active()?;
        require_open(engine.clock().now(), &invitation)?;
        Ok(invitation)
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

/// Reads a text. If the value is no text, the error does not show it, as serde's own message would.
struct Text;

impl de::Visitor<'_> for Text {
    type Value = Password;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a password as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Password, E> {
        Ok(Password(Plain::new(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Password, E> {
        Ok(Password(Plain::new(text)))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Password, E> {
        Err(E::invalid_type(de::Unexpected::Other("a number"), &self))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Password, E> {
        Err(E::invalid_type(de::Unexpected::Other("a number"), &self))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Password, E> {
        Err(E::invalid_type(de::Unexpected::Other("a number"), &self))
    }
}
