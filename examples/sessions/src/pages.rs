//! The pages.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::{Form, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;
use tenantry::{
    Head, Memberships, Rejection, Resolved, Tenant,
    bytes::Bytes,
    core::{
        operations::organizations,
        values::{
            error::{Error, ErrorKind},
            ids::OrganizationId,
        },
    },
};

/// The notes of all organizations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<(OrganizationId, String)>>>);

impl Notes {
    // WHERE organization_id = $1
    fn of(&self, organization: OrganizationId) -> Vec<String> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.iter().filter(|(of, _)| *of == organization).map(|(_, text)| text.clone()).collect()
    }

    fn add(&self, organization: OrganizationId, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((organization, text));
    }
}

/// Sends a browser to where it can go on; whoever wants no page gets a problem document.
pub(crate) fn refuse(error: &Error, head: Head<'_>) -> Option<axum::http::Response<Bytes>> {
    let page = match error.kind() {
        ErrorKind::Unauthenticated => "/login",
        ErrorKind::NoOrganization | ErrorKind::OrganizationRequired => "/organizations",
        _ => return None,
    };
    head.header(&header::ACCEPT).filter(|accept| accept.contains("text/html"))?;
    let redirect = Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, page);
    redirect.body(Bytes::new()).ok()
}

pub(crate) async fn login() -> Html<String> {
    page("Sign in", &html! { form method="post" { input name="name" required; button { "Sign in" } } })
}

pub(crate) async fn notes(tenant: Tenant, State(notes): State<Notes>) -> Html<String> {
    page(
        tenant.organization_name(),
        &html! {
            ul { @for note in notes.of(tenant.organization_id()) { li { (note) } } }
            form method="post" { input name="text" required; button { "Write" } }
            a href="/organizations" { "Another organization" }
        },
    )
}

#[derive(Debug, Deserialize)]
pub(crate) struct Note {
    text: String,
}

pub(crate) async fn write(tenant: Tenant, State(notes): State<Notes>, Form(note): Form<Note>) -> Redirect {
    notes.add(tenant.organization_id(), note.text);
    Redirect::to("/")
}

pub(crate) async fn organizations(Memberships(memberships): Memberships) -> Html<String> {
    page(
        "Your organizations",
        &html! {
            @for membership in &memberships {
                form method="post" action="/organizations/choose" {
                    button name="organization" value=(membership.organization.id) { (membership.organization.name) }
                }
            }
            form method="post" { input name="name" required; button { "Create" } }
        },
    )
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewOrganization {
    name: String,
}

pub(crate) async fn create(user: Resolved, Form(new): Form<NewOrganization>) -> Result<Response, Rejection> {
    let created = user.run(&organizations::Create::new(new.name)).await?;
    Ok(remember(created.organization.id))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    organization: OrganizationId,
}

/// Only remembers: whether the user may see that organization is decided at each request.
pub(crate) async fn choose(Form(choice): Form<Choice>) -> Response {
    remember(choice.organization)
}

fn remember(organization: OrganizationId) -> Response {
    let cookie = format!("{}={organization}; Path=/; HttpOnly; SameSite=Lax", crate::ORGANIZATION);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

fn page(title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (title) } }
            body { h1 { (title) } (content) form method="post" action="/logout" { button { "Sign out" } } }
        }
    };
    Html(page.into_string())
}
