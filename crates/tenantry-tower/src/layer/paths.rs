//! Which paths the layer answers for: by the same matcher, and in the same syntax, as axum's router.

use matchit::Router;

use crate::BuildError;

/// What the host said of paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    /// All that is served. `None`: the host did not say, so anything may be.
    pub(crate) served: Option<Vec<String>>,
    pub(crate) exempt: Vec<String>,
}

/// What becomes of a request to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// The credential is looked at.
    Guarded,
    /// It passes as it came.
    Exempt,
    /// Nothing is there.
    Unserved,
}

pub(crate) struct Paths {
    listed: Router<Path>,
    others: Path,
}

impl Paths {
    /// `None` if every path is guarded.
    pub(crate) fn new(listed: &Listed) -> Result<Option<Self>, BuildError> {
        let Listed { served, exempt } = listed;
        let others = if served.is_some() { Path::Unserved } else { Path::Guarded };
        if others == Path::Guarded && exempt.is_empty() {
            return Ok(None);
        }
        let mut paths = Self { listed: Router::new(), others };
        let served = served.iter().flatten().map(|path| (path, Path::Guarded));
        for (path, kind) in served.chain(exempt.iter().map(|path| (path, Path::Exempt))) {
            check(path)?;
            let inserted = paths.listed.insert(path, kind);
            inserted.map_err(|error| BuildError::new(format!("the path {path:?} cannot be listed: {error}")))?;
        }
        Ok(Some(paths))
    }

    pub(crate) fn find(&self, path: &str) -> Path {
        match self.listed.at(path).map_or(self.others, |found| *found.value) {
            // A service that resolves them may serve something else than what is exempt. axum does not.
            Path::Exempt if has_dot_segments(path) => self.others,
            found => found,
        }
    }
}

/// Whether the path has segments that lead up (RFC 3986, 3.3), also if they are written as `%2e`.
fn has_dot_segments(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    }) || path.to_ascii_lowercase().contains("%2f")
}

/// What axum's router would not take either.
fn check(path: &str) -> Result<(), BuildError> {
    if !path.starts_with('/') {
        return Err(BuildError::new(format!(
            "the path {path:?} does not begin with a slash: write it like \"/notes/{{id}}\""
        )));
    }
    if path.split('/').any(|segment| segment.starts_with([':', '*'])) {
        let mend = "write a parameter like \"/notes/{id}\", and all that follows like \"/files/{*path}\"";
        return Err(BuildError::new(format!("the path {path:?} is no pattern: {mend}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(served: Option<&[&str]>, exempt: &[&str]) -> Result<Option<Paths>, BuildError> {
        let owned = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
        Paths::new(&Listed { served: served.map(owned), exempt: owned(exempt) })
    }

    #[test]
    fn paths_are_found_as_axum_finds_them() {
        let paths =
            paths(Some(&["/", "/notes", "/notes/{id}"]), &["/tenantry/{*path}", "/notes/public"]).unwrap().unwrap();
        for (path, expected) in [
            ("/", Path::Guarded),
            ("/notes", Path::Guarded),
            ("/notes/7", Path::Guarded),
            ("/notes/public", Path::Exempt),
            ("/tenantry/v1/organizations/get", Path::Exempt),
            ("/tenantry/../notes", Path::Unserved),
            ("/tenantry/%2E%2e/notes", Path::Unserved),
            ("/tenantry/.%2e%2fnotes", Path::Unserved),
            ("/notes/", Path::Unserved),
            ("/notes/7/", Path::Unserved),
            ("/notes/7/8", Path::Unserved),
            ("//notes", Path::Unserved),
            ("/Notes", Path::Unserved),
            ("/notes%2F7", Path::Unserved),
            ("/tenantry", Path::Unserved),
            ("/tenantry/", Path::Unserved),
            ("/favicon.ico", Path::Unserved),
            ("*", Path::Unserved),
            ("", Path::Unserved),
        ] {
            assert_eq!(paths.find(path), expected, "{path}");
        }
    }

    #[test]
    fn where_it_is_not_said_what_is_served_all_is_guarded() {
        assert!(paths(None, &[]).unwrap().is_none());
        let paths = paths(None, &["/health"]).unwrap().unwrap();
        assert_eq!(paths.find("/health"), Path::Exempt);
        assert_eq!(paths.find("/favicon.ico"), Path::Guarded);
    }

    #[test]
    fn nothing_is_served_where_nothing_is_listed() {
        assert_eq!(paths(Some(&[]), &[]).unwrap().unwrap().find("/"), Path::Unserved);
    }

    #[test]
    fn a_mistake_names_the_path() {
        for wrong in ["notes", "", "/notes/:id", "/files/*path", "/a/{b", "/a/{}", "/{*a}/b"] {
            assert!(paths(Some(&[wrong]), &[]).err().unwrap().to_string().contains(&format!("{wrong:?}")), "{wrong}");
        }
        assert!(paths(Some(&["/notes"]), &["/notes"]).is_err());
        assert!(paths(Some(&["/notes/{id}", "/notes/{name}"]), &[]).is_err());
    }
}
