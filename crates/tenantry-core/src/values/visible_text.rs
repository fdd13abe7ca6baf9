//! What people see of a text: one rule for every name, description and username that is shown to somebody.
//!
//! 1. No character may change the order or the place of what stands around it. Refused are control characters, line and
//!    paragraph separators, and what embeds, overrides or isolates a direction (UAX #9, section 2; UTR #36, on
//!    bidirectional text spoofing). The marks LRM, RLM and ALM stay: each acts as one more letter of its direction that
//!    is not seen (UAX #9, section 2.6), so it can do nothing that a visible letter could not do, and texts in Hebrew
//!    and Arabic need it beside punctuation.
//! 2. No character may be one whose look nobody knows: private use, noncharacters and what Unicode has not assigned,
//!    except for the places that it holds free for pictographs, so that an emoji newer than this build is one.
//! 3. Letters that only carry hidden text are refused: tags belong behind a pictograph (the flags of England, Scotland
//!    and Wales are such sequences), the deprecated format characters and annotations belong nowhere.
//! 4. Of a name, something must be seen. Joiners, variation selectors, fillers and spaces may be in it (emoji, Persian
//!    and Indic text need them), and alone are no name.
//! 5. An [identifier](is_identifier) decides who somebody is, and two that look alike must not be two people: so it holds
//!    nothing that cannot be seen, but for joiners where they change the letters around them (RFC 5892, appendix A).

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, ExtendedPictographic, GeneralCategory,
        JoiningType, WhiteSpace,
    },
};

/// Zero width non-joiner.
const ZWNJ: char = '\u{200c}';
/// Zero width joiner.
const ZWJ: char = '\u{200d}';

/// Whether `text` can stand in one line: rules 1 to 3. It may be empty or blank.
#[must_use]
pub fn is_line(text: &str) -> bool {
    is_proper(text, |_| false)
}

/// As [`is_line`], with line breaks and tabs.
#[must_use]
pub fn is_text(text: &str) -> bool {
    is_proper(text, |character| matches!(character, '\n' | '\r' | '\t'))
}

/// Whether something of `text` can be seen: rule 4.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(|character| is_ignorable(character) || is_blank(character))
}

/// Whether `text` can be a name: a line of which something is seen. How long it may be is for the caller to say.
///
/// ```
/// use tenantry_core::values::visible_text::is_name;
///
/// assert!(is_name("شرکت می\u{200c}خواهم") && is_name("👩\u{200d}👧"));
/// assert!(!is_name("Acme\u{202e}gro") && !is_name("\u{200b}"));
/// ```
#[must_use]
pub fn is_name(text: &str) -> bool {
    is_line(text) && is_visible(text)
}

/// Whether `text` can stand in a name by which somebody is found, such as a username or an e-mail address: a line
/// without spaces, in which no character is hidden (rule 5).
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().all(|byte| byte.is_ascii_graphic());
    }
    let characters: Vec<_> = text.chars().collect();
    let at = |place: Option<usize>| place.and_then(|place| characters.get(place)).copied();
    let is_in_place = |(place, &character): (usize, &char)| {
        let before = at(place.checked_sub(1));
        match character {
            ZWNJ => follows_virama(before) || (joins(before) && joins(at(Some(place + 1)))),
            ZWJ => follows_virama(before),
            other => !is_ignorable(other) && !is_blank(other),
        }
    };
    is_line(text) && characters.iter().enumerate().all(is_in_place)
}

/// `text` as it is seen: without invisible characters, and with every blank as a space.
pub(crate) fn seen(text: &str) -> String {
    let shown = text.chars().filter(|character| !is_ignorable(*character));
    shown.map(|character| if is_blank(character) { ' ' } else { character }).collect()
}

/// Whether the character shows nothing itself, even if it changes what stands beside it.
pub(crate) fn is_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// A space, whatever its width, or a character whose picture is empty: BRAILLE PATTERN BLANK, MUSICAL SYMBOL NULL
/// NOTEHEAD.
pub(crate) fn is_blank(character: char) -> bool {
    CodePointSetData::new::<WhiteSpace>().contains(character) || matches!(character, '\u{2800}' | '\u{1d159}')
}

/// A dash of any length, or what is taken for one: MINUS SIGN, SOFT HYPHEN.
pub(crate) fn is_dash(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    category == GeneralCategory::DashPunctuation || matches!(character, '\u{2212}' | '\u{ad}')
}

