//! Of a deleted organization nothing stays, wherever the node dies that removes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use serde_json::json;
use tenantry_core::{
    access::registry::Registry,
    engine::Engine,
    host::{
        Host,
        hooks::{HookError, Hooks, MemberEvent, OrganizationEvent},
    },
    operations::{accounts, invitations, join_codes, members, organizations, roles, tokens, workspaces},
    store::Store,
    values::{
        clock::{Clock as _, SystemClock},
        ids::OrganizationId,
        limits,
    },
};
use tenantry_testing::{
    actors,
    model::ManualClock,
    redis_server::{NAMESPACE, RedisServer},
};

use crate::{meddled::Severed, must};

/// Notes what it is told, and does not take it the first few times.
#[derive(Debug, Clone, Default)]
struct Notes {
    told: Arc<Mutex<Vec<String>>>,
    failures: Arc<AtomicUsize>,
}

impl Notes {
    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(|_| panic!("nobody panics with the lock")).clone()
    }

    fn note(&self, what: String) -> Result<(), HookError> {
        self.told.lock().map_err(|_| "nobody panics with the lock")?.push(what);
        let less = |left: usize| left.checked_sub(1);
        let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        if fails { Err("it fails".into()) } else { Ok(()) }
    }
}

#[async_trait]
impl Hooks for Notes {
    async fn member_joined(&self, event: &MemberEvent) -> Result<(), HookError> {
        self.note(format!("{} joined", event.user))
    }
    async fn organization_deleted(&self, event: &OrganizationEvent) -> Result<(), HookError> {
        self.note(format!("{} ({}) deleted, {}", event.name, event.slug, event.id))
    }
}

fn node(store: Arc<dyn Store>, clock: &Arc<ManualClock>, host: Host) -> Engine {
    let registry = Registry::builder().build().expect("what is built in fits together");
    Engine::builder(store, registry).clock(clock.clone()).host(host).build()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock.now()))
}

/// An organization that has something of everything. More members than one step removes.
async fn full(engine: &Engine) -> OrganizationId {
    let create = json!({ "name": "Acme", "slug": "acme-first" });
    let organization = must::<organizations::Create>(engine, "alice", create).await.organization.id;
    let with = |other: serde_json::Value| {
        let mut input = json!({ "organizationId": organization });
        input.as_object_mut().expect("it is one").extend(other.as_object().expect("it is one").clone());
        input
    };
    let rename = with(json!({ "name": "Acme & Co", "slug": "acme-second" }));
    must::<organizations::Update>(engine, "alice", rename).await;
    let role = with(json!({ "role": "helper", "permissions": ["org:view"] }));
    must::<roles::Create>(engine, "alice", role).await;
    let code =
        must::<join_codes::Create>(engine, "alice", with(json!({ "role": "helper", "maxUses": 500 }))).await.code;
    for number in 0..=limits::REMOVAL_STEP_MAX {
        must::<join_codes::Join>(engine, &format!("joiner{number}"), json!({ "code": code })).await;
    }
    let withdrawn = must::<join_codes::Create>(engine, "alice", with(json!({}))).await.join_code.id;
    must::<join_codes::Revoke>(engine, "alice", with(json!({ "id": withdrawn }))).await;
    must::<members::SetRole>(engine, "alice", with(json!({ "userId": "joiner0", "role": "owner" }))).await;
    must::<members::Remove>(engine, "alice", with(json!({ "userId": "joiner1" }))).await;
    must::<organizations::Leave>(engine, "joiner2", with(json!({}))).await;
    let batch: Vec<_> = ["bob", "carol", "dave", "erin"].map(|name| json!({ "username": name })).into();
    let invite = with(json!({ "invitations": batch }));
    must::<invitations::CreateBatch>(engine, "alice", invite).await;
    let waiting = must::<invitations::Mine>(engine, "bob", json!({})).await.invitations;
    must::<invitations::Accept>(engine, "bob", json!({ "id": waiting[0].id })).await;
    let waiting = must::<invitations::Mine>(engine, "carol", json!({})).await.invitations;
    must::<invitations::Decline>(engine, "carol", json!({ "id": waiting[0].id })).await;
    let waiting = must::<invitations::Mine>(engine, "dave", json!({})).await.invitations;
    must::<invitations::Revoke>(engine, "alice", with(json!({ "id": waiting[0].id }))).await;
    let workspace = must::<workspaces::Create>(engine, "alice", with(json!({ "name": "North" }))).await.workspace.id;
    must::<workspaces::Update>(engine, "alice", with(json!({ "id": workspace, "name": "South" }))).await;
    must::<members::Update>(engine, "alice", with(json!({ "userId": "bob", "workspaces": [workspace] }))).await;
    let closed = must::<workspaces::Create>(engine, "alice", with(json!({ "name": "North" }))).await.workspace.id;
    must::<workspaces::Delete>(engine, "alice", with(json!({ "id": closed }))).await;
    let made = must::<tokens::Create>(engine, "alice", with(json!({ "permissions": ["org:view"] }))).await.api_token;
    let bearer = made.bearer.as_str();
    let tenantry_core::access::caller::Caller::Token(presented) = actors::token(bearer) else {
        panic!("a token was made")
    };
    let (_, used) = engine.resolve_use(&presented).await.expect("the token is valid");
    engine.note(used.expect("it was never used")).await.expect("the store is there");
    organization
}

