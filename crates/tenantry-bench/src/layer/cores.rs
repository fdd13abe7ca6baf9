//! Two cores on one credential: what a request takes on each of them, beside one core alone.

use std::{sync::Barrier, thread};

use anyhow::{Result, anyhow};

use crate::{
    figures::{Figures, each_ns, now},
    measure::{Way, ask},
    table::Table,
};

const ROUNDS: usize = 25;
const REQUESTS: usize = 20_000;
/// The ways that have something in common between the cores.
const WAYS: [&str; 5] = [
    "bare",
    "an empty layer that inserts an Arc",
    "TenantryLayer, API token",
    "TenantryLayer, JWT HS256",
    "by hand: SHA-256, moka",
];

/// Measures, and publishes the table `layer-cores`.
pub(super) fn run(ways: &[Way]) -> Result<()> {
    let ways: Vec<_> = ways.iter().filter(|way| WAYS.contains(&way.name)).collect();
    let mut measured = vec![(Figures::default(), Figures::default()); ways.len()];
    for _ in 0..ROUNDS {
        for (way, (one, two)) in ways.iter().zip(&mut measured) {
            one.push(together(way, 1)?);
            two.push(together(way, 2)?);
        }
    }
    let title = format!(
        "One hot credential: nanoseconds for a request on each core, fastest round and median; {ROUNDS} rounds of \
         {REQUESTS} requests each, in turns"
    );
    let columns = ["way", "one core", "median", "two cores", "median", "two above bare", "ratio of the fastest"];
    let mut table = Table::new(&title, &columns);
    let bare = measured[0].1.least();
    for (way, (one, two)) in ways.iter().zip(&measured) {
        table.row([
            way.name.to_owned(),
            format!("{:.0}", one.least()),
            format!("{:.0}", one.median()),
            format!("{:.0}", two.least()),
            format!("{:.0}", two.median()),
            format!("{:.0}", two.least() - bare),
            format!("{:.2}", two.least() / one.least()),
        ]);
    }
    table.publish("layer-cores")
}

/// Nanoseconds for a request while so many threads ask with the first credential: of the slower thread.
fn together(way: &Way, threads: usize) -> Result<f64> {
    let credential = &way.credentials[..1];
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let ask_all = || -> Result<f64> {
            let mut service = way.service.clone();
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            start.wait();
            let begun = now();
            runtime.block_on(ask(&mut service, credential, REQUESTS));
            Ok(each_ns(begun.elapsed(), REQUESTS))
        };
        let asking: Vec<_> = (0..threads).map(|_| scope.spawn(ask_all)).collect();
        asking.into_iter().try_fold(0.0, |slowest, asked| {
            let taken = asked.join().map_err(|_| anyhow!("a thread that asked has panicked"))??;
            Ok(f64::max(slowest, taken))
        })
    })
}
