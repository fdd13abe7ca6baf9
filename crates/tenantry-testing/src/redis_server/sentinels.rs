//! Real Redis Sentinels.

use std::net::Ipv4Addr;

use super::{POLL_EVERY, POLLS_MAX, REDIS, RedisServer, login};

/// What the sentinels call their primary.
const SERVICE: &str = "tenantry";
/// After how long a silent primary counts as dead. Short, since tests wait for it.
const DOWN_AFTER_MS: &str = "1000";
const FAILOVER_TIMEOUT_MS: &str = "5000";
/// How many sentinels must find the primary dead.
const QUORUM: &str = "2";

/// A primary with two replicas, and three sentinels that watch over them.
#[derive(Debug)]
pub struct RedisSentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// Starts all of them on 127.0.0.1, and waits until they know each other. `arguments` are for each server, not for
    /// the sentinels.
    ///
    /// # Panics
    /// When they cannot be started. The message says why.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_on([Ipv4Addr::LOCALHOST; 6], arguments)
    }

    /// The same, each on an address of its own (127.0.0.11 and so on), from which it also calls the others: so that a
    /// [network](crate::network) can be cut between any two of them. A store calls from 127.0.0.1.
    ///
    /// # Panics
    /// When they cannot be started. The message says why.
    #[must_use]
    pub fn apart(arguments: &[&str]) -> Self {
        Self::start_on([11, 12, 13, 21, 22, 23].map(|last| Ipv4Addr::new(127, 0, 0, last)), arguments)
    }

    fn start_on(addresses: [Ipv4Addr; 6], arguments: &[&str]) -> Self {
        let [primary, first, second, watchers @ ..] = addresses;
        let usual = [&["--repl-diskless-sync-delay", "0"][..], arguments].concat();
        let primary = RedisServer::start_program(REDIS, primary, &usual);
        let (address, port) = (primary.address().to_string(), primary.port().to_string());
        let following = [&usual[..], &["--replicaof", &address, &port]].concat();
        let replica = |address| RedisServer::start_program(REDIS, address, &following);
        let servers = vec![replica(first), replica(second), primary];
        let sentinels = watchers.map(RedisServer::start_sentinel).into();
        let this = Self { servers, sentinels };
        for sentinel in &this.sentinels {
            sentinel.must(&["SENTINEL", "MONITOR", SERVICE, &address, &port, QUORUM]);
            let settings = ["down-after-milliseconds", DOWN_AFTER_MS, "failover-timeout", FAILOVER_TIMEOUT_MS];
            sentinel.must(&[&["SENTINEL", "SET", SERVICE][..], &settings].concat());
        }
        this.wait_until_well();
        this
    }

    /// Where a store finds them, as the user that it has in a deployment.
    #[must_use]
    pub fn url(&self) -> String {
        let listed: Vec<_> = self.sentinels.iter().map(place).collect();
        format!("redis+sentinel://{}{}/{SERVICE}", login(), listed.join(","))
    }

    /// The servers that keep the data.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The server that the sentinels call the primary.
    ///
    /// # Panics
    /// When they name none of the servers.
    #[must_use]
    pub fn primary(&self) -> &RedisServer {
        self.named().unwrap_or_else(|| panic!("the sentinels name no server, or not the same"))
    }

    /// Waits until another server has taken the place of `lost`, and all sentinels say so.
    ///
    /// # Panics
    /// When none does within a minute.
    pub fn wait_for_successor(&self, lost: &RedisServer) {
        self.wait("a successor", || self.is_succeeded(lost).then_some(()));
    }

    /// Has another server take the place of `primary`, and waits until all sentinels say so.
    ///
    /// # Panics
    /// When none does within a minute.
    pub fn hand_over(&self, primary: &RedisServer) {
        self.wait("a hand-over", || {
            // A sentinel that has not yet looked at the replicas finds none of them good: it must be told again.
            let _ = self.sentinels[0].try_command(&["SENTINEL", "FAILOVER", SERVICE]);
            self.is_succeeded(primary).then_some(())
        });
    }

    fn is_succeeded(&self, lost: &RedisServer) -> bool {
        self.named().is_some_and(|primary| {
            let role = || primary.try_command(&["INFO", "replication"]).unwrap_or_default();
            !std::ptr::eq(primary, lost) && primary.is_up() && role().contains("role:master")
        })
    }

    /// Waits until the replicas have what the primary has, and all sentinels know of each other and of the replicas.
    ///
    /// # Panics
    /// When that is not so within a minute.
    pub fn wait_until_well(&self) {
        let others =
            [format!("num-other-sentinels\r\n$1\r\n{}", self.sentinels.len() - 1), "num-slaves\r\n$1\r\n2".to_owned()];
        self.wait("all of them to be well", || {
            let knows = |sentinel: &RedisServer| {
                let answer = sentinel.try_command(&["SENTINEL", "MASTER", SERVICE]).unwrap_or_default();
                others.iter().all(|word| answer.contains(word)) && answer.contains("flags\r\n$6\r\nmaster\r\n")
            };
            let primary = self.named()?;
            let follows = |server: &RedisServer| {
                let answer = server.try_command(&["INFO", "replication"]).unwrap_or_default();
                std::ptr::eq(server, primary) || answer.contains("master_link_status:up")
            };
            (self.sentinels.iter().all(knows) && self.servers.iter().all(follows)).then_some(())
        });
    }

    fn named(&self) -> Option<&RedisServer> {
        let named = |sentinel: &RedisServer| {
            let answer = sentinel.try_command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).ok()?;
            Some(format!("{}:{}", answer.lines().nth(2)?.trim(), answer.lines().nth(4)?.trim()))
        };
        let mut places = self.sentinels.iter().filter(|sentinel| sentinel.is_up()).map(named);
        let named = places.next()??;
        places
            .all(|other| other.as_ref() == Some(&named))
            .then(|| self.servers.iter().find(|server| place(server) == named))?
    }

    fn wait(&self, what: &str, is_so: impl Fn() -> Option<()>) {
        for _ in 0..POLLS_MAX {
            if is_so().is_some() {
                return;
            }
            std::thread::sleep(POLL_EVERY);
        }
        panic!("waited in vain for {what}: {}", self.sentinels[0].command(&["SENTINEL", "MASTERS"]));
    }
}

/// Where a server is, as sentinels and URLs write it.
fn place(server: &RedisServer) -> String {
    format!("{}:{}", server.address(), server.port())
}
