//! What things are called in Redis (see the [crate](crate)).

use tenantry_core::store::Shard;

use crate::slots::slot;

/// Builds the names of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    namespace: String,
    /// In a cluster each node publishes on a channel of its own.
    pub(crate) in_cluster: bool,
}

impl Names {
    /// `namespace` has been validated: no braces, or the hash tag would be within it.
    pub(crate) fn new(namespace: &str, in_cluster: bool) -> Self {
        Self { namespace: namespace.to_owned(), in_cluster }
    }

    /// The slot of everything in the shard: its name is the hash tag. It has no brace that could end the tag before
    /// its end, and what follows the tag does not matter.
    pub(crate) fn slot(shard: &Shard) -> u16 {
        slot(shard.as_str())
    }

    pub(crate) fn rows(&self, shard: &Shard) -> String {
        format!("{}:{{{shard}}}:r", self.namespace)
    }

    /// The sorted set of the shard's indexes.
    pub(crate) fn indexes(&self, shard: &Shard) -> String {
        format!("{}:{{{shard}}}:i", self.namespace)
    }

    pub(crate) fn sorted(&self, shard: &Shard, index: &str) -> String {
        format!("{}:{{{shard}}}:s:{index}", self.namespace)
    }

    pub(crate) fn log(&self, shard: &Shard, log: &str) -> String {
        format!("{}:{{{shard}}}:l:{log}", self.namespace)
    }

    /// The channel of the notices. In a cluster, the number of the node that publishes them follows.
    pub(crate) fn changes(&self) -> String {
        format!("{}:changes", self.namespace)
    }

    /// The channel on which the node of this number publishes; it is empty where there is no cluster.
    pub(crate) fn notices(&self, node: &str) -> String {
        if self.in_cluster { format!("{}:{node}", self.changes()) } else { self.changes() }
    }

    /// The channel through which one store proves its own subscription.
    pub(crate) fn link(&self, id: u128) -> String {
        format!("{}:link:{id:032x}", self.namespace)
    }
}
