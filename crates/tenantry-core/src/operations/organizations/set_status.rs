use serde_json::json;

use crate::{
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{Status, keys},
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        validate::Violations,
    },
    wire::{Organization, input, output},
};

input! {
    /// Says whether an organization may be used. Whoever is in one that may not is refused by the next decision.
    pub struct SetStatus {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// Whether it may be used.
        pub status: Status,
        /// Why, at most 500 characters; kept until the organization is active again.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub reason: Option<String>,
    }
}

output! {
    /// The organization as it is now.
    pub struct StatusSet {
        /// The organization.
        pub organization: Organization,
    }
}

impl Operation for SetStatus {
    type Output = StatusSet;

    const ROUTE: &'static str = "set-status";
    const SUMMARY: &'static str = "Suspend an organization, put it aside, or make it active again";
    const NEEDS: Needs = Needs::Platform;
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::NotFound];
    const EVENT: Option<&'static str> = Some("organization.set-status");
    const FREES: bool = true;

    fn check(&self, problems: &mut Violations) {
        problems.text("reason", self.reason.as_deref(), limits::DESCRIPTION_CHARS_MAX);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<StatusSet, Error> {
        tx.load([keys::organization().key, keys::profile().key]).await?;
        let before = tx.organization().await?;
        let mut row = before.clone();
        row.status = self.status;
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        row.status_reason = reason.filter(|_| self.status != Status::Active).map(str::to_owned);
        if row != before {
            row.version += 1;
            row.updated_at = tx.now;
            tx.put(&keys::organization(), &row)?;
            let details = json!({ "from": before.status, "to": row.status, "reason": row.status_reason });
            tx.changed(Change::Organization(self.organization_id), Some(self.organization_id.to_string()), &details)?;
        }
        Ok(StatusSet { organization: tx.shown(row).await? })
    }
}
