//! What things are called in Redis (see the [crate](crate)).

use tenantry_core::store::Shard;

/// Builds the names of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    namespace: String,
}

impl Names {
    /// `namespace` has been validated: no braces, or the hash tag would be within it.
    pub(crate) fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned() }
    }

    pub(crate) fn rows(&self, shard: &Shard) -> String {
        format!("{}:{{{shard}}}:r", self.namespace)
    }

    pub(crate) fn passing(&self, shard: &Shard, name: &str) -> String {
        format!("{}:{{{shard}}}:t:{name}", self.namespace)
    }

    pub(crate) fn index(&self, shard: &Shard, index: &str) -> String {
        format!("{}:{{{shard}}}:i:{index}", self.namespace)
    }

    pub(crate) fn sorted(&self, shard: &Shard, index: &str) -> String {
        format!("{}:{{{shard}}}:s:{index}", self.namespace)
    }

    pub(crate) fn log(&self, shard: &Shard, log: &str) -> String {
        format!("{}:{{{shard}}}:l:{log}", self.namespace)
    }

    /// The channel of all notices.
    pub(crate) fn changes(&self) -> String {
        format!("{}:changes", self.namespace)
    }

    /// The channel through which one store proves its own subscription.
    pub(crate) fn link(&self, id: u128) -> String {
        format!("{}:link:{id:032x}", self.namespace)
    }
}