/// Alice deletes; then nobody is left who could.
async fn delete(engine: &Engine, organization: OrganizationId) {
    must::<organizations::Delete>(engine, "alice", json!({ "organizationId": organization })).await;
}

/// All that stays in a namespace until it is deleted, by key.
async fn lasting(connection: &mut MultiplexedConnection, namespace: &str) -> BTreeMap<String, BTreeSet<Vec<u8>>> {
    let mut names: Vec<String> = Vec::new();
    let mut scan =
        connection.scan_match::<_, String>(format!("{NAMESPACE}-{namespace}:*")).await.expect("Redis is there");
    while let Some(name) = scan.next_item().await {
        names.push(name.expect("names are text"));
    }
    drop(scan);
    let mut found = BTreeMap::new();
    for name in names {
        // What ends goes with its key, whatever is in it.
        let left: i64 = connection.pttl(&name).await.expect("Redis is there");
        let kind: String = redis::cmd("TYPE").arg(&name).query_async(connection).await.expect("Redis is there");
        if left != -1 {
            continue;
        }
        let items: Vec<Vec<u8>> = match kind.as_str() {
            "hash" => {
                let rows: Vec<(Vec<u8>, Vec<u8>)> = connection.hgetall(&name).await.expect("it is a hash");
                rows.into_iter().map(|(field, value)| [field, b"=".to_vec(), value].concat()).collect()
            }
            "zset" => connection.zrange(&name, 0, -1).await.expect("it is a sorted set"),
            "list" => connection.lrange(&name, 0, -1).await.expect("it is a list"),
            other => panic!("{name} is a {other}"),
        };
        found.insert(name, items.into_iter().collect());
    }
    found
}

/// What is there now and was not before, but for numbers that are never given twice and the platform's log.
fn left_behind(
    before: &BTreeMap<String, BTreeSet<Vec<u8>>>,
    after: &BTreeMap<String, BTreeSet<Vec<u8>>>,
) -> Vec<(String, String)> {
    let nothing = BTreeSet::new();
    let mut left = Vec::new();
    for (name, items) in
        after.iter().filter(|(name, _)| !name.ends_with("{p:platform}:l:deletions") && !name.contains("{p:age/"))
    {
        for item in items.difference(before.get(name).unwrap_or(&nothing)) {
            let text = String::from_utf8_lossy(item).into_owned();
            let counts = !name.contains(":{o:") && (text.starts_with('#') || text.starts_with("owned=0"));
            // In the shards of others, rows that end go with the next that are put there.
            let ends = !name.contains(":{o:") && text.starts_with('\u{1}');
            if !counts && !ends {
                left.push((name.clone(), text));
            }
        }
    }
    left
}

async fn connection() -> MultiplexedConnection {
    let client = redis::Client::open(RedisServer::shared().url()).expect("the server has an address");
    client.get_multiplexed_async_connection().await.expect("the server runs")
}

