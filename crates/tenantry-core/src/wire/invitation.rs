//! Invitations.

use serde::{Deserialize, Serialize};

use super::{output, ranked};
use crate::{
    access::roles::Roles,
    rows::InvitationRow,
    values::{
        clock::Timestamp,
        delivery::Delivery,
        ids::{InvitationId, OrganizationId},
        principal::Principal,
        role::RoleName,
    },
};

output! {
    /// An invitation.
    pub struct OrgInvitation {
        /// Its id.
        pub id: InvitationId,
        /// A number for people, never reused in this organization.
        pub number: u64,
        /// The organization that invites.
        pub organization_id: OrganizationId,
        /// That organization's name.
        pub organization_name: String,
        /// The address, if it is one of e-mail.
        pub email: Option<String>,
        /// The username, if it is addressed to one.
        pub username: Option<String>,
        /// The name of who is invited.
        pub name: Option<String>,
        /// The highest of the roles.
        pub role: RoleName,
        /// The roles that accepting gives.
        pub roles: Vec<RoleName>,
        /// Open or expired.
        pub status: InvitationStatus,
        /// Who invited.
        pub invited_by: Principal,
        /// When it was made.
        pub created_at: Timestamp,
        /// Until when it can be accepted.
        pub expires_at: Timestamp,
        /// What became of its mail; `null` if none is sent, and for whom it is addressed to.
        pub delivery: Option<Delivery>,
    }

    /// An invitation that was just made.
    pub struct OrgInvitationCreated {
        /// The invitation.
        pub invitation: OrgInvitation,
        /// Its one-time secret, shown this once.
        pub token: String,
    }
}

/// Whether an invitation can still be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum InvitationStatus {
    /// It can.
    Pending,
    /// It waited too long.
    Expired,
}

impl OrgInvitation {
    pub(crate) fn new(
        id: InvitationId,
        organization: (OrganizationId, &str),
        row: InvitationRow,
        known: &Roles,
        now: Timestamp,
    ) -> Self {
        let (role, roles) = ranked(known, row.roles);
        Self {
            id,
            number: row.number,
            organization_id: organization.0,
            organization_name: organization.1.to_owned(),
            email: row.address.as_email().map(str::to_owned),
            username: row.address.as_username().map(str::to_owned),
            name: row.name,
            role,
            roles,
            status: if row.expires_at <= now { InvitationStatus::Expired } else { InvitationStatus::Pending },
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            delivery: row.mailing.and_then(|mailing| mailing.delivery),
        }
    }
}
