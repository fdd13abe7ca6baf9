//! Where Redis's memory goes: by the kinds of its keys.

use std::collections::BTreeMap;

use anyhow::Result;
use redis::{AsyncCommands as _, Client};

use super::platform::Platform;
use crate::table::Table;

/// How many keys are asked about in one round trip.
const BATCH: usize = 1000;

/// Publishes the tables `scale-memory` and `scale-memory-kinds`; the latter of the first platform.
pub(super) async fn publish(platforms: &[Platform]) -> Result<()> {
    let title = "Memory of Redis for an organization with three members, an API token and a join code";
    let mut table = Table::new(title, &["organizations", "bytes each", "keys each"]);
    for platform in platforms {
        table.row([platform.name.clone(), format!("{:.0}", platform.bytes_each), format!("{:.1}", platform.keys_each)]);
    }
    table.publish("scale-memory")?;
    let first = platforms.first().and_then(|first| Some((first, first.home.redis_url()?)));
    let Some((first, url)) = first else { return Ok(()) };
    let title = "The same by kinds of keys (MEMORY USAGE), for an organization: shard, then what it holds";
    let mut table = Table::new(title, &["kind of key", "keys", "bytes"]);
    let each = |number: usize| number as f64 / first.size as f64;
    let mut kinds: Vec<_> = kinds(&url).await?.into_iter().collect();
    kinds.sort_by_key(|(_, (_, bytes))| std::cmp::Reverse(*bytes));
    for (kind, (keys, bytes)) in kinds.into_iter().filter(|(_, (keys, _))| each(*keys) >= 0.05) {
        table.row([kind, format!("{:.1}", each(keys)), format!("{:.0}", each(bytes))]);
    }
    table.publish("scale-memory-kinds")
}

/// Of each kind how many keys there are, and how many bytes they take.
async fn kinds(url: &str) -> Result<BTreeMap<String, (usize, usize)>> {
    let mut connection = Client::open(url)?.get_multiplexed_async_connection().await?;
    let keys: Vec<String> = connection.keys("*").await?;
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for batch in keys.chunks(BATCH) {
        let mut pipeline = redis::pipe();
        for key in batch {
            pipeline.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(0);
        }
        let sizes: Vec<usize> = pipeline.query_async(&mut connection).await?;
        for (key, bytes) in batch.iter().zip(sizes) {
            let (count, all) = kinds.entry(kind(key)).or_default();
            *count += 1;
            *all += bytes;
        }
    }
    Ok(kinds)
}

/// `<namespace>:{<shard's letter>:…}:<rest>` without what names one alone.
fn kind(key: &str) -> String {
    let shard = key.split_once('{').and_then(|(_, rest)| rest.split(':').next()).unwrap_or_default();
    let rest = key.rsplit_once('}').map_or("", |(_, rest)| rest);
    // A row with a lifetime is named behind the slash.
    format!("{shard}{}", rest.split('/').next().unwrap_or_default())
}
