//! An organization of many members: their memory, and a page of their list at its beginning, in its middle and at its
//! end.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::Engine,
    operations::{join_codes, members, organizations},
    values::ids::OrganizationId,
};
use tenantry_testing::actors;

use super::{
    CALLERS,
    home::{Home, Kind},
};
use crate::{
    crowd::operate,
    figures::{Figures, now},
    table::Table,
    world::must,
};

const MEMBERS: usize = 100_000;
const PAGE: usize = 100;
const ROUNDS: usize = 25;
/// How often each page is read in a round.
const READS: usize = 50;

/// An organization of many members; by `bytes`, how many bytes a member takes.
pub(super) async fn fill(engine: &Engine, bytes: impl Fn() -> Result<u64>) -> Result<(OrganizationId, Caller, f64)> {
    let owner = actors::user("owner");
    let id = must::<organizations::Create>(engine, &owner, json!({ "name": "Large" })).await?.organization.id;
    let code = must::<join_codes::Create>(engine, &owner, json!({ "organizationId": id })).await?.code;
    let before = bytes()?;
    let tasks = (1..MEMBERS).map(|number| (actors::user(&format!("member-{number}")), json!({ "code": code })));
    operate::<join_codes::Join>(engine, CALLERS, tasks.collect()).await?;
    let bytes_each = bytes()?.saturating_sub(before) as f64 / (MEMBERS - 1) as f64;
    Ok((id, owner, bytes_each))
}

/// Measures, and publishes the table of this name; a member takes `counted` bytes if another program has counted that.
pub(super) async fn run(name: &str, kind: Kind, counted: Option<f64>) -> Result<()> {
    let (home, engine) = Home::open(kind).await?;
    let (id, owner, bytes_each) = fill(&engine, || home.bytes()).await?;
    let bytes_each = counted.unwrap_or(bytes_each);

    let page = |cursor: Option<&String>| json!({ "organizationId": id, "limit": PAGE, "cursor": cursor });
    let mut cursors = Vec::new();
    let (mut listed, mut input) = (0, page(None));
    loop {
        let answer = must::<members::List>(&engine, &owner, input).await?;
        listed += answer.members.len();
        let Some(next) = answer.next_cursor else { break };
        cursors.push(next);
        input = page(cursors.last());
    }
    ensure!(listed == MEMBERS, "{listed} of {MEMBERS} members are listed");
    let last = cursors.iter().rev().nth(1).context("there are many pages")?;
    let places: [(&str, Value); 3] =
        [("beginning", page(None)), ("middle", page(cursors.get(cursors.len() / 2))), ("end", page(Some(last)))];
    let mut measured: [Figures; 3] = Default::default();
    for _ in 0..ROUNDS {
        for ((_, input), measured) in places.iter().zip(&mut measured) {
            let begun = now();
            for _ in 0..READS {
                let answer = must::<members::List>(&engine, &owner, input.clone()).await?;
                ensure!(answer.members.len() == PAGE, "the page has {} members", answer.members.len());
            }
            measured.push(begun.elapsed().as_secs_f64() * 1e6 / READS as f64);
        }
    }
    let title =
        format!("A page of {PAGE} of {MEMBERS} members, one caller; {bytes_each:.0} {} for a member", kind.measure());
    let mut table = Table::new(&title, &["page", "µs", "half of the rounds", "% of the first"]);
    for ((name, _), here) in places.iter().zip(&measured) {
        table.row([
            (*name).to_owned(),
            format!("{:.0}", here.median()),
            here.spread(0),
            format!("{:.1}", here.percent_of(&measured[0]).median()),
        ]);
    }
    table.publish(name)
}
