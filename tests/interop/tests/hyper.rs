//! hyper 1 on the loop, server and client, over real sockets.

#[path = "../../support/mod.rs"]
mod support;

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glassloop::net::{TcpListener, TcpStream};
use glassloop::{JoinHandle, join_all, spawn};
use glassloop_interop::hyper_rt::{Loop, Stream};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, client, server};
use support::{on_loop, on_virtual_loop};

/// From nothing to 3 MB, and around the sizes of buffers.
const SIZES: [usize; 8] = [0, 1, 1000, 16 * 1024 - 1, 16 * 1024, 65 * 1024, 1 << 20, 3_000_000];

/// Bytes of which no two stretches are alike, so that none can be lost, doubled or
/// swapped unnoticed. Each connection begins at another place.
struct Bodies(Bytes);

impl Bodies {
    fn new() -> Rc<Bodies> {
        let mut state: u64 = 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        Rc::new(Bodies((0..SIZES[SIZES.len() - 1] + 20_000).map(|_| next()).collect()))
    }

    fn get(&self, connection: usize, size: usize) -> Bytes {
        self.0.slice(connection * 1000..connection * 1000 + size)
    }
}

/// Answers with the body of the request, part by part, as it comes in.
async fn echo(request: Request<Incoming>) -> Result<Response<Incoming>, Infallible> {
    Ok(Response::new(request.into_body()))
}

/// A server at `address`, whose tasks are dropped with the loop.
async fn listen() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), listener)
}

async fn serve_http_1() -> SocketAddr {
    let (address, listener) = listen().await;
    spawn(async move {
        loop {
            let stream = Stream::new(listener.accept().await.unwrap().0);
            let mut http = server::conn::http1::Builder::new();
            http.timer(Loop).header_read_timeout(Duration::from_secs(30));
            spawn(http.serve_connection(stream, service_fn(echo))).detach();
        }
    })
    .detach();
    address
}

fn post(body: Bytes) -> Request<Full<Bytes>> {
    Request::post("/echo").header("host", "localhost").body(Full::new(body)).unwrap()
}

fn expect_same(what: &str, sent: &[u8], got: &[u8]) {
    assert_eq!(got.len(), sent.len(), "{what}: so many came back");
    let differs = || sent.iter().zip(got).position(|(sent, got)| sent != got);
    assert!(got == sent, "{what}: another byte came back at {:?}", differs());
}

#[test]
fn twenty_connections_carry_bodies_of_all_sizes_and_no_byte_is_lost() {
    on_loop(|| async {
        let address = serve_http_1().await;
        let bodies = Bodies::new();
        let clients = (0..20).map(|n| spawn(one_connection(address, bodies.clone(), n)));
        let bytes: usize = join_all(clients).await.into_iter().map(Result::unwrap).sum();
        assert_eq!(bytes, 20 * SIZES.iter().sum::<usize>());
    });
}

/// One connection, and on it a request for each size. Returns how many bytes came back.
async fn one_connection(address: SocketAddr, bodies: Rc<Bodies>, connection: usize) -> usize {
    let stream = Stream::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, http) = client::conn::http1::handshake(stream).await.unwrap();
    let http: JoinHandle<hyper::Result<()>> = spawn(http);
    let mut bytes = 0;
    for size in SIZES {
        let sent = bodies.get(connection, size);
        let response = sender.send_request(post(sent.clone())).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let got = response.into_body().collect().await.unwrap().to_bytes();
        expect_same(&format!("connection {connection}, {size} bytes"), &sent, &got);
        bytes += got.len();
    }
    drop(sender);
    http.await.unwrap().unwrap();
    bytes
}

#[test]
fn a_service_may_keep_an_rc_across_an_await() {
    on_loop(|| async {
        let (address, listener) = listen().await;
        let served = Rc::new(Cell::new(0));
        let count = served.clone();
        spawn(async move {
            let stream = Stream::new(listener.accept().await.unwrap().0);
            let service = service_fn(move |request: Request<Incoming>| {
                let count = count.clone();
                async move {
                    glassloop::yield_now().await;
                    count.set(count.get() + 1);
                    echo(request).await
                }
            });
            server::conn::http1::Builder::new().serve_connection(stream, service).await
        })
        .detach();
        one_connection(address, Bodies::new(), 0).await;
        assert_eq!(served.get(), SIZES.len());
    });
}

#[test]
fn http_2_spawns_its_streams_on_the_loop() {
    on_loop(|| async {
        let (address, listener) = listen().await;
        spawn(async move {
            let stream = Stream::new(listener.accept().await.unwrap().0);
            let http = server::conn::http2::Builder::new(Loop);
            http.serve_connection(stream, service_fn(echo)).await
        })
        .detach();
        let stream = Stream::new(TcpStream::connect(address).await.unwrap());
        let (sender, http) = client::conn::http2::handshake(Loop, stream).await.unwrap();
        spawn(http).detach();
        let bodies = Bodies::new();
        let streams = (0..20).map(|number| {
            let (mut sender, bodies) = (sender.clone(), bodies.clone());
            async move {
                for size in SIZES {
                    let sent = bodies.get(number, size);
                    let request = Request::post("http://localhost/").body(Full::new(sent.clone()));
                    let response = sender.send_request(request.unwrap()).await.unwrap();
                    let got = response.into_body().collect().await.unwrap().to_bytes();
                    expect_same(&format!("stream {number}, {size} bytes"), &sent, &got);
                }
            }
        });
        join_all(streams).await;
    });
}

/// Half a minute, but on virtual time.
#[test]
fn a_request_that_never_ends_is_given_up_when_its_time_is_over() {
    on_virtual_loop(|| async {
        let address = serve_http_1().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let start = glassloop::now();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let waited = glassloop::now() - start;
        assert!(
            waited >= Duration::from_secs(30) && waited < Duration::from_secs(31),
            "hyper closes the connection when its timer says so: after 30 s, not {waited:?}"
        );
    });
}
