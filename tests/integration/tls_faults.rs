//! A bank whose TLS is not what it should be: nothing is sent to it, and the daemon goes on once it is right.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use reconciled::config::GatewayConfig;
use reconciled::domain::bank::{CompletionAnswer, StatusAnswer, UnknownKind};
use reconciled::domain::order::State;
use reconciled::sandbox::Settings;
use reconciled::store::Store;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
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
        format!("https://{}/payment/rest/", self.address)
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
        *front.presents.lock().unwrap() = presents;
        let status = mouth.status(&order).await;
        assert!(
            matches!(&status, StatusAnswer::Unknown(unknown) if unknown.kind == UnknownKind::Unreachable),
            "{name}: {status:?}"
        );
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
    wait_for(&store, "A-1", |found| {
        found.order.heard.as_ref().is_some_and(|heard| heard.words.contains("unreachable"))
    })
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
