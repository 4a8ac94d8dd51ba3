//! What differs between two configurations, by key: what a reload says, and what it cannot do.
//!
//! Every struct is taken apart by name, so that a new key is a compile error here until somebody says how it changes.
//! No value is shown.

use secrecy::{ExposeSecret, SecretString};

use super::{
    AddressConfig, Budget, CallbackConfig, ClientCertificate, CompletionConfig, Config, Credentials, GatewayConfig,
    IntegrityConfig, MerchantConfig, Protocol, RegistrationConfig, ReportConfig, RetentionConfig, ReviewConfig,
    SealKeys, Target, WebhookConfig,
};
use crate::domain::guard::GuardPolicy;
use crate::domain::holds::HoldPolicy;
use crate::domain::operation::SettlePolicy;
use crate::domain::polling::LookPolicy;

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// On reload.
    AtOnce,
    /// Only when the process starts anew.
    NeedsRestart,
}

/// One key that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which: `merchant.shop.budget`, `merchant.shop.password (content)`, `merchant.shop (added)`.
    pub key: String,
    /// When it takes effect.
    pub effect: Effect,
}

/// Everything that differs, the whole file's keys first, then by merchant in the order of `new`, then those gone.
pub fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let mut all = whole_file(old, new);
    let mut at_once = |key: String| {
        all.push(Change { key, effect: Effect::AtOnce });
    };
    for merchant in &new.merchants {
        let name = merchant.id.as_str();
        match old.merchant(&merchant.id) {
            None => at_once(format!("merchant.{name} (added)")),
            Some(before) => {
                for key in differing(before, merchant) {
                    at_once(format!("merchant.{name}.{key}"));
                }
            }
        }
    }
    for gone in old.merchants.iter().filter(|merchant| new.merchant(&merchant.id).is_none()) {
        at_once(format!("merchant.{} (removed)", gone.id.as_str()));
    }
    all
}

impl MerchantConfig {
    /// Whether nothing differs, secrets included.
    pub fn same_as(&self, other: &Self) -> bool {
        self.id == other.id && differing(self, other).is_empty()
    }
}

