//! Leads each call to the server that has its shard's slot.
//!
//! redis-rs has a client for clusters. It is not used, because it sends a command once more whenever the connection
//! broke before the answer came: a commit would be done twice. And it waits for all nodes where one would do. Here
//! only what was certainly not done is sent again: what was refused, or never sent. One server and a primary that
//! sentinels name are clusters with a single primary, so there is one path for all.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use redis::Value;
use tenantry_core::store::{Shard, Unavailable};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    address::{Address, Kind, Place},
    failure::{Advice, Failure, Unanswered, advice},
    keys::Names,
    node::{Node, Task},
    options::Options,
    pause::Pauses,
    request::Request,
    sentinel::Sentinels,
    servers::Servers,
    shared::Shared,
    slots::{Map, Primary},
};

/// How many redirections are followed before the first pause: one for a slot that has moved, and one on its way.
const HOPS_AT_ONCE: usize = 2;
/// How long to wait before what was refused for the moment is tried again.
const RETRY_MIN: Duration = Duration::from_millis(5);
const RETRY_MAX: Duration = Duration::from_millis(100);
/// How long one node is given to say who has which slots, before the next is asked, too.
const HEDGE: Duration = Duration::from_millis(50);

/// Among so many shards one is looked for that a primary has: one with a single slot has none of them, maybe.
const SHARDS_TRIED: u32 = 1000;

/// How the primaries are found.
pub(crate) enum Topology {
    /// There is one server.
    Node,
    /// Sentinels know it.
    Sentinel(Sentinels),
    /// Each node of the cluster knows them.
    Cluster,
}

/// Knows who has which slots, and has a [`Node`] for each of them.
pub(crate) struct Router {
    pub(crate) topology: Topology,
    servers: Servers,
    /// The nodes of the URL.
    listed: Vec<Address>,
    pub(crate) options: Options,
    state: Mutex<State>,
    /// Held while looking up, so that a thousand callers look once.
    looking: tokio::sync::Mutex<()>,
    /// A call got no answer: the next one looks up who has the slots before it is sent.
    doubted: AtomicBool,
}

#[derive(Default)]
struct State {
    map: Map,
    nodes: HashMap<Address, Arc<Node>>,
    /// How often the map has been looked up.
    lookups: u64,
}

impl Router {
    pub(crate) fn new(place: &Place, servers: Servers, sentinels: Vec<Shared>, options: Options) -> Self {
        let topology = match &place.kind {
            Kind::Node => Topology::Node,
            Kind::Sentinel(service) => Topology::Sentinel(Sentinels { service: service.clone(), servers: sentinels }),
            Kind::Cluster => Topology::Cluster,
        };
        Self {
            topology,
            servers,
            listed: place.listed.clone(),
            options,
            state: Mutex::default(),
            looking: tokio::sync::Mutex::new(()),
            doubted: AtomicBool::new(false),
        }
    }

    /// What is connected to, for a person to read.
    pub(crate) fn address(&self) -> String {
        let listed: Vec<_> = self.listed.iter().map(Address::to_string).collect();
        match &self.topology {
            Topology::Node | Topology::Cluster => listed.join(","),
            Topology::Sentinel(sentinels) => format!("{}/{}", listed.join(","), sentinels.service),
        }
    }

