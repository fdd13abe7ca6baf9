//! Makes the OpenAPI document from the types of the operations.

use std::collections::BTreeMap;

use http::StatusCode;
use tenantry_core::{
    engine::operation::{Needs, Operation},
    values::error::{ErrorKind, FieldError},
};
use utoipa::{
    ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem,
        Ref, RefOr, Required, ResponseBuilder, ResponsesBuilder, Schema, SecurityRequirement, ServerBuilder,
        path::{OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::routes::{self, Routed, Visitor};

/// The OpenAPI document of the router, as JSON, made anew. The router serves the one that is committed as `openapi.json`
/// beside this crate's sources; a test of the repository compares the two.
#[must_use]
pub fn openapi() -> String {
    let mut document = empty_document();
    routes::visit(&mut document);
    // A document consists of maps with text as keys, lists, texts and numbers: all of it is JSON.
    document.to_pretty_json().unwrap_or_default()
}

/// A document without operations.
fn empty_document() -> OpenApi {
    let http = |scheme, description: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(description)).build())
    };
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    FieldError::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", http(HttpAuthScheme::Bearer, "A user's JWT, or an API token as `<key>:<secret>`."))
        .security_scheme("basic", http(HttpAuthScheme::Basic, "An API token: the key as user, the secret as password."))
        .schemas_from_iter(schemas)
        .schema(Problem::name(), <Problem as utoipa::PartialSchema>::schema())
        .schema(FieldError::name(), <FieldError as utoipa::PartialSchema>::schema())
        .build();
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Tenantry").version(env!("CARGO_PKG_VERSION")).description(Some(
            "Organizations, members, roles, invitations, join codes and API tokens. In a request, `null` is the \
                     same as a field that is absent, but where the field says otherwise.",
        )))
        // Relative to where this document is served.
        .servers(Some([ServerBuilder::new().url(".").build()]))
        .components(Some(components))
        .build()
}

impl Visitor for OpenApi {
    fn operation<O: Routed>(&mut self) {
        describe::<O>(self);
    }
}

/// Adds the operation `O`.
fn describe<O: Routed>(document: &mut OpenApi) {
    let id = operation_id(O::ROUTE);
    let (input, output) = (type_name(&id, "Input"), type_name(&id, "Output"));
    let mut nested = Vec::new();
    O::schemas(&mut nested);
    <O::Output as ToSchema>::schemas(&mut nested);
    let components = document.components.get_or_insert_default();
    components.schemas.extend(nested);
    components.schemas.insert(input.clone(), O::schema());
    components.schemas.insert(output.clone(), <O::Output as utoipa::PartialSchema>::schema());

    let json = |name: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
    let body =
        RequestBodyBuilder::new().content("application/json", json(&input)).required(Some(Required::True)).build();
    let answer = ResponseBuilder::new().description("Done.").content("application/json", json(&output)).build();
    let mut responses = ResponsesBuilder::new().response("200", answer);
    for (status, kinds) in refusals::<O>() {
        responses = responses.response(status.to_string(), refusal(status, &kinds));
    }
    let mut operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(O::SUMMARY))
        .description(Some(needs(O::NEEDS)))
        .tag(O::ROUTE.split_once('/').map_or("organizations", |(noun, _)| noun))
        .request_body(Some(body))
        .responses(responses.build())
        .securities(Some(credentials(O::NEEDS)));
    if takes_idempotency_key::<O>() {
        operation = operation.parameter(idempotency_key());
    }
    document.paths.paths.insert(routes::path::<O>(), PathItem::new(HttpMethod::Post, operation.build()));
}

/// Any of these will do; an empty list says that none is looked at.
fn credentials(needs: Needs) -> Vec<SecurityRequirement> {
    let schemes: &[&str] = match needs {
        Needs::Nobody | Needs::Host => &[],
        Needs::User | Needs::Platform => &["bearer"],
        Needs::Credential | Needs::Permission(_) => &["bearer", "basic"],
    };
    schemes.iter().map(|scheme| SecurityRequirement::new::<_, [&str; 0], &str>(*scheme, [])).collect()
}

/// What changes something can be repeated safely, if it is known who repeats it.
fn takes_idempotency_key<O: Operation>() -> bool {
    O::EVENT.is_some() && O::NEEDS != Needs::Nobody
}

