//! What is asked of one `[[merchant]]`: who it is, where its bank is, how we are known there, and its budget.
//!
//! Every number has its limits beside it, and the limits their reason. The policies of its orders are
//! [`super::policies`].

use std::fs;
use std::io::{self, Read};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::callbacks;
use super::policies;
use super::raw::{NOT_SHOWN, Noted, Section};
use super::secrets::{self, Secret, Surroundings};
use super::values::{self, Address, Limits, as_written};
use super::webhooks;
use super::{
    Budget, ClientCertificate, CompletionConfig, CompletionMethod, Credentials, GatewayConfig, MerchantConfig,
    Protocol, ReviewConfig, SharedBudgetConfig,
};
use crate::domain::calendar::Zone;
use crate::domain::money::Currency;
use crate::domain::operation::OperationKind;
use crate::domain::order::{MerchantId, ORDER_NUMBER_MAX};

const TIMEOUT: Limits<Duration> = Limits {
    min: Duration::from_millis(100),
    max: Duration::from_secs(120),
    why: "in less no bank abroad can answer, and longer waits hold up the queue",
};
const DISCOVERY: Limits<Duration> = Limits {
    min: Duration::from_secs(300),
    max: Duration::from_secs(86_400),
    why: "more often it takes requests from the looks, and later than a day a payment was long missing",
};
const ORDER_NUMBER: Limits<u32> =
    Limits { min: 32, max: 36, why: "32 is the length in the bank's documents, 36 the longest any bank takes" };
const BURST: Limits<u32> =
    Limits { min: 1, max: 1000, why: "saved-up requests leave at once, and a bank takes a thousand for an attack" };
const RESERVE: Limits<u32> = Limits {
    min: 0,
    max: 90,
    why: "what money does not need is kept for nothing, and orders must be looked at as well",
};
const DAILY: Limits<u32> =
    Limits { min: 100, max: 100_000_000, why: "with less no shop could be served, and more no rate comes to in a day" };
const IN_FLIGHT: Limits<u32> =
    Limits { min: 1, max: 64, why: "each holds a connection, and a gateway allows a host a few dozen" };

/// The longest file of certificates, in bytes: the whole public set has a quarter of it.
const PEM_MAX: u64 = 1 << 20;

/// The longest `userName`, in characters: the longest of any bank's documents.
const USER_NAME_MAX: usize = 100;

/// What the merchants read so far have taken.
#[derive(Default)]
pub(super) struct Taken {
    /// What there is to share.
    budgets: Vec<SharedBudgetConfig>,
    names: Vec<MerchantId>,
    /// Address and login.
    accounts: Vec<(String, String)>,
}

impl Taken {
    /// Nothing, where there are `budgets` to share.
    pub(super) fn of(budgets: &[SharedBudgetConfig]) -> Self {
        Self { budgets: budgets.to_vec(), ..Self::default() }
    }
}

