//! Where a Debian machine has its packages from: `sources.list(5)`, in both of its formats.

use std::path::Path;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `*.list`: one line each.
    Line,
    /// `*.sources`: paragraphs of fields, as in RFC 822.
    Paragraph,
}

impl Format {
    pub(super) fn of(file: &Path) -> Self {
        if file.extension().is_some_and(|end| end == "sources") { Self::Paragraph } else { Self::Line }
    }
}

/// An archive, and how it is known that what comes from there is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) uri: String,
    /// A path, a fingerprint, or a key in lines of its own; `None`: any that the machine trusts.
    signed_by: Option<String>,
}

impl Archive {
    /// The text of a `*.sources` file for another suite of it.
    pub(super) fn offering(&self, suite: &str) -> String {
        let signed_by = self.signed_by.as_ref().map(|key| format!("Signed-By: {key}\n")).unwrap_or_default();
        format!("Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n{signed_by}", self.uri)
    }
}

/// One source: all combinations of its parts.
#[derive(Debug, Default)]
struct Source {
    types: Vec<String>,
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Option<String>,
    disabled: bool,
}

/// The archive of the distribution itself: the one that has `main` of both `codename` and its updates, or else the first
/// that has `main` of `codename`. Others have packages for that version, too, but no updates of it.
pub(super) fn archive(texts: &[(Format, String)], codename: &str) -> Option<Archive> {
    let sources: Vec<_> = texts.iter().flat_map(|(format, text)| parse(*format, text)).collect();
    let having = |suite: &str| -> Vec<Archive> {
        let is_meant = |source: &&Source| {
            let has = |list: &[String], word: &str| list.iter().any(|one| one == word);
            !source.disabled
                && has(&source.types, "deb")
                && has(&source.suites, suite)
                && has(&source.components, "main")
        };
        let archives = sources.iter().filter(is_meant).flat_map(|source| {
            let uris = source.uris.iter().filter(|uri| !uri.starts_with("cdrom:"));
            uris.map(|uri| Archive { uri: uri.clone(), signed_by: source.signed_by.clone() })
        });
        archives.collect()
    };
    let updated = having(&format!("{codename}-updates"));
    let mut archives = having(codename);
    archives.sort_by_key(|archive| !updated.iter().any(|other| other.uri == archive.uri));
    archives.into_iter().next()
}

fn parse(format: Format, text: &str) -> Vec<Source> {
    match format {
        Format::Line => text.lines().filter_map(parse_line).collect(),
        Format::Paragraph => paragraphs(text).iter().map(|fields| parse_paragraph(fields)).collect(),
    }
}

/// `deb [option=value …] uri suite component…`
fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next().unwrap_or_default();
    let (kind, rest) = line.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    Some(Source {
        types: vec![kind.to_owned()],
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        // Several are divided by commas here, and by blanks there.
        signed_by: signed_by.map(|keys| keys.replace(',', " ")),
        disabled: false,
    })
}

/// The fields of each paragraph. A line that begins with a blank goes on with the field before it.
fn paragraphs(text: &str) -> Vec<Vec<(String, String)>> {
    let mut paragraphs = vec![Vec::<(String, String)>::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = paragraphs.last_mut().expect("there is one from the beginning");
        if line.trim().is_empty() {
            paragraphs.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    paragraphs.retain(|fields| !fields.is_empty());
    paragraphs
}

fn parse_paragraph(fields: &[(String, String)]) -> Source {
    let mut source = Source::default();
    for (name, value) in fields {
        let words = || value.split_whitespace().map(str::to_owned).collect();
        match name.as_str() {
            "types" => source.types = words(),
            "uris" => source.uris = words(),
            "suites" => source.suites = words(),
            "components" => source.components = words(),
            "signed-by" => source.signed_by = Some(value.clone()),
            "enabled" => source.disabled = ["no", "false", "without", "off", "disable"].contains(&value.as_str()),
            _ => {}
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[(Format, &str)]) -> Option<(String, Option<String>)> {
        let texts: Vec<_> = texts.iter().map(|(format, text)| (*format, (*text).to_owned())).collect();
        archive(&texts, "bookworm").map(|archive| (archive.uri, archive.signed_by))
    }

    fn is(uri: &str, signed_by: Option<&str>) -> (String, Option<String>) {
        (uri.to_owned(), signed_by.map(str::to_owned))
    }

    #[test]
    fn lines_name_the_mirror_and_its_key() {
        let line = "# deb http://old.example/debian bookworm main\n\
                    deb-src http://source.example/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.gpg] http://mirror.example/debian bookworm main contrib # ours\n";
        assert_eq!(
            found(&[(Format::Line, line)]),
            Some(is("http://mirror.example/debian", Some("/keys/a.gpg /keys/b.gpg")))
        );
        assert_eq!(
            found(&[(Format::Line, "deb http://m.example/ bookworm main")]),
            Some(is("http://m.example/", None))
        );
        for none in
            ["", "deb", "deb http://m.example/", "deb [arch=amd64 http://m.example/ bookworm main", "nonsense [x]"]
        {
            assert_eq!(found(&[(Format::Line, none)]), None, "{none}");
        }
    }

    #[test]
    fn paragraphs_do_too_also_with_a_key_of_several_lines() {
        let text = "Types: deb\n# a snapshot\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n\n\
                    types: deb\nuris: http://mirror.example/security\nsuites: bookworm-security\ncomponents: main\n";
        let key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF";
        assert_eq!(found(&[(Format::Paragraph, text)]), Some(is("http://mirror.example/debian", Some(key))));
        let archive = archive(&[(Format::Paragraph, text.to_owned())], "bookworm").unwrap();
        let offered = archive.offering("bookworm-backports");
        assert!(
            offered.contains("Suites: bookworm-backports\nComponents: main\nSigned-By: \n -----BEGIN"),
            "{offered}"
        );
        let disabled = text.replace("Components", "Enabled: no\nComponents");
        assert_eq!(found(&[(Format::Paragraph, &disabled)]), None);
    }

    #[test]
    fn the_distributions_own_archive_is_told_from_others_for_the_same_version() {
        let others = "deb https://php.example/ bookworm main\ndeb https://docker.example/ bookworm stable\n\
                      deb cdrom:[Debian]/ bookworm main\n";
        let own = "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main";
        let found = found(&[(Format::Line, others), (Format::Paragraph, own)]);
        assert_eq!(found, Some(is("http://mirror.example/debian", None)));
    }
}