    /// Ends the call when its time is up.
    pub(crate) async fn bounded<T, E: From<Unavailable>>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        timeout(self.options.overall_timeout, call).await.unwrap_or_else(|_| {
            self.doubted.store(true, Ordering::Release);
            let limit_ms = self.options.overall_timeout.as_millis();
            let reason = format!("redis at {} has not answered within {limit_ms} ms", self.address());
            Err(Unavailable::new(reason).into())
        })
    }

    /// Does `task` at the node that has the slot, and follows wherever it is sent, until the time of the whole call is up.
    ///
    /// What hardly ever happens is boxed: else each call would carry the room for it along.
    pub(crate) async fn run<T: Task>(&self, slot: u16, task: &T) -> Result<T::Output, Unanswered> {
        let begun = Instant::now();
        if self.doubted.load(Ordering::Acquire) && self.doubted.swap(false, Ordering::AcqRel) {
            Box::pin(self.refresh(self.lookups())).await;
        }
        let (node, seen) = self.owner(slot).map_err(Unanswered::unsent)?;
        match task.run(&node, false).await {
            Ok(output) => Ok(output),
            Err(failure) => Box::pin(self.follow(slot, task, begun, node, seen, failure)).await,
        }
    }

    /// Goes on after the first node did not do it. `seen` is how often the map had been looked up before.
    async fn follow<T: Task>(
        &self,
        slot: u16,
        task: &T,
        begun: Instant,
        mut node: Arc<Node>,
        mut seen: u64,
        mut failure: Failure,
    ) -> Result<T::Output, Unanswered> {
        let mut pauses = Pauses::new(RETRY_MIN, RETRY_MAX);
        let (mut hops, mut repeated) = (0, false);
        loop {
            let advice = advice(&failure, &node.server().address);
            let pause = match advice {
                Advice::Repeat if T::IS_HARMLESS && !repeated => {
                    repeated = true;
                    Duration::ZERO
                }
                Advice::GiveUp | Advice::Repeat => return Err(Unanswered::of(node.server(), failure)),
                Advice::GoTo(..) if hops < HOPS_AT_ONCE => Duration::ZERO,
                Advice::LookUp => Duration::ZERO,
                Advice::GoTo(..) | Advice::Wait | Advice::LookUpAndWait => pauses.next(),
            };
            if begun.elapsed() + pause >= self.options.overall_timeout {
                return Err(Unanswered::of(node.server(), failure));
            }
            sleep(pause).await;
            if !matches!(advice, Advice::Wait | Advice::GoTo(_, true)) {
                self.refresh(seen).await;
            }
            let before = node.server().address.clone();
            let asking;
            (node, asking) = match &advice {
                Advice::GoTo(address, asking) => {
                    hops += 1;
                    (self.node(address).map_err(Unanswered::unsent)?, *asking)
                }
                _ => (self.owner(slot).map_err(Unanswered::unsent)?.0, false),
            };
            if matches!(advice, Advice::LookUp) && node.server().address == before {
                // It is out of reach, and nobody has taken its place yet.
                return Err(Unanswered::of(node.server(), failure));
            }
            seen = self.lookups();
            failure = match task.run(&node, asking).await {
                Ok(output) => return Ok(output),
                Err(failure) => failure,
            };
        }
    }

    /// Finds out who has which slots. Nothing works before that.
    pub(crate) async fn find(&self) -> Result<(), String> {
        let map = self.look_up().await?;
        self.state().map = map;
        Ok(())
    }

    /// The node that has the slot, and how often the map has been looked up by now.
    fn owner(&self, slot: u16) -> Result<(Arc<Node>, u64), Unavailable> {
        let state = self.state();
        let nobody = || Unavailable::new(format_args!("redis at {}: nobody is known to have the data", self.address()));
        let address = &state.map.primary(slot).ok_or_else(nobody)?.address;
        let seen = state.lookups;
        if let Some(node) = state.nodes.get(address) {
            return Ok((node.clone(), seen));
        }
        let address = address.clone();
        drop(state);
        Ok((self.node(&address)?, seen))
    }

    /// The node at `address`.
    pub(crate) fn node(&self, address: &Address) -> Result<Arc<Node>, Unavailable> {
        let mut state = self.state();
        if let Some(node) = state.nodes.get(address) {
            return Ok(node.clone());
        }
        let server = self.servers.at(address);
        let server = server.map_err(|error| Unavailable::new(format_args!("redis at {address}: {error}")))?;
        let node = Arc::new(Node::new(server, self.options.clone()));
        state.nodes.insert(address.clone(), node.clone());
        Ok(node)
    }

    /// A shard that the primary at `address` has, for what is noted of the primary itself.
    pub(crate) fn shard_at(&self, address: &Address) -> Option<Shard> {
        let state = self.state();
        let is_there = |shard: &Shard| state.map.primary(Names::slot(shard)).is_some_and(|had| had.address == *address);
        (0..SHARDS_TRIED).map(|number| Shard::new('p', &format!("age/{number}"))).find(is_there)
    }

    /// The primaries, as they were last looked up.
    pub(crate) fn primaries(&self) -> Vec<Primary> {
        self.state().map.primaries()
    }

    /// How often the map has been looked up: what [`refresh`](Self::refresh) wants to be told.
    pub(crate) fn lookups(&self) -> u64 {
        self.state().lookups
    }

    /// Looks up who has which slots, unless somebody has done so since it had been done `seen` times.
    pub(crate) async fn refresh(&self, seen: u64) {
        let _looking = self.looking.lock().await;
        if self.lookups() != seen {
            return;
        }
        let map = self.look_up().await;
        let mut state = self.state();
        state.lookups += 1;
        match map {
            Ok(map) => {
                let known = |address: &Address| {
                    self.listed.contains(address)
                        || map.replicas.contains(address)
                        || map.primaries().iter().any(|primary| primary.address == *address)
                };
                state.nodes.retain(|address, _| known(address));
                state.map = map;
            }
            Err(reason) => tracing::debug!(address = self.address(), reason, "the primaries cannot be looked up"),
        }
    }

    /// Who has which slots, from whoever knows it.
    async fn look_up(&self) -> Result<Map, String> {
        match &self.topology {
            Topology::Node => Ok(Map::one(self.listed.first().cloned().ok_or("there is no address")?)),
            Topology::Sentinel(sentinels) => Ok(Map::one(sentinels.primary(self.options.response_timeout).await?)),
            Topology::Cluster => self.look_up_cluster().await,
        }
    }

    /// Asks one node after the other, and the next when one takes long: none of them may hold up the rest. A node that
    /// is cut off from the others has nothing to say if another has.
    async fn look_up_cluster(&self) -> Result<Map, String> {
        let mut candidates = {
            let state = self.state();
            let primaries = state.map.primaries().into_iter().map(|primary| primary.address);
            let mut known: Vec<_> = primaries.chain(state.map.replicas.iter().cloned()).collect();
            known.extend(self.listed.iter().filter(|listed| !known.contains(listed)).cloned().collect::<Vec<_>>());
            // Not always the same one, which may be the one that is frozen.
            let first = usize::try_from(state.lookups).unwrap_or_default() % known.len().max(1);
            known.rotate_left(first);
            known.into_iter()
        };
        let (mut asked, mut poor, mut reason) = (FuturesUnordered::new(), None, String::new());
        loop {
            let more = candidates.next();
            let all_asked = more.is_none();
            asked.extend(more.map(|address| self.view(address)));
            match timeout(HEDGE, asked.next()).await {
                Ok(Some(Ok((map, true)))) => return Ok(map),
                Ok(Some(Ok((map, false)))) => poor = Some(map),
                Ok(Some(Err(error))) => reason = error,
                Ok(None) if all_asked => return poor.ok_or(reason),
                Ok(None) => {}
                Err(_) => {
                    if let Some(map) = poor.take_if(|_| all_asked) {
                        return Ok(map);
                    }
                }
            }
        }
    }

    /// Who has which slots as the node at `address` sees it, and whether it sees most of the cluster.
    async fn view(&self, address: Address) -> Result<(Map, bool), String> {
        let node = self.node(&address).map_err(|error| error.to_string())?;
        let answer = node.shared.query::<(String, Value)>(&view_request(), false).await;
        let answer = answer.map_err(|failure| Unanswered::of(node.server(), failure).why.to_string())?;
        parse_view(answer, &address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to ask a node of a cluster for its view.
fn view_request() -> Request {
    let ask = |what| redis::cmd("CLUSTER").arg(what).to_owned();
    Request::Each(vec![ask("INFO"), ask("SLOTS")])
}

/// The view, and whether the node serves it: one that is cut off from most of the others does not.
pub(crate) fn parse_view((info, slots): (String, Value), asked: &Address) -> Result<(Map, bool), String> {
    let map = Map::parse(slots, asked).ok_or_else(|| format!("redis at {asked} knows nobody who has any slot"))?;
    Ok((map, info.lines().any(|line| line.trim_end() == "cluster_state:ok")))
}
