//! A client that costs less than what it asks: HTTP/1.1 over connections that stay open, requests that were made
//! before.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::HeaderValue;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::figures::now;

/// How many connections ask at once.
pub(crate) const CONNECTIONS: usize = 32;
/// More than any answer is long.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names and values, as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Where an answer ends, and what it says.
struct Extent {
    status: u16,
    head: usize,
    end: usize,
    chunked: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for the answer's end; answers its status.
    pub(crate) async fn status(&mut self, request: &[u8]) -> Result<u16> {
        Ok(self.exchange(request).await?.status)
    }

    /// Sends a request; answers everything.
    pub(crate) async fn answer(&mut self, request: &[u8]) -> Result<Answer> {
        let Extent { status, head, end, chunked } = self.exchange(request).await?;
        let text = String::from_utf8_lossy(&self.received[..head]).into_owned();
        let mut body = self.received[head..end].to_vec();
        if chunked {
            let mut whole = Vec::with_capacity(body.len());
            chunks(&body, |chunk| whole.extend_from_slice(chunk))?;
            body = whole;
        }
        Ok(Answer { status, head: text, body })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Extent> {
        self.received.clear();
        self.stream.write_all(request).await?;
        loop {
            let read = self.stream.read_buf(&mut self.received).await?;
            ensure!(read > 0, "the server has hung up");
            let extent = extent(&self.received)?;
            if let Some(extent) = extent.filter(|extent| extent.end <= self.received.len()) {
                return Ok(extent);
            }
            ensure!(self.received.len() < ANSWER_BYTES_MAX, "the answer has no end");
        }
    }
}

/// As far as it is known from what was received.
fn extent(received: &[u8]) -> Result<Option<Extent>> {
    let Some(head) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|place| place + 4) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&received[..head])?;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer without a status")?;
    let value = |name: &str| {
        let mut headers = text.lines().filter_map(|line| line.split_once(": "));
        headers.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    };
    if let Some(length) = value("content-length") {
        return Ok(Some(Extent { status, head, end: head + length.parse::<usize>()?, chunked: false }));
    }
    let chunked = value("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
    let length = if chunked { chunks(&received[head..], |_| ())? } else { Some(0) };
    Ok(length.map(|length| Extent { status, head, end: head + length, chunked }))
}

/// Where a body of chunks ends, if all of it has come; gives each chunk to `take`.
fn chunks(body: &[u8], mut take: impl FnMut(&[u8])) -> Result<Option<usize>> {
    let mut rest = body;
    while let Some(line) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line])?, 16).context("the size of a chunk")?;
        let begin = line + 2;
        let Some(after) = rest.get(begin + size + 2..) else { break };
        take(&rest[begin..begin + size]);
        rest = after;
        // The last is empty.
        if size == 0 {
            return Ok(Some(body.len() - rest.len()));
        }
    }
    Ok(None)
}

/// Headers of a request.
pub(crate) type Headers<'a> = &'a [(&'a str, &'a HeaderValue)];

/// A `GET` with these headers.
pub(crate) fn get(path: &str, headers: Headers<'_>) -> Bytes {
    request(&format!("GET {path} HTTP/1.1\r\nhost: bench\r\n"), headers, "")
}

/// A `POST` of JSON with these headers.
pub(crate) fn post(path: &str, headers: Headers<'_>, body: &str) -> Bytes {
    let about = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    request(&format!("POST {path} HTTP/1.1\r\nhost: bench\r\n{about}"), headers, body)
}

fn request(begin: &str, headers: Headers<'_>, body: &str) -> Bytes {
    let mut request = begin.as_bytes().to_vec();
    for (name, value) in headers {
        request.extend_from_slice(format!("{name}: ").as_bytes());
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(format!("\r\n{body}").as_bytes());
    request.into()
}

/// How many requests a second the server at `address` answers to so many connections, asked for so long with
/// `requests` in turn. A thread of its own asks.
pub(crate) fn per_second(address: SocketAddr, requests: &[Bytes], connections: usize, length: Duration) -> Result<f64> {
    alone(async {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
        let mut opened = Vec::new();
        for _ in 0..connections {
            opened.push(Connection::open(address).await?);
        }
        let stopping = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            stopping.store(true, Ordering::Relaxed);
        });
        let begun = now();
        try_join_all(opened.into_iter().enumerate().map(|(number, mut connection)| {
            let (stop, answered) = (&stop, &answered);
            // Each begins somewhere else: two ask the same at once only by chance.
            let first = number * requests.len() / connections;
            async move {
                for request in requests.iter().cycle().skip(first) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let status = connection.status(request).await?;
                    ensure!(status == 200, "what is measured must succeed, but is answered {status}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }
        }))
        .await?;
        Ok(answered.into_inner() as f64 / begun.elapsed().as_secs_f64())
    })
}

/// Sends each of `requests` once, over so many connections; answers how long that took, and the answers in their
/// order. A thread of its own asks.
pub(crate) fn each_once(
    address: SocketAddr,
    requests: &[Bytes],
    connections: usize,
) -> Result<(Duration, Vec<Answer>)> {
    let asking = async {
        let mut opened = Vec::new();
        for _ in 0..connections {
            opened.push(Connection::open(address).await?);
        }
        let next = AtomicUsize::new(0);
        let begun = now();
        let answered = try_join_all(opened.into_iter().map(async |mut connection| {
            let mut answers = Vec::with_capacity(requests.len() / connections);
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(place) else { return Ok(answers) };
                let answer = connection.answer(request).await?;
                let told = || String::from_utf8_lossy(&answer.body).into_owned();
                ensure!(answer.status == 200, "what is measured must succeed, but: {} {}", answer.status, told());
                answers.push((place, answer));
            }
        }))
        .await?;
        let taken = begun.elapsed();
        let mut answers: Vec<_> = answered.into_iter().flatten().collect();
        answers.sort_by_key(|(place, _)| *place);
        Ok((taken, answers.into_iter().map(|(_, answer)| answer).collect()))
    };
    alone(asking)
}

/// Runs it on a thread of its own.
fn alone<T: Send>(asking: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::scope(|scope| {
        let thread = scope.spawn(|| runtime.block_on(asking));
        thread.join().map_err(|_| anyhow!("the thread that asks has panicked"))?
    })
}
