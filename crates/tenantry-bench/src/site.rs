//! Servers on loopback.

use std::net::SocketAddr;

use anyhow::Result;
use axum::body::Body;
use http::Request;
use tokio::net::TcpListener;

use crate::measure::Subject;

/// Serves on a free port, in the runtime that this is called in, until that ends.
pub(crate) async fn serve(service: Subject) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = axum::ServiceExt::<Request<Body>>::into_make_service(service);
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}
