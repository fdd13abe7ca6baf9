//! The entries of organizations in the search index of the platform.

use crate::{
    engine::entry::{self, IndexEntry},
    rows::{Intent, OrganizationRow, index, shards},
    store::{Shard, Sorted},
    values::{clock::Timestamp, folded_text, ids::OrganizationId, limits},
};

/// An entry of an organization in the search index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchEntry {
    /// By this name, in the form in which names are compared.
    Name(String),
    /// By the time of its creation.
    Creation(Timestamp),
}

impl SearchEntry {
    /// The entry of an organization of that name.
    pub(crate) fn name(name: &str) -> Self {
        Self::Name(sort_key(name))
    }

    pub(crate) const fn index(&self) -> &'static str {
        match self {
            Self::Name(_) => index::NAMES,
            Self::Creation(_) => index::CREATIONS,
        }
    }

    fn sort_key(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Creation(at) => time_key(*at),
        }
    }

    /// The index, and the entry in it.
    pub(crate) fn at(&self, organization: OrganizationId, intent: Intent) -> (&'static str, Sorted) {
        (self.index(), Sorted { sort_key: self.sort_key(), entry: entry::name(organization, intent) })
    }
}

/// All entries of an organization in the search index, and the intents of the attempts that wrote them. They are
/// released when the organization is deleted.
pub(crate) fn entries(row: &OrganizationRow) -> [(IndexEntry, Intent); 2] {
    [
        (IndexEntry::Search(SearchEntry::name(&row.name)), row.name_intent),
        (IndexEntry::Search(SearchEntry::Creation(row.created_at)), row.created_intent),
    ]
}

/// As [`entries`], and the entry of its slug.
pub(crate) fn entries_and_slug(row: &OrganizationRow) -> impl Iterator<Item = (IndexEntry, Intent)> {
    let slug = IndexEntry::Slug { slug: row.slug.clone(), derived: false };
    entries(row).into_iter().chain([(slug, row.slug_intent)])
}

/// The bucket that holds the organization's entry in `index`.
pub(crate) fn bucket(index: &str, organization: OrganizationId) -> Shard {
    shards::search(index, crc32fast::hash(organization.as_uuid().as_bytes()) % limits::SEARCH_BUCKETS)
}

/// The sort key of a text: its folded form, cut at a length.
pub(crate) fn sort_key(text: &str) -> String {
    let mut key = folded_text::folded(text);
    let end = (0..=limits::SORT_KEY_BYTES_MAX.min(key.len())).rev().find(|end| key.is_char_boundary(*end));
    key.truncate(end.unwrap_or(0));
    key
}

/// The sort key of a moment: texts that sort as the moments do, even before 1970.
pub(crate) fn time_key(at: Timestamp) -> String {
    format!("{:016x}", at.as_millis().cast_unsigned() ^ (1 << 63))
}

/// Undoes [`time_key`].
pub(crate) fn parse_time_key(key: &str) -> Option<Timestamp> {
    let millis = u64::from_str_radix(key, 16).ok()? ^ (1 << 63);
    Some(Timestamp::from_millis(millis.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_sort_as_their_keys_do() {
        let moments = [i64::MIN, -1, 0, 1, 1_763_000_000_000, i64::MAX].map(Timestamp::from_millis);
        assert!(moments.map(time_key).is_sorted());
        assert_eq!(moments.map(|at| parse_time_key(&time_key(at))), moments.map(Some));
    }

    #[test]
    fn a_sort_key_is_bounded_and_stays_text() {
        let long = "é".repeat(limits::SORT_KEY_BYTES_MAX);
        assert_eq!(sort_key(&long), "é".repeat(limits::SORT_KEY_BYTES_MAX / 2));
        assert_eq!(sort_key("ÀB"), "àb");
    }
}
