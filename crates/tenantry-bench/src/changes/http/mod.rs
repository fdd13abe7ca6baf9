//! The same over HTTP: the admin router, and a service behind the layer, 32 connections on loopback; and better-auth
//! beside it, in turns.

mod better_auth;
mod node;
mod ours;

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::Value;

use self::{better_auth::BetterAuth, node::NodeServer, ours::Ours};
use crate::{
    figures::Figures,
    load::{self, Answer, CONNECTIONS},
    table::Table,
    workers::Workers,
};

const ROUNDS: usize = 11;
/// Into how many organizations is invited, and how many are asked of.
const ORGANIZATIONS: usize = 64;
const MEMBERS: usize = 100;

/// What is measured, and what better-auth 1.7 (`SQLite` and Redis) did of it by the targets, on a machine of this kind:
/// for a run that cannot measure it.
const KINDS: [(&str, f64); 7] = [
    ("create an organization", 322.0),
    ("invite", 291.0),
    ("accept an invitation", 229.0),
    ("list 100 members", 192.0),
    ("a route that needs a permission", 520.0),
    ("whoami, by JWT or session", 590.0),
    ("whoami, by API token", 2310.0),
];

/// What was measured of each kind.
type All = [Measured; KINDS.len()];

#[derive(Default)]
struct Measured {
    per_second: Figures,
    /// Microseconds for one request of one caller.
    alone_us: Figures,
}

/// How many requests of each kind there are in a round.
struct Counts {
    changes: usize,
    others: usize,
    /// Those that one caller makes.
    alone: usize,
}

/// Measures, and publishes the table `changes-http`.
pub(super) fn run() -> Result<()> {
    let workers = Workers::on_all_cores()?;
    let serving = workers.runtime()?;
    let ours = serving.block_on(async { serving.spawn(Ours::new()).await })??;
    let rival = match NodeServer::install() {
        Ok(installed) => Ok(BetterAuth::new(installed.start()?)?),
        Err(reason) => {
            eprintln!("bench: SKIPPED: better-auth: {reason:#}");
            Err(reason)
        }
    };
    let (mut measured, mut of_rival) = (All::default(), All::default());
    for round in 0..=ROUNDS {
        let mut ignored = Default::default();
        // The first round warms up.
        ours.round(if round == 0 { &mut ignored } else { &mut measured })?;
        if let Ok(rival) = &rival {
            rival.round(if round == 0 { &mut ignored } else { &mut of_rival })?;
        }
    }
    let beside = match &rival {
        Ok(rival) => rival.told().to_owned(),
        Err(reason) => format!(
            "better-auth SKIPPED ({reason}): its figures are those of targets.md, measured on a machine of this kind, \
             not in this run"
        ),
    };
    let title = format!(
        "Over HTTP on loopback, {CONNECTIONS} connections: {ROUNDS} rounds, in turns. Tenantry: one Redis, {}. {beside}",
        workers.told(", which Redis and the client share")
    );
    publish(&title, &measured, rival.is_ok().then_some(&of_rival))
}

fn publish(title: &str, measured: &All, of_rival: Option<&All>) -> Result<()> {
    let columns = [
        "request",
        "req/s",
        "half of the rounds",
        "better-auth",
        "half of the rounds",
        "times better-auth",
        "one caller, µs",
        "better-auth, µs",
    ];
    let mut table = Table::new(title, &columns);
    for (place, ((name, said), ours)) in KINDS.iter().zip(measured).enumerate() {
        let median = ours.per_second.median();
        let [rival, spread, times, alone] = match of_rival.map(|all| &all[place]) {
            Some(rival) => [
                format!("{:.0}", rival.per_second.median()),
                rival.per_second.spread(0),
                format!("{:.0}", ours.per_second.percent_of(&rival.per_second).median() / 100.0),
                format!("{:.0}", rival.alone_us.median()),
            ],
            None => [format!("{said:.0}"), "–".to_owned(), format!("{:.0}", median / said), "–".to_owned()],
        };
        let alone_us = format!("{:.0}", ours.alone_us.median());
        let spread_of_ours = ours.per_second.spread(0);
        table.row([(*name).to_owned(), format!("{median:.0}"), spread_of_ours, rival, spread, times, alone_us, alone]);
    }
    table.publish("changes-http")
}

/// Sends each request once, the last of them by one caller alone; answers the bodies, in their order. Each must be
/// right: `is_right` is asked about the body of each place.
fn measure(
    address: SocketAddr,
    measured: &mut Measured,
    (requests, alone): (&[Bytes], usize),
    is_right: impl Fn(usize, &[u8]) -> bool,
) -> Result<Vec<Answer>> {
    let (together, alone) = requests.split_at(requests.len() - alone);
    let (taken, mut answers) = load::each_once(address, together, CONNECTIONS)?;
    measured.per_second.push(together.len() as f64 / taken.as_secs_f64());
    let (taken, alone) = load::each_once(address, alone, 1).context("one caller")?;
    measured.alone_us.push(taken.as_secs_f64() * 1e6 / alone.len() as f64);
    answers.extend(alone);
    for (place, answer) in answers.iter().enumerate() {
        let told = || String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(is_right(place, &answer.body), "what is measured must succeed, but: {}", told());
    }
    Ok(answers)
}

/// The body as JSON; `null` if it is none.
fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// Whether it is a list of all members of a page.
fn is_page(body: &[u8]) -> bool {
    json_of(body)["members"].as_array().is_some_and(|members| members.len() == MEMBERS)
}
