//! The quickstart as its user meets it: as a process, with what it prints pasted into a shell.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// A running quickstart, killed when it is dropped.
struct Quickstart {
    child: Child,
    /// What it printed, up to its last line.
    tour: String,
}

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.env_remove("JWT_SECRET").env("STORE", "memory:").env("LISTEN", "127.0.0.1:0");
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Quickstart {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = command(settings).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut tour = String::new();
        while !tour.contains("openapi.json") {
            assert!(output.read_line(&mut tour).unwrap() > 0, "it stopped: {tour}");
        }
        Self { child, tour }
    }

    /// What it printed behind `name=`.
    fn setting(&self, name: &str) -> &str {
        let line = self.tour.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap()
    }

    fn admin(&self) -> String {
        let base = self.tour.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        format!("{base}/tenantry/v1/organizations")
    }

    /// Calls an operation in Alice's name; `None` if there is no whole answer.
    fn call(&self, operation: &str, input: &str) -> Option<Value> {
        call(&self.admin(), self.setting("ALICE"), operation, input)
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        let _ = self.child.kill(); // SIGKILL
        let _ = self.child.wait();
    }
}

fn call(admin: &str, jwt: &str, operation: &str, input: &str) -> Option<Value> {
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "10", "-d", input, "-H", "Content-Type: application/json", "-H"])
        .arg(format!("Authorization: Bearer {jwt}"))
        .arg(format!("{admin}/{operation}"))
        .output()
        .unwrap();
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// It must end by itself with status 1 and one line that says what to mend.
fn refusal(settings: &[(&str, &str)]) -> String {
    let Output { status, stderr, stdout } = command(settings).output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(stdout.is_empty());
    text
}

#[test]
fn what_it_prints_works_when_it_is_pasted() {
    let quickstart = Quickstart::start(&[]);
    let pasted = Command::new("sh").arg("-c").arg(&quickstart.tour).output().unwrap();
    let output = String::from_utf8(pasted.stdout).unwrap();
    let lines: Vec<_> = output.lines().collect();
    let [acme, umbrella, written, refused, accepted, of_acme, of_umbrella, revoked, ended] = lines[..] else {
        panic!("{output}")
    };
    let id = |line: &str, name: &str| line.strip_prefix(name).map(str::len);
    assert_eq!([id(acme, "Acme is "), id(umbrella, "Umbrella is ")], [Some(36); 2], "{output}");
    let [written, refused, accepted, of_acme, of_umbrella, revoked, ended] =
        [written, refused, accepted, of_acme, of_umbrella, revoked, ended]
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(written["text"], "hello");
    assert_eq!(refused["code"], "not_found", "{refused}");
    assert_eq!(accepted["organizationId"], acme.trim_start_matches("Acme is "), "{accepted}");
    assert_eq!(of_acme, serde_json::json!([written]));
    assert_eq!(of_umbrella, serde_json::json!([]));
    assert_eq!(revoked["ok"], true, "{revoked}");
    assert_eq!(ended["code"], "invalid_token", "{ended}");
}

#[test]
fn what_it_does_not_serve_is_404() {
    let quickstart = Quickstart::start(&[]);
    let base = quickstart.admin().replace("/tenantry/v1/organizations", "");
    for (path, status) in [("/favicon.ico", "404"), ("/", "404"), ("/notes", "401"), ("/tenantry/healthz", "200")] {
        let curl = ["-sS", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}"];
        let output = Command::new("curl").args(curl).arg(format!("{base}{path}")).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), status, "{path}");
    }
}

#[test]
fn a_setting_that_cannot_be_used_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(refusal(&[("LISTEN", &address)]).contains(&address));
    assert!(refusal(&[("LISTEN", "here")]).contains("LISTEN"));
    assert!(refusal(&[("LISTEN", "0.0.0.0:0")]).contains("JWT_SECRET"));
    assert!(refusal(&[("JWT_SECRET", "short")]).contains("32"));
    assert!(refusal(&[("STORE", "postgres://x")]).contains("STORE"));
    assert!(refusal(&[("STORE", "file:/nonexistent/directory/store")]).contains("STORE"));
    // A port on which nobody listens: it was given to us and is closed again.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let unreachable = refusal(&[("STORE", &format!("redis://:do-not-show@127.0.0.1:{port}"))]);
    assert!(unreachable.contains("STORE") && !unreachable.contains("do-not-show"), "{unreachable}");
}

#[test]
fn killed_in_mid_write_it_starts_again_with_every_acknowledged_change() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("file:{}", directory.path().join("store").display());
    for _ in 0..3 {
        let mut quickstart = Quickstart::start(&[("STORE", &store)]);
        let (admin, jwt) = (quickstart.admin(), quickstart.setting("ALICE").to_owned());
        let before = count(&quickstart);
        let acknowledged = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| create_until_it_is_gone(&admin, &jwt))).collect();
            // In the midst of it: ten are acknowledged at least, and of each writer one more may be under way.
            while count(&quickstart) < before + 10 + writers.len() {}
            quickstart.child.kill().unwrap(); // SIGKILL
            quickstart.child.wait().unwrap();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        drop(quickstart);
        let again = Quickstart::start(&[("STORE", &store)]);
        assert!(acknowledged.len() >= 10);
        for id in acknowledged {
            let found = again.call("get", &format!(r#"{{"organizationId":"{id}"}}"#)).unwrap();
            assert_eq!(found["organization"]["id"], id.as_str(), "{found}");
        }
        assert!(Path::new(store.trim_start_matches("file:")).exists());
    }
}

/// Creates organizations one after the other; the ids of those that were acknowledged.
fn create_until_it_is_gone(admin: &str, jwt: &str) -> Vec<String> {
    let answers = std::iter::from_fn(|| call(admin, jwt, "create", r#"{"name":"Durable"}"#));
    answers.map(|answer| answer["organization"]["id"].as_str().unwrap().to_owned()).collect()
}

/// How many organizations Alice has, up to a page.
fn count(quickstart: &Quickstart) -> usize {
    let mut count = 0;
    let mut cursor = "null".to_owned();
    loop {
        let input = format!(r#"{{"limit":200,"cursor":{cursor}}}"#);
        let page = quickstart.call("list", &input).unwrap();
        count += page["organizations"].as_array().unwrap().len();
        if page["nextCursor"].is_null() {
            return count;
        }
        cursor = page["nextCursor"].to_string();
    }
}

#[test]
fn a_file_that_is_in_use_is_not_shared() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("file:{}", directory.path().join("store").display());
    let mut first = Quickstart::start(&[("STORE", &store)]);
    assert!(refusal(&[("STORE", &store)]).contains("STORE"));
    // Asked to stop, it stops, and the next one has the file.
    Command::new("kill").arg(first.child.id().to_string()).status().unwrap();
    assert!(first.child.wait().unwrap().success());
    let mut errors = String::new();
    first.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "");
    Quickstart::start(&[("STORE", &store)]);
}
