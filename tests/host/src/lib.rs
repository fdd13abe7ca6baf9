//! What a host does beyond the example of the README, with nothing but the crate `tenantry`: it keeps the layer in a
//! struct of its own, writes an extractor, carries out operations from a handler, and answers refusals in its own form.

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use tenantry::{
    BuildError, Rejection, Tenant, Tenantry, TenantryLayer, TenantryService,
    core::{operations::members, values::error::Error},
    open_store,
};

/// The parts of the host, as it hands them about.
#[derive(Clone)]
pub struct Service {
    /// Of Tenantry.
    pub tenantry: Tenantry,
    /// For routes that a host adds later.
    pub layer: TenantryLayer,
}

/// Why a request is refused, in the host's own form.
#[derive(Debug)]
pub struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self(rejection.into_error())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, format!("{}: {}", self.0.kind().code(), self.0)).into_response()
    }
}

/// Whoever may read the accounts of their organization: an extractor of the host's own.
pub struct Accountant(pub Tenant);

impl<S: Sync> FromRequestParts<S> for Accountant {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let tenant = Tenant::from_request_parts(parts, state).await?;
        if tenant.has("accounts:read") { Ok(Self(tenant)) } else { Err(Error::lacks("accounts:read").into()) }
    }
}

/// A handler that needs no request, only what it is given: so that it can be tested without one.
pub async fn accounts(Accountant(tenant): Accountant, State(_): State<Service>) -> String {
    format!("SELECT * FROM accounts WHERE organization_id = '{}'", tenant.organization_id())
}

/// Carries out an operation for whoever calls, with their rights and no others.
///
/// # Errors
/// What the operation says.
pub async fn colleagues(tenant: Tenant) -> Result<Json<usize>, Refusal> {
    let organization_id = tenant.organization_id();
    Ok(Json(tenant.run(&members::List::new(organization_id)).await?.members.len()))
}

/// The host, set up.
///
/// # Errors
/// When it cannot be set up.
pub async fn service() -> Result<Service, BuildError> {
    let store = open_store("memory:").await.map_err(BuildError::of)?;
    let tenantry = Tenantry::builder().store(store).permission("accounts:read").build()?;
    Ok(Service { layer: tenantry.layer(), tenantry })
}

/// Its routes.
pub fn app(service: Service) -> TenantryService<Router> {
    let layer = service.layer.clone();
    let router = Router::new().route("/accounts", get(accounts)).route("/colleagues", get(colleagues));
    layer.layer(router.with_state(service))
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{Request, header::AUTHORIZATION},
    };
    use tenantry::core::{
        access::caller::{Caller, Identity},
        engine::operation::Request as Asked,
        operations::{members, organizations, tokens},
        values::ids::UserId,
    };
    use tenantry::testing::TestTenantry;
    use tower::ServiceExt as _;

    use super::{Service, app, colleagues, service};

    /// An API token of a new organization, with these permissions.
    async fn token(service: &Service, permissions: &[&str]) -> String {
        let ann = Caller::User(Box::new(Identity::new(UserId::new("ann").expect("it is an id"))));
        let (engine, ann) = (service.tenantry.engine(), Asked::new(ann));
        let created = engine.run(&ann, &organizations::Create::new("Acme")).await.expect("anybody may");
        let mut create = tokens::Create::new(created.organization.id);
        create.permissions = Some(permissions.iter().map(ToString::to_string).collect());
        engine.run(&ann, &create).await.expect("an owner may").api_token.bearer
    }

    /// Status and body of what is answered to the token.
    async fn ask(service: &Service, path: &str, token: &str) -> (u16, String) {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).expect("it is a request");
        let response = app(service.clone()).oneshot(request).await.expect("it cannot fail");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.expect("it is short");
        (status, String::from_utf8(body.to_vec()).expect("it is text"))
    }

    #[tokio::test]
    async fn a_handler_is_tested_by_itself_with_a_real_tenant() {
        let test = TestTenantry::build(|builder| builder.permission("accounts:read")).expect("all of it fits together");
        let reader = test.tenant("bob", &["members:view"]).await.expect("the permission is registered");
        assert_eq!(colleagues(reader).await.expect("a reader may").0, 2);
        let nobody = test.tenant("carol", &[]).await.expect("a role may permit nothing");
        assert!(colleagues(nobody.clone()).await.is_err());
        let removed = nobody.clone();
        let gone = tokio::spawn(async move { removed.ended().await.code() });
        let host = test.tenantry().as_host("test").expect("it is a name");
        let remove = members::Remove::new(nobody.organization_id(), UserId::new("carol").expect("it is an id"));
        host.run(&remove).await.expect("the host may");
        assert_eq!(gone.await.expect("it did not panic"), "not_found");
    }

    #[tokio::test]
    async fn a_handler_gets_the_tenant_and_an_extractor_of_the_hosts_own_decides() {
        let service = service().await.expect("all of it fits together");
        let accountant = token(&service, &["accounts:read", "members:view"]).await;
        let (status, body) = ask(&service, "/accounts", &accountant).await;
        assert!(status == 200 && body.contains("WHERE organization_id"), "{status}: {body}");
        assert_eq!(ask(&service, "/colleagues", &accountant).await, (200, "1".to_owned()));
        let nobody = token(&service, &[]).await;
        let refused = (403, "forbidden: this needs the permission accounts:read".to_owned());
        assert_eq!(ask(&service, "/accounts", &nobody).await, refused);
        let (status, body) = ask(&service, "/colleagues", &nobody).await;
        assert!(status == 403 && body.starts_with("forbidden: "), "{status}: {body}");
    }
}
