//! A network of its own for one test: what is cut there nobody else notices, and all of it goes with the test.
//!
//! A test cannot leave its process's network alone, so it is run once more, in a process that has a new one (Linux calls
//! it a network namespace). In there is only the loopback interface, with every address of 127.0.0.0/8.

use std::{
    io::Write as _,
    net::Ipv4Addr,
    process::{Command, Stdio},
};

/// Set where a test is run once more.
const VARIABLE: &str = "TENANTRY_TESTING_NETWORK";
/// Tells that the machine gives no network, rather than that a test has failed.
const NO_NETWORK: i32 = 77;
/// Runs its arguments, if packets can be dropped here.
const SCRIPT: &str = r#"ip link set lo up && iptables --list INPUT > /dev/null || exit 77; exec "$@""#;

/// The network of a test.
#[derive(Debug)]
pub struct Network(());

impl Network {
    /// Runs the test that is called `test` (`module::function`) in a network of its own. `Some`: this is that run.
    /// `None`: the test has been run, and passed; or the machine gives no network, and a line on the standard error
    /// says so.
    ///
    /// # Panics
    /// When the test fails in there, or there is none of that name.
    #[must_use]
    pub fn of_its_own(test: &str) -> Option<Self> {
        if std::env::var_os(VARIABLE).is_some() {
            return Some(Self(()));
        }
        let program = std::env::current_exe().unwrap_or_else(|error| panic!("this program has no path: {error}"));
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "sh", "-c", SCRIPT, "sh"]).arg(program).args(["--exact", test, "--nocapture"]);
        let output = unshare.env(VARIABLE, "yes").stdin(Stdio::null()).output();
        let output = match output {
            Ok(output) if output.status.code() != Some(NO_NETWORK) && !is_forbidden(&output.stderr) => output,
            _ => {
                // Not by `eprintln!`, which the test runner keeps for itself when a test passes.
                let _ =
                    writeln!(std::io::stderr(), "SKIPPED: a network of its own needs root, unshare, ip and iptables");
                return None;
            }
        };
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(output.status.success() && said.contains("1 passed"), "{test} in a network of its own: {said}");
        None
    }

    /// Packets of `from` do not reach `to` any more; nobody is told.
    ///
    /// # Panics
    /// When the machine does not do it.
    pub fn cut(&self, from: Ipv4Addr, to: Ipv4Addr) {
        iptables(&[
            "--append",
            "INPUT",
            "--source",
            &from.to_string(),
            "--destination",
            &to.to_string(),
            "--jump",
            "DROP",
        ]);
    }

    /// All packets arrive again.
    ///
    /// # Panics
    /// When the machine does not do it.
    pub fn heal(&self) {
        iptables(&["--flush", "INPUT"]);
    }
}

/// Whether `unshare` may not make a network.
fn is_forbidden(errors: &[u8]) -> bool {
    errors.starts_with(b"unshare: ")
}

fn iptables(arguments: &[&str]) {
    let status = Command::new("iptables").args(arguments).status();
    assert!(status.is_ok_and(|status| status.success()), "iptables {arguments:?} failed");
}
