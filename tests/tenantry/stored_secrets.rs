//! Whoever reads the store finds no secret that works.

use std::{fs, path::Path, sync::Arc};

use serde_json::{Value, json};
use tenantry::EmbeddedStore;

use crate::{actors::Actor, world::World};

/// Every byte of the files in a folder.
fn bytes(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| fs::read(file).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn no_secret_that_works_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let world = World::start(Arc::new(EmbeddedStore::open(&file).unwrap())).await;
    let alice = Actor::user("alice");
    let organization = world.organization(&alice).await;
    // By a key each, so that the answer with the secret is kept as well.
    let made = async |operation: &str, mut input: Value| {
        input["organizationId"] = organization.clone().into();
        world.call_once(&alice, operation, operation, input).await.ok()
    };
    let token = made("tokens/create", json!({ "permissions": ["org:view"] })).await;
    let rotated = made("tokens/rotate", json!({ "key": token["apiToken"]["key"] })).await;
    let invited = made("invitations/create", json!({ "email": "bob@example.com" })).await;
    let code = made("join-codes/create", json!({})).await;
    let secret = |made: &Value| made["apiToken"]["bearer"].as_str().unwrap().split_once(':').unwrap().1.to_owned();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let secrets = [secret(&token), secret(&rotated), text(&invited["token"]), text(&code["code"])];
    let stored = bytes(folder.path());
    assert!(holds(&stored, "bob@example.com"), "the file is read as it is written");
    for secret in secrets {
        // The random part alone, too: a prefix says what kind of secret it is.
        let random = secret.rsplit('_').next().unwrap();
        assert!(random.len() >= 8 && !holds(&stored, random), "{secret}");
    }
}
