use serde_json::json;

use crate::{
    access::caller::{Caller, Identity},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{invitations::Joined, members::join, roles},
    rows::keys,
    store::{Key, change::Change},
    values::{
        address::Address,
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::input,
};

input! {
    /// Makes a user a member without an invitation. Only the host's own code can: it has no route.
    pub struct Add {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
        /// Their roles; `member` if absent.
        pub roles: Option<Vec<RoleName>>,
        /// Their e-mail address, which the host has verified.
        pub email: Option<String>,
        /// Their username.
        pub username: Option<String>,
        /// Their name, for people to read.
        pub name: Option<String>,
    }
}

impl Operation for Add {
    type Output = Joined;

    const ROUTE: &'static str = "members/add";
    const SUMMARY: &'static str = "Make a user a member without an invitation";
    const NEEDS: Needs = Needs::Host;
    const ERRORS: &'static [ErrorKind] =
        &[ErrorKind::OrganizationSuspended, ErrorKind::NotFound, ErrorKind::SeatsExhausted, ErrorKind::OwnedLimit];
    const EVENT: Option<&'static str> = Some("members.add");

    fn check(&self, problems: &mut Violations) {
        problems.roles(None, self.roles.as_deref());
        problems.optional_line("name", self.name.as_deref(), limits::NAME_CHARS_MAX);
        if let Err(error) = self.email.as_deref().map(Address::email).transpose() {
            problems.add("email", "invalid", error.to_string());
        }
        if let Err(error) = self.username.as_deref().map(Address::username).transpose() {
            problems.add("username", "invalid", error.to_string());
        }
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::organization().key, keys::member(&self.user_id).key, keys::roles().key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Joined, Error> {
        tx.identify().await?;
        let user = self.identity();
        let known = tx.roles().await?;
        let asked = self.roles.clone().unwrap_or_else(|| vec![RoleName::member()]);
        let granted = roles::meant(&known, "roles", &asked)?;
        let organization = tx.organization().await?;
        organization.require_active()?;
        if let Some(member) = tx.get(&keys::member(&user.id)).await? {
            join::restore(tx, &user.id, &member);
            return Ok(Joined::already(self.organization_id, &known, member.roles, &granted));
        }
        tx.load(join::address_keys(&user).map(|key| key.key)).await?;
        let ended = join::admit(tx, &user, granted.clone(), organization).await?;
        let details = join::details(json!({ "roles": &granted }), &ended);
        tx.changed(Change::Member(self.organization_id, user.id.clone()), Some(user.id.to_string()), &details)?;
        Ok(Joined::now(self.organization_id, &known, granted, &ended))
    }
}

impl Add {
    /// What the host says of the user.
    fn identity(&self) -> Identity {
        let mut user = Identity::new(self.user_id.clone());
        user.email = self.email.as_deref().and_then(|email| Address::email(email).ok());
        user.email_verified = user.email.is_some();
        user.username = self.username.as_deref().and_then(|username| Address::username(username).ok());
        user.name.clone_from(&self.name);
        user
    }
}
