use serde_json::json;

use super::{
    join,
    left::{self, Left},
};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::invitations::close::Ended,
    rows::{MemberRow, keys},
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::{OrganizationId, UserId},
        role::RoleName,
    },
    wire::{input, output},
};

input! {
    /// Removes a member, and tells what they issued that others may still use. Whoever is no member is removed already.
    /// What is open for their addresses ends in the same step: they come back only if they are invited anew.
    pub struct Remove {
        /// From which organization.
        pub organization_id: OrganizationId,
        /// Whom.
        pub user_id: UserId,
        /// Whether all that they issued is revoked in the same step: their open invitations, join codes and API tokens,
        /// also those of somebody who is no member any more. The caller must be allowed to revoke each; otherwise
        /// nothing is done. Not if absent.
        pub revoke_issued: Option<bool>,
    }
}

output! {
    /// What is left of what the member issued.
    pub struct Removed {
        /// Always true.
        pub ok: bool,
        /// What is still of use to others. An invitation or a join code keeps its role, and an API token its
        /// permissions, whatever becomes of their maker.
        pub left: Left,
        /// Whether there is more than the 1000 that are shown.
        pub more: bool,
        /// What was revoked with the member.
        pub revoked: Left,
    }
}

impl Operation for Remove {
    type Output = Removed;

    const ROUTE: &'static str = "members/remove";
    const SUMMARY: &'static str = "Remove a member";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::LastOwner];
    const EVENT: Option<&'static str> = Some("members.remove");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::member(&self.user_id).key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Removed, Error> {
        let member = tx.get(&keys::member(&self.user_id)).await?;
        let mut details = json!({});
        if let Some(member) = member {
            details["roles"] = json!(member.roles);
            details = join::details(details, &self.remove(tx, member).await?);
            tx.notify(Change::Member(self.organization_id, self.user_id.clone()));
        }
        let mut removed = Removed { ok: true, left: Left::default(), more: false, revoked: Left::default() };
        if self.revoke_issued.unwrap_or(false) {
            removed.revoked = left::revoke(tx, &self.user_id).await?;
        } else {
            (removed.left, removed.more) = left::look(tx, &self.user_id).await?;
        }
        if !removed.revoked.is_empty() {
            details["revoked"] = removed.revoked.names();
        }
        if details != json!({}) {
            tx.record(Some(self.user_id.to_string()), &details)?;
        }
        Ok(removed)
    }
}

impl Remove {
    async fn remove(&self, tx: &mut Transaction<'_>, mut member: MemberRow) -> Result<Vec<Ended>, Error> {
        if member.roles.iter().any(RoleName::is_owner) {
            if !tx.authority.owner {
                return Err(Error::new(ErrorKind::Forbidden, "only an owner can remove an owner"));
            }
            let mut row = tx.organization().await?;
            join::remove_owner(tx, &mut row, &self.user_id, &mut member)?;
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
        }
        join::remove_member(tx, &self.user_id, member).await
    }
}