/// Reads a merchant. Everything is read before the first mistake ends it, so that all of them are noted.
pub(super) fn merchant(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    taken: &mut Taken,
) -> Result<MerchantConfig, Noted> {
    let id = name(section, taken);
    let timeouts = timeouts(section);
    let is_soap = section.parsed_or("protocol", false, protocol);
    let gateway = gateway(section, around, taken, is_soap, &timeouts);
    let currency =
        section.parsed_or("currency", Currency::RUB, |text| Currency::parse(text).map_err(|error| error.to_string()));
    let zone = zone(section);
    let order_number_max = number(section, "order_number_max", ORDER_NUMBER_MAX, &ORDER_NUMBER);
    let (budget, shared_budget) = section.section("budget", |section| budget(section, &taken.budgets));
    let looks = section.section("looks", policies::looks);
    let completion = section.section("completion", policies::completion);
    let refund_tools = section.flag_or("refund_tools", false);
    // A refund that goes without its id must not be sent again as one that the bank knows by it.
    section.relation(
        &["refund_tools", "protocol"],
        !(refund_tools && is_soap),
        "take it out, or give protocol = \"rest\": a refund over SOAP carries no externalRefundId",
    );
    let money = section.section("money", |section| policies::money(section, currency));
    let holds = section.section("hold", policies::holds);
    let report = section.section("report", policies::report);
    let is_real = gateway.as_ref().is_ok_and(|gateway| !is_loopback(&gateway.url));
    let callbacks = section.section("callbacks", |section| callbacks::callbacks(section, around, is_real));
    let discovery_every = section.section("discovery", discovery);
    let review = section.section("review", |section| ReviewConfig { four_eyes: section.flag_or("four_eyes", false) });
    let registration = section.section("registration", policies::registration);
    let webhooks = webhooks::webhooks(section, around);
    if let (Ok(completion), Ok(zone)) = (&completion, &zone) {
        policies::quiet_enough(section, completion, timeouts.request);
        policies::in_time(section, completion, &holds, zone);
    }
    if let (Ok(report), Ok(zone)) = (&report, &zone) {
        policies::comes_at_all(section, report, zone);
    }
    Ok(MerchantConfig {
        id: id?,
        gateway: gateway?,
        currency,
        zone: zone?,
        order_number_max,
        budget,
        shared_budget: shared_budget?,
        looks,
        completion: over_its_wire(completion?, refund_tools, is_soap),
        money,
        holds,
        report: report?,
        review,
        registration,
        discovery_every,
        callbacks: callbacks?,
        webhooks: webhooks?,
    })
}

/// Whether the bank tells a refund from the same one asked for again is the bank's, and what can be asked of it at all
/// is its wire's: settling depends on both.
fn over_its_wire(mut completion: CompletionConfig, refund_tools: bool, is_soap: bool) -> CompletionConfig {
    completion.settle.refund_tools = refund_tools;
    if is_soap {
        completion.settle.without_request = &[OperationKind::Decline];
    }
    completion
}

/// How many: `default` when nothing is written.
pub(super) fn count(section: &mut Section<'_, '_>, key: &'static str, default: u32) -> NonZeroUsize {
    let found = section.integer_or(key, default, &IN_FLIGHT);
    usize::try_from(found).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN)
}

fn number(section: &mut Section<'_, '_>, key: &'static str, default: usize, limits: &Limits<u32>) -> usize {
    let found = section.integer_or(key, u32::try_from(default).unwrap_or(limits.min), limits);
    usize::try_from(found).unwrap_or(default)
}

/// The name, after which its other keys are named as soon as it is known to be its own.
fn name(section: &mut Section<'_, '_>, taken: &mut Taken) -> Result<MerchantId, Noted> {
    let remedy = "name the merchant with a-z, 0-9, _ and -: metrics and reports call it so";
    let id = section.required("name", remedy, |text| {
        let id = MerchantId::new(text).map_err(|error| error.to_string())?;
        if taken.names.contains(&id) {
            return Err("give every merchant its own name; another one has this already".to_owned());
        }
        Ok(id)
    })?;
    section.rename(format!("merchant.{}", id.as_str()));
    taken.names.push(id.clone());
    Ok(id)
}

fn zone(section: &mut Section<'_, '_>) -> Result<Zone, Noted> {
    let parse = |text: &str| Zone::parse(text).map_err(|_| "give an IANA zone such as \"Europe/Moscow\"".to_owned());
    match section.parsed("zone", parse) {
        Some(found) => found,
        None => parse("Europe/Moscow").map_err(|remedy| section.problem("zone", remedy)),
    }
}

