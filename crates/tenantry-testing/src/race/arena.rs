//! Where a round takes place: engines, and people whom no other round knows.

use std::{fmt::Write as _, sync::Arc};

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::{invitations, members, organizations},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
    },
    wire::{OrgMember, Organization},
};
use tokio::sync::Barrier;

use crate::actors;

/// What one round works with. Cheap to clone into its tasks.
#[derive(Debug, Clone)]
pub(super) struct Arena {
    nodes: Arc<[Engine]>,
    round: usize,
    /// Tells the people of this round from those of all others.
    tag: String,
}

impl Arena {
    pub(super) fn new(nodes: &[Engine], round: usize) -> Self {
        let mut random = [0; 8];
        nodes[0].entropy().fill(&mut random).expect("the races need randomness");
        let mut tag = String::new();
        for byte in random {
            // Writing to a String cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        Self { nodes: nodes.into(), round, tag }
    }

    /// Counts the rounds, so that a race can have variants.
    pub(super) fn round(&self) -> usize {
        self.round
    }

    /// The engine that task number `task` of a race uses.
    pub(super) fn node(&self, task: usize) -> &Engine {
        &self.nodes[task % self.nodes.len()]
    }

    /// A name that is used in this round alone, fit for a slug.
    pub(super) fn unique(&self, name: &str) -> String {
        format!("{name}-{}", self.tag)
    }

    /// A user of this round.
    pub(super) fn person(&self, name: &str) -> Caller {
        actors::user(&self.unique(name))
    }

    /// `count` users of this round.
    pub(super) fn people(&self, name: &str, count: usize) -> Vec<Caller> {
        (0..count).map(|number| self.person(&format!("{name}{number}"))).collect()
    }

    /// Carries out an operation that must succeed: it only prepares the race, or looks at its result.
    pub(super) async fn must<O: Operation>(&self, caller: &Caller, input: Value) -> O::Output {
        match attempt::<O>(self.node(0), caller, input).await {
            Ok(output) => output,
            Err(error) => panic!("{} must succeed when nobody races, but: {error:?}", O::ROUTE),
        }
    }

    /// A new organization of `owner`.
    pub(super) async fn organization(&self, owner: &Caller) -> OrganizationId {
        self.must::<organizations::Create>(owner, json!({ "name": "Acme" })).await.organization.id
    }

    /// Makes `user` a member by an invitation of `owner`.
    pub(super) async fn enroll(&self, organization: OrganizationId, owner: &Caller, user: &Caller, role: &str) {
        let input = json!({ "organizationId": organization, "username": actors::id(user), "role": role });
        let invitation = self.must::<invitations::Create>(owner, input).await;
        self.must::<invitations::Accept>(user, json!({ "token": invitation.token })).await;
    }

    /// The organization as `viewer` sees it.
    pub(super) async fn look(&self, organization: OrganizationId, viewer: &Caller) -> Organization {
        self.must::<organizations::Get>(viewer, json!({ "organizationId": organization })).await.organization
    }

    /// All members, as `viewer` sees them.
    pub(super) async fn members(&self, organization: OrganizationId, viewer: &Caller) -> Vec<OrgMember> {
        let input = json!({ "organizationId": organization, "limit": 200 });
        self.must::<members::List>(viewer, input).await.members
    }

    /// How many events of each of these actions the audit log has.
    pub(super) async fn events(&self, organization: OrganizationId, actions: &[&str]) -> usize {
        let events = self.node(0).audit_events(organization, None, 10_000).await;
        let events = events.expect("the audit log must be readable");
        events.iter().filter(|event| actions.contains(&event.action.as_str())).count()
    }

    /// Runs `task` for every number below `count`, all at the same moment, and answers in their order.
    pub(super) async fn at_once<T, F>(&self, count: usize, task: impl Fn(Self, usize) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let start = Arc::new(Barrier::new(count));
        let running: Vec<_> = (0..count)
            .map(|number| {
                let (start, task) = (start.clone(), task(self.clone(), number));
                tokio::spawn(async move {
                    start.wait().await;
                    task.await
                })
            })
            .collect();
        let mut answers = Vec::with_capacity(count);
        for task in running {
            match task.await {
                Ok(answer) => answers.push(answer),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        answers
    }
}

/// The operation with this input, as it would come over the wire.
pub(super) fn operation<O: Operation>(input: Value) -> O {
    match serde_json::from_value(input) {
        Ok(operation) => operation,
        Err(error) => panic!("{}: the race gives a wrong input: {error}", O::ROUTE),
    }
}

/// Tries an operation.
pub(super) async fn attempt<O: Operation>(node: &Engine, caller: &Caller, input: Value) -> Result<O::Output, Error> {
    node.run(&Request::new(caller.clone()), &operation::<O>(input)).await
}

/// Requires that every refusal among `answers` is one of `expected`; answers how many there are of all.
#[track_caller]
pub(super) fn refusals<T>(promise: &str, answers: &[Result<T, Error>], expected: &[ErrorKind]) -> usize {
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    for error in &refused {
        assert!(expected.contains(&error.kind()), "{promise}: refused with {} ({error:?})", error.code());
    }
    refused.len()
}
