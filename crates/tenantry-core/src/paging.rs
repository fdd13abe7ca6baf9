//! Cursors: where a list goes on.

use crate::{
    error::Error,
    limits,
    store::{Numbered, Order, Range},
    transaction::Transaction,
};

/// How many entries a page holds.
pub(crate) fn page_size(limit: Option<u32>) -> usize {
    limit.unwrap_or(limits::LIST_LIMIT_DEFAULT) as usize
}

/// The cursor behind the entry with `number` of the list that `list` names.
pub(crate) fn cursor(list: char, number: u64) -> String {
    format!("{list}{number}")
}

/// Reads a cursor: of which of `lists`, and behind which number.
pub(crate) fn parse(text: &str, lists: &[char]) -> Result<(char, Option<u64>), Error> {
    let invalid = || {
        Error::invalid_field("cursor", "invalid", "give a nextCursor that this list answered, or leave it out to begin")
    };
    let list = text.chars().next().filter(|list| lists.contains(list)).ok_or_else(invalid)?;
    match &text[list.len_utf8()..] {
        "" => Ok((list, None)),
        number => number.parse().map(|number| (list, Some(number))).map_err(|_| invalid()),
    }
}

/// The cursor behind a page: `None` if the list ended on it.
pub(crate) fn next(list: char, entries: &[Numbered], limit: usize) -> Option<String> {
    entries.last().filter(|_| entries.len() == limit).map(|last| cursor(list, last.number))
}

/// A part of a list that is one index of the organization.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl Transaction<'_> {
    /// The part of `index` behind `cursor`, each entry as `read` makes it of its key. Cursors bear the name `list`.
    pub(crate) async fn page<T>(
        &self,
        (index, order, list): (&'static str, Order, char),
        cursor: Option<&str>,
        limit: Option<u32>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Page<T>, Error> {
        let limit = page_size(limit);
        let after = cursor.map(|cursor| parse(cursor, &[list])).transpose()?.and_then(|(_, after)| after);
        let entries = self.range(&Range { index, after, order, limit }).await?;
        let items = entries.iter().filter_map(|entry| read(&entry.key)).collect();
        Ok(Page { items, next_cursor: next(list, &entries, limit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_anything_else_is_refused() {
        assert_eq!(parse(&cursor('m', 17), &['m', 'i']).unwrap(), ('m', Some(17)));
        assert_eq!(parse("i", &['m', 'i']).unwrap(), ('i', None));
        for text in ["", "x1", "m-1", "m1.5", "é1", "17"] {
            assert_eq!(parse(text, &['m']).unwrap_err().fields()[0].field, "cursor");
        }
    }
}
