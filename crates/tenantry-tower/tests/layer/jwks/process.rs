//! What an issuer's process does: it publishes over HTTP or HTTPS what it is told to, until nobody can tell it anything.

use std::{
    io::{self, BufRead as _, Write as _},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::State as Shared,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
    serve::Listener,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

use crate::support::key_file;

/// How each line begins that it says.
pub(super) const SAYS: &str = "the keys were asked for, times: ";

/// All that it is told, in one line of JSON, first when it is started and then whenever something is to change.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) address: SocketAddr,
    pub(super) is_encrypted: bool,
    /// What it publishes.
    pub(super) keys: Vec<Value>,
    pub(super) answering: Answering,
    pub(super) cache_control: Option<String>,
    pub(super) configuration: Value,
}

/// How it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Answering {
    Well,
    Status(u16),
    /// Not until it is told otherwise.
    Held,
    /// This, instead of the keys.
    With(String),
    /// With the keys, after a redirect.
    ByRedirect,
}

struct State {
    settings: watch::Sender<Settings>,
    fetches: AtomicUsize,
}

/// Is an issuer until the standard input ends. Each line there is answered on the standard output: an empty one asks
/// only how often the keys were asked for.
pub(super) fn run() {
    let mut lines = io::stdin().lock().lines().map(Result::unwrap);
    let told = |line: &str| serde_json::from_str::<Settings>(line).unwrap();
    let settings = told(&lines.next().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (address, is_encrypted) = (settings.address, settings.is_encrypted);
    let state = Arc::new(State { settings: watch::Sender::new(settings), fetches: AtomicUsize::new(0) });
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/keys", get(keys))
        .route("/elsewhere", get(async |Shared(state): Shared<Arc<State>>| published(&state.settings.borrow())))
        .with_state(state.clone());
    let listener = {
        let _guard = runtime.enter();
        let socket = reserve(address);
        socket.listen(128).unwrap()
    };
    runtime.spawn(async move {
        if is_encrypted {
            axum::serve(Encrypted { listener, acceptor: acceptor() }, routes).await
        } else {
            axum::serve(listener, routes).await
        }
    });
    // The test runner's own words may stand before it in this line.
    println!();
    loop {
        println!("{SAYS}{}", state.fetches.load(Ordering::SeqCst));
        io::stdout().flush().unwrap();
        match lines.next().as_deref() {
            Some("") => {}
            Some(line) => drop(state.settings.send_replace(told(line))),
            None => return,
        }
    }
}

/// A socket that is bound there. As long as it does not listen, another may be bound there so, and nobody is given the
/// port by chance.
pub(super) fn reserve(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

fn published(settings: &Settings) -> Response {
    let body = json!({ "keys": settings.keys }).to_string();
    match &settings.cache_control {
        Some(value) => ([(header::CACHE_CONTROL, value)], body).into_response(),
        None => body.into_response(),
    }
}

async fn configuration(Shared(state): Shared<Arc<State>>) -> Response {
    state.settings.borrow().configuration.to_string().into_response()
}

async fn keys(Shared(state): Shared<Arc<State>>) -> Response {
    state.fetches.fetch_add(1, Ordering::SeqCst);
    let mut settings = state.settings.subscribe();
    let settings = settings.wait_for(|settings| settings.answering != Answering::Held).await.unwrap().clone();
    let published = published(&settings);
    match settings.answering {
        Answering::Well | Answering::Held => published,
        Answering::Status(status) => (StatusCode::from_u16(status).unwrap(), published).into_response(),
        Answering::With(body) => body.into_response(),
        Answering::ByRedirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
    }
}

/// Shows the certificate of `localhost` in `tests/keys`.
fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(&key_file("test-localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&key_file("test-localhost-private.pem")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

struct Encrypted {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // Whoever does not like the certificate goes away.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
