//! How often a change asks the store: each call is a round trip, and a change costs little else.

use std::sync::Arc;

use serde_json::{Value, json};
use tenantry_core::{
    engine::{Engine, operation::Operation},
    operations::{invitations, join_codes, members, organizations},
};
use tenantry_testing::counting::Counting;

use crate::must;

struct Counted {
    store: Arc<Counting>,
    engine: Engine,
}

impl Counted {
    /// Carries out an operation, and says how many calls it took.
    async fn calls<O: Operation>(&self, user: &str, input: Value) -> (usize, O::Output) {
        self.store.take();
        let output = must::<O>(&self.engine, user, input).await;
        (self.store.take().calls(), output)
    }
}

/// Creating, joining by a code with a limit and by one without, inviting, accepting, setting a role.
async fn calls(store: Counting) -> [usize; 6] {
    let store = Arc::new(store);
    let world = Counted { engine: crate::engine(store.clone()), store };
    let (create, created) = world.calls::<organizations::Create>("alice", json!({ "name": "Acme" })).await;
    let id = created.organization.id;
    let mut join = Vec::new();
    for (joiner, max_uses) in [("bob", Some(10)), ("carol", None)] {
        let code = json!({ "organizationId": id, "maxUses": max_uses });
        let (_, code) = world.calls::<join_codes::Create>("alice", code).await;
        join.push(world.calls::<join_codes::Join>(joiner, json!({ "code": code.code })).await.0);
    }
    let invite = json!({ "organizationId": id, "username": "dave" });
    let (invite, invited) = world.calls::<invitations::Create>("alice", invite).await;
    let accept = json!({ "token": invited.token });
    let (accept, _) = world.calls::<invitations::Accept>("dave", accept).await;
    let role = json!({ "organizationId": id, "userId": "bob", "role": "admin" });
    let (set_role, _) = world.calls::<members::SetRole>("alice", role).await;
    [create, join[0], join[1], invite, accept, set_role]
}

#[tokio::test]
async fn a_change_asks_no_oftener_than_it_did() {
    let memory = || crate::in_memory().store().clone();
    assert_eq!(calls(Counting::new(memory())).await, [3, 4, 4, 3, 2, 2], "where one server has all");
    assert_eq!(calls(Counting::step_by_step(memory())).await, [8, 5, 5, 5, 5, 2], "in a cluster");
}
