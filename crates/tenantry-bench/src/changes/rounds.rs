//! What 64 callers at once do to one store, without HTTP: what the rules and the store can do.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::{invitations, join_codes, members, organizations},
    store::Store,
    values::{error::ErrorKind, ids::OrganizationId},
};
use tenantry_testing::{actors, counting::Counting};

use super::stage::{Owned, Stage};
use crate::{
    crowd::{Task, operate, together},
    figures::Figures,
};

pub(super) const CALLERS: usize = 64;
pub(super) const ROUNDS: usize = 11;
/// Operations of each kind in a round.
pub(super) const OPERATIONS: usize = 4096;
/// Operations of each kind in a round of one caller.
const ALONE: usize = 300;

/// Members on a page of their list.
const PAGE: usize = 100;

/// What was measured of one kind of operation.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) per_second: Figures,
    /// Microseconds for one, with one caller.
    pub(super) alone_us: Figures,
    calls: usize,
    conflicts: usize,
}

impl Measured {
    /// Calls of the store for each operation: what is one round trip to Redis.
    pub(super) fn calls_each(&self) -> f64 {
        self.calls as f64 / (ROUNDS * OPERATIONS) as f64
    }

    /// How often each operation was decided anew.
    pub(super) fn retries_each(&self) -> f64 {
        self.conflicts as f64 / (ROUNDS * OPERATIONS) as f64
    }
}

const KINDS: [&str; 8] = [
    "join, all by one code with a limit",
    "join, by the codes of 64 organizations",
    "create an organization",
    "invite, into 64 organizations",
    "accept an invitation, into 64 organizations",
    "set a role, in 64 organizations",
    "resolve an owner, in 64 organizations",
    "list 100 members, of 64 organizations",
];

/// A store under measurement.
pub(super) struct Bench {
    stage: Stage,
    store: Arc<Counting>,
    measured: [Measured; KINDS.len()],
}

impl Bench {
    pub(super) fn new(store: Arc<dyn Store>) -> Result<Self> {
        let store = Arc::new(Counting::new(store));
        let stage = Stage::new(Engine::new(store.clone(), Registry::builder().build()?));
        Ok(Self { stage, store, measured: Default::default() })
    }

    /// What was measured, in the order of [`KINDS`].
    pub(super) fn measured(&self) -> impl Iterator<Item = (&'static str, &Measured)> {
        KINDS.into_iter().zip(&self.measured)
    }

    /// Measures all stores in turns; a first round warms up.
    pub(super) async fn in_turns(benches: &mut [Self]) -> Result<()> {
        for round in 0..=ROUNDS {
            for bench in &mut *benches {
                let mut measured = std::mem::take(&mut bench.measured);
                bench.round(&mut measured).await?;
                if round > 0 {
                    bench.measured = measured;
                }
            }
        }
        Ok(())
    }

    /// Each kind of operation once.
    async fn round(&self, measured: &mut [Measured; KINDS.len()]) -> Result<()> {
        let [one_code, codes, create, invite, accept, role, resolve, list] = measured;
        self.joins_by_one_code(one_code).await?;

        let organizations = self.stage.organizations(CALLERS).await?;
        let mut input = Vec::new();
        for organization in &organizations {
            input.push(json!({ "code": self.stage.code(organization, None).await? }));
        }
        let all = self.newcomers(|place| input[place % CALLERS].clone());
        self.measure::<join_codes::Join>(codes, all).await?;

        let all = self.newcomers(|_| json!({ "name": "Acme" }));
        self.measure::<organizations::Create>(create, all).await?;

        let invitees: Vec<_> = (0..OPERATIONS + ALONE).map(|_| self.stage.name()).collect();
        let all = invitees.iter().enumerate().map(|(place, name)| {
            let Owned { id, owner, .. } = &organizations[place % CALLERS];
            (owner.clone(), json!({ "organizationId": id, "username": name }))
        });
        let invited = self.measure::<invitations::Create>(invite, all.collect()).await?;
        let all = invitees
            .iter()
            .zip(&invited)
            .map(|(name, invited)| (actors::user(name), json!({ "token": invited.token })));
        self.measure::<invitations::Accept>(accept, all.collect()).await?;

        let all = invitees.iter().enumerate().map(|(place, name)| {
            let Owned { id, owner, .. } = &organizations[place % CALLERS];
            (owner.clone(), json!({ "organizationId": id, "userId": name, "role": "admin" }))
        });
        self.measure::<members::SetRole>(role, all.collect()).await?;
        self.looks(&organizations, resolve, list).await
    }