fn gateway(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    taken: &mut Taken,
    is_soap: bool,
    timeouts: &Timeouts,
) -> Result<GatewayConfig, Noted> {
    let completion_method = section.parsed_or("completion_method", CompletionMethod::AutoCompletion, |text| {
        CompletionMethod::parse(text).ok_or_else(|| "give \"auto_completion\" or \"deposit\"".to_owned())
    });
    let address = address(section, is_soap);
    let loyalty = loyalty_address(section, is_soap, completion_method, address.as_ref().ok());
    let credentials =
        credentials(section, around, [address.as_ref().ok(), loyalty.as_ref().ok().and_then(Option::as_ref)]);
    if is_soap && matches!(&credentials, Ok(Credentials::Token(_))) {
        let remedy = "SOAP knows no token; give user_name and password, or protocol = \"rest\"";
        section.problem_showing("token", NOT_SHOWN, remedy);
    }
    let extra_roots_pem = extra_roots(section, around.directory);
    let client = client(section, around);
    let proxy = proxy(section, address.as_ref().ok());
    let language = section.parsed_or("language", "ru".to_owned(), language);
    let (address, loyalty, credentials) = (address?, loyalty?, credentials?);
    let loyalty_url = loyalty.map(|address| address.url);
    own_account(section, &address, &credentials, taken);
    Ok(GatewayConfig {
        url: address.url,
        protocol: if is_soap { Protocol::Soap { loyalty_url } } else { Protocol::Rest },
        completion_method,
        credentials,
        extra_roots_pem: extra_roots_pem?,
        client: client?,
        proxy: proxy?,
        language,
        connect_timeout: timeouts.connect,
        request_timeout: timeouts.request,
    })
}

struct Timeouts {
    connect: Duration,
    request: Duration,
}

fn timeouts(section: &mut Section<'_, '_>) -> Timeouts {
    let connect = section.duration_or("connect_timeout", Duration::from_secs(5), &TIMEOUT);
    let request = section.duration_or("request_timeout", Duration::from_secs(20), &TIMEOUT);
    section.relation(
        &["connect_timeout", "request_timeout"],
        connect <= request,
        format!(
            "connect_timeout, {}, must be at most request_timeout, {}: connecting is a part of it",
            as_written(connect),
            as_written(request)
        ),
    );
    Timeouts { connect, request }
}

/// Whether it is SOAP.
fn protocol(text: &str) -> Result<bool, String> {
    match text {
        "rest" => Ok(false),
        "soap" => Ok(true),
        _ => Err("give \"rest\" or \"soap\"".to_owned()),
    }
}

fn address(section: &mut Section<'_, '_>, is_soap: bool) -> Result<Address, Noted> {
    let found = address_at(section, "gateway", if is_soap { values::endpoint } else { values::address });
    found.unwrap_or_else(|| {
        let what = if is_soap { "SOAP service" } else { "REST gateway, its whole prefix" };
        Err(section.problem("gateway", format!("give the address of the bank's {what}")))
    })
}

/// Where composite completions go over SOAP: as written, or beside the merchant service under its usual name.
fn loyalty_address(
    section: &mut Section<'_, '_>,
    is_soap: bool,
    method: CompletionMethod,
    gateway: Option<&Address>,
) -> Result<Option<Address>, Noted> {
    const KEY: &str = "loyalty_gateway";
    let is_used = is_soap && method == CompletionMethod::AutoCompletion;
    match (address_at(section, KEY, values::endpoint), is_used) {
        (None, false) => Ok(None),
        (Some(address), true) => address.map(Some),
        (Some(_), false) => {
            let remedy = "take it out: it is for protocol = \"soap\" with completion_method = \"auto_completion\"";
            Err(section.problem(KEY, remedy))
        }
        (None, true) => {
            // Without a gateway there is a problem already, and nothing to put it beside.
            let Some(gateway) = gateway else { return Ok(None) };
            let Some(beside) = gateway.url.strip_suffix("/merchant-ws") else {
                let remedy = "gateway does not end in /merchant-ws, so say where the bank's loyalty service is; or, if it \
                              has none, give completion_method = \"deposit\"";
                return Err(section.problem(KEY, remedy));
            };
            Ok(Some(Address { url: format!("{beside}/merchant-loyalty-ws"), is_loopback: gateway.is_loopback }))
        }
    }
}

/// An address. One that seems to have credentials in it is not shown.
fn address_at(
    section: &mut Section<'_, '_>,
    key: &'static str,
    read: fn(&str) -> Result<Address, String>,
) -> Option<Result<Address, Noted>> {
    let text = match section.text(key)? {
        Ok(text) => text,
        Err(noted) => return Some(Err(noted)),
    };
    Some(read(text).map_err(|remedy| {
        if text.contains(['@', '?', '#']) {
            section.problem_showing(key, NOT_SHOWN, remedy)
        } else {
            section.problem(key, remedy)
        }
    }))
}

