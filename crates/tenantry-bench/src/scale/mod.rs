//! What things cost among few organizations and among many, and how much memory they take: each organization has three
//! members, an API token and a join code. Platforms of all sizes stand side by side, each with a store of its own, and
//! are measured in turns.

mod home;
mod members;
mod memory;
mod platform;

use anyhow::Result;
use serde_json::json;
use tenantry_core::{
    engine::operation::Operation,
    operations::{invitations, members as operations},
};

use self::{
    home::{Home, Kind},
    platform::Platform,
};
use crate::{
    allocations::{self, Allocations, SoFar},
    crowd::{Task, operate, together},
    figures::Figures,
    plot::{self, Line},
    table::Table,
    workers::Workers,
};

/// How many organizations the largest platform has unless it is said.
pub(crate) const LARGEST: usize = 100_000;
const SMALLEST: usize = 1000;
const CALLERS: usize = 64;
const ROUNDS: usize = 25;
/// Of each kind, in a round: by all callers, and by one alone.
const OPERATIONS: usize = 4096;
const ALONE: usize = 200;

/// By this name it is counted what a member takes in memory.
const MEMBER: &str = "a member";

/// Has Redis keep the rows of a small organization in one piece of memory; see deploy/README.md.
const COMPACT: [&str; 2] = ["--hash-max-listpack-value", "1024"];

const KINDS: [&str; 3] = ["resolve a member", "set a role", "invite"];

#[derive(Default, Clone)]
struct Measured {
    per_second: Figures,
    /// Microseconds for one, with one caller.
    alone_us: Figures,
}

/// Measures all stores.
pub(crate) fn run(largest: usize) -> Result<()> {
    run_embedded(largest)?;
    let workers = Workers::beside_redis()?;
    workers.runtime()?.block_on(async { tokio::spawn(redis(largest, workers)).await? })
}

/// Measures the embedded store only.
pub(crate) fn run_embedded(largest: usize) -> Result<()> {
    let workers = Workers::on_all_cores()?;
    workers.runtime()?.block_on(async { tokio::spawn(embedded(largest, workers)).await? })
}

/// Publishes the tables `scale`, `scale-memory`, `scale-memory-kinds` and `scale-members`.
async fn redis(largest: usize, workers: Workers) -> Result<()> {
    members::run("scale-members", Kind::Redis(&[]), None).await?;
    let mut platforms = platforms(largest, Kind::Redis(&[])).await?;
    platforms.push(Platform::load(SMALLEST, CALLERS, Kind::Redis(&COMPACT)).await?);
    memory::publish(&platforms).await?;
    let told = workers.told(", which Redis shares");
    let lines = compare("scale", &told, &mut platforms).await?;
    plot::growth("scale", "Throughput of 64 callers, in % of that among 1,000 organizations", "organizations", &lines)
}

/// Publishes the tables `scale-embedded-…`.
async fn embedded(largest: usize, workers: Workers) -> Result<()> {
    let told = workers.told("; the store writes on a thread of its own");
    for (name, kind, place) in
        [("memory", Kind::Memory, "embedded store in memory"), ("file", Kind::File, "embedded store in a file, fsync")]
    {
        let counted = if matches!(kind, Kind::Memory) {
            allocations::of(&["memory", &largest.to_string()])?
        } else {
            Allocations::new()
        };
        let mut platforms = platforms(largest, kind).await?;
        let title = format!("An organization with three members, an API token and a join code: {place}");
        let mut table = Table::new(&title, &["organizations", kind.measure()]);
        for platform in &platforms {
            let bytes = counted.get(&platform.name).copied().unwrap_or(platform.bytes_each);
            table.row([platform.name.clone(), format!("{bytes:.0}")]);
        }
        table.publish(&format!("scale-embedded-{name}-bytes"))?;
        compare(&format!("scale-embedded-{name}"), &format!("{place}; {told}"), &mut platforms).await?;
        drop(platforms);
        members::run(&format!("scale-embedded-{name}-members"), kind, counted.get(MEMBER).copied()).await?;
    }
    Ok(())
}

/// Counts what the embedded store keeps in memory: for an organization, by the size of the platform, and for a member.
pub(crate) fn memory_bytes(largest: usize, so_far: SoFar) -> Result<Allocations> {
    let bytes = || Ok(so_far().bytes as u64);
    Workers::on_all_cores()?.runtime()?.block_on(async {
        let mut counted = Allocations::new();
        for size in sizes(largest) {
            let before = so_far().bytes;
            let platform = Platform::load(size, CALLERS, Kind::Memory).await?;
            let grown = so_far().bytes.saturating_sub(before);
            counted.insert(platform.name, grown as f64 / size as f64);
        }
        let (_home, engine) = Home::open(Kind::Memory).await?;
        let (_, _, member) = members::fill(&engine, bytes).await?;
        counted.insert(MEMBER.to_owned(), member);
        Ok(counted)
    })
}

