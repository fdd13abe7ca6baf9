//! Real Redis Clusters.

use std::{
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use super::{POLL_EVERY, POLLS_MAX, RedisServer, login};
use crate::process::free_port;

const PRIMARIES: usize = 3;
/// After how many polls a replica that was told to take over is told again.
const ASK_EVERY_POLLS: usize = 100;
/// After how long a silent node counts as dead. Short, since tests wait for it.
const NODE_TIMEOUT_MS: &str = "1000";

/// A cluster of one's own, on 127.0.0.1: three primaries, and replicas of each.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster with so many replicas of each of the three primaries, and waits until all of it is well.
    /// `arguments` are for each server.
    ///
    /// # Panics
    /// When no cluster can be started. The message says why.
    #[must_use]
    pub fn start(replicas: usize, arguments: &[&str]) -> Self {
        let nodes: Vec<_> = (0..PRIMARIES * (1 + replicas)).map(|_| start_node(arguments)).collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"])
            .stdin(Stdio::null())
            .output();
        let created = created.unwrap_or_else(|error| panic!("redis-cli cannot be run: install it ({error})"));
        assert!(created.status.success(), "no cluster: {}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { nodes };
        cluster.wait_until_well();
        cluster
    }

    /// Adds a primary that has no slots.
    ///
    /// # Panics
    /// When it cannot be started, or is not taken up within a minute.
    pub fn add(&mut self) {
        let node = start_node(&[]);
        let first = self.nodes[0].describe().into_iter().find(|known| known.myself);
        let first = first.unwrap_or_else(|| panic!("the first server does not answer"));
        node.must(&["CLUSTER", "MEET", "127.0.0.1", &first.port.to_string(), &first.bus.to_string()]);
        self.nodes.push(node);
        self.wait_until_well();
    }

    /// One cluster for all tests of this process; each should take a namespace of its own, and do the cluster no harm.
    ///
    /// # Panics
    /// When no cluster can be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisCluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(1, &[]))
    }

    /// Where a store finds it, as the user that it has in a deployment: two of its nodes are enough.
    #[must_use]
    pub fn url(&self) -> String {
        let listed: Vec<_> = self.nodes.iter().take(2).map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}{}", login(), listed.join(","))
    }

    /// All servers.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The server that has this key, as another that is alive says.
    ///
    /// # Panics
    /// When nobody has it within a minute.
    #[must_use]
    pub fn primary_of(&self, key: &str) -> &RedisServer {
        let slot = self.slot(key);
        let owner = || {
            self.nodes.iter().find(|node| {
                let myself = node.describe().into_iter().find(|known| known.myself);
                myself.is_some_and(|me| {
                    me.primary && me.ranges.iter().any(|(first, last)| (first..=last).contains(&&slot))
                })
            })
        };
        poll(owner).unwrap_or_else(|| panic!("nobody has slot {slot}"))
    }

    /// Has `primary` hand over to its replica, and waits until everybody knows it.
    ///
    /// # Panics
    /// When it has no replica, or that does not take over within a minute.
    pub fn hand_over(&self, primary: &RedisServer) {
        let id = primary.id();
        let follows = |node: &&RedisServer| node.describe().iter().any(|known| known.myself && known.follows == id);
        let replica = poll(|| self.nodes.iter().find(follows)).unwrap_or_else(|| panic!("{id} has no replica"));
        // One that has only just begun to follow is refused, or heard by nobody: it must ask again.
        let asked = (0..POLLS_MAX / ASK_EVERY_POLLS).any(|_| {
            let _ = replica.try_command(&["CLUSTER", "FAILOVER"]);
            poll_times(ASK_EVERY_POLLS, || self.is_succeeded(primary).then_some(())).is_some()
        });
        assert!(asked, "the replica of {id} does not take over");
    }

    /// The slot of this key.
    ///
    /// # Panics
    /// When no server answers.
    #[must_use]
    pub fn slot(&self, key: &str) -> u16 {
        let answer = self.nodes.iter().find_map(|node| node.try_command(&["CLUSTER", "KEYSLOT", key]).ok());
        let answer = answer.unwrap_or_else(|| panic!("no server answers"));
        answer.trim_start_matches(':').trim().parse().unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    /// All primaries that have slots, as they say themselves.
    #[must_use]
    pub fn primaries(&self) -> Vec<&RedisServer> {
        let leads = |node: &&RedisServer| {
            node.describe().iter().any(|known| known.myself && known.primary && !known.ranges.is_empty())
        };
        self.nodes.iter().filter(leads).collect()
    }

    /// Waits until a replica has taken the place of `lost`, and everybody who is alive knows it.
    ///
    /// # Panics
    /// When none does within a minute.
    pub fn wait_for_successor(&self, lost: &RedisServer) {
        let taken = poll(|| self.is_succeeded(lost).then_some(()));
        taken.unwrap_or_else(|| panic!("nobody has taken the place of the server at {}", lost.port()));
    }

    fn is_succeeded(&self, lost: &RedisServer) -> bool {
        let knows = |node: &RedisServer| {
            let known = node.describe();
            let leaders: Vec<_> = known.iter().filter(|known| known.primary && !known.ranges.is_empty()).collect();
            leaders.len() == PRIMARIES && leaders.iter().all(|leader| leader.port != lost.port())
        };
        let mut others = self.nodes.iter().filter(|node| node.port() != lost.port() && node.is_up());
        others.all(knows)
    }

    /// Waits until all servers know each other and find each other well.
    ///
    /// # Panics
    /// When they do not within a minute.
    pub fn wait_until_well(&self) {
        let well = || {
            let linked = |node: &RedisServer| {
                let replication = node.try_command(&["INFO", "replication"]).unwrap_or_default();
                replication.contains("role:master") || replication.contains("master_link_status:up")
            };
            let all_known = |node: &RedisServer| {
                let known = node.describe();
                known.len() == self.nodes.len() && known.iter().all(|known| known.well)
            };
            let well = |node: &RedisServer| {
                node.try_command(&["CLUSTER", "INFO"]).is_ok_and(|info| info.contains("cluster_state:ok"))
            };
            self.nodes.iter().all(|node| well(node) && all_known(node) && linked(node)).then_some(())
        };
        poll(well).unwrap_or_else(|| panic!("the cluster does not become well: {:?}", self.nodes[0].describe()));
    }

    /// Begins to move a slot: from now on it is half here, half there.
    ///
    /// # Panics
    /// When a server refuses.
    pub fn begin_to_move(&self, slot: u16, from: &RedisServer, to: &RedisServer) {
        let slot = slot.to_string();
        to.must(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from.id()]);
        from.must(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to.id()]);
    }

    /// Begins to move nearly all slots of `from`, which stays a primary so. Answers which they are.
    ///
    /// # Panics
    /// When a server refuses.
    #[must_use]
    pub fn begin_to_move_most(&self, from: &RedisServer, to: &RedisServer) -> Vec<u16> {
        let myself = from.describe().into_iter().find(|known| known.myself);
        let ranges = myself.map(|known| known.ranges).unwrap_or_default();
        let slots: Vec<u16> = ranges.into_iter().flat_map(|(first, last)| first..=last).skip(16).collect();
        let set = |state: &str, id: &str| {
            slots.iter().map(|slot| format!("CLUSTER SETSLOT {slot} {state} {id}\n")).collect::<Vec<_>>().concat()
        };
        to.commands(&set("IMPORTING", &from.id()));
        from.commands(&set("MIGRATING", &to.id()));
        slots
    }

    /// Moves all keys of these slots, those of one slot at once, as `redis-cli --cluster reshard` does.
    ///
    /// # Panics
    /// When a server refuses.
    pub fn move_all_keys(&self, slots: &[u16], from: &RedisServer, to: &RedisServer) {
        let ask = slots.iter().map(|slot| format!("CLUSTER GETKEYSINSLOT {slot} 1000\n")).collect::<Vec<_>>().concat();
        let answer = from.commands(&ask);
        let keys: Vec<_> = answer.lines().filter(|key| key.contains('{')).collect();
        let mut batches = std::collections::BTreeMap::<&str, Vec<&str>>::new();
        for key in keys {
            let tag = key.split(['{', '}']).nth(1).unwrap_or_default();
            batches.entry(tag).or_default().push(key);
        }
        let port = to.port();
        let migrate = |keys: Vec<&str>| format!("MIGRATE 127.0.0.1 {port} \"\" 0 5000 KEYS {}\n", keys.join(" "));
        from.commands(&batches.into_values().map(migrate).collect::<String>());
    }

    /// Ends the move of these slots.
    ///
    /// # Panics
    /// When a server refuses.
    pub fn end_all_moves(&self, slots: &[u16], to: &RedisServer) {
        let id = to.id();
        let set = slots.iter().map(|slot| format!("CLUSTER SETSLOT {slot} NODE {id}\n")).collect::<Vec<_>>().concat();
        to.commands(&set);
        for node in self.primaries() {
            node.commands(&set);
        }
    }

    /// Moves so many slots as an operator does, with `redis-cli --cluster reshard`.
    ///
    /// # Panics
    /// When it fails; the message says why.
    pub fn reshard(&self, slots: usize, from: &RedisServer, to: &RedisServer) {
        let address = format!("127.0.0.1:{}", from.port());
        let (from, to, slots) = (from.id(), to.id(), slots.to_string());
        let moved = Command::new("redis-cli")
            .args(["--cluster", "reshard", &address, "--cluster-from", &from, "--cluster-to", &to])
            .args(["--cluster-slots", &slots, "--cluster-yes"])
            .stdin(Stdio::null())
            .output();
        let moved = moved.unwrap_or_else(|error| panic!("redis-cli cannot be run: install it ({error})"));
        assert!(moved.status.success(), "not moved: {}", String::from_utf8_lossy(&moved.stdout));
    }

    /// Moves one key of the slot; `false`: there is none any more.
    ///
    /// # Panics
    /// When a server refuses.
    pub fn move_a_key(&self, slot: u16, from: &RedisServer, to: &RedisServer) -> bool {
        let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "1"]);
        let Some(key) = keys.lines().nth(2) else { return false };
        from.must(&["MIGRATE", "127.0.0.1", &to.port().to_string(), key, "0", "5000"]);
        true
    }

    /// Ends the move: the slot is there now.
    ///
    /// # Panics
    /// When a server refuses.
    pub fn end_the_move(&self, slot: u16, to: &RedisServer) {
        let (slot, id) = (slot.to_string(), to.id());
        to.must(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
        for node in self.primaries() {
            node.must(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
        }
    }
}

fn start_node(arguments: &[&str]) -> RedisServer {
    // The usual one, 10,000 above the server's own port, may be beyond the last that there is.
    let bus = free_port().to_string();
    let own = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", NODE_TIMEOUT_MS];
    let usual = ["--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"];
    RedisServer::start(&[&own[..], &usual, arguments].concat())
}

/// What a server knows of another, or of itself.
#[derive(Debug)]
struct Known {
    port: u16,
    bus: u16,
    myself: bool,
    primary: bool,
    /// The number of its primary; `-`: it is one itself.
    follows: String,
    well: bool,
    ranges: Vec<(u16, u16)>,
}

impl RedisServer {
    /// Its number in the cluster.
    fn id(&self) -> String {
        self.command(&["CLUSTER", "MYID"]).lines().nth(1).unwrap_or_default().trim().to_owned()
    }

    /// The lines of `CLUSTER NODES`; none, if it does not answer.
    fn describe(&self) -> Vec<Known> {
        let answer =
            if self.is_up() { self.try_command(&["CLUSTER", "NODES"]).unwrap_or_default() } else { String::new() };
        answer.lines().filter_map(parse).collect()
    }
}

/// `<id> <ip:port@bus> <flags> <primary> <ping> <pong> <epoch> <link> <slots…>`
fn parse(line: &str) -> Option<Known> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let (place, flags, primary, state) = (words.get(1)?, words.get(2)?, words.get(3)?, words.get(7)?);
    let (address, bus) = place.split_once('@')?;
    let (port, bus) = (address.rsplit(':').next()?.parse().ok()?, bus.split(',').next()?.parse().ok()?);
    let has = |flag: &str| flags.split(',').any(|found| found == flag);
    let ranges = words.iter().skip(8).filter(|word| !word.starts_with('['));
    let range = |word: &&str| {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let well = *state == "connected" && !has("fail") && !has("fail?") && !has("handshake");
    let ranges = ranges.filter_map(range).collect();
    Some(Known {
        port,
        bus,
        myself: has("myself"),
        primary: has("master"),
        follows: (*primary).to_owned(),
        well,
        ranges,
    })
}

fn poll<T>(ask: impl Fn() -> Option<T>) -> Option<T> {
    poll_times(POLLS_MAX, ask)
}

fn poll_times<T>(times: usize, ask: impl Fn() -> Option<T>) -> Option<T> {
    for _ in 0..times {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        thread::sleep(POLL_EVERY);
    }
    None
}
