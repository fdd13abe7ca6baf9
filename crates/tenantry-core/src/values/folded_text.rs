//! Brings texts into the forms in which they are compared.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use crate::values::visible_text;

/// The form of a text in which its case, its Unicode composition (NFC, lower case) and invisible characters do not
/// count. Compatibility forms stay apart, except spaces: each counts as one of the usual width.
pub(crate) fn folded(text: &str) -> String {
    // Most texts are ASCII: this takes a tenth of the time.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // In lower case, Σ is ς at the end of a word and σ elsewhere: that difference does not count.
    let lower = composed(&visible_text::seen(text)).to_lowercase().replace('ς', "σ");
    composed(&lower).into_owned()
}

/// The text in Unicode composition (NFC).
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// As [`folded`], but accents do not count either.
pub(crate) fn unaccented(text: &str) -> String {
    if text.is_ascii() {
        return folded(text);
    }
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_mark = |character: char| GeneralCategoryGroup::Mark.contains(categories.get(character));
    let letters = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let plain: String = letters.chars().filter(|character| !is_mark(*character)).collect();
    folded(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_never_count_and_accents_only_unless_removed() {
        assert_eq!(folded("CAFE\u{301}"), folded("café"));
        assert_ne!(folded("Cafe"), folded("Café"));
        assert_eq!(unaccented("CAFE\u{301}"), unaccented("cafe"));
        assert_eq!(folded("ΟΔΟΣ"), folded("οδοσ"));
        assert_eq!((folded("Cafe 1"), composed("Cafe").as_ref()), ("cafe 1".to_owned(), "Cafe"));
        assert_eq!(composed("cafe\u{301}"), "café");
    }

    #[test]
    fn invisible_characters_make_no_difference() {
        for same in ["Ops\u{200b} Team", "ops\u{a0}team", "\u{3164}Ops Te\u{ad}am\u{200f}", "OPS\u{2800}TEAM"] {
            assert_eq!(folded(same), "ops team", "{same:?}");
            assert_eq!(unaccented(same), "ops team", "{same:?}");
        }
        assert_ne!(folded("Ops Team"), folded("OpsTeam"));
    }
}
