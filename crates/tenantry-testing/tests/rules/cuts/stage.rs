//! A store behind a relay, a look from outside, and one organization after the other to act in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    host::Host,
    operations::{invitations, join_codes, organizations, roles, tokens, workspaces},
    values::{
        clock::{Clock as _, SystemClock},
        error::{Error, ErrorKind},
        limits,
    },
};
use tenantry_testing::{actors, counting::Counting, model::ManualClock, redis_server::RedisServer, relay::Relay};

/// What an operation answers.
pub(crate) type Answer = Result<Value, Error>;
/// Carries out one operation, of which the input is given as JSON.
pub(crate) type Run = for<'a> fn(&'a Engine, &'a Request, Value) -> BoxFuture<'a, Answer>;

/// The [`Run`] of an operation.
pub(crate) fn run<'a, O: Operation>(engine: &'a Engine, request: &'a Request, input: Value) -> BoxFuture<'a, Answer> {
    let operation: O = match serde_json::from_value(input) {
        Ok(operation) => operation,
        Err(error) => panic!("{}: the test gives a wrong input: {error}", O::ROUTE),
    };
    Box::pin(async move {
        let output = engine.run(request, &operation).await?;
        Ok(serde_json::to_value(output).expect("an answer can be written as JSON"))
    })
}

/// Two nodes of one system, on the Redis that the tests share.
pub(crate) struct Stage {
    pub(crate) relay: Relay,
    /// The node behind the relay.
    pub(crate) behind: Engine,
    /// Another node, which nothing befalls.
    pub(crate) outside: Engine,
    clock: Arc<ManualClock>,
    scenes: AtomicU64,
}

impl Stage {
    /// `step_by_step`: as in a cluster, where no commit spans shards.
    pub(crate) async fn new(namespace: &str, step_by_step: bool) -> Self {
        let server = RedisServer::shared();
        let relay = Relay::to(server.port()).await.expect("there is a free port");
        let [direct, relayed] = [server.port(), relay.port()].map(|port| port.to_string());
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let node = async |url: String| {
            let mut store = crate::redis_at(&url, namespace).await;
            if step_by_step {
                store = Arc::new(Counting::step_by_step(store));
            }
            let registry = Registry::builder().build().expect("what is built in fits together");
            // Everybody owns as many as they may: what is counted falsely would be in their way.
            let host = Host::default().organizations_owned_max(1);
            Engine::builder(store, registry).clock(clock.clone()).host(host).build()
        };
        let behind = node(server.store_url().replace(&direct, &relayed)).await;
        let outside = node(server.store_url()).await;
        Self { relay, behind, outside, clock, scenes: AtomicU64::new(0) }
    }

    /// Lets time pass until nobody takes a failed try for one that is under way.
    pub(crate) fn settle(&self) {
        self.clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    }

    /// Lets so much time pass that what happens next has an order.
    pub(crate) fn tick(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    /// Ends a cut, and waits until the node behind the relay has noticed that it is over. Whether there was a cut.
    pub(crate) async fn heal(&self) -> bool {
        let happened = self.relay.heal();
        while self.behind.store().ping().await.is_err() {
            tokio::task::yield_now().await;
        }
        happened
    }

    /// A fresh organization, and all that the operations need, made by the node behind the relay.
    pub(crate) async fn scene(&self) -> Scene {
        let tag = format!("x{}x", self.scenes.fetch_add(1, Ordering::SeqCst));
        let mut scene = Scene { tag, known: Value::Null };
        let create = json!({ "name": scene.title("Acme"), "slug": scene.name("acme") });
        let created = self.must::<organizations::Create>(&scene, "alice", create).await;
        scene.known = json!({ "organizationId": created["organization"]["id"] });
        let define = scene.input(json!({ "role": "auditor", "permissions": ["org:view", "audit:view"] }));
        self.must::<roles::Create>(&scene, "alice", define).await;
        for (who, role) in [("bob", "auditor"), ("carol", "member")] {
            let invite = scene.input(json!({ "email": scene.email(who), "role": role }));
            scene.known[who] = self.must::<invitations::Create>(&scene, "alice", invite).await;
        }
        let accept = json!({ "token": scene.known["bob"]["token"] });
        self.must::<invitations::Accept>(&scene, "bob", accept).await;
        let code = scene.input(json!({ "maxUses": 5 }));
        scene.known["code"] = self.must::<join_codes::Create>(&scene, "alice", code).await;
        let token = scene.input(json!({ "name": "robot", "permissions": ["org:view"] }));
        scene.known["token"] = self.must::<tokens::Create>(&scene, "alice", token).await;
        let workspace = scene.input(json!({ "name": "Design" }));
        scene.known["workspace"] = self.must::<workspaces::Create>(&scene, "alice", workspace).await;
        scene
    }

    async fn must<O: Operation>(&self, scene: &Scene, who: &str, input: Value) -> Value {
        self.tick();
        let answer = run::<O>(&self.behind, &scene.person(who).into(), input).await;
        answer.unwrap_or_else(|error| panic!("{}: {error:?}", O::ROUTE))
    }

    /// Asks from outside: what is answered, or the code of the refusal.
    pub(crate) async fn ask<O: Operation>(&self, caller: &Caller, input: Value) -> Value {
        self.tick();
        told(&run::<O>(&self.outside, &caller.clone().into(), input).await)
    }
}

/// An answer, or the code of the refusal.
pub(crate) fn told(answer: &Answer) -> Value {
    answer.as_ref().map_or_else(|error| json!({ "refused": error.kind().code() }), Clone::clone)
}

/// Whether the answer is that the store is away.
pub(crate) fn is_unavailable(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable)
}

/// An organization of Alice's. Bob is a member, Carol is invited, and Dave and all others are strangers.
pub(crate) struct Scene {
    /// Tells its people and names from those of others.
    pub(crate) tag: String,
    /// What was answered when it was made.
    pub(crate) known: Value,
}

impl Scene {
    pub(crate) fn name(&self, plain: &str) -> String {
        format!("{plain}-{}", self.tag)
    }

    /// The name of an organization: a search for all of the scene looks at no others.
    pub(crate) fn title(&self, plain: &str) -> String {
        format!("{} {plain}", self.tag)
    }

    pub(crate) fn email(&self, who: &str) -> String {
        format!("{}@example.com", self.name(who))
    }

    pub(crate) fn person(&self, who: &str) -> Caller {
        actors::user(&self.name(who))
    }

    /// `fields`, and of which organization.
    pub(crate) fn input(&self, mut fields: Value) -> Value {
        fields["organizationId"] = self.known["organizationId"].clone();
        fields
    }
}
