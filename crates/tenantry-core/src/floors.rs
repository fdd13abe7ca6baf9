//! No import leads upward: the floors of this crate, and the test that keeps them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The rooms of this crate, the highest first. What is in one may use what is below it, and nothing above.
const FLOORS: [&str; 11] =
    ["worker", "operations", "search", "engine", "host", "wire", "access", "rows", "store", "secret", "values"];

#[test]
fn no_import_leads_upward() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let floor = |room: &str| FLOORS.iter().position(|floor| *floor == room);
    let mut files = 0;
    for (below, room) in FLOORS.iter().enumerate() {
        for file in rust_files(&sources.join(room)) {
            files += 1;
            let upward = imports(&read(&file)).into_iter().find(|used| floor(used).is_some_and(|above| above < below));
            let upward = upward.filter(|used| !is_known(&file, used));
            assert!(upward.is_none(), "{} is on the floor {room} and uses {upward:?} above it", file.display());
        }
    }
    assert!(files > 100, "the sources are read");
}

/// The one call that leads up: the engine carries out an operation of its own when a credential tells something new.
fn is_known(file: &Path, used: &str) -> bool {
    file.ends_with("engine/note.rs") && used == "operations"
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The rooms that a source names after `crate::`, alone or in a group; what is only for tests may use anything.
fn imports(source: &str) -> Vec<String> {
    let code = source.split("\n#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rooms = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let path = &code[start + "crate::".len()..];
        match path.strip_prefix('{') {
            Some(group) => rooms.extend(members(group)),
            None => rooms.push(word(path)),
        }
    }
    rooms
}

/// The first word of each member of a group of imports.
fn members(group: &str) -> Vec<String> {
    let (mut depth, mut begins, mut found) = (0, true, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            _ if character.is_whitespace() => {}
            _ if begins => {
                found.push(word(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn imports_are_found_alone_and_in_groups() {
    let source = "use crate::{\n    access::{a, b::{c}},\n    engine::Engine, values,\n};\nlet x = crate::store::f();\n\
                  // crate::worker\n#[cfg(test)]\nmod tests { use crate::host; }";
    assert_eq!(imports(source), ["access", "engine", "values", "store"]);
}
