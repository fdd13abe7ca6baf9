//! Texts in the forms in which they are compared.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Without regard to case and to Unicode composition (NFC, lower case). Compatibility forms stay apart.
pub(crate) fn folded(text: &str) -> String {
    // In lower case, Σ is ς at the end of a word and σ elsewhere: where the word ends is no difference.
    let lower = text.nfc().collect::<String>().to_lowercase().replace('ς', "σ");
    lower.nfc().collect()
}

/// As [`folded`], without regard to accents either.
pub(crate) fn unaccented(text: &str) -> String {
    let plain: String = text.nfd().filter(|character| !is_combining_mark(*character)).collect();
    folded(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_make_no_difference_and_accents_only_if_they_are_to() {
        assert_eq!(folded("CAFE\u{301}"), folded("café"));
        assert_ne!(folded("Cafe"), folded("Café"));
        assert_eq!(unaccented("CAFE\u{301}"), unaccented("cafe"));
        assert_eq!(folded("ΟΔΟΣ"), folded("οδοσ"));
    }
}
