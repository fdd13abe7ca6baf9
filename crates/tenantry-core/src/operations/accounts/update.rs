use super::everywhere;
use crate::{
    access::{
        caller::{Caller, Identity},
        profile_update::ProfileUpdate,
    },
    engine::{
        Engine,
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::members::profile::UpdateProfile,
    values::{
        address::{Address, InvalidAddress},
        edit::Edit,
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        limits,
        validate::Violations,
    },
    wire::{input, output},
};

input! {
    /// Changes what a user is shown as in all organizations that they are a member of, for a host whose user has changed
    /// it: without waiting until they call with a credential that tells it. What is absent stays; an empty text clears.
    ///
    /// An address that is no more theirs is free for whoever has it now, and what was open for one that is theirs now
    /// ends, as when they join.
    pub struct Update {
        /// Whom: the whole id, as their credentials tell it.
        pub user_id: UserId,
        /// Their e-mail address; `emailVerified` must say of it that it is theirs.
        #[cfg_attr(feature = "openapi", schema(max_length = 254))]
        pub email: Option<String>,
        /// Whether the address is verified: only then it counts, and one that is not is none.
        pub email_verified: Option<bool>,
        /// Their username.
        #[cfg_attr(feature = "openapi", schema(max_length = 128))]
        pub username: Option<String>,
        /// Their name, at most 100 characters.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub name: Option<String>,
    }
}

output! {
    /// How far it has come.
    pub struct Updated {
        /// Always true.
        pub ok: bool,
        /// In how many organizations the user is a member, of those that this request came to.
        pub updated_in: u64,
        /// Whether there may be more: then the request is to be repeated.
        pub more: bool,
    }
}

impl Operation for Update {
    type Output = Updated;

    const ROUTE: &'static str = "accounts/update";
    const SUMMARY: &'static str = "Change what a user is shown as in all of their organizations";
    const NEEDS: Needs = Needs::Platform;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = Some("accounts.update");

    fn check(&self, problems: &mut Violations) {
        let given = self.email.as_deref().filter(|email| !email.trim().is_empty());
        problems.email("email", given);
        match (given, self.email_verified) {
            (Some(_), None) => problems.add("emailVerified", "required", "say whether the address is verified"),
            (None, Some(true)) => problems.add("email", "required", "give the address that is verified"),
            _ => {}
        }
        if let Err(error) = Edit::text(self.username.as_deref()).try_map(Address::username) {
            problems.add("username", "invalid", error.to_string());
        }
        problems.optional_line("name", self.name.as_deref(), limits::NAME_CHARS_MAX);
        if self.email.is_none() && self.email_verified.is_none() && self.username.is_none() && self.name.is_none() {
            problems.add("name", "required", "give something to change: email, username or name");
        }
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Updated, Error> {
        tx.engine.update_account_as(tx.caller, self).await
    }
}

impl Update {
    fn told(&self) -> Result<ProfileUpdate, Error> {
        let is_verified = self.email_verified.unwrap_or(false);
        let email = match Edit::text(self.email.as_deref()) {
            Edit::Keep if self.email_verified.is_some() => Edit::Clear,
            Edit::Set(_) if !is_verified => Edit::Clear,
            told => told,
        };
        let invalid = |field, error: InvalidAddress| Error::invalid_field(field, "invalid", error.to_string());
        let username = Edit::text(self.username.as_deref()).try_map(Address::username);
        let name = Edit::text(self.name.as_deref()).try_map(|name| Ok::<_, Error>(name.to_owned()))?;
        Ok(ProfileUpdate {
            email: email.try_map(Address::email).map_err(|error| invalid("email", error))?,
            username: username.map_err(|error| invalid("username", error))?,
            name,
            avatar_url: Edit::Keep,
        })
    }
}

impl Engine {
    /// Updates a user's profile in all organizations, as [`Update`] does, but for the host itself. The audit logs name
    /// the user as the actor. Call it again as long as the answer says that there is more.
    ///
    /// # Errors
    /// `invalid_request`, naming the field; `unavailable`: what was done stays done, call it again.
    pub async fn update_account(&self, update: &Update) -> Result<Updated, Error> {
        let mut problems = Violations::new(self.clock().now());
        update.check(&mut problems);
        problems.into_result()?;
        let caller = Caller::User(Box::new(Identity::new(update.user_id.clone())));
        self.update_account_as(&caller, update).await
    }

    async fn update_account_as(&self, caller: &Caller, update: &Update) -> Result<Updated, Error> {
        let (user, told) = (&update.user_id, update.told()?);
        let there =
            |organization_id| UpdateProfile { organization_id, user_id: user.clone(), told: Some(told.clone()) };
        let (updated_in, more) = everywhere(self, caller, user, there).await?;
        Ok(Updated { ok: true, updated_in, more })
    }
}
