//! What the host is told of by its hooks: at once, on the node that made the change.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use tenantry::core::host::{
    Host,
    hooks::{HookError, Hooks, MemberEvent, OrganizationEvent},
};

use crate::{
    actors::Actor,
    world::{World, embedded, new_namespace, redis},
};

/// What happened, to whom, in which role.
type Note = (&'static str, String, String);

#[derive(Debug, Clone, Default)]
struct Notes(Arc<Mutex<Vec<Note>>>);

impl Notes {
    fn note(&self, what: &'static str, event: &MemberEvent) {
        let role = event.roles[0].as_str().to_owned();
        self.0.lock().unwrap().push((what, event.user.to_string(), role));
    }

    /// Waits until this was told.
    async fn until(&self, what: &'static str, user: &str, role: &str) {
        let wanted = (what, user.to_owned(), role.to_owned());
        while !self.0.lock().unwrap().contains(&wanted) {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Hooks for Notes {
    async fn member_joined(&self, event: &MemberEvent) -> Result<(), HookError> {
        self.note("joined", event);
        Ok(())
    }
    async fn member_removed(&self, event: &MemberEvent) -> Result<(), HookError> {
        self.note("removed", event);
        Ok(())
    }
    async fn organization_deleted(&self, event: &OrganizationEvent) -> Result<(), HookError> {
        self.0.lock().unwrap().push(("deleted", event.name.clone(), event.slug.clone()));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_told_who_comes_and_who_goes() {
    for on_redis in [false, true] {
        let store = if on_redis { redis(&new_namespace()).await } else { embedded() };
        let notes = Notes::default();
        let world = World::start_with(store, Host::default().hooks(notes.clone())).await;
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(Actor::user);
        let organization = world.organization(&alice).await;
        notes.until("joined", "alice", "owner").await;
        world.join(&alice, &organization, &bob, "admin").await;
        notes.until("joined", "bob", "admin").await;
        world.call(&bob, "leave", json!({ "organizationId": organization })).await.ok();
        notes.until("removed", "bob", "admin").await;
        let invite = json!({ "organizationId": organization, "email": carol.email() });
        let invited = world.call(&alice, "invitations/create", invite).await.ok();
        world.call(&carol, "invitations/accept", json!({ "token": invited["token"] })).await.ok();
        notes.until("joined", "carol", "member").await;
        let remove = json!({ "organizationId": organization, "userId": "carol" });
        world.call(&alice, "members/remove", remove.clone()).await.ok();
        notes.until("removed", "carol", "member").await;
        // Nobody is removed: nobody is told.
        world.call(&alice, "members/remove", remove).await.ok();
        world.call(&alice, "leave", json!({ "organizationId": organization })).await.refused(409, "last_owner");
        world.join(&alice, &organization, &bob, "member").await;
        notes.until("joined", "bob", "member").await;
        let slug = world.call(&alice, "get", json!({ "organizationId": organization })).await.ok();
        let slug = slug["organization"]["slug"].as_str().unwrap().to_owned();
        world.call(&alice, "delete", json!({ "organizationId": organization })).await.ok();
        notes.until("deleted", "Acme", &slug).await;
        assert_eq!(notes.0.lock().unwrap().len(), 7);
    }
}
