use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::keys,
    store::Key,
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
    },
    wire::{Organization, input, output},
};

input! {
    /// Shows an organization.
    pub struct Get {
        /// Which one.
        pub organization_id: OrganizationId,
    }
}

output! {
    /// The organization that was asked for.
    pub struct Found {
        /// The organization.
        pub organization: Organization,
    }
}

impl Operation for Get {
    type Output = Found;

    const ROUTE: &'static str = "get";
    const SUMMARY: &'static str = "Show an organization";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_VIEW);
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::profile().key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Found, Error> {
        let organization = tx.whole_organization().await?;
        Ok(Found { organization: Organization::new(self.organization_id, organization)? })
    }
}
