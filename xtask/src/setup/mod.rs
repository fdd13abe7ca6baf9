//! What the tests need besides Rust.
//!
//! 1. What is there is left alone. What is missing is named first, with where it comes from and how to do it by hand;
//!    then Debian's packages are installed, without a question: a pipeline has nobody to answer it.
//! 2. Packages of servers start them, on ports that may be somebody's: while they are installed a `policy-rc.d` forbids
//!    it, which goes away again whatever happens; one that the machine has already is left to decide. They are not
//!    started with the machine either: the tests start servers of their own.
//! 3. Nothing names a package host: all comes from where the machine has its packages.

mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::run;

/// A program, and the package that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    name: &'static str,
    package: &'static str,
    /// Without it, tests are skipped, and say so.
    optional: bool,
}

impl Program {
    const fn needed(name: &'static str, package: &'static str) -> Self {
        Self { name, package, optional: false }
    }

    const fn optional(name: &'static str, package: &'static str) -> Self {
        Self { name, package, optional: true }
    }
}

pub(crate) const SERVERS: [Program; 3] = [
    Program::needed("redis-server", "redis-server"),
    Program::needed("redis-cli", "redis-tools"),
    // Debian 12 has it in its backports.
    Program::optional("valkey-server", "valkey-server"),
];
/// With them a test has a network of its own, and cuts it.
pub(crate) const NETWORK: [Program; 3] = [
    Program::optional("unshare", "util-linux"),
    Program::optional("ip", "iproute2"),
    Program::optional("iptables", "iptables"),
];
pub(crate) const CURL: Program = Program::needed("curl", "curl");
pub(crate) const MAIL_SERVER: Program = Program::needed("aiosmtpd", "python3-aiosmtpd");

