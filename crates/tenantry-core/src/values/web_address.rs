//! Checks web addresses that somebody gives, and brings them into the form in which they are stored.

use url::Url;

use crate::values::limits;

/// Reads a web address, and answers the form in which it is stored: the one that browsers make of it (the host in
/// A-labels, everything else percent-encoded), so that it can stand in a quoted attribute of HTML.
///
/// `None` unless it begins with `https://` or `http://`, names no user, holds no control characters, and is at most
/// [`limits::URL_CHARS_MAX`] characters long, as given and as kept.
///
/// ```
/// use tenantry_core::values::web_address::read;
///
/// assert_eq!(read("https://example.com/a\"b.png").as_deref(), Some("https://example.com/a%22b.png"));
/// assert_eq!(read("javascript:alert(1)"), None);
/// ```
#[must_use]
pub fn read(text: &str) -> Option<String> {
    let text = text.trim();
    // A URL parser drops tabs and line breaks, and takes `https:host` for `https://host`: nobody means that.
    let scheme = text.split_once("://")?.0;
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    if !web || text.chars().count() > limits::URL_CHARS_MAX || text.chars().any(char::is_control) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    // The only character that can end an attribute and that browsers leave as it is.
    let kept = String::from(url).replace('\'', "%27");
    (kept.len() <= limits::URL_CHARS_MAX).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_percent_encoded() {
        for (given, kept) in [
            ("https://example.com", "https://example.com/"),
            (" HTTP://Example.com/a.png ", "http://example.com/a.png"),
            ("https://example.com/\"onload=\"x", "https://example.com/%22onload=%22x"),
            ("https://example.com/'?'#'", "https://example.com/%27?%27#%27"),
            ("https://example.com/<b> `", "https://example.com/%3Cb%3E%20%60"),
            ("https://example.com/%22", "https://example.com/%22"),
            ("https://b\u{fc}cher.example/\u{fc}", "https://xn--bcher-kva.example/%C3%BC"),
        ] {
            assert_eq!(read(given).as_deref(), Some(kept), "{given}");
        }
    }

    #[test]
    fn what_is_no_address_of_the_web_is_refused() {
        for text in [
            "",
            "https://",
            "https:example.com",
            "https:\\\\example.com",
            "//example.com",
            "javascript:alert(1)",
            "javascript://example.com/%0aalert(1)",
            "data:text/html,x",
            "ftp://example.com",
            "https://ann@example.com",
            "https://ann:secret@example.com",
            "https://exa mple.com",
            "https://example.com/a\nb",
            "https://example.com:99999",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        // Three times as long when it is percent-encoded.
        assert!(read(&format!("https://example.com/{}", "a".repeat(2000))).is_some());
        assert!(read(&format!("https://example.com/{}", "\u{fc}".repeat(1000))).is_none());
        assert!(read(&format!("https://example.com/{}", "a".repeat(2048))).is_none());
    }
}