#[tokio::test]
async fn nothing_stays_wherever_the_node_dies() {
    let (namespace, clock, notes) = ("removal", clock(), Notes::default());
    let mut connection = connection().await;
    let store = crate::redis(namespace).await;
    let host = || Host::default().hooks(notes.clone());
    let engine = node(store.clone(), &clock, host());
    // The same people have another organization, which stays as it is.
    let other = must::<organizations::Create>(&engine, "alice", json!({ "name": "Other" })).await.organization.id;
    let code = must::<join_codes::Create>(&engine, "alice", json!({ "organizationId": other })).await.code;
    must::<join_codes::Join>(&engine, "joiner3", json!({ "code": code })).await;
    while engine.work_once().await.expect("the store is there") > 0 {}
    let before = lasting(&mut connection, namespace).await;

    let organization = full(&engine).await;
    notes.failures.store(3, Ordering::SeqCst);
    delete(&engine, organization).await;
    drop(engine);
    assert!(
        !left_behind(&before, &lasting(&mut connection, namespace).await).is_empty(),
        "there is something to remove"
    );
    let mut deaths = 0;
    loop {
        // Each node dies a little later than the one before it.
        let severed = Severed::over(store.clone(), false);
        severed.commits_left.store(2 + deaths, Ordering::SeqCst);
        let dying = node(severed.clone(), &clock, host());
        // It may not even come to tell that it failed.
        let _ = dying.work_once().await;
        clock.advance(limits::JOB_RETRY_MAX);
        if severed.commits_left.load(Ordering::SeqCst) > 0 {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 20, "it was to die in the midst, but did so {deaths} times only");
    let last = node(store.clone(), &clock, host());
    for _ in 0..5 {
        last.work_once().await.expect("the store is there");
        clock.advance(limits::JOB_RETRY_MAX);
    }
    assert_eq!(left_behind(&before, &lasting(&mut connection, namespace).await), []);

    let told = notes.told();
    let deleted: Vec<_> = told.iter().filter(|what| what.starts_with("Acme & Co (acme-second) deleted")).collect();
    assert!(!deleted.is_empty() && deleted.iter().all(|what| *what == deleted[0]), "{deleted:?}");
    let joined = told.iter().rposition(|what| what.ends_with("joined"));
    let first = told.iter().position(|what| what == deleted[0]);
    assert!(joined < first, "what happened before is told before");
    let deletions = last.deletions(None, 10).await.expect("the store is there");
    assert_eq!(deletions.len(), 1);
    assert_eq!((deletions[0].1.organization, deletions[0].1.actor.id().as_str()), (organization, "alice"));
    let kept = must::<organizations::List>(&last, "joiner3", json!({})).await.organizations;
    assert_eq!(kept.iter().map(|membership| membership.organization.id).collect::<Vec<_>>(), [other]);
}

#[tokio::test]
async fn what_was_owned_may_be_replaced_at_once() {
    let clock = clock();
    let engine = node(crate::in_memory().store().clone(), &clock, Host::default().organizations_owned_max(1));
    let create = json!({ "name": "Acme", "slug": "acme" });
    let first = must::<organizations::Create>(&engine, "alice", create.clone()).await.organization.id;
    clock.advance(limits::ENTRY_SETTLING + Duration::from_secs(2));
    delete(&engine, first).await;
    // Nobody has removed anything yet.
    let second = must::<organizations::Create>(&engine, "alice", create).await.organization.id;
    while engine.work_once().await.expect("the store is there") > 0 {}
    let found = must::<organizations::Get>(&engine, "alice", json!({ "organizationId": second })).await;
    assert_eq!(found.organization.slug, "acme", "what goes takes nothing with it that is another's by now");
    delete(&engine, second).await;
    engine.work_once().await.expect("the store is there");
    assert_eq!(engine.deletions(None, 10).await.expect("the store is there").len(), 2);
    assert_eq!(engine.audit_events(second, None, 10).await.expect("the store is there"), []);
}

#[tokio::test]
async fn whoever_has_many_organizations_is_forgotten_in_parts() {
    let engine = crate::in_memory();
    let parts = u64::try_from(limits::ACCOUNT_PAGES_MAX).expect("it is small") * u64::from(limits::LIST_LIMIT_DEFAULT);
    for number in 0..=parts {
        must::<organizations::Create>(&engine, "alice", json!({ "name": format!("Acme {number}") })).await;
    }
    let forget = accounts::Forget::new(actors::id(&actors::alice()));
    let [first, second, third] =
        [engine.forget(&forget).await, engine.forget(&forget).await, engine.forget(&forget).await]
            .map(|forgotten| forgotten.expect("the store is there"))
            .map(|forgotten| (forgotten.removed_from, forgotten.more));
    assert_eq!([first, second, third], [(parts, true), (1, false), (0, false)]);
    assert_eq!(must::<organizations::List>(&engine, "alice", json!({})).await.organizations, []);
}