/// The sizes of platforms.
fn sizes(largest: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(SMALLEST), |size| Some(size * 10)).take_while(move |size| *size <= largest)
}

/// Platforms of all sizes.
async fn platforms(largest: usize, kind: Kind) -> Result<Vec<Platform>> {
    let mut platforms = Vec::new();
    for size in sizes(largest) {
        platforms.push(Platform::load(size, CALLERS, kind).await?);
        eprintln!("bench: {size} organizations are there");
    }
    Ok(platforms)
}

/// Measures platforms in turns, and publishes the table of this name; answers how each kind of operation grows.
async fn compare(name: &str, told: &str, platforms: &mut [Platform]) -> Result<Vec<Line<'static>>> {
    let mut measured = vec![[Measured::default(), Measured::default(), Measured::default()]; platforms.len()];
    for round in 0..=ROUNDS {
        for (platform, measured) in platforms.iter_mut().zip(&mut measured) {
            let mut ignored = Default::default();
            // The first round warms up.
            once(platform, if round == 0 { &mut ignored } else { measured }).await?;
        }
    }
    let title = format!(
        "Among few organizations and among many: {CALLERS} callers, {ROUNDS} rounds of {OPERATIONS} of each kind, in \
         turns. {told}"
    );
    publish(name, &title, platforms, &measured)
}

/// Each kind once.
async fn once(platform: &mut Platform, measured: &mut [Measured; KINDS.len()]) -> Result<()> {
    let [resolve, role, invite] = measured;
    let resolves: Vec<_> = platform.some(OPERATIONS + ALONE).iter().map(|one| (one.owner(), one.id)).collect();
    let (many, alone) = resolves.split_at(OPERATIONS);
    let engine = platform.engine.clone();
    let act = move |(caller, organization)| {
        let engine = engine.clone();
        async move { Ok(engine.resolve(&caller, organization).await?) }
    };
    let (taken, _) = together(CALLERS, many.to_vec(), act.clone()).await?;
    resolve.per_second.push(OPERATIONS as f64 / taken.as_secs_f64());
    let (taken, _) = together(1, alone.to_vec(), act).await?;
    resolve.alone_us.push(taken.as_secs_f64() * 1e6 / ALONE as f64);

    let tasks = platform.some(OPERATIONS + ALONE).into_iter().map(|one| {
        let role = platform.other_role(&one);
        (one.owner(), json!({ "organizationId": one.id, "userId": one.member(1), "role": role }))
    });
    let tasks = tasks.collect::<Vec<_>>();
    change::<operations::SetRole>(platform, role, tasks).await?;
    let strangers = platform.strangers(OPERATIONS + ALONE);
    let tasks = platform
        .some(OPERATIONS + ALONE)
        .into_iter()
        .zip(strangers)
        .map(|(one, stranger)| (one.owner(), json!({ "organizationId": one.id, "username": stranger })));
    change::<invitations::Create>(platform, invite, tasks.collect()).await
}

async fn change<O: Operation>(platform: &Platform, measured: &mut Measured, mut tasks: Vec<Task>) -> Result<()>
where
    O::Output: 'static,
{
    let alone = tasks.split_off(OPERATIONS);
    let (taken, _) = operate::<O>(&platform.engine, CALLERS, tasks).await?;
    measured.per_second.push(OPERATIONS as f64 / taken.as_secs_f64());
    let (taken, _) = operate::<O>(&platform.engine, 1, alone).await?;
    measured.alone_us.push(taken.as_secs_f64() * 1e6 / ALONE as f64);
    Ok(())
}

fn publish(
    table_name: &str,
    title: &str,
    platforms: &[Platform],
    measured: &[[Measured; KINDS.len()]],
) -> Result<Vec<Line<'static>>> {
    let columns = [
        "what",
        "organizations",
        "a second",
        "half of the rounds",
        "% of the fewest",
        "one caller, µs",
        "% of the fewest",
    ];
    let mut table = Table::new(title, &columns);
    let mut lines = Vec::new();
    for (place, name) in KINDS.iter().enumerate() {
        let mut line = Vec::new();
        for (platform, measured_here) in platforms.iter().zip(measured) {
            let (here, fewest) = (&measured_here[place], &measured[0][place]);
            let per_second = here.per_second.percent_of(&fewest.per_second).median();
            // One of special settings has no place on the line.
            if line.last().is_none_or(|(size, _)| *size < platform.size as f64) {
                line.push((platform.size as f64, per_second));
            }
            table.row([
                (*name).to_owned(),
                platform.name.clone(),
                format!("{:.0}", here.per_second.median()),
                here.per_second.spread(0),
                format!("{per_second:.1}"),
                format!("{:.0}", here.alone_us.median()),
                format!("{:.1}", here.alone_us.percent_of(&fewest.alone_us).median()),
            ]);
        }
        lines.push((*name, line));
    }
    table.publish(table_name)?;
    Ok(lines)
}
