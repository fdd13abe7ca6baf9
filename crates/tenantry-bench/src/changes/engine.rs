//! 64 callers at once on one Redis, without HTTP: what the rules and the store can do.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tenantry_core::{
    engine::Engine,
    error::ErrorKind,
    operation::{Operation, Request},
    operations::{invitations, join_codes, members, organizations},
    registry::Registry,
};
use tenantry_testing::{actors, counting::Counting, redis_server::RedisServer};

use super::stage::{Owned, Stage};
use crate::{
    crowd::{Task, operate},
    figures::Figures,
    table::Table,
    world::patient,
};

const CALLERS: usize = 64;
const ROUNDS: usize = 11;
/// Operations of each kind in a round.
const OPERATIONS: usize = 4096;
/// Operations of each kind in a round of one caller.
const ALONE: usize = 300;

/// What was measured of one kind of operation.
#[derive(Default)]
struct Measured {
    per_second: Figures,
    /// Microseconds for one, with one caller.
    alone_us: Figures,
    calls: usize,
    conflicts: usize,
}

const KINDS: [&str; 6] = [
    "join, all by one code with a limit",
    "join, by the codes of 64 organizations",
    "create an organization",
    "invite, into 64 organizations",
    "accept an invitation, into 64 organizations",
    "set a role, in 64 organizations",
];

/// Measures, and publishes the table `changes-engine`.
pub(super) fn run() -> Result<()> {
    let server = RedisServer::start(&[]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let measured = runtime.block_on(async {
        let store = Arc::new(Counting::new(Arc::new(patient(&server.url()).await?)));
        let stage = Stage::new(Engine::new(store.clone(), Registry::builder().build()?));
        let bench = Bench { stage, store };
        let mut measured: [Measured; KINDS.len()] = Default::default();
        for round in 0..=ROUNDS {
            // The first round warms up.
            bench.round(if round == 0 { None } else { Some(&mut measured) }).await?;
        }
        anyhow::Ok(measured)
    })?;
    let title = format!(
        "{CALLERS} callers at once on one Redis, without HTTP: {ROUNDS} rounds of {OPERATIONS} operations of each kind, \
         in turns"
    );
    let columns =
        ["operation", "operations/s", "half of the rounds", "retries each", "round trips each", "one caller, µs"];
    let mut table = Table::new(&title, &columns);
    for (name, measured) in KINDS.iter().zip(&measured) {
        let each = |count: usize| count as f64 / (ROUNDS * OPERATIONS) as f64;
        table.row([
            (*name).to_owned(),
            format!("{:.0}", measured.per_second.median()),
            measured.per_second.spread(0),
            format!("{:.4}", each(measured.conflicts)),
            format!("{:.2}", each(measured.calls)),
            format!("{:.0}", measured.alone_us.median()),
        ]);
    }
    table.publish("changes-engine")
}

struct Bench {
    stage: Stage,
    store: Arc<Counting>,
}

impl Bench {
    /// Each kind of operation once.
    async fn round(&self, measured: Option<&mut [Measured; KINDS.len()]>) -> Result<()> {
        let mut ignored = Default::default();
        let [one_code, codes, create, invite, accept, role] = measured.unwrap_or(&mut ignored);
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

    /// Has all of it done, the last of it by one caller alone; answers what was answered, in their order.
    async fn measure<O: Operation>(&self, measured: &mut Measured, mut tasks: Vec<Task>) -> Result<Vec<O::Output>>
    where
        O::Output: 'static,
    {
        let alone = tasks.split_off(OPERATIONS);
        self.store.take();
        let (taken, mut answers) = operate::<O>(&self.stage.engine, CALLERS, tasks).await?;
        measured.per_second.push(OPERATIONS as f64 / taken.as_secs_f64());
        let counted = self.store.take();
        measured.calls += counted.calls();
        measured.conflicts += counted.conflicts;
        let (taken, answered_alone) = operate::<O>(&self.stage.engine, 1, alone).await?;
        measured.alone_us.push(taken.as_secs_f64() * 1e6 / ALONE as f64);
        answers.extend(answered_alone);
        Ok(answers)
    }
}
