use serde_json::json;

use crate::{
    access::permission::Permission,
    engine::{
        entry::IndexEntry,
        operation::{Locate, Needs, Operation},
        search_entry,
        transaction::Transaction,
    },
    rows::{GoneRow, Nested, Work, keys},
    store::change::Change,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
    },
    wire::{Done, input},
};

input! {
    /// Deletes an organization, and everything of it. It is gone for everyone at once; there is no way back.
    pub struct Delete {
        /// Which organization.
        pub organization_id: OrganizationId,
    }
}

impl Operation for Delete {
    type Output = Done;

    const ROUTE: &'static str = "delete";
    const SUMMARY: &'static str = "Delete an organization and everything of it";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_DELETE);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = Some("organization.delete");
    const FREES: bool = true;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    /// Without the organization's row everything else of it is void; `worker/removal.rs` removes it afterwards.
    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Done, Error> {
        let row = tx.organization().await?;
        tx.delete(&keys::organization());
        tx.release(IndexEntry::Slug { slug: row.slug.clone(), derived: false }, row.slug_intent);
        for (entry, intent) in search_entry::entries(&row) {
            tx.release(entry, intent);
        }
        let details = json!({ "name": row.name, "slug": row.slug });
        tx.put(
            &keys::gone(),
            &GoneRow { organization: Nested::new(row), by: tx.authority.principal.clone(), at: tx.now },
        )?;
        tx.later(Work::OrganizationDeleted { tell: tx.engine.host().known_hooks().is_some() })?;
        let change = Change::Organization(self.organization_id);
        tx.changed(change, Some(self.organization_id.to_string()), &details)?;
        Ok(Done { ok: true })
    }
}
