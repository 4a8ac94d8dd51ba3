//! A bank whose TLS is not what it should be: nothing is sent to it, and the daemon goes on once it is right.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use reconciled::config::{ClientCertificate, GatewayConfig};
use reconciled::domain::bank::{CompletionAnswer, StatusAnswer, UnknownKind};
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use reconciled::store::Store;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::child::{Process, wire_order};
use crate::fixture::{HASTE, World, wait_for, wait_for_state};
use crate::gateway_faults::Mouth;

/// How a bank presents itself.
#[derive(Clone)]
pub(crate) enum Presents {
    Certificate(Arc<ServerConfig>),
    /// A ServerHello that settles on TLS 1.1.
    OldVersion,
    /// Bytes that are no TLS.
    Plain,
    /// What the other presents, but not before it is told to.
    Later(Arc<Notify>, Box<Presents>),
}

/// A bank behind TLS. What it decrypts goes to the true bank behind it.
pub(crate) struct SecureFront {
    address: SocketAddr,
    pub(crate) presents: Arc<Mutex<Presents>>,
    /// What callers said to a bank that does not speak TLS with them.
    heard: Heard,
}

type Heard = Arc<Mutex<Vec<u8>>>;

impl SecureFront {
    pub(crate) async fn start(bank: SocketAddr, presents: Presents) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let presents = Arc::new(Mutex::new(presents));
        let heard = Heard::default();
        let (now, hears) = (Arc::clone(&presents), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let presents = now.lock().unwrap().clone();
                tokio::spawn(serve(stream, presents, bank, Arc::clone(&hears)));
            }
        });
        Self { address, presents, heard }
    }

    pub(crate) fn url(&self) -> String {
        self.origin("/payment/rest/")
    }

    /// Another path there.
    pub(crate) fn origin(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

async fn serve(mut stream: TcpStream, mut presents: Presents, bank: SocketAddr, heard: Heard) {
    if let Presents::Later(told, then) = presents {
        told.notified().await;
        presents = *then;
    }
    match presents {
        Presents::Certificate(config) => {
            // The caller hangs up in the handshake when it does not like what it sees.
            if let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await {
                let mut bank = TcpStream::connect(bank).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut bank).await;
            }
        }
        Presents::OldVersion => say(&mut stream, &server_hello_of_tls_1_1(), &heard).await,
        Presents::Plain => say(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n", &heard).await,
        Presents::Later(..) => {}
    }
}

/// Says it, and hears whatever comes until the caller hangs up.
async fn say(stream: &mut TcpStream, bytes: &[u8], heard: &Heard) {
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    heard.lock().unwrap().extend(answer);
}

fn server_hello_of_tls_1_1() -> Vec<u8> {
    let hello: Vec<u8> = [&[3, 2][..], &[7; 32], &[0], &[0xc0, 0x13], &[0]].concat();
    let handshake = [&[2, 0, 0, u8::try_from(hello.len()).unwrap()][..], &hello].concat();
    [&[22, 3, 2, 0, u8::try_from(handshake.len()).unwrap()][..], &handshake].concat()
}

/// A root of ours, and one that nobody trusts.
pub(crate) struct Roots {
    ours: CertifiedIssuer<'static, KeyPair>,
    strangers: CertifiedIssuer<'static, KeyPair>,
}

impl Roots {
    pub(crate) fn new() -> Self {
        let root = || {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        Self { ours: root(), strangers: root() }
    }

    pub(crate) fn pem(&self) -> String {
        self.ours.pem()
    }

    pub(crate) fn good(&self) -> Presents {
        presents(&self.ours, &for_this_host(), rustls::ALL_VERSIONS)
    }
}

fn for_this_host() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into())];
    params
}

fn presents(
    root: &CertifiedIssuer<'static, KeyPair>,
    params: &CertificateParams,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Presents {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, root).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Presents::Certificate(Arc::new(config))
}