/// Keys, and whether they are as they were.
type Keys<const N: usize> = [(&'static str, bool); N];

fn whole_file(old: &Config, new: &Config) -> Vec<Change> {
    let Config {
        path: _,
        database,
        reports,
        spool,
        listen,
        api_token,
        metrics_want_token,
        shutdown_grace,
        clock_tolerance,
        integrity,
        retention,
        // Told where merchants share them: what nobody shares changes nothing.
        budgets: _,
        merchants: _,
    } = old;
    let IntegrityConfig { keys, witness } = integrity;
    let RetentionConfig { answers } = retention;
    let same_token = match (api_token, &new.api_token) {
        (Some(old), Some(new)) => same_secret(old, new),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    [
        ("database", *database == new.database, Effect::NeedsRestart),
        ("reports", *reports == new.reports, Effect::AtOnce),
        ("spool", *spool == new.spool, Effect::AtOnce),
        ("listen", *listen == new.listen, Effect::NeedsRestart),
        ("api_token (content)", same_token, Effect::AtOnce),
        ("metrics_want_token", *metrics_want_token == new.metrics_want_token, Effect::AtOnce),
        ("shutdown_grace", *shutdown_grace == new.shutdown_grace, Effect::AtOnce),
        ("clock_tolerance", *clock_tolerance == new.clock_tolerance, Effect::NeedsRestart),
        ("integrity.keys (content)", same_keys(keys, &new.integrity.keys), Effect::NeedsRestart),
        ("retention.answers", *answers == new.retention.answers, Effect::AtOnce),
        ("integrity.witness", *witness == new.integrity.witness, Effect::NeedsRestart),
    ]
    .into_iter()
    .filter(|(_, same, _)| !same)
    .map(|(key, _, effect)| Change { key: key.to_owned(), effect })
    .collect()
}

/// The keys of one merchant that differ, without its name.
fn differing(old: &MerchantConfig, new: &MerchantConfig) -> Vec<&'static str> {
    let MerchantConfig {
        id: _,
        gateway: old_gateway,
        currency,
        zone,
        order_number_max,
        budget: Budget { period, burst, in_flight, reserve, daily },
        shared_budget,
        looks: old_looks,
        completion: old_completion,
        money: old_money,
        holds: old_holds,
        report: old_report,
        review: ReviewConfig { four_eyes },
        registration: RegistrationConfig { wait, keep },
        discovery_every,
        callbacks: old_callbacks,
        webhooks: old_webhooks,
    } = old;
    let own = [
        ("currency", *currency == new.currency),
        ("zone", *zone == new.zone),
        ("order_number_max", *order_number_max == new.order_number_max),
        ("budget.requests", *period == new.budget.period),
        ("budget.burst", *burst == new.budget.burst),
        ("budget.in_flight", *in_flight == new.budget.in_flight),
        ("budget.reserve", *reserve == new.budget.reserve),
        ("budget.daily", *daily == new.budget.daily),
        // The shared budget's own keys too: whoever shares it goes on with the new one.
        ("budget.shared (content)", *shared_budget == new.shared_budget),
        ("discovery.every", *discovery_every == new.discovery_every),
        ("callbacks (content)", same_callbacks(old_callbacks.as_ref(), new.callbacks.as_ref())),
        ("webhook (content)", same_webhooks(old_webhooks, &new.webhooks)),
        ("review.four_eyes", *four_eyes == new.review.four_eyes),
        ("registration.wait", *wait == new.registration.wait),
        ("registration.keep", *keep == new.registration.keep),
    ];
    gateway(old_gateway, &new.gateway)
        .into_iter()
        .chain(own)
        .chain(looks(old_looks, &new.looks))
        .chain(completion(old_completion, &new.completion))
        .chain(money(old_money, &new.money))
        .chain(holds(old_holds, &new.holds))
        .chain(report(old_report, &new.report))
        .filter(|(_, same)| !same)
        .map(|(key, _)| key)
        .collect()
}

fn gateway(old: &GatewayConfig, new: &GatewayConfig) -> Keys<12> {
    let GatewayConfig {
        url,
        protocol,
        completion_method,
        credentials,
        extra_roots_pem,
        client,
        proxy,
        language,
        connect_timeout,
        request_timeout,
    } = old;
    let [login, secret] = known_as(credentials, &new.credentials);
    [
        ("gateway", *url == new.url),
        ("protocol", protocol.as_str() == new.protocol.as_str()),
        ("loyalty_gateway", loyalty_url(protocol) == loyalty_url(&new.protocol)),
        ("completion_method", *completion_method == new.completion_method),
        login,
        secret,
        ("extra_root (content)", *extra_roots_pem == new.extra_roots_pem),
        ("client_certificate (content)", same_client(client.as_ref(), new.client.as_ref())),
        ("proxy", *proxy == new.proxy),
        ("language", *language == new.language),
        ("connect_timeout", *connect_timeout == new.connect_timeout),
        ("request_timeout", *request_timeout == new.request_timeout),
    ]
}

fn loyalty_url(protocol: &Protocol) -> Option<&str> {
    match protocol {
        Protocol::Rest => None,
        Protocol::Soap { loyalty_url } => loyalty_url.as_deref(),
    }
}

fn known_as(old: &Credentials, new: &Credentials) -> Keys<2> {
    match (old, new) {
        (
            Credentials::Login { user_name, password },
            Credentials::Login { user_name: new_name, password: new_password },
        ) => [("user_name", user_name == new_name), ("password (content)", same_secret(password, new_password))],
        (Credentials::Token(old), Credentials::Token(new)) => {
            [("user_name", true), ("token (content)", same_secret(old, new))]
        }
        (Credentials::Login { .. }, Credentials::Token(_)) => [("user_name", false), ("token (content)", false)],
        (Credentials::Token(_), Credentials::Login { .. }) => [("user_name", false), ("password (content)", false)],
    }
}

fn looks(old: &LookPolicy, new: &LookPolicy) -> Keys<9> {
    let LookPolicy { pending, pending_old, trust_callbacks, held, review, late, payment_time, backoff, backoff_max } =
        old;
    [
        ("looks.pending", *pending == new.pending),
        ("looks.pending_old", *pending_old == new.pending_old),
        ("looks.trust_callbacks", *trust_callbacks == new.trust_callbacks),
        ("looks.held", *held == new.held),
        ("looks.review", *review == new.review),
        ("looks.late", *late == new.late),
        ("looks.payment_time", *payment_time == new.payment_time),
        ("looks.backoff", *backoff == new.backoff),
        ("looks.backoff_max", *backoff_max == new.backoff_max),
    ]
}

fn completion(old: &CompletionConfig, new: &CompletionConfig) -> Keys<8> {
    let CompletionConfig { schedule, settle, in_flight } = old;
    // What there is no request for is the protocol's, which is compared by itself.
    let SettlePolicy { quiet, resend_whole, refund_tools, without_request: _, attempts_max, ask_every, ask_every_max } =
        settle;
    [
        ("completion.when", *schedule == new.schedule),
        ("completion.quiet", *quiet == new.settle.quiet),
        ("completion.resend", *resend_whole == new.settle.resend_whole),
        ("refund_tools", *refund_tools == new.settle.refund_tools),
        ("completion.attempts", *attempts_max == new.settle.attempts_max),
        ("completion.ask_every", *ask_every == new.settle.ask_every),
        ("completion.ask_every_max", *ask_every_max == new.settle.ask_every_max),
        ("completion.in_flight", *in_flight == new.in_flight),
    ]
}

fn money(old: &GuardPolicy, new: &GuardPolicy) -> Keys<3> {
    let GuardPolicy { in_doubt_max, daily_max_minor, brake } = old;
    [
        ("money.in_doubt", *in_doubt_max == new.in_doubt_max),
        ("money.daily_sum", *daily_max_minor == new.daily_max_minor),
        ("money.brake", *brake == new.brake),
    ]
}

fn holds(old: &HoldPolicy, new: &HoldPolicy) -> Keys<5> {
    let HoldPolicy { lifetime, by_system, warn_at, act_before, at_deadline } = old;
    [
        ("hold.lifetime", *lifetime == new.lifetime),
        ("hold.by_system", *by_system == new.by_system),
        ("hold.warn_at", *warn_at == new.warn_at),
        ("hold.act_before", *act_before == new.act_before),
        ("hold.at_deadline", *at_deadline == new.at_deadline),
    ]
}

fn report(old: &ReportConfig, new: &ReportConfig) -> Keys<3> {
    let ReportConfig { at, cut_off, stuck_after } = old;
    [
        ("report.at", *at == new.at),
        ("report.cut_off", *cut_off == new.cut_off),
        ("report.stuck_after", *stuck_after == new.stuck_after),
    ]
}

fn same_callbacks(old: Option<&CallbackConfig>, new: Option<&CallbackConfig>) -> bool {
    match (old, new) {
        (Some(CallbackConfig { key, discover }), Some(new)) => key.same_as(&new.key) && *discover == new.discover,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_webhooks(old: &[WebhookConfig], new: &[WebhookConfig]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_webhook(old, new))
}

fn same_webhook(old: &WebhookConfig, new: &WebhookConfig) -> bool {
    let WebhookConfig { name, target, filter, timeout, in_flight } = old;
    *name == new.name
        && same_target(target, &new.target)
        && *filter == new.filter
        && *timeout == new.timeout
        && *in_flight == new.in_flight
}

fn same_target(old: &Target, new: &Target) -> bool {
    match (old, new) {
        (Target::Command(old), Target::Command(new)) => old == new,
        (Target::Address(AddressConfig { url, reach, keys, extra_roots_pem }), Target::Address(new)) => {
            let same_keys =
                keys.len() == new.keys.len() && keys.iter().zip(&new.keys).all(|(old, new)| same_secret(old, new));
            *url == new.url && *reach == new.reach && same_keys && *extra_roots_pem == new.extra_roots_pem
        }
        (Target::Command(_), Target::Address(_)) | (Target::Address(_), Target::Command(_)) => false,
    }
}

fn same_client(old: Option<&ClientCertificate>, new: Option<&ClientCertificate>) -> bool {
    match (old, new) {
        (Some(ClientCertificate { chain_pem, key_pem }), Some(new)) => {
            *chain_pem == new.chain_pem && same_secret(key_pem, &new.key_pem)
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_keys(old: &SealKeys, new: &SealKeys) -> bool {
    match (old, new) {
        (SealKeys::Beside, SealKeys::Beside) => true,
        (SealKeys::Given(old), SealKeys::Given(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_secret(old, new))
        }
        (SealKeys::Unread(old), SealKeys::Unread(new)) => old == new,
        _ => false,
    }
}

/// Two texts of this process: their lengths and the time this takes are nobody's to see.
fn same_secret(old: &SecretString, new: &SecretString) -> bool {
    old.expose_secret() == new.expose_secret()
}
