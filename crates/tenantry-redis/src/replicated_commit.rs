//! Commits that wait for replicas.
//!
//! `WAIT` speaks of all that *one* connection has written, and lets nobody else through on it meanwhile: such commits have
//! connections of their own. They travel in batches. A commit queues up and asks the pool for a connection; whoever gets
//! one takes along all that has queued up, with one `WAIT` behind it. While that batch waits for the replicas, the next
//! one is on its way over another connection. So two connections do, and the pool gives them out in turn.
//!
//! It is the pool of deadpool-redis without its manager, which sends a `PING` and waits for it whenever a connection is
//! taken. Here a connection says by itself that the server has closed it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use redis::{Cmd, FromRedisValue as _, Pipeline, RedisError, Value, aio::ConnectionLike as _};
use tenantry_core::store::Unavailable;
use tokio::sync::oneshot;

use crate::{
    failure::Failure,
    options::Options,
    reply::Reply,
    server::{Connected, Server},
    work::Work,
};

/// How many commits share a `WAIT` at most, so that the first of them does not wait for long.
const BATCH_MAX: usize = 64;

/// The commits that wait, and the connections for them.
pub(crate) struct Confirmed {
    server: Server,
    replicas: u32,
    /// For the script, and for the replicas.
    response_timeout: Duration,
    pool: Pool<Manager>,
    queue: Mutex<VecDeque<Waiting>>,
    /// Tells those in the queue apart.
    next_id: AtomicU64,
}

/// A commit in the queue.
struct Waiting {
    id: u64,
    command: Cmd,
    asking: bool,
    answer: oneshot::Sender<Answer>,
}

/// Takes a commit out of the queue when its caller gives up: in a long outage the queue holds those who wait, and no more.
struct Leaving<'c> {
    confirmed: &'c Confirmed,
    id: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.confirmed.take(self.id);
    }
}

/// What the server said to a commit, and how many replicas have what the connection had written by then.
struct Answer {
    reply: Result<Value, RedisError>,
    confirmed: Result<u32, RedisError>,
}

/// Makes the connections of a pool.
struct Manager {
    server: Server,
    connect_timeout: Duration,
    /// `WAIT` takes the response timeout by itself.
    overall_timeout: Duration,
}

/// A connection, and whether its last batch was carried through to the end.
struct Own {
    connected: Connected,
    clean: bool,
}

impl managed::Manager for Manager {
    type Type = Own;
    type Error = RedisError;

    async fn create(&self) -> Result<Own, RedisError> {
        let connected = self.server.connect_shared(self.connect_timeout, self.overall_timeout).await?;
        Ok(Own { connected, clean: true })
    }

    async fn recycle(&self, own: &mut Own, _: &Metrics) -> RecycleResult<RedisError> {
        let useful = own.clean && own.connected.is_useful();
        if useful { Ok(()) } else { Err(RecycleError::message("something went wrong on it")) }
    }
}

impl Confirmed {
    pub(crate) fn new(server: Server, options: &Options) -> Self {
        let manager = Manager {
            server: server.clone(),
            connect_timeout: options.connect_timeout,
            overall_timeout: options.overall_timeout,
        };
        // No time-outs of its own: connecting has one, and whoever waits is given up by that of the whole call.
        let pool = Pool::builder(manager).max_size(options.pool_size).build();
        let pool = pool.expect("building fails only for time-outs without a runtime, and there are none");
        let (queue, next_id) = (Mutex::default(), AtomicU64::new(0));
        let (replicas, response_timeout) = (options.wait_replicas, options.response_timeout);
        Self { server, replicas, response_timeout, pool, queue, next_id }
    }

