//! Join codes.

use super::{output, ranked};
use crate::{
    access::roles::Roles,
    rows::JoinCodeRow,
    values::{
        clock::Timestamp,
        ids::{JoinCodeId, OrganizationId},
        principal::Principal,
        role::RoleName,
    },
};

output! {
    /// A join code, without the code.
    pub struct OrgJoinCode {
        /// Its id.
        pub id: JoinCodeId,
        /// The organization that it leads to.
        pub organization_id: OrganizationId,
        /// The role that joining gives.
        pub role: RoleName,
        /// How often it may be used; `null`: without limit.
        pub max_uses: Option<u32>,
        /// How often it was used.
        pub uses: u64,
        /// Until when it can be used; `null`: without end.
        pub expires_at: Option<Timestamp>,
        /// Who made it.
        pub created_by: Principal,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it was revoked.
        pub revoked_at: Option<Timestamp>,
        /// Its last characters, to tell it from others.
        pub code_hint: String,
    }

    /// A join code that was just made.
    pub struct OrgJoinCodeCreated {
        /// The join code.
        pub join_code: OrgJoinCode,
        /// The code, shown this once.
        pub code: String,
    }
}

impl OrgJoinCode {
    pub(crate) fn new(
        id: JoinCodeId,
        organization_id: OrganizationId,
        row: JoinCodeRow,
        uses: i64,
        known: &Roles,
    ) -> Self {
        Self {
            id,
            organization_id,
            role: ranked(known, vec![row.role]).0,
            max_uses: row.max_uses,
            uses: u64::try_from(uses).unwrap_or(0),
            expires_at: row.expires_at,
            created_by: row.created_by,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            code_hint: row.hint,
        }
    }
}
