//! One primary of a cluster loses its last second, as in a power cut: what another still has is put back, and what
//! cannot be is told.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tenantry_core::{
    engine::Engine,
    operations::{join_codes, members, organizations},
    values::error::ErrorKind,
};
use tenantry_testing::redis_server::{RedisCluster, RedisServer, Stop};

use crate::{
    eventually,
    log::{Lines, runs_alone},
    must,
    repair::{repair, run},
};

/// What the link says loudly.
const TOLD: &str = "Redis has lost what it had acknowledged";
/// What a node leaves in the log of Redis's changes with each of the numbers by which it notices.
const AGE: &[u8] = b"$3\r\nage\r\n";
/// How many people make organizations at the same time.
const MAKERS: usize = 4;
/// What passes between two of the same maker, so that there are some hundred in all, on every machine.
const PAUSE: Duration = Duration::from_millis(80);

/// An organization that was acknowledged, and whether somebody's joining was.
struct Made {
    id: String,
    slug: String,
    owner: String,
    guest: String,
    code: Option<String>,
    joined: bool,
}

/// Makes organizations, each with an owner and a guest of its own, until `enough`; what is not acknowledged is left out.
async fn make(engine: Engine, maker: usize, enough: Arc<AtomicBool>) -> Vec<Made> {
    let mut all = Vec::new();
    for number in 0.. {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let name = |what: &str| format!("{what}-{maker}-{number}");
        let (slug, owner, guest) = (name("slug"), name("owner"), name("guest"));
        let create = json!({ "name": "Acme", "slug": slug });
        let Ok(created) = run::<organizations::Create>(&engine, &owner, create).await else { continue };
        let id = created.organization.id.to_string();
        let code = run::<join_codes::Create>(&engine, &owner, json!({ "organizationId": id })).await;
        let code = code.ok().map(|code| code.code);
        let joined = match &code {
            Some(code) => run::<join_codes::Join>(&engine, &guest, json!({ "code": code })).await.is_ok(),
            None => false,
        };
        all.push(Made { id, slug, owner, guest, code, joined });
    }
    all
}

/// The file to which `server` appends.
fn log_of(server: &RedisServer) -> PathBuf {
    let files = std::fs::read_dir(server.directory().join("appendonlydir")).expect("the server keeps a log");
    let mut paths = files.map(|file| file.expect("the directory can be read").path());
    paths.find(|path| path.to_string_lossy().ends_with(".incr.aof")).expect("there is a file that grows")
}

/// Where the ages stand in the server's log.
fn ages(server: &RedisServer) -> Vec<usize> {
    let bytes = std::fs::read(log_of(server)).expect("the log can be read");
    let at = |(place, window): (usize, &[u8])| (window == AGE).then_some(place);
    bytes.windows(AGE.len()).enumerate().filter_map(at).collect()
}

/// Takes from the log what a power cut takes: its end, from the midst of a command on. Two ages go with it.
fn cut(server: &RedisServer) {
    let ages = ages(server);
    let last_but_one = ages[ages.len() - 2];
    let file = std::fs::OpenOptions::new().write(true).open(log_of(server)).expect("the log can be written");
    file.set_len(last_but_one as u64 - 10).expect("a file can be made shorter");
}

async fn lists(engine: &Engine, user: &str, id: &str) -> bool {
    let listed = must::<organizations::List>(engine, user, json!({})).await.organizations;
    listed.iter().any(|membership| membership.organization.id.to_string() == *id)
}

/// Who the members are; `None`: the organization is gone. There is no half of one.
async fn members(engine: &Engine, made: &Made) -> Option<Vec<String>> {
    let here = || json!({ "organizationId": made.id });
    match run::<members::List>(engine, &made.owner, here()).await {
        Ok(listed) => {
            let shown = must::<organizations::Get>(engine, &made.owner, here()).await.organization;
            assert_eq!(shown.slug, made.slug, "{}", made.id);
            let users = listed.members.iter().map(|member| member.user_id.as_ref().map(ToString::to_string));
            let users: Vec<_> = users.map(|user| user.expect("nobody was invited")).collect();
            assert!(users.contains(&made.owner), "{}: its owner is gone: {users:?}", made.id);
            assert!(users.iter().all(|user| [&made.owner, &made.guest].contains(&user)), "{users:?}");
            Some(users)
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden), "{}: {error:?}", made.id);
            None
        }
    }
}

/// The user's list says of this organization what the organization says of the user.
async fn agree(engine: &Engine, made: &Made, users: &[String]) -> bool {
    let mut agree = true;
    for user in [&made.owner, &made.guest] {
        agree &= lists(engine, user, &made.id).await == users.contains(user);
    }
    agree
}

