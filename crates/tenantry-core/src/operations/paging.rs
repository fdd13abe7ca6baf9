//! Cursors: where the next page of a list begins.

use crate::{
    engine::transaction::Transaction,
    store::{Index, Numbered, Order, Range, Sorted},
    values::{error::Error, limits},
};

/// Separates the sort key from the entry in the cursor of a sorted list. Neither of them contains it.
const PLACE: char = '.';

/// How many entries a page holds.
pub(crate) fn page_size(limit: Option<u32>) -> usize {
    limit.unwrap_or(limits::LIST_LIMIT_DEFAULT) as usize
}

/// The cursor behind the entry with this number, in the list that `list` names.
pub(crate) fn cursor(list: char, number: u64) -> String {
    format!("{list}{number}")
}

/// Reads a cursor: to which of `lists` it belongs, and behind which number the page begins.
pub(crate) fn parse(text: &str, lists: &[char]) -> Result<(char, Option<u64>), Error> {
    match split(text, lists)? {
        (list, "") => Ok((list, None)),
        (list, number) => number.parse().map(|number| (list, Some(number))).map_err(|_| invalid()),
    }
}

/// The cursor behind `place` of the sorted list that `list` names.
pub(crate) fn sorted_cursor(list: char, place: &Sorted) -> String {
    format!("{list}{}{PLACE}{}", place.sort_key, place.entry)
}

/// Reads a cursor of sorted lists: to which of `lists` it belongs, and behind which place the page begins.
pub(crate) fn parse_sorted(text: &str, lists: &[char]) -> Result<(char, Option<Sorted>), Error> {
    let (list, place) = split(text, lists)?;
    if place.is_empty() {
        return Ok((list, None));
    }
    let place = Some(place).filter(|place| place.len() <= limits::CURSOR_PLACE_BYTES_MAX);
    let (sort_key, entry) = place.and_then(|place| place.split_once(PLACE)).ok_or_else(invalid)?;
    Ok((list, Some(Sorted { sort_key: sort_key.to_owned(), entry: entry.to_owned() })))
}

fn split<'t>(text: &'t str, lists: &[char]) -> Result<(char, &'t str), Error> {
    let list = text.chars().next().filter(|list| lists.contains(list)).ok_or_else(invalid)?;
    Ok((list, &text[list.len_utf8()..]))
}

fn invalid() -> Error {
    Error::invalid_field("cursor", "invalid", "give a nextCursor that this list answered, or leave it out to begin")
}

/// The cursor behind a page: `None` if the list ended on it.
pub(crate) fn next(list: char, entries: &[Numbered], limit: usize) -> Option<String> {
    entries.last().filter(|_| entries.len() == limit).map(|last| cursor(list, last.number))
}

/// One page of a list that is an index of the organization.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl Transaction<'_> {
    /// The page of `index` behind `cursor`. `read` makes an item of each entry's key; `list` names the list in its
    /// cursors.
    pub(crate) async fn page<T>(
        &self,
        (index, order, list): (Index, Order, char),
        cursor: Option<&str>,
        limit: Option<u32>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Page<T>, Error> {
        let limit = page_size(limit);
        let after = cursor.map(|cursor| parse(cursor, &[list])).transpose()?.and_then(|(_, after)| after);
        let entries = self.range(&Range { index, after, to: None, order, limit }).await?;
        let items = entries.iter().filter_map(|entry| read(&entry.key)).collect();
        Ok(Page { items, next_cursor: next(list, &entries, limit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_anything_else_is_refused() {
        assert_eq!(parse(&cursor('m', 17), &['m', 'i']).unwrap(), ('m', Some(17)));
        assert_eq!(parse("i", &['m', 'i']).unwrap(), ('i', None));
        let place = Sorted { sort_key: "8000".to_owned(), entry: "4fzo".to_owned() };
        assert_eq!(parse_sorted(&sorted_cursor('u', &place), &['e', 'u']).unwrap(), ('u', Some(place)));
        assert_eq!(parse_sorted("e", &['e', 'u']).unwrap(), ('e', None));
        for text in ["", "x8.4", "u84", &format!("u{}.4", "8".repeat(2000))] {
            assert_eq!(parse_sorted(text, &['u']).unwrap_err().fields()[0].field, "cursor");
        }
        for text in ["", "x1", "m-1", "m1.5", "é1", "17"] {
            assert_eq!(parse(text, &['m']).unwrap_err().fields()[0].field, "cursor");
        }
    }
}
