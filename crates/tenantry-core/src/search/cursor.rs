//! Where a search goes on.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::test::Rank;
use crate::{
    error::Error,
    ids::OrganizationId,
    rows::{decode, encode},
    store::Sorted,
};

/// Where a scan goes on: behind this sort key and entry of the platform's index, or of the caller's organizations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place(pub(crate) String, pub(crate) String);

impl From<Sorted> for Place {
    fn from(Sorted { sort_key, entry }: Sorted) -> Self {
        Self(sort_key, entry)
    }
}

impl From<Place> for Sorted {
    fn from(Place(sort_key, entry): Place) -> Self {
        Self { sort_key, entry }
    }
}

/// Where a search goes on. Nothing in it grants anything: every organization is confirmed and tested anew.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Which search it belongs to.
    pub(crate) search: String,
    /// Where the scan goes on; `None`: at its beginning.
    pub(crate) scan: Option<Place>,
    /// Behind which rank; `None`: at the first.
    pub(crate) last: Option<Rank>,
    /// What a scan that is not finished has found to be first so far.
    pub(crate) best: Vec<OrganizationId>,
    /// Whether that scan has found others that come behind these.
    pub(crate) more: bool,
    /// How many organizations are still to be passed over.
    pub(crate) skip: usize,
    /// How many organizations the page has that the scan is for.
    pub(crate) limit: usize,
}

impl Cursor {
    pub(crate) fn to_text(&self) -> Result<String, Error> {
        Ok(encode(self)?.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// Reads a cursor of the search that is called `search`.
    pub(crate) fn parse(text: &str, search: &str) -> Result<Self, Error> {
        let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
        let pair = |pair: &[u8]| pair.iter().fold(0, |sum, digit| (sum << 4) | digit);
        let bytes = digits.map(|digits| digits.chunks(2).map(pair).collect::<Vec<u8>>());
        bytes.and_then(|bytes| decode::<Self>(&bytes).ok()).filter(|cursor| cursor.search == search).ok_or_else(|| {
            let mend = "give a nextCursor that a search by the same name, filter and order answered, or leave it out";
            Error::invalid_field("cursor", "invalid", mend)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_to_its_own_search_and_to_no_other() {
        let cursor = Cursor {
            search: "a".to_owned(),
            scan: Some(Place("a".to_owned(), "b".to_owned())),
            limit: 3,
            ..Cursor::default()
        };
        let text = cursor.to_text().unwrap();
        let back = Cursor::parse(&text, "a").unwrap();
        assert_eq!((back.scan, back.limit), (cursor.scan, 3));
        for (text, search) in [(text.as_str(), "b"), ("", "a"), ("zz", "a"), (&text[1..], "a"), ("é", "a")] {
            assert_eq!(Cursor::parse(text, search).unwrap_err().fields()[0].field, "cursor");
        }
    }
}