fn credentials(
    section: &mut Section<'_, '_>,
    around: &Surroundings<'_>,
    addresses: [Option<&Address>; 2],
) -> Result<Credentials, Noted> {
    const EITHER: &str = "give either user_name and password, or token";
    let user_name = section.parsed("user_name", user_name);
    let is_real = addresses.into_iter().flatten().any(|address| !address.is_loopback);
    let password = merchant_secret(section, "password", around, is_real);
    let token = merchant_secret(section, "token", around, is_real);
    match (user_name, password, token) {
        (Some(user_name), Some(password), None) => {
            let (user_name, password) = (user_name?, password?.text);
            Ok(Credentials::Login { user_name, password })
        }
        (None, None, Some(token)) => Ok(Credentials::Token(token?.text)),
        (_, _, Some(_)) => Err(section.problem_showing("token", NOT_SHOWN, format!("{EITHER}, never both"))),
        (Some(_), None, None) => Err(section.problem("password", EITHER)),
        (None, _, None) => Err(section.problem("user_name", EITHER)),
    }
}

fn user_name(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if (1..=USER_NAME_MAX).contains(&length) && text.trim() == text && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(format!("give the bank's service login, 1 to {USER_NAME_MAX} characters without space around it"))
}

/// A secret for the bank; a public one only where no real money is.
fn merchant_secret(
    section: &mut Section<'_, '_>,
    key: &'static str,
    around: &Surroundings<'_>,
    is_real: bool,
) -> Option<Result<Secret, Noted>> {
    let found = secrets::secret(section, key, around)?;
    Some(found.and_then(|secret| {
        if secret.is_public && is_real {
            let remedy = "a public password is for a sandbox on a loopback address; refer to a secret";
            return Err(section.problem_showing(key, NOT_SHOWN, remedy));
        }
        Ok(secret)
    }))
}

/// One account, one budget: two merchants with one login would together ask twice as much as either was allowed.
fn own_account(section: &mut Section<'_, '_>, address: &Address, credentials: &Credentials, taken: &mut Taken) {
    let (key, login) = match credentials {
        Credentials::Login { user_name, .. } => ("user_name", user_name.clone()),
        // A control character keeps it apart from any login.
        Credentials::Token(token) => ("token", format!("\0{}", token.expose_secret())),
    };
    let account = (address.url.to_ascii_lowercase(), login);
    if taken.accounts.contains(&account) {
        let remedy = "another merchant has this gateway and login already, and their budgets would add up; make them \
                      one merchant, or give this one its own login";
        let shown = if key == "token" { NOT_SHOWN.to_owned() } else { format!("{:?}", account.1) };
        section.problem_showing(key, shown, remedy);
    }
    taken.accounts.push(account);
}

fn extra_roots(section: &mut Section<'_, '_>, directory: &Path) -> Result<Option<Vec<u8>>, Noted> {
    section.parsed("extra_root", |text| certificates(&directory.join(text))).transpose()
}

/// The bytes of a PEM file. What is in it is the TLS stack's to judge; here a key, or another file, is refused.
pub(super) fn certificates(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("{}: {error}; name a readable PEM file", path.display());
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{} is not a plain file; name a PEM file", path.display()));
    }
    let mut pem = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(PEM_MAX + 1).read_to_end(&mut pem).map_err(unreadable)?;
    let has = |marker: &[u8]| pem.windows(marker.len()).any(|window| window == marker);
    if pem.len() as u64 > PEM_MAX {
        return Err("it is longer than 1 MiB; name a PEM file with the bank's root alone".to_owned());
    }
    if has(b"PRIVATE KEY-----") {
        return Err("it has a private key in it; name a PEM file with certificates alone".to_owned());
    }
    if !has(b"-----BEGIN CERTIFICATE-----") {
        return Err("it has no certificate in it; convert it: openssl x509 -inform der -in FILE".to_owned());
    }
    Ok(pem)
}

