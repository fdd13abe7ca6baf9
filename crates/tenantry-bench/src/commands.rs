//! What Redis was asked for, as it counts itself.

use std::collections::BTreeMap;

use tenantry_testing::redis_server::RedisServer;

/// What is asked all the time, by those who watch over the link, and by us to count.
const NOT_COUNTED: [&str; 3] = ["info", "publish", "quit"];

/// How often each command was called.
#[derive(Debug, Default)]
pub(crate) struct Commands(BTreeMap<String, u64>);

impl Commands {
    /// What was called since the server began.
    pub(crate) fn so_far(server: &RedisServer) -> Self {
        let answer = server.command(&["INFO", "commandstats"]);
        let counts = answer.lines().filter_map(|line| {
            let (name, counts) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), counts.split(',').next()?.parse().ok()?))
        });
        Self(counts.filter(|(name, _): &(String, u64)| !NOT_COUNTED.contains(&name.as_str())).collect())
    }

    /// What was called of it after `before`, for each of `count` requests, by name; what a hundred of them did not call
    /// once is left out.
    pub(crate) fn each_since(&self, before: &Self, count: usize) -> String {
        let each = self.0.iter().filter_map(|(name, calls)| {
            let called = calls - before.0.get(name).copied().unwrap_or_default();
            let each = called as f64 / count as f64;
            (each >= 0.01).then(|| format!("{} {each:.2}", name.to_uppercase()))
        });
        let each = each.collect::<Vec<_>>();
        if each.is_empty() { "–".to_owned() } else { each.join(", ") }
    }
}