/// Somebody else asks for every slug. Those that they get, although another organization still says that they are its own.
async fn lost_slugs(engine: &Engine, standing: &[(&Made, Vec<String>)]) -> BTreeSet<String> {
    let mut lost = BTreeSet::new();
    for (made, _) in standing {
        let taken = run::<organizations::Create>(engine, "mallory", json!({ "name": "No", "slug": made.slug })).await;
        match taken {
            Ok(_) => drop(lost.insert(made.slug.clone())),
            Err(error) => assert_eq!(error.kind(), ErrorKind::SlugTaken, "{error:?}"),
        }
    }
    lost
}

async fn agreeing(engine: &Engine, standing: &[(&Made, Vec<String>)]) -> usize {
    let mut count = 0;
    for (made, users) in standing {
        count += usize::from(agree(engine, made, users).await);
    }
    count
}

/// Makes organizations until the victim has noted some ages, and then takes away its power.
async fn lose_a_second(engine: &Engine, cluster: &RedisCluster, victim: &RedisServer) -> Vec<Made> {
    let enough = Arc::new(AtomicBool::new(false));
    let before = ages(victim).len();
    let makers: Vec<_> = (0..MAKERS).map(|maker| tokio::spawn(make(engine.clone(), maker, enough.clone()))).collect();
    eventually("some ages were noted", async || (ages(victim).len() >= before + 3).then_some(())).await;
    victim.stop(Stop::Kill);
    enough.store(true, Ordering::Relaxed);
    cut(victim);
    victim.start_again();
    cluster.wait_until_well();
    let mut all = Vec::new();
    for maker in makers {
        all.extend(maker.await.expect("a maker does not panic"));
    }
    all
}

/// Whoever comes back finds their place again, if the code still leads there.
async fn come_back(engine: &Engine, standing: &[(&Made, Vec<String>)]) {
    for (made, users) in standing {
        let Some(code) = made.code.as_ref().filter(|_| users.contains(&made.guest)) else { continue };
        match run::<join_codes::Join>(engine, &made.guest, json!({ "code": code })).await {
            Ok(joined) => {
                assert!(joined.already_member, "{}", made.id);
                assert!(lists(engine, &made.guest, &made.id).await, "{} is put back into the list", made.id);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn what_one_primary_has_lost_is_put_back_or_told() {
    if !runs_alone("lost_second::what_one_primary_has_lost_is_put_back_or_told") {
        return;
    }
    let lines = Lines::default();
    let _guard = lines.listen(tracing::Level::WARN);
    let cluster = RedisCluster::start(0, &["--appendonly", "yes", "--appendfsync", "everysec"]);
    let engine = crate::engine(crate::redis_at(&cluster.url(), "lost").await);
    let victim = cluster.primaries()[0];
    let all = lose_a_second(&engine, &cluster, victim).await;
    eventually("the link tells", async || lines.text().contains(TOLD).then_some(())).await;

    let (mut standing, mut gone) = (Vec::new(), 0);
    for made in &all {
        let is_at_victim = std::ptr::eq(cluster.primary_of(&key_of(made)), victim);
        if let Some(users) = members(&engine, made).await {
            assert!(is_at_victim || !made.joined || users.contains(&made.guest), "{} lost a member", made.id);
            standing.push((made, users));
        } else {
            assert!(is_at_victim, "{} is gone, and its primary lost nothing", made.id);
            gone += 1;
        }
    }
    let well = agreeing(&engine, &standing).await;
    assert!(gone > 0 && well < standing.len(), "something was to be lost: {gone}, {well} of {}", standing.len());

    come_back(&engine, &standing).await;
    let lost = lost_slugs(&engine, &standing).await;
    assert!(!lost.is_empty(), "some slug was to be lost");
    let touched = agreeing(&engine, &standing).await;
    let (entries, _) = repair(&engine).await;
    let repaired = agreeing(&engine, &standing).await;
    assert!(entries > 0 && repaired > touched, "{entries} entries: {touched} were well, and now {repaired}");

    // What both of the indexes have lost by which organizations are found, no walk meets: an update puts it back.
    for (made, _) in &standing {
        let update = json!({ "organizationId": made.id, "city": "Roma" });
        must::<organizations::Update>(&engine, &made.owner, update).await;
    }
    let told: BTreeSet<_> = repair(&engine).await.1.into_iter().map(|contested| contested.slug).collect();
    assert_eq!(told, lost, "a slug that two hold is told, and no other");
    assert_eq!(agreeing(&engine, &standing).await, standing.len());
}

/// A key of the organization's shard.
fn key_of(made: &Made) -> String {
    let id: tenantry_core::values::ids::OrganizationId = made.id.parse().expect("it is an id");
    format!("tenantry-lost:{{o:{}}}:r", id.to_base62())
}
