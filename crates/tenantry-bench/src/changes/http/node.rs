//! better-auth's server: how it is installed, and its process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tenantry_testing::redis_server::RedisServer;

use crate::{table, world::SECRET};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals/better-auth");
const LOCK: &str = "package-lock.json";
const FILES: [&str; 3] = ["package.json", LOCK, "server.mjs"];
/// For which lock file, and by which Node, it was installed: one of its packages is compiled.
const INSTALLED: &str = "installed";

/// What can be started.
pub(super) struct Installed {
    folder: PathBuf,
    node: String,
}

/// A server that answers. It ends with the value.
pub(super) struct NodeServer {
    pub(super) address: SocketAddr,
    /// For the title of a table: what runs.
    pub(super) told: String,
    process: Child,
    _redis: RedisServer,
    _folder: TempDir,
}

impl NodeServer {
    /// Installs what the lock file names under `target/rivals`, unless it is there.
    pub(super) fn install() -> Result<Installed> {
        let node = version("node")?;
        version("npm")?;
        let folder = table::folder()?.with_file_name("rivals").join("better-auth");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for file in FILES {
            fs::copy(Path::new(SOURCE).join(file), folder.join(file)).context(file)?;
        }
        let wanted = format!("{node}\n{}", fs::read_to_string(folder.join(LOCK))?);
        if fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed == wanted) {
            return Ok(Installed { folder, node });
        }
        eprintln!("bench: npm ci in {} (some minutes, if it must compile SQLite)", folder.display());
        let npm = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output()?;
        ensure!(npm.status.success(), "npm ci failed: {}", String::from_utf8_lossy(&npm.stderr).trim());
        fs::write(folder.join(INSTALLED), wanted)?;
        Ok(Installed { folder, node })
    }
}

impl Installed {
    /// Starts it, with an empty database and a Redis of its own.
    pub(super) fn start(&self) -> Result<NodeServer> {
        let redis = RedisServer::start(&[]);
        let folder = tempfile::tempdir_in(table::folder()?)?;
        let mut process = Command::new("node")
            .arg("server.mjs")
            .current_dir(&self.folder)
            .env("NODE_ENV", "production")
            .env("BETTER_AUTH_SECRET", SECRET)
            .env("REDIS_URL", redis.url())
            .env("SQLITE", folder.path().join("better-auth.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node")?;
        let mut port = String::new();
        let told = BufReader::new(process.stdout.take().context("its output is ours")?).read_line(&mut port);
        let address = told.ok().and_then(|_| port.trim().parse().ok()).map(|port| (Ipv4Addr::LOCALHOST, port).into());
        let Some(address) = address else {
            // It has ended already, or cannot be used.
            let _ = process.kill();
            bail!("better-auth's server did not start: {}", process.wait()?);
        };
        let package: Value = serde_json::from_slice(&fs::read(self.folder.join(FILES[0]))?)?;
        let told = format!(
            "better-auth {}: one process of Node {}, SQLite (nobody waits for the disk), sessions and API keys in a Redis \
             of its own",
            package["dependencies"]["better-auth"].as_str().unwrap_or_default(),
            self.node
        );
        Ok(NodeServer { address, told, process, _redis: redis, _folder: folder })
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The version of a program, if it is there.
fn version(program: &str) -> Result<String> {
    let output = Command::new(program).arg("--version").output().with_context(|| format!("{program} is not there"))?;
    ensure!(output.status.success(), "{program} --version: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