/// What a bank presents, by name; none of it is to be trusted.
fn wrong(roots: &Roots) -> Vec<(&'static str, Presents)> {
    let mut expired = for_this_host();
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let mut not_yet = for_this_host();
    (not_yet.not_before, not_yet.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
    let another_host = CertificateParams::new(vec!["bank.example".to_owned()]).unwrap();
    vec![
        ("expired", presents(&roots.ours, &expired, rustls::ALL_VERSIONS)),
        ("not valid yet", presents(&roots.ours, &not_yet, rustls::ALL_VERSIONS)),
        ("another host's", presents(&roots.ours, &another_host, rustls::ALL_VERSIONS)),
        ("of an unknown root", presents(&roots.strangers, &for_this_host(), rustls::ALL_VERSIONS)),
        ("TLS 1.1", Presents::OldVersion),
        ("no TLS at all", Presents::Plain),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_bank_whose_tls_is_wrong() {
    let world = World::new(Settings::default(), HASTE).await;
    let roots = Roots::new();
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let front = SecureFront::start(world.bank.addr(), roots.good()).await;
    let mouth = Mouth::with(&world, &trusting(&world, &front.url(), &roots.pem()));
    let order = mouth.order("A-1").await;
    for (name, presents) in wrong(&roots) {
        let expected = UnknownKind::Tls;
        *front.presents.lock().unwrap() = presents;
        let status = mouth.status(&order).await;
        assert!(matches!(&status, StatusAnswer::Unknown(unknown) if unknown.kind == expected), "{name}: {status:?}");
        let completion = mouth.complete(&id).await;
        assert!(matches!(&completion, CompletionAnswer::NotSent(_)), "{name}: {completion:?}");
    }
    assert!(world.asked_about().is_empty());
    assert_eq!(world.completions("A-1"), (0, 0));
    let heard = front.heard.lock().unwrap().clone();
    assert!(!heard.is_empty() && !heard.windows(8).any(|word| word == b"userName"), "said in the clear");

    // The same bank with what it should have, by either version that is safe.
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        *front.presents.lock().unwrap() = presents(&roots.ours, &for_this_host(), versions);
        let status = Mouth::with(&world, &trusting(&world, &front.url(), &roots.pem())).status(&order).await;
        assert!(matches!(status, StatusAnswer::Known(_)), "{versions:?}: {status:?}");
    }
}

/// A bank that asks who knocks, and lets in whoever has a certificate of its own root.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_asks_for_a_certificate_is_shown_ours() {
    let world = World::new(Settings::default(), HASTE).await;
    let roots = Roots::new();
    world.register("A-1", 10_000);
    let front = SecureFront::start(world.bank.addr(), asking(&roots)).await;
    let without = trusting(&world, &front.url(), &roots.pem());
    let mouth = Mouth::with(&world, &without);
    let order = mouth.order("A-1").await;
    let ours = client_of(&roots.ours);
    let strangers = client_of(&roots.strangers);
    for (client, is_let_in) in [(None, false), (Some(strangers), false), (Some(ours), true)] {
        let status = Mouth::with(&world, &GatewayConfig { client, ..without.clone() }).status(&order).await;
        assert_eq!(matches!(status, StatusAnswer::Known(_)), is_let_in, "{status:?}");
    }
    assert_eq!(world.asked_about(), ["A-1"]);
}

fn client_of(root: &CertifiedIssuer<'static, KeyPair>) -> ClientCertificate {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["shop".to_owned()]).unwrap().signed_by(&key, root).unwrap();
    let (chain_pem, key_pem) = (certificate.pem().into_bytes(), key.serialize_pem().into());
    ClientCertificate { chain_pem, key_pem }
}

fn asking(roots: &Roots) -> Presents {
    let key = KeyPair::generate().unwrap();
    let certificate = for_this_host().signed_by(&key, &roots.ours).unwrap();
    let mut store = rustls::RootCertStore::empty();
    store.add(roots.ours.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    Presents::Certificate(Arc::new(config))
}

/// What a proxy heard, and whether it lets anybody through.
struct Proxy {
    address: SocketAddr,
    heard: Heard,
    opens: Arc<AtomicBool>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (heard, opens) = (Heard::default(), Arc::new(AtomicBool::new(true)));
        let proxy = Self { address: listener.local_addr().unwrap(), heard, opens };
        let (hears, opens) = (Arc::clone(&proxy.heard), Arc::clone(&proxy.opens));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hand_on(stream, Arc::clone(&hears), opens.load(Ordering::SeqCst)));
            }
        });
        proxy
    }
}

