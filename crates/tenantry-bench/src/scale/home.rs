//! Where a platform's state is, and how much room it takes there.

use std::sync::Arc;

use anyhow::{Context, Result};
use tenantry_core::{access::registry::Registry, engine::Engine};
use tenantry_embedded::EmbeddedStore;
use tenantry_testing::redis_server::RedisServer;

use crate::{embedded::StoreFile, world::patient};

/// Which store a platform is to have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A Redis server of its own, with these settings.
    Redis(&'static [&'static str]),
    /// The embedded store in memory.
    Memory,
    /// The embedded store in a file of its own.
    File,
}

impl Kind {
    /// For the tables: of what the bytes are that an organization takes.
    pub(super) fn measure(self) -> &'static str {
        match self {
            Self::Redis(_) => "bytes of Redis's memory",
            Self::Memory => "bytes on the heap",
            Self::File => "bytes of the file",
        }
    }
}

/// Where the state is, for as long as the value lives.
pub(super) enum Home {
    Redis(RedisServer),
    Memory,
    File(StoreFile),
}

impl Home {
    /// Opens one, and an engine over it.
    pub(super) async fn open(kind: Kind) -> Result<(Self, Engine)> {
        let registry = Registry::builder().build()?;
        Ok(match kind {
            Kind::Redis(settings) => {
                let server = RedisServer::start(settings);
                let store = patient(&server.url()).await?;
                (Self::Redis(server), Engine::new(Arc::new(store), registry))
            }
            Kind::Memory => (Self::Memory, Engine::new(Arc::new(EmbeddedStore::in_memory()?), registry)),
            Kind::File => {
                let (file, store) = StoreFile::create()?;
                (Self::File(file), Engine::new(Arc::new(store), registry))
            }
        })
    }

    /// How many bytes are in use: of Redis's memory, or of the file. Of this process's memory it tells nothing: another
    /// program counts that.
    pub(super) fn bytes(&self) -> Result<u64> {
        match self {
            Self::Redis(server) => {
                let answer = server.command(&["INFO", "memory"]);
                let used = answer.lines().find_map(|line| line.strip_prefix("used_memory:"));
                Ok(used.context("INFO tells used_memory")?.trim().parse()?)
            }
            Self::Memory => Ok(0),
            Self::File(file) => file.bytes(),
        }
    }

    /// How many keys Redis has; nothing of other stores.
    pub(super) fn keys(&self) -> Result<u64> {
        let Self::Redis(server) = self else { return Ok(0) };
        let answer = server.command(&["DBSIZE"]);
        Ok(answer.trim().trim_start_matches(':').parse()?)
    }

    /// Where Redis is.
    pub(super) fn redis_url(&self) -> Option<String> {
        if let Self::Redis(server) = self { Some(server.url()) } else { None }
    }
}
