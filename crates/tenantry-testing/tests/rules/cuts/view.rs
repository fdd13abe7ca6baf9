//! What can be seen of an organization from outside, without what differs from one organization to the next.

use serde_json::{Map, Value, json};
use tenantry_core::{
    access::tenant_access::TenantAccess,
    operations::{invitations, join_codes, members, organizations, roles, tokens, workspaces},
    values::{clock::Timestamp, ids::OrganizationId, token_key::TokenKey},
};
use tenantry_testing::actors;

use super::stage::{Answer, Scene, Stage};

/// The slugs that organizations of a scene have or get.
const SLUGS: [&str; 3] = ["acme", "fresh", "umbrella"];
/// Fields that differ from one organization to the next: secrets, and numbers of which some may be left out.
const DIFFERING: [&str; 7] = ["bearer", "code", "codeHint", "lastFour", "number", "secret", "token"];
/// A slug that the service made has this at its end when the plain one was claimed, if only by a try that failed.
const SUFFIX_CHARS: usize = 6;

/// All that anybody sees.
pub(crate) async fn seen(stage: &Stage, scene: &Scene) -> Value {
    let mut seen = Map::new();
    let id = &scene.known["organizationId"];
    for who in ["alice", "bob", "carol", "dave"] {
        let caller = scene.person(who);
        let listed = stage.ask::<organizations::List>(&caller, json!({})).await;
        let others: Vec<_> = listed["organizations"].as_array().into_iter().flatten().collect();
        let others = others.iter().map(|entry| &entry["organization"]["id"]).filter(|other| *other != id);
        let mut own = Vec::new();
        for other in others {
            own.push(inside(stage, scene, who, other).await);
        }
        let about = scene.input(json!({}));
        let mut theirs = json!({
            "other": own,
            "list": listed,
            "get": stage.ask::<organizations::Get>(&caller, about).await,
            "mine": stage.ask::<invitations::Mine>(&caller, json!({})).await,
            "found": stage.ask::<organizations::Search>(&caller, json!({ "name": scene.tag })).await,
        });
        for slug in SLUGS {
            let named = scene.name(slug).parse().expect("it is a slug");
            theirs[format!("at {slug}")] = rights(stage.outside.resolve_slug(&caller, &named, None).await);
        }
        seen.insert(who.to_owned(), theirs);
    }
    seen.insert("inside".to_owned(), inside(stage, scene, "alice", id).await);
    let found = json!({ "filter": { "name": { "like": format!("{}%", scene.tag) } } });
    seen.insert("found".to_owned(), stage.ask::<organizations::Search>(&actors::platform_admin(), found).await);
    alike(scene, Value::Object(seen))
}

/// What a member sees of their organization, and the host of its events.
async fn inside(stage: &Stage, scene: &Scene, who: &str, id: &Value) -> Value {
    let (caller, about) = (scene.person(who), || json!({ "organizationId": id }));
    let parsed = id.as_str().and_then(|id| id.parse().ok()).expect("it is the id of an organization");
    let events = stage.outside.audit_events(parsed, None, 100).await.expect("nothing is in the way");
    json!({
        "members": stage.ask::<members::List>(&caller, about()).await,
        "invitations": stage.ask::<invitations::List>(&caller, about()).await,
        "codes": stage.ask::<join_codes::List>(&caller, about()).await,
        "tokens": stage.ask::<tokens::List>(&caller, about()).await,
        "roles": stage.ask::<roles::Show>(&caller, about()).await,
        "workspaces": stage.ask::<workspaces::List>(&caller, about()).await,
        "events": events,
    })
}

