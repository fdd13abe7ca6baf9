//! What a server must be set to, and what must be kept there, before a store works with it.

use redis::Cmd;
use tenantry_core::store::{FORMAT, Shard};

use crate::{
    failure::{Failure, Unanswered},
    keys::Names,
    node::{Node, Read},
    options::{ConnectError, Options},
    request::Request,
    router::Router,
};

const NO_EVICTION: &str = "noeviction";

/// Looks at every primary. One that does not let us look is taken at its word.
pub(crate) async fn check(router: &Router) -> Result<(), ConnectError> {
    for primary in router.primaries() {
        let address = primary.address.to_string();
        let unreachable = |error: &dyn std::fmt::Display| ConnectError::unreachable(&address, error);
        let node = router.node(&primary.address).map_err(|error| unreachable(&error))?;
        let (memory, persistence) = match (info(&node, "memory").await, info(&node, "persistence").await) {
            (Ok(memory), Ok(persistence)) => (memory, persistence),
            (Err(Failure::Failed(error)), _) | (_, Err(Failure::Failed(error))) if error.code().is_some() => {
                tracing::warn!(address, "Redis does not tell its settings: allow its user INFO");
                continue;
            }
            (Err(failure), _) | (_, Err(failure)) => {
                return Err(unreachable(&Unanswered::of(node.server(), failure).why));
            }
        };
        if let Some(reason) = evicts(&memory, &router.options) {
            return Err(ConnectError::settings(&address, reason));
        }
        if value(&persistence, "aof_enabled") == Some("0") {
            tracing::warn!(address, "Redis keeps no append-only file: a crash loses what came after its last snapshot");
        }
    }
    Ok(())
}

/// Notes which format what is kept there has, or reads it.
pub(crate) async fn check_format(router: &Router, names: &Names) -> Result<(), ConnectError> {
    let shard = Shard::new('p', "format");
    let (key, slot) = (names.rows(&shard), Names::slot(&shard));
    let unreachable = |error| ConnectError::unreachable(&router.address(), error);
    let ask = |command: Cmd| Read::<Option<u32>>::new(Request::One(command));
    let get = ask(redis::cmd("HGET").arg(&key).arg("format").to_owned());
    let mut found = router.run(slot, &get).await.map_err(|unanswered| unreachable(unanswered.why))?;
    if found.is_none() {
        // It does no harm when it is done twice.
        let note = ask(redis::cmd("HSETNX").arg(&key).arg("format").arg(FORMAT).to_owned());
        router.run(slot, &note).await.map_err(|unanswered| unreachable(unanswered.why))?;
        found = router.run(slot, &get).await.map_err(|unanswered| unreachable(unanswered.why))?;
    }
    let found = found.unwrap_or(FORMAT);
    if found > FORMAT {
        let reason = format_args!(
            "what is kept there has format {found}, of a newer version of tenantry, and this one knows {FORMAT}: run the \
             newer version, or choose another namespace"
        );
        return Err(ConnectError::format(&router.address(), reason));
    }
    Ok(())
}

/// What is wrong with the `maxmemory-policy` that `INFO memory` tells of.
pub(crate) fn evicts(info: &str, options: &Options) -> Option<String> {
    let policy = value(info, "maxmemory_policy").filter(|policy| *policy != NO_EVICTION && !options.allow_eviction)?;
    Some(format!(
        "its maxmemory-policy is {policy}, by which it drops what it has acknowledged when it is full: set it to \
         {NO_EVICTION}, or say Options::dangerously_allow_eviction"
    ))
}

async fn info(node: &Node, section: &str) -> Result<String, Failure> {
    let command = redis::cmd("INFO").arg(section).to_owned();
    node.shared.query(&Request::One(command), false).await
}

fn value<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
}