/// Makes sure that the programs can be started.
pub(crate) fn programs(programs: &[Program]) -> Result<()> {
    let missing: Vec<_> = programs.iter().copied().filter(|program| !answers(program.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let installed = install(&missing);
    for program in missing.iter().filter(|program| !answers(program.name)) {
        let Program { name, package, optional } = program;
        if *optional {
            eprintln!("xtask: {name} is missing: the tests on it are SKIPPED (install the package {package})");
            continue;
        }
        let by_hand = format!("install it so that {name} is in the PATH (Debian: apt-get install {package})");
        return match installed {
            Ok(()) => bail!("{name} is still missing: {by_hand}"),
            Err(error) => Err(error.context(format!("{name} is missing: {by_hand}"))),
        };
    }
    Ok(())
}

fn install(missing: &[Program]) -> Result<()> {
    if !Path::new("/etc/debian_version").exists() {
        bail!("this is not Debian, nor one of its kind: nothing is installed");
    }
    let packages = |optional| missing.iter().filter(move |program| program.optional == optional).map(|one| one.package);
    let (needed, optional): (Vec<_>, Vec<_>) = (packages(false).collect(), packages(true).collect());
    let apt = Apt::new(!optional.is_empty())?;
    apt.announce(missing);
    apt.update()?;
    if !needed.is_empty() {
        apt.install(&needed, &[])?;
    }
    for package in optional {
        apt.install_optional(package);
    }
    Ok(())
}

/// How packages are installed on this machine.
struct Apt {
    /// Nobody else can write there. `sources` has the machine's own, and its backports if they are wanted.
    folder: TempDir,
    /// The name of the backports, and where they are, if they are wanted and the machine's sources tell.
    backports: Option<(String, String)>,
}

impl Apt {
    fn new(with_backports: bool) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
        fs::write(folder.path().join(SCRIPT), WITHOUT_SERVICES)?;
        let parts = folder.path().join("sources");
        fs::create_dir(&parts)?;
        let own = own_sources()?;
        for file in own.iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with(PARTS))) {
            if let Some(name) = file.file_name() {
                fs::copy(file, parts.join(name)).with_context(|| format!("cannot read {}", file.display()))?;
            }
        }
        let mut backports = None;
        if let Some(codename) = with_backports.then(codename).flatten() {
            let texts = own.iter().map(|file| Ok((sources::Format::of(file), fs::read_to_string(file)?)));
            let texts = texts.collect::<std::io::Result<Vec<_>>>().context("cannot read the sources of packages")?;
            if let Some(archive) = sources::archive(&texts, &codename) {
                let suite = format!("{codename}-backports");
                fs::write(parts.join("tenantry-backports.sources"), archive.offering(&suite))?;
                backports = Some((suite, archive.uri));
            }
        }
        Ok(Self { folder, backports })
    }

    /// Says what is about to be done.
    fn announce(&self, missing: &[Program]) {
        let names: Vec<_> = missing.iter().map(|program| program.name).collect();
        let packages: Vec<_> = missing.iter().map(|program| program.package).collect();
        eprintln!("xtask: missing here: {}", names.join(", "));
        eprintln!("xtask: installing now, as root, from this machine's package sources: {}", packages.join(", "));
        if let Some((suite, uri)) = &self.backports {
            eprintln!("xtask: what may be missing there, from {suite} at {uri}");
        }
        eprintln!("xtask: no service is started. To do it by hand instead: apt-get install {}", packages.join(" "));
    }

    /// Once. A mirror may be without backports: then again, without them.
    fn update(&self) -> Result<()> {
        let with_backports = ["-o", &self.parts(), "-o", "APT::Get::List-Cleanup=0", "update", "-q"];
        if self.backports.is_some() && as_root(&[&["apt-get"], &with_backports[..]].concat()).is_ok() {
            return Ok(());
        }
        as_root(&["apt-get", "update", "-q"])
    }

    fn install_optional(&self, package: &str) {
        let from_backports = self.backports.iter().map(|(suite, _)| vec!["-t", suite.as_str()]);
        for options in std::iter::once(Vec::new()).chain(from_backports) {
            if self.install(&[package], &options).is_ok() {
                return;
            }
        }
    }

    fn install(&self, packages: &[&str], options: &[&str]) -> Result<()> {
        let script = self.folder.path().join(SCRIPT).display().to_string();
        let apt = ["apt-get", "-o", &self.parts(), "install", "-y", "-q", "--no-install-recommends"];
        as_root(&[&["sh", &script, &packages.join(" ")], &apt[..], options, packages].concat())
    }

    /// What makes apt take the sources of the folder instead of those in the machine's own.
    fn parts(&self) -> String {
        format!("Dir::Etc::SourceParts={}", self.folder.path().join("sources").display())
    }
}

/// Installs so that nothing is started.
const WITHOUT_SERVICES: &str = include_str!("without_services.sh");
const SCRIPT: &str = "without-services.sh";

const PARTS: &str = "/etc/apt/sources.list.d";

/// The files in which the machine says where its packages are.
fn own_sources() -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(parts) = fs::read_dir(PARTS) {
        for part in parts {
            files.push(part.context("cannot list the sources of packages")?.path());
        }
    }
    files.retain(|file| file.is_file() && matches!(file.extension(), Some(end) if end == "list" || end == "sources"));
    files.sort();
    Ok(files)
}

/// The name of this version of the distribution, such as `bookworm`.
fn codename() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let line = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(line.trim_matches('"').to_owned())
}

fn as_root(words: &[&str]) -> Result<()> {
    let sudo: &[&str] = match (is_root(), answers("sudo")) {
        (true, _) => &[],
        // sudo passes no environment on.
        (false, true) => &["sudo", "env", "DEBIAN_FRONTEND=noninteractive"],
        (false, false) => bail!("there is no sudo, and this is not root"),
    };
    let words = [sudo, words].concat();
    run(Command::new(words[0]).args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn answers(program: &str) -> bool {
    // `ip` knows only the short option.
    let answers = |option| Command::new(program).arg(option).output().is_ok_and(|output| output.status.success());
    answers("--version") || answers("-V")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
