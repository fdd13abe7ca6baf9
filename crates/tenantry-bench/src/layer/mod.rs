//! What `TenancyLayer` costs a request, beside what a host would write by hand.

mod cores;
mod known;

use anyhow::Result;

pub(crate) use known::repeat;

/// Measures everything about the layer.
pub(crate) fn run() -> Result<()> {
    known::run()
}
