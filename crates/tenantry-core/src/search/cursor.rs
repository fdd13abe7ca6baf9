//! Cursors: what the next page of a search needs to go on.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::test::Rank;
use crate::{
    rows::{decode, encode},
    store::Sorted,
    values::{error::Error, ids::OrganizationId},
};

/// The state of a search between two pages. It grants nothing: every organization is confirmed and tested again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The hash of the search to which it belongs.
    pub(crate) search: String,
    /// The entry behind which the scan goes on, in the platform's index or among the caller's organizations; `None`: at
    /// its beginning.
    pub(crate) scan: Option<Sorted>,
    /// The rank behind which the page begins; `None`: at the first.
    pub(crate) last: Option<Rank>,
    /// The best matches so far of a scan that is not finished.
    pub(crate) best: Vec<OrganizationId>,
    /// Whether that scan has found matches that come behind these.
    pub(crate) more: bool,
    /// How many matches are still to be skipped.
    pub(crate) skip: usize,
    /// The size of the page for which the scan is made.
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

    /// Reads a cursor; refuses one that does not belong to `search`.
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
    fn a_cursor_is_read_by_its_own_search_and_refused_by_any_other() {
        let cursor = Cursor {
            search: "a".to_owned(),
            scan: Some(Sorted { sort_key: "a".to_owned(), entry: "b".to_owned() }),
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
