//! The notes: what the service was about before it had organizations.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tenantry::{Tenant, core::values::ids::OrganizationId};

/// How many notes are kept of each organization.
const NOTES_MAX: usize = 1000;

/// All notes, by organization.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<HashMap<OrganizationId, Vec<Note>>>>);

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Note {
    text: String,
    by: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewNote {
    text: String,
}

/// Writes a note into the organization of the caller.
pub(crate) async fn write(
    tenant: Tenant,
    State(notes): State<Notes>,
    Json(new): Json<NewNote>,
) -> (StatusCode, Json<Note>) {
    let note = Note { text: new.text, by: tenant.principal().id() };
    let mut notes = notes.0.lock().unwrap_or_else(PoisonError::into_inner);
    let notes = notes.entry(tenant.organization_id()).or_default();
    notes.push(note.clone());
    let surplus = notes.len().saturating_sub(NOTES_MAX);
    notes.drain(..surplus);
    (StatusCode::CREATED, Json(note))
}

/// Lists the notes of the caller's organization, and of no other.
pub(crate) async fn list(tenant: Tenant, State(notes): State<Notes>) -> Json<Vec<Note>> {
    let notes = notes.0.lock().unwrap_or_else(PoisonError::into_inner);
    Json(notes.get(&tenant.organization_id()).cloned().unwrap_or_default())
}
