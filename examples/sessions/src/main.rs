//! Serves the pages at 127.0.0.1:3000, or where `LISTEN` says.

use anyhow::Result;

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, sessions::app()?).await?;
    Ok(())
}
