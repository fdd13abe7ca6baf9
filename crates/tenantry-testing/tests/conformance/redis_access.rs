//! Who may use Redis, and over which connections.

use tenantry_core::store::{Key, Store, change::Signal};
use tenantry_redis::{ConnectErrorKind, Options, RedisStore, Tls};
use tenantry_testing::redis_server::{CERTIFICATE, PRIVATE_KEY, RedisServer, USER};

use crate::redis_store::{change, loud, patient, shard, until};

/// That the commands in `deploy/redis/users.acl` are enough, all tests show: their stores work as this user.
#[tokio::test]
async fn the_user_of_a_deployment_may_do_nothing_else() {
    let server = RedisServer::shared();
    let client = redis::Client::open(server.store_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let refused = [
        "FLUSHALL",
        "KEYS *",
        "SCAN 0",
        "CONFIG GET maxmemory",
        "ACL LIST",
        "SCRIPT FLUSH",
        "CLIENT LIST",
        "CLUSTER RESET",
        "MIGRATE 127.0.0.1 1 tenantry:x 0 1",
        "MONITOR",
        "HGET another:key field",
        "EVAL redis.call('SET','another:key','x') 1 another:key",
        "EVAL redis.call('FLUSHALL') 0",
        "PUBLISH another:channel x",
        "SUBSCRIBE another:channel",
    ];
    for command in refused {
        let words: Vec<_> = command.split(' ').collect();
        let answer: Result<redis::Value, _> = redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await;
        let error = answer.expect_err(command).to_string();
        let why = ["NoPerm", "can't run this command", "permission"];
        assert!(why.iter().any(|why| error.contains(why)), "{command}: {error}");
    }
    let _: () = redis::cmd("HLEN").arg("tenantry:key").query_async(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_told_but_not_repeated() {
    let server = RedisServer::shared();
    let options = Options::new().user(USER.0, "hunter2");
    // The options count, whatever the URL says.
    let error = RedisStore::connect(&server.store_url(), options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable);
    assert!(error.to_string().contains("check the address, the credentials"), "{error}");
    for text in [error.to_string(), format!("{error:?}"), format!("{options:?}")] {
        assert!(!text.contains("hunter2") && !text.contains(USER.1), "{text}");
    }
    let store = RedisStore::connect(&server.url(), Options::new().user(USER.0, USER.1)).await.unwrap();
    store.ping().await.unwrap();
    assert!(!format!("{store:?}").contains(USER.1));
}

fn tls() -> Tls {
    Tls::new().ca_file(CERTIFICATE).client_certificate(CERTIFICATE, PRIVATE_KEY)
}

#[tokio::test]
async fn a_store_works_over_tls() {
    let alone = RedisServer::start_encrypted(&[]);
    let cluster = RedisServer::start_encrypted(&["--cluster-enabled", "yes", "--tls-cluster", "yes"]);
    cluster.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    while !cluster.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for (scheme, server) in [("rediss", &alone), ("redis", &alone), ("rediss+cluster", &cluster)] {
        let url = format!("{scheme}://{}", server.encrypted_place());
        let store = RedisStore::connect(&url, patient().tls(tls())).await.unwrap();
        let mut changes = store.changes();
        until(&mut changes, &Signal::LinkBack).await;
        store.commit(&shard(), &loud(1)).await.unwrap();
        until(&mut changes, &Signal::Changed(change(1))).await;
        assert_eq!(store.read(&shard(), &[Key::lasting("row")]).await.unwrap(), [Some(vec![1].into())]);
        let listed = server.command(&["CLIENT", "LIST"]);
        let ours = listed.lines().filter(|line| line.contains(" user=tenantry "));
        let encrypted = format!("laddr=127.0.0.1:{}", server.encrypted_place().rsplit(':').next().unwrap());
        assert!(ours.clone().count() >= 2 && ours.clone().all(|line| line.contains(&encrypted)), "{listed}");
    }
}

#[tokio::test]
async fn whoever_is_not_trusted_is_not_spoken_to() {
    let server = RedisServer::start_encrypted(&[]);
    let (url, place) = (format!("rediss://{}", server.encrypted_place()), server.encrypted_place());
    let elsewhere = format!("rediss://{}", place.replace("localhost", "127.0.0.1"));
    for (url, options, kind, why) in [
        (&url, Options::new(), ConnectErrorKind::Unreachable, "certificate"),
        (&elsewhere, Options::new().tls(tls()), ConnectErrorKind::Unreachable, "certificate"),
        (&url, Options::new().tls(Tls::new().ca_file(CERTIFICATE)), ConnectErrorKind::Unreachable, ""),
        (&url, Options::new().tls(Tls::new().ca_file("/not/there.pem")), ConnectErrorKind::Options, "/not/there.pem"),
        (
            &url,
            Options::new().tls(Tls::new().client_certificate(CERTIFICATE, CERTIFICATE)),
            ConnectErrorKind::Options,
            "key",
        ),
    ] {
        let error = RedisStore::connect(url, options).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(!format!("{error} {error:?}").contains(USER.1), "{error}");
    }
}
