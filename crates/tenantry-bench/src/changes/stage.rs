//! What operations need before they can be measured: people, organizations, codes, invitations.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::{Engine, operation::Operation},
    operations::{join_codes, organizations},
    values::ids::OrganizationId,
};
use tenantry_testing::actors;

use crate::world::must;

/// An engine, and people of whom each is new.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    people: AtomicUsize,
}

/// An organization and its owner.
#[derive(Clone)]
pub(crate) struct Owned {
    pub(crate) id: OrganizationId,
    pub(crate) owner: Caller,
    /// What names the owner.
    pub(crate) name: String,
}

impl Stage {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, people: AtomicUsize::new(0) }
    }

    /// The name of somebody whom nobody knows.
    pub(crate) fn name(&self) -> String {
        format!("person{}", self.people.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) async fn must<O: Operation>(&self, caller: &Caller, input: Value) -> Result<O::Output> {
        must::<O>(&self.engine, caller, input).await
    }

    /// A new organization of somebody new.
    pub(crate) async fn organization(&self) -> Result<Owned> {
        let name = self.name();
        let owner = actors::user(&name);
        let created = self.must::<organizations::Create>(&owner, json!({ "name": "Acme" })).await?;
        Ok(Owned { id: created.organization.id, owner, name })
    }

    pub(crate) async fn organizations(&self, count: usize) -> Result<Vec<Owned>> {
        let mut organizations = Vec::with_capacity(count);
        for _ in 0..count {
            organizations.push(self.organization().await?);
        }
        Ok(organizations)
    }

    /// A join code of `organization`.
    pub(crate) async fn code(&self, organization: &Owned, uses_max: Option<usize>) -> Result<String> {
        let input = json!({ "organizationId": organization.id, "maxUses": uses_max });
        Ok(self.must::<join_codes::Create>(&organization.owner, input).await?.code)
    }
}