fn idempotency_key() -> ParameterBuilder {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("A repetition with the same key and body within 24 hours gets the first answer again."))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(255))
                .pattern(Some("^[!-~]+$"))
                .build(),
        ))
}

/// `members/set-role` → `organizations.members.setRole`.
fn operation_id(route: &str) -> String {
    let mut id = String::from("organizations.");
    let mut upper = false;
    for character in route.chars() {
        match character {
            '-' => upper = true,
            '/' => id.push('.'),
            _ if upper => {
                id.push(character.to_ascii_uppercase());
                upper = false;
            }
            _ => id.push(character),
        }
    }
    id
}

/// `organizations.members.setRole` → `OrganizationsMembersSetRoleInput`.
fn type_name(operation_id: &str, suffix: &str) -> String {
    let words = operation_id.split('.').map(|word| {
        let (first, rest) = word.split_at(1); // a route consists of ASCII words
        first.to_ascii_uppercase() + rest
    });
    words.chain([suffix.to_owned()]).collect()
}

fn needs(needs: Needs) -> String {
    match needs {
        Needs::Nobody => "Needs no credential.".to_owned(),
        Needs::Credential => "Needs a valid credential.".to_owned(),
        Needs::User => "Needs a signed-in user; an API token is refused.".to_owned(),
        Needs::Platform => "Needs a platform admin.".to_owned(),
        Needs::Host => "Needs the host's own code.".to_owned(),
        Needs::Permission(permission) => format!("Needs the permission `{permission}` in the organization."),
    }
}

/// How `O` can be refused, by status.
fn refusals<O: Operation>() -> BTreeMap<u16, Vec<ErrorKind>> {
    let mut kinds = vec![
        ErrorKind::InvalidRequest,
        ErrorKind::RequestTimeout,
        ErrorKind::TooLarge,
        ErrorKind::UnsupportedMediaType,
        ErrorKind::Internal,
        ErrorKind::Unavailable,
    ];
    if O::NEEDS != Needs::Nobody {
        let credential = [ErrorKind::Unauthenticated, ErrorKind::InvalidToken, ErrorKind::ExpiredToken];
        // An API token may have a rate limit.
        kinds.extend(credential.into_iter().chain([ErrorKind::CrossSiteRequest, ErrorKind::RateLimited]));
    }
    match O::NEEDS {
        Needs::Nobody => {}
        Needs::Credential => kinds.extend([ErrorKind::Forbidden, ErrorKind::NotFound]),
        Needs::User | Needs::Platform | Needs::Host => kinds.push(ErrorKind::Forbidden),
        Needs::Permission(_) => {
            kinds.extend([ErrorKind::Forbidden, ErrorKind::OrganizationSuspended, ErrorKind::NotFound]);
        }
    }
    if takes_idempotency_key::<O>() {
        kinds.push(ErrorKind::IdempotencyMismatch);
    }
    kinds.extend_from_slice(O::ERRORS);
    kinds.sort_unstable();
    kinds.dedup();
    let mut by_status = BTreeMap::<u16, Vec<ErrorKind>>::new();
    for kind in kinds {
        by_status.entry(kind.status()).or_default().push(kind);
    }
    by_status
}

fn refusal(status: u16, kinds: &[ErrorKind]) -> utoipa::openapi::Response {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let codes: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.code())).collect();
    ResponseBuilder::new()
        .description(format!("{reason}: {}.", codes.join(", ")))
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(RefOr::<Schema>::from(Ref::from_schema_name("Problem")))).build(),
        )
        .build()
}

/// A problem document (RFC 9457). Written by `tenantry_tower::problem`; this is its description.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct Problem {
    /// Names the kind of problem.
    #[schema(rename = "type")]
    kind: String,
    /// The short title of the kind.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time, and the mend.
    detail: String,
    /// A stable machine word.
    code: String,
    /// What is wrong with which field, if the request is not valid.
    errors: Option<Vec<FieldError>>,
    /// With status 500: names the entry in the service's log.
    correlation_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_routes() {
        assert_eq!(operation_id("create"), "organizations.create");
        assert_eq!(operation_id("join-codes/create"), "organizations.joinCodes.create");
        assert_eq!(type_name(&operation_id("members/set-role"), "Input"), "OrganizationsMembersSetRoleInput");
    }
}
