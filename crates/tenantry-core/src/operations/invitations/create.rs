use std::collections::BTreeSet;

use super::{
    allowance::{count_mails, require_inviter},
    invitee::Invitee,
};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{index, keys},
    store::Key,
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        role::RoleName,
        validate::Violations,
    },
    wire::{OrgInvitationCreated, input},
};

input! {
    /// Invites somebody, by e-mail address or by username.
    pub struct Create {
        /// Into which organization.
        pub organization_id: OrganizationId,
        /// The e-mail address; either this or `username`.
        #[cfg_attr(feature = "openapi", schema(max_length = 254))]
        pub email: Option<String>,
        /// The username; either this or `email`.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
        pub username: Option<String>,
        /// The role that accepting gives; `member` if neither this nor `roles` is given.
        pub role: Option<RoleName>,
        /// The roles that accepting gives, instead of `role`.
        #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 16))]
        pub roles: Option<Vec<RoleName>>,
        /// The name of who is invited, at most 100 characters.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub name: Option<String>,
        /// Until when it can be accepted; seven days from now if absent, or until the API token ends that invites. One
        /// that ends invites nobody for longer.
        pub expires_at: Option<Timestamp>,
    }
}

impl Operation for Create {
    type Output = OrgInvitationCreated;

    const ROUTE: &'static str = "invitations/create";
    const SUMMARY: &'static str = "Invite somebody";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::AlreadyInvited,
        ErrorKind::AlreadyMember,
        ErrorKind::GrantExceedsOwn,
        ErrorKind::InvitationsExhausted,
        ErrorKind::IdempotencyMismatch,
        ErrorKind::RateLimited,
    ];
    const EVENT: Option<&'static str> = Some("invitations.create");

    fn check(&self, problems: &mut Violations) {
        self.invitee().check(problems);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        self.invitee().address().map(|address| keys::address(&address.normal()).key).into_iter().collect()
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<OrgInvitationCreated, Error> {
        let organization = tx.organization().await?;
        require_inviter(tx, &organization).await?;
        let invitee = self.invitee();
        let found = invitee.find(tx.engine).await?;
        let admissible = invitee.decide(tx, &found, &mut BTreeSet::new()).await?;
        count_mails(tx, 1).await?;
        let number = tx.next_number(index::INVITATIONS).await?;
        admissible.invite(tx, &organization.name, number).await
    }
}

impl Create {
    /// serde's `flatten` would let unknown fields pass, so `Create` has the fields of [`Invitee`] itself.
    fn invitee(&self) -> Invitee {
        let Self { organization_id: _, email, username, role, roles, name, expires_at } = self.clone();
        Invitee { email, username, role, roles, name, expires_at }
    }
}