/// What comes of it when strangers use what they were told, and the secrets that `answer` gave. It changes the scene.
pub(crate) async fn used(stage: &Stage, scene: &Scene, answer: &Answer) -> Value {
    let nothing = Value::Null;
    let answer = answer.as_ref().unwrap_or(&nothing);
    let mut used = Map::new();
    for answer in [&scene.known["token"], answer] {
        if let Some(bearer) = answer["apiToken"]["bearer"].as_str() {
            let caller = actors::token(bearer);
            let id = scene.known["organizationId"].as_str().and_then(|id| id.parse().ok());
            let tenant = stage.outside.resolve(&caller, id.expect("it is the id of an organization")).await;
            used.insert(format!("bearer {}", used.len()), rights(tenant));
        }
    }
    for (number, slug) in SLUGS.into_iter().enumerate() {
        let create = json!({ "name": scene.title("Stranger"), "slug": scene.name(slug) });
        let created = stage.ask::<organizations::Create>(&scene.person(&format!("zoe{number}")), create).await;
        used.insert(format!("a stranger takes {slug}"), created);
    }
    for code in [&scene.known["code"], answer].map(|answer| &answer["code"]).into_iter().filter(|code| code.is_string())
    {
        let joiner = scene.person(&format!("walt{}", used.len()));
        used.insert(
            format!("code {}", used.len()),
            stage.ask::<join_codes::Join>(&joiner, json!({ "code": code })).await,
        );
    }
    let batch = answer["results"].as_array().into_iter().flatten();
    for invited in [&scene.known["carol"], answer].into_iter().chain(batch) {
        for who in ["carol", "dave"] {
            if invited["token"].is_string() {
                let accept = json!({ "token": invited["token"] });
                let accepted = stage.ask::<invitations::Accept>(&scene.person(who), accept).await;
                used.insert(format!("invitation {}", used.len()), accepted);
            }
        }
    }
    alike(scene, Value::Object(used))
}

fn rights(tenant: Result<TenantAccess, tenantry_core::values::error::Error>) -> Value {
    match tenant {
        Ok(tenant) => json!({ "of": tenant.organization_id(), "permissions": tenant.permissions() }),
        Err(error) => json!({ "refused": error.kind().code() }),
    }
}

/// An answer, as that to somebody in another scene would be.
pub(crate) fn answered(scene: &Scene, answer: &Answer) -> Value {
    alike(scene, super::stage::told(answer))
}

fn alike(scene: &Scene, value: Value) -> Value {
    let mut ids = Vec::new();
    made_alike(&scene.tag, "", value, &mut ids)
}

/// Ids are numbered in the order in which they are first mentioned.
fn made_alike(tag: &str, field: &str, value: Value, ids: &mut Vec<String>) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|value| made_alike(tag, field, value, ids)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(field, value)| (field.clone(), made_alike(tag, &field, value, ids))).collect()
        }
        Value::String(_) | Value::Number(_) if DIFFERING.contains(&field) => json!("…"),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => json!("a moment"),
        Value::String(text) if text.parse::<OrganizationId>().is_ok() || text.parse::<TokenKey>().is_ok() => {
            let place = ids.iter().position(|id| *id == text).unwrap_or_else(|| {
                ids.push(text);
                ids.len() - 1
            });
            json!(format!("id {place}"))
        }
        Value::String(text) if field == "slug" => {
            let plain = text.rsplit_once('-').filter(|(_, last)| last.len() == SUFFIX_CHARS && *last != tag);
            json!(plain.map_or(text.as_str(), |(plain, _)| plain).replace(tag, "…"))
        }
        Value::String(text) => json!(text.replace(tag, "…")),
        other => other,
    }
}

/// Where two values differ first.
pub(crate) fn difference(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let fields = one.keys().chain(other.keys());
            fields.into_iter().find_map(|field| {
                let [one, other] = [one, other].map(|all| all.get(field).unwrap_or(&Value::Null));
                difference(one, other).map(|found| format!(".{field}{found}"))
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut places = one.iter().zip(other).enumerate();
            places.find_map(|(place, (one, other))| difference(one, other).map(|found| format!("[{place}]{found}")))
        }
        (one, other) => (one != other).then(|| format!(": {one} instead of {other}")),
    }
}
