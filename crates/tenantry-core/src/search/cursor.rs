//! Where a search goes on.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::test::Rank;
use crate::{
    rows::{decode, encode},
    store::Sorted,
    values::{error::Error, ids::OrganizationId},
};

/// Where a search goes on. Nothing in it grants anything: every organization is confirmed and tested anew.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Which search it belongs to.
    pub(crate) search: String,
    /// Behind which entry the scan goes on, of the platform's index or of the caller's organizations; `None`: at its
    /// beginning.
    pub(crate) scan: Option<Sorted>,
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
