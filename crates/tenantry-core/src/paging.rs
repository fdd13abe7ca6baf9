//! Cursors: where a list goes on.

use crate::{error::Error, limits, store::Numbered};

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
