//! The example of the README is compiled, and does what it says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router, ServiceExt,
    extract::{Request, State},
    routing::post,
};
use serde_json::json;
use tenantry::{
    Tenant, Tenantry, TenantryService,
    core::values::ids::OrganizationId,
    jwt::{Algorithm, Issuer, JwtVerifier, Key},
    open_store, require,
};

const README: &str = include_str!("../../README.md");
const THIS_FILE: &str = include_str!("readme.rs");
const SECRET: &str = "a secret of at least thirty-two bytes";

/// Stands in for the host's database.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<HashMap<OrganizationId, Vec<String>>>>);

impl Notes {
    fn query(&self, statement: &str, organization: OrganizationId) -> Vec<String> {
        assert!(statement.contains("WHERE organization_id = $1"));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&organization).cloned().unwrap_or_default()
    }

    fn execute(&self, _: &str, organization: OrganizationId, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(organization).or_default().push(text);
    }
}

// The README's:
async fn app(jwt_secret: &str, notes: Notes) -> Result<TenantryService<Router>, Box<dyn std::error::Error>> {
    let sign_in = Issuer::new("https://sign-in.example.com", Key::new(Algorithm::Hs256, jwt_secret)).audience("notes");
    let tenantry = Tenantry::builder()
        .store(open_store("memory:").await?) // or file:PATH, or redis://HOST:PORT
        .jwt(JwtVerifier::builder().issuer(sign_in))
        .permission("notes:write")
        .grant("member", "notes:write")
        // What is not listed is 404. The admin router looks at credentials itself.
        .layer(|layer| layer.serves(["/notes"]).exempt(["/tenantry/{*path}"]))
        .build()?;

    let router = Router::new()
        .route("/notes", post(write).route_layer(require("notes:write")).get(list))
        .with_state(notes)
        .nest("/tenantry", tenantry.router());
    Ok(tenantry.layer().layer(router))
}

async fn list(tenant: Tenant, State(notes): State<Notes>) -> Json<Vec<String>> {
    Json(notes.query("SELECT text FROM notes WHERE organization_id = $1", tenant.organization_id()))
}

async fn write(tenant: Tenant, State(notes): State<Notes>, text: String) {
    notes.execute("INSERT INTO notes (organization_id, text) VALUES ($1, $2)", tenant.organization_id(), text);
}
// So far.

#[test]
fn the_example_of_the_readme_is_the_one_that_is_tested() {
    let block = README.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let tested =
        THIS_FILE.split("// The README's:\n").nth(1).and_then(|rest| rest.split("// So far.\n").next()).unwrap();
    assert_eq!(block, tested);
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = [".", "docs", "deploy", "crates/tenantry"].map(|folder| root.join(folder));
    let pages = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut links = 0;
    for page in pages.filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains(':') && !link.contains('\n') {
                links += 1;
                assert!(page.with_file_name(link).exists(), "{}: {link}", page.display());
            }
        }
    }
    assert!(links > 10, "these were to be looked at");
}

/// Each sentence of the threat model names the tests that hold it, as "[`test`](file)".
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let mut named = 0;
    for part in text.split("[`").skip(1) {
        let (name, rest) = part.split_once("`](").unwrap();
        let (file, _) = rest.split_once(')').unwrap();
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(source.contains(&format!("fn {name}()")), "{file} has no test {name}");
        named += 1;
    }
    assert!(named > 20, "the threat model names its tests");
}

#[tokio::test]
async fn the_example_of_the_readme_keeps_organizations_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = app(SECRET, Notes::default()).await.unwrap();
    let serving =
        tokio::spawn(async move { axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await });
    let client = reqwest::Client::new();
    let jwt = |user: &str| {
        let claims =
            json!({ "sub": user, "iss": "https://sign-in.example.com", "aud": "notes", "exp": 4_102_444_800_u64 });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    };
    for user in ["alice", "bob"] {
        let create = client.post(format!("{base}/tenantry/v1/organizations/create")).bearer_auth(jwt(user));
        assert_eq!(create.json(&json!({ "name": user })).send().await.unwrap().status(), 200);
        let write = client.post(format!("{base}/notes")).bearer_auth(jwt(user)).body(format!("of {user}"));
        assert_eq!(write.send().await.unwrap().status(), 200);
    }
    for user in ["alice", "bob"] {
        let list = client.get(format!("{base}/notes")).bearer_auth(jwt(user)).send().await.unwrap();
        assert_eq!(list.json::<Vec<String>>().await.unwrap(), [format!("of {user}")]);
    }
    assert_eq!(client.get(format!("{base}/notes")).send().await.unwrap().status(), 401);
    assert_eq!(client.get(format!("{base}/other")).send().await.unwrap().status(), 404);
    serving.abort();
}