fn is_proper(text: &str, allowed: fn(char) -> bool) -> bool {
    if text.is_ascii() {
        return text.chars().all(|character| allowed(character) || !character.is_ascii_control());
    }
    // Whether a tag may stand here: behind a pictograph, and behind the tags that follow one.
    let mut tagged = false;
    text.chars().all(|character| {
        let tag = matches!(character, '\u{e0020}'..='\u{e007f}');
        let proper = allowed(character) || if tag { tagged } else { !is_improper(character) };
        tagged = if tag { tagged } else { is_pictograph(character) };
        proper
    })
}

fn is_improper(character: char) -> bool {
    match CodePointMapData::<GeneralCategory>::new().get(character) {
        GeneralCategory::Control
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator
        | GeneralCategory::Surrogate
        | GeneralCategory::PrivateUse => true,
        GeneralCategory::Unassigned => !is_pictograph(character),
        _ => {
            let mark = matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}');
            (CodePointSetData::new::<BidiControl>().contains(character) && !mark)
                // Deprecated format characters, interlinear annotations, the deprecated language tag.
                || matches!(character, '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}')
        }
    }
}

fn is_pictograph(character: char) -> bool {
    !character.is_ascii() && CodePointSetData::new::<ExtendedPictographic>().contains(character)
}

fn follows_virama(before: Option<char>) -> bool {
    let classes = CodePointMapData::<CanonicalCombiningClass>::new();
    before.is_some_and(|before| classes.get(before) == CanonicalCombiningClass::Virama)
}

fn joins(character: Option<char>) -> bool {
    let kind = character.map(|character| CodePointMapData::<JoiningType>::new().get(character));
    kind.is_some_and(|kind| !matches!(kind, JoiningType::NonJoining | JoiningType::JoinCausing))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Persian with a ZWNJ, Devanagari with a ZWJ, Hebrew, Arabic with a mark, emoji with joiners, tags and selectors,
    /// a kanji with a variation selector, Thai with a place to break the line, an emoji that is not assigned yet.
    const REAL: [&str; 13] = [
        "Acme",
        "Crème & Co",
        "می‌خواهم",
        "क्‍ष",
        "שלום",
        "C++\u{200e} שלום",
        "شركة\u{61c}!",
        "👩‍👩‍👧",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "❤️",
        "葛\u{e0100}飾",
        "ไทย\u{200b}ไทย",
        "\u{1fc00}",
    ];

    #[test]
    fn names_of_the_world_and_emoji_are_names() {
        for name in REAL {
            assert!(is_line(name) && is_text(name) && is_visible(name), "{name:?}");
        }
    }

    #[test]
    fn what_turns_or_breaks_the_line_or_hides_text_is_refused() {
        for improper in [
            "Acme\u{202e}gro",
            "\u{202a}a\u{202c}",
            "\u{2067}a\u{2069}",
            "Acme\u{2028}Ltd",
            "Acme\u{2029}Ltd",
            "a\u{85}b",
            "a\u{0}b",
            "a\u{7f}b",
            "a\u{e000}b",
            "a\u{fffe}b",
            "a\u{378}b",
            "a\u{e0041}b",
            "a\u{e0001}b",
            "a\u{206a}b",
            "a\u{fff9}b",
        ] {
            assert!(!is_line(improper) && !is_text(improper) && !is_identifier(improper), "{improper:?}");
        }
        assert!(!is_line("a\nb") && is_text("a\r\n\tb"));
    }

    #[test]
    fn a_text_in_which_nothing_is_seen_is_no_name() {
        for blank in [
            "",
            " ",
            "\u{a0}\u{2009}",
            "\u{200b}",
            "\u{200d}",
            "\u{feff}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{1d159}",
            "\u{200e}",
            "\u{fe0f}",
            "\u{34f}",
            "\u{ad}",
            "\u{180e}",
            "\u{17b4}",
            "\u{2060} \u{2061}",
        ] {
            assert!(!is_visible(blank), "{blank:?}");
        }
        assert_eq!((seen("A\u{200b}c\u{3164}me\u{a0}1").as_str(), seen("❤️").as_str()), ("Acme 1", "❤"));
    }

    #[test]
    fn an_identifier_hides_nothing() {
        for identifier in ["bob", "renée", "می‌خواهم", "क्‍ष", "שלום", "b.o-b@example.com"] {
            assert!(is_identifier(identifier), "{identifier:?}");
        }
        for hidden in [
            "a b",
            "a\u{a0}b",
            "bob\u{200b}",
            "bob\u{200d}",
            "bob\u{200c}",
            "b\u{200c}ob",
            "bob\u{3164}",
            "bob\u{ad}",
            "bob\u{fe0f}",
            "bob\u{200e}",
            "\u{645}\u{200c}",
            "bo\u{2800}b",
        ] {
            assert!(!is_identifier(hidden), "{hidden:?}");
        }
    }
}