    /// Does it, and waits until enough replicas have what it wrote.
    pub(crate) async fn run(&self, work: &Work<'_>, asking: bool) -> Result<Reply, Failure> {
        let mut answer = self.submit(work.command(), asking).await?;
        if let Some(command) = work.command_again(answer.reply.as_ref().err()) {
            answer = self.submit(command, asking).await?;
        }
        let reply = work.reply(answer.reply).map_err(Failure::Failed)?;
        if !reply.is_applied() {
            return Ok(reply);
        }
        let confirmed = answer.confirmed.map_err(|error| unconfirmed(self.server.describe(&error)))?;
        if confirmed >= self.replicas {
            return Ok(reply);
        }
        let (wanted, limit_ms) = (self.replicas, self.limit_ms());
        let mend = "bring the replicas back";
        Err(unconfirmed(format!("{confirmed} of {wanted} replicas have it after {limit_ms} ms: {mend}")))
    }

    /// Forgets the connections that nobody uses at the moment.
    pub(crate) fn abandon(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Queues the command up, and sees that it is sent. Should the caller give up before, it is not.
    async fn submit(&self, command: Cmd, asking: bool) -> Result<Answer, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, mut answered) = oneshot::channel();
        self.queue().push_back(Waiting { id, command, asking, answer });
        let _leaving = Leaving { confirmed: self, id };
        let lost = |_| Failure::Unconfirmed(Unavailable::new("the batch that it was in was given up"));
        tokio::select! {
            biased;
            answer = &mut answered => return answer.map_err(lost),
            own = self.pool.get() => match own {
                Ok(own) => self.send_with(id, own),
                Err(error) if self.take(id).is_some() => return Err(match error {
                    PoolError::Backend(error) => Failure::NotAsked(error),
                    error => Failure::Unconfirmed(Unavailable::new(error)),
                }),
                // Somebody else has taken it along.
                Err(_) => {}
            },
        }
        answered.await.map_err(lost)
    }

    /// Sends that one and others with it, unless somebody else has taken it along. Nobody's giving up stops the others: it
    /// is a task of its own, which ends when the server has answered, or the time is up.
    fn send_with(&self, id: u64, own: Object<Manager>) {
        let Some(first) = self.take(id) else { return };
        let mut batch = vec![first];
        let mut queue = self.queue();
        let others = queue.len().min(BATCH_MAX - 1);
        batch.extend(queue.drain(..others));
        drop(queue);
        let wait = redis::cmd("WAIT").arg(self.replicas).arg(self.limit_ms()).to_owned();
        tokio::spawn(send(own, batch, wait));
    }

    fn take(&self, id: u64) -> Option<Waiting> {
        let mut queue = self.queue();
        let place = queue.iter().position(|waiting| waiting.id == id)?;
        queue.remove(place)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit_ms(&self) -> u64 {
        u64::try_from(self.response_timeout.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// Sends the batch and `wait` behind it, and tells everybody what came of it.
async fn send(mut own: Object<Manager>, batch: Vec<Waiting>, wait: Cmd) {
    let mut pipeline = Pipeline::with_capacity(2 * batch.len() + 1);
    for waiting in &batch {
        if waiting.asking {
            // It counts for the next command only.
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(waiting.command.clone());
    }
    pipeline.add_command(wait);
    own.clean = false;
    let answers = own.connected.connection.req_packed_commands(&pipeline, 0, pipeline.len()).await;
    own.connected.judge(answers.as_ref().err());
    own.clean = answers.is_ok();
    let answers = answers.map(|mut answers| (answers.pop().unwrap_or(Value::Nil), answers.into_iter()));
    match answers {
        Ok((confirmed, mut replies)) => {
            let confirmed = confirmed.extract_error().and_then(|count| Ok(u32::from_redis_value(count)?));
            for waiting in batch {
                if waiting.asking {
                    replies.next();
                }
                let reply = replies.next().unwrap_or(Value::Nil).extract_error();
                own.connected.judge(reply.as_ref().err());
                // An error says that the caller has given up.
                let _ = waiting.answer.send(Answer { reply, confirmed: confirmed.clone() });
            }
        }
        Err(error) => {
            for waiting in batch {
                let _ = waiting.answer.send(Answer { reply: Err(error.clone()), confirmed: Err(error.clone()) });
            }
        }
    }
}

fn unconfirmed(reason: impl fmt::Display) -> Failure {
    let reason = format_args!("the change is applied on the primary, but not confirmed: {reason}");
    Failure::Unconfirmed(Unavailable::new(reason))
}