/// CONNECT, and then bytes both ways, of which everything is heard.
async fn hand_on(mut stream: TcpStream, heard: Heard, opens: bool) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    heard.lock().unwrap().extend(&head);
    if !opens {
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        return;
    }
    let text = String::from_utf8(head).unwrap();
    let mut bank = TcpStream::connect(text.split(' ').nth(1).unwrap()).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let (mut from, mut to) = stream.split();
    let (mut answers, mut asks) = bank.split();
    let asking = async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            heard.lock().unwrap().extend(&buffer[..read]);
            asks.write_all(&buffer[..read]).await.unwrap();
        }
    };
    let _ = tokio::join!(asking, tokio::io::copy(&mut answers, &mut to));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_hands_on_what_it_cannot_read_and_its_refusal_proves_that_nothing_was_sent() {
    let world = World::new(Settings::default(), HASTE).await;
    let roots = Roots::new();
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let front = SecureFront::start(world.bank.addr(), roots.good()).await;
    let proxy = Proxy::start().await;
    let config = trusting(&world, &front.url(), &roots.pem());
    let through = GatewayConfig { proxy: Some(format!("http://{}", proxy.address)), ..config };
    let mouth = Mouth::with(&world, &through);
    let order = mouth.order("A-1").await;
    assert!(matches!(mouth.status(&order).await, StatusAnswer::Known(_)));
    let heard = proxy.heard.lock().unwrap().clone();
    assert!(heard.starts_with(b"CONNECT ") && !heard.windows(8).any(|word| word == b"userName"), "said in the clear");

    proxy.opens.store(false, Ordering::SeqCst);
    let completion = mouth.complete(&id).await;
    assert!(matches!(&completion, CompletionAnswer::NotSent(_)), "{completion:?}");
    assert_eq!(world.completions("A-1"), (0, 0));
    proxy.opens.store(true, Ordering::SeqCst);
    assert!(matches!(mouth.complete(&id).await, CompletionAnswer::Itemised(_)));
    assert_eq!(world.completions("A-1"), (1, 1));
}

fn trusting(world: &World, url: &str, root: &str) -> GatewayConfig {
    let gateway = world.config().merchants[0].gateway.clone();
    GatewayConfig { url: url.to_owned(), extra_roots_pem: Some(root.as_bytes().to_vec()), ..gateway }
}

/// A bank that let its certificate expire, and renews it.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_settles_once_the_bank_has_its_certificate_right() {
    let roots = Roots::new();
    let (_, expired) = wrong(&roots).remove(0);
    let world = World::new(Settings::default(), HASTE).await;
    let front = SecureFront::start(world.bank.addr(), expired).await;
    let config = behind_tls(&world, &front, &roots);
    let id = world.register_two_phase("A-1", 10_000);
    world.bank.bank().pay(&id).unwrap();
    let process = Process::start(&config).drained();
    assert_eq!(process.post_order(&wire_order("A-1", 10_000)).0, 201);
    let store = Store::open(&world.config().database).unwrap();
    wait_for(&store, "A-1", |found| found.order.heard.as_ref().is_some_and(|heard| heard.words.contains("tls: ")))
        .await;
    assert!(world.asked_about().is_empty());
    *front.presents.lock().unwrap() = roots.good();
    wait_for_state(&store, "A-1", State::Deposited).await;
    assert_eq!(world.completions("A-1"), (1, 1));
}

/// The world's configuration with its bank behind `front`, and a root trusted for it.
pub(crate) fn behind_tls(world: &World, front: &SecureFront, roots: &Roots) -> PathBuf {
    let root = world.directory.path().join("root.pem");
    std::fs::write(&root, roots.pem()).unwrap();
    let user = "user_name =";
    let with_root = format!("extra_root = \"{}\"\n{user}", root.display());
    let toml = world.toml().replace(&world.bank.rest_url(), &front.url()).replace(user, &with_root);
    let path = world.directory.path().join("secure.toml");
    std::fs::write(&path, toml).unwrap();
    path
}