fn discovery(section: &mut Section<'_, '_>) -> Option<Duration> {
    section.parsed_or("every", None, |text| match text {
        "off" => Ok(None),
        text => values::duration_within(text, &DISCOVERY).map(Some),
    })
}

/// The certificate that the bank knows us by, with its key: both or neither.
fn client(section: &mut Section<'_, '_>, around: &Surroundings<'_>) -> Result<Option<ClientCertificate>, Noted> {
    const BOTH: &str = "give both client_certificate and client_key, or neither";
    let chain = section.parsed("client_certificate", |text| certificates(&around.directory.join(text)));
    let key = secrets::private_key(section, "client_key", around);
    match (chain.transpose()?, key.transpose()?) {
        (Some(chain_pem), Some(key)) => Ok(Some(ClientCertificate { chain_pem, key_pem: key.text })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(section.problem("client_key", BOTH)),
        (None, Some(_)) => Err(section.problem("client_certificate", BOTH)),
    }
}

/// The proxy. Only what TLS protects goes through one: it hands on whatever else it is given as it likes.
fn proxy(section: &mut Section<'_, '_>, address: Option<&Address>) -> Result<Option<String>, Noted> {
    let Some(text) = section.text("proxy") else { return Ok(None) };
    let text = text?;
    let found = values::proxy(text).map_err(|remedy| section.problem_showing("proxy", NOT_SHOWN, remedy))?;
    if address.is_some_and(|address| !address.url.starts_with("https://")) {
        let remedy = "the gateway is not at an https address, and a proxy would read what is sent to it; leave it out";
        return Err(section.problem("proxy", remedy));
    }
    Ok(Some(found))
}

fn is_loopback(url: &str) -> bool {
    values::address(url).is_ok_and(|address| address.is_loopback)
}

fn language(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_lowercase()) {
        return Ok(text.to_owned());
    }
    Err("give two lower-case letters, such as \"ru\"".to_owned())
}

type OwnAndShared = (Budget, Result<Option<SharedBudgetConfig>, Noted>);

fn budget(section: &mut Section<'_, '_>, budgets: &[SharedBudgetConfig]) -> OwnAndShared {
    let period = section.parsed_or("requests", Duration::from_millis(200), values::period);
    let budget = Budget {
        period,
        burst: burst(section, period),
        in_flight: count(section, "in_flight", 4),
        reserve: section.integer_or("reserve", Budget::RESERVE, &RESERVE),
        daily: section.integer("daily", &DAILY).and_then(NonZeroU32::new),
    };
    let shared = section.parsed("shared", |name| {
        let found = budgets.iter().find(|budget| budget.name == name).cloned();
        found.ok_or_else(|| "give the name of a [[budget]] that stands in the file".to_owned())
    });
    (budget, shared.transpose())
}

/// One `[[budget]]`.
pub(super) fn shared_budget(
    section: &mut Section<'_, '_>,
    names: &mut Vec<MerchantId>,
) -> Result<SharedBudgetConfig, Noted> {
    let name = section.required("name", "name the budget with a-z, 0-9, _ and -", |text| {
        let name = MerchantId::new(text).map_err(|error| error.to_string())?;
        if names.contains(&name) {
            return Err("give every budget its own name; another one has this already".to_owned());
        }
        Ok(name)
    });
    if let Ok(name) = &name {
        section.rename(format!("budget.{}", name.as_str()));
        names.push(name.clone());
    }
    let remedy = "say how many requests all of them together may send, such as \"10/s\"";
    let period = section.required("requests", remedy, values::period);
    let burst = burst(section, *period.as_ref().unwrap_or(&Duration::from_secs(1)));
    Ok(SharedBudgetConfig { name: name?.as_str().to_owned(), period: period?, burst })
}

/// What may be saved up of a request every `period`.
pub(super) fn burst(section: &mut Section<'_, '_>, period: Duration) -> NonZeroU32 {
    let usual = Budget::usual_burst(period);
    NonZeroU32::new(section.integer_or("burst", usual.get(), &BURST)).unwrap_or(usual)
}
