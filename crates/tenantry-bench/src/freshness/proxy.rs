//! A link to Redis that can be frozen: connections stay open, and nothing passes.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Runtime,
    sync::watch,
};

/// How much passes at once.
const BUFFER_BYTES: usize = 16 * 1024;

pub(super) struct Proxy {
    address: SocketAddr,
    frozen: watch::Sender<bool>,
    /// Ends everything with the proxy.
    _runtime: Runtime,
}

impl Proxy {
    /// A link to the server at this port on loopback.
    pub(super) fn start(port: u16) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (frozen, watching) = watch::channel(false);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { break };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, watching.clone()));
                tokio::spawn(pass(far_in, near_out, watching.clone()));
            }
        });
        Ok(Self { address, frozen, _runtime: runtime })
    }

    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(super) fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    pub(super) fn thaw(&self) {
        self.frozen.send_replace(false);
    }
}

/// Passes on what comes, unless frozen, until one side ends.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut frozen: watch::Receiver<bool>) {
    let _ = to.as_ref().set_nodelay(true);
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if frozen.wait_for(|frozen| !frozen).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}
