use serde_json::json;

use crate::{
    access::permission::Permission,
    engine::{
        entry::IndexEntry,
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{issued::Issued, roles},
    rows::{JoinCodeRow, index, keys},
    secret::JoinCode,
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::{JoinCodeId, OrganizationId},
        limits,
        role::RoleName,
        validate::Violations,
    },
    wire::{OrgJoinCode, OrgJoinCodeCreated, input},
};

input! {
    /// Makes a join code.
    pub struct Create {
        /// Into which organization it leads.
        pub organization_id: OrganizationId,
        /// The role that joining gives; `member` if absent.
        pub role: Option<RoleName>,
        /// How often it may be used; without limit if absent.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
        pub max_uses: Option<u32>,
        /// Until when it can be used; without end if absent. An API token that ends makes none that ends later.
        pub expires_at: Option<Timestamp>,
    }
}

impl Operation for Create {
    type Output = OrgJoinCodeCreated;

    const ROUTE: &'static str = "join-codes/create";
    const SUMMARY: &'static str = "Make a join code";
    const NEEDS: Needs = Needs::Permission(Permission::MEMBERS_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::GrantExceedsOwn, ErrorKind::IdempotencyMismatch];
    const EVENT: Option<&'static str> = Some("join-codes.create");

    fn check(&self, problems: &mut Violations) {
        if self.max_uses.is_some_and(|uses| !(1..=limits::JOIN_CODE_USES_MAX).contains(&uses)) {
            let detail = format!("give 1 to {}, or leave it out for no limit", limits::JOIN_CODE_USES_MAX);
            problems.add("maxUses", "out_of_bounds", detail);
        }
        problems.expiry("expiresAt", self.expires_at);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<OrgJoinCodeCreated, Error> {
        let known = tx.roles().await?;
        let role = roles::meant_one(&known, "role", self.role.as_ref().unwrap_or(&RoleName::member()))?;
        tx.authority.may_grant(&known, std::slice::from_ref(&role))?;
        tx.authority.may_grant_until("expiresAt", self.expires_at)?;
        roles::count_holders(tx, &[], std::slice::from_ref(&role)).await?;
        let id = JoinCodeId::new(tx.now, tx.entropy())?;
        let code = JoinCode::new(tx.entropy())?;
        let row = JoinCodeRow {
            role,
            max_uses: self.max_uses,
            expires_at: self.expires_at,
            created_by: tx.authority.principal.clone(),
            created_at: tx.now,
            revoked_at: None,
            hint: code.hint(),
            code: Some(code.hashed()),
        };
        tx.put(&keys::join_code(id), &row)?;
        tx.index(index::JOIN_CODES, id.to_base62(), None);
        Issued::JoinCode(id).issue(tx)?;
        tx.enter(IndexEntry::JoinCode(code.hashed(), id));
        let details = json!({ "role": row.role, "maxUses": row.max_uses, "expiresAt": row.expires_at });
        tx.record(Some(id.to_string()), &details)?;
        let join_code = OrgJoinCode::new(id, self.organization_id, row, 0, &known);
        Ok(OrgJoinCodeCreated { join_code, code: code.grouped().expose().to_owned() })
    }
}
