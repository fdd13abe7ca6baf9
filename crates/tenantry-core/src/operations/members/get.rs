use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::workspaces,
    rows::{MemberRow, index, keys},
    store::Key,
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
    },
    wire::{OrgMember, input, output},
};

input! {
    /// Shows a member.
    pub struct Get {
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
    }
}

output! {
    /// A member as they are now.
    pub struct Found {
        /// The member.
        pub member: OrgMember,
    }
}

impl Operation for Get {
    type Output = Found;

    const ROUTE: &'static str = "members/get";
    const SUMMARY: &'static str = "Show a member";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_VIEW);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::member(&self.user_id).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Found, Error> {
        let member = tx.get(&keys::member(&self.user_id)).await?.ok_or_else(|| Error::not_found("member"))?;
        show(tx, &self.user_id, member).await
    }
}

/// Shows the member with their number and those of their workspaces that still exist.
pub(super) async fn show(tx: &mut Transaction<'_>, user: &UserId, row: MemberRow) -> Result<Found, Error> {
    let known = tx.roles().await?;
    // Absent if the member was removed after the row was read.
    let number = tx.number(index::MEMBERS, user.as_str()).await?.ok_or_else(|| Error::not_found("member"))?;
    let living = workspaces::living(tx, [&row]).await?;
    Ok(Found { member: OrgMember::member(user.clone(), number, row, &known, &living) })
}
