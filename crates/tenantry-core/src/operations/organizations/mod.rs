//! Organizations themselves.

mod create;
mod delete;
mod get;
mod leave;
mod list;
mod profile;
mod search;
mod set_status;
mod transfer_ownership;
mod update;

use crate::{
    host::Host,
    values::{error::Error, slug::Slug},
};

pub use crate::search::{
    ConcatLike, Field, Filter, IdOperators, NumberOperators, OrderBy, SortDirection, StatusOperators, TextOperators,
    TimeOperators,
};
pub use create::{Create, Created};
pub use delete::Delete;
pub use get::{Found, Get};
pub use leave::Leave;
pub use list::{List, Listed};
pub use profile::Profile;
pub use search::{Results, Search};
pub use set_status::{SetStatus, StatusSet};
pub use transfer_ownership::TransferOwnership;
pub use update::{Update, Updated};

/// Parses the slug in a request.
fn parse_slug(text: &str) -> Result<Slug, Error> {
    text.parse().map_err(|error| Error::invalid_field("slug", "invalid", format!("{error}")))
}

/// Refuses a slug that the host reserves.
fn require_unreserved(host: &Host, slug: &Slug) -> Result<(), Error> {
    if !host.reserves(slug) {
        return Ok(());
    }
    Err(Error::invalid_field("slug", "reserved", format!("{slug} is kept for the service itself: choose another slug")))
}