    /// What changes nothing, of organizations that have more than a hundred members by now.
    async fn looks(&self, organizations: &[Owned], resolve: &mut Measured, list: &mut Measured) -> Result<()> {
        let owned = |place: usize| &organizations[place % CALLERS];
        let all = (0..OPERATIONS + ALONE).map(|place| (owned(place).owner.clone(), owned(place).id)).collect();
        let engine = self.stage.engine.clone();
        let act = move |(caller, organization): (Caller, OrganizationId)| {
            let engine = engine.clone();
            async move { Ok(engine.resolve(&caller, organization).await?) }
        };
        self.measure_by(resolve, all, |callers, tasks| together(callers, tasks, act.clone())).await?;

        let input = |place: usize| json!({ "organizationId": owned(place).id, "limit": PAGE });
        let all = (0..OPERATIONS + ALONE).map(|place| (owned(place).owner.clone(), input(place)));
        let listed = self.measure::<members::List>(list, all.collect()).await?;
        ensure!(listed.iter().all(|listed| listed.members.len() == PAGE), "a page has {PAGE} members");
        Ok(())
    }

    /// As many as the code lets in join by it; then nobody more can.
    async fn joins_by_one_code(&self, measured: &mut Measured) -> Result<()> {
        let organization = self.stage.organization().await?;
        let limit = OPERATIONS + ALONE;
        let input = json!({ "code": self.stage.code(&organization, Some(limit)).await? });
        let all = self.newcomers(|_| input.clone());
        let joined = self.measure::<join_codes::Join>(measured, all).await?;
        ensure!(joined.iter().all(|joined| !joined.already_member), "everybody joins for the first time");
        let late: Vec<_> = self.newcomers(|_| input.clone()).drain(..CALLERS).collect();
        let operation: join_codes::Join = serde_json::from_value(input)?;
        for (caller, _) in late {
            let refused = self.stage.engine.run(&Request::new(caller), &operation).await;
            ensure!(refused.is_err_and(|error| error.kind() == ErrorKind::Exhausted), "the code lets in too many");
        }
        let listed = json!({ "organizationId": organization.id });
        let listed = self.stage.must::<join_codes::List>(&organization.owner, listed).await?;
        ensure!(listed.join_codes[0].uses == limit as u64, "the code counts {} uses", listed.join_codes[0].uses);
        Ok(())
    }

    /// Enough people whom nobody knows, with what each of them is to do.
    fn newcomers(&self, input: impl Fn(usize) -> Value) -> Vec<Task> {
        (0..OPERATIONS + ALONE).map(|place| (actors::user(&self.stage.name()), input(place))).collect()
    }

    /// Carries out all of it; answers what was answered, in their order.
    async fn measure<O: Operation>(&self, measured: &mut Measured, tasks: Vec<Task>) -> Result<Vec<O::Output>>
    where
        O::Output: 'static,
    {
        self.measure_by(measured, tasks, |callers, tasks| operate::<O>(&self.stage.engine, callers, tasks)).await
    }

    /// Has all of it done, the last of it by one caller alone.
    async fn measure_by<T, A, F>(
        &self,
        measured: &mut Measured,
        mut tasks: Vec<T>,
        act: impl Fn(usize, Vec<T>) -> F,
    ) -> Result<Vec<A>>
    where
        F: Future<Output = Result<(Duration, Vec<A>)>>,
    {
        let alone = tasks.split_off(OPERATIONS);
        self.store.take();
        let (taken, mut answers) = act(CALLERS, tasks).await?;
        measured.per_second.push(OPERATIONS as f64 / taken.as_secs_f64());
        let counted = self.store.take();
        measured.calls += counted.calls();
        measured.conflicts += counted.conflicts;
        let (taken, answered_alone) = act(1, alone).await?;
        measured.alone_us.push(taken.as_secs_f64() * 1e6 / ALONE as f64);
        answers.extend(answered_alone);
        Ok(answers)
    }
}
