//! One merchant's workers: started together, stopped together, so that a changed configuration replaces them whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{MerchantConfig, SharedBudgetConfig};
use crate::delivery::Messenger;
use crate::domain::discovery::Terms;
use crate::domain::journey::Policy;
use crate::domain::order::MerchantId;
use crate::gateway::{Gateway, Pacer, SharedBudget};
use crate::metrics::{BudgetReading, Overhead};

use super::login::{self, Login};
use super::looks::Lore;
use super::notifier::{self, Endpoint};
use super::schedule::MinuteBell;
use super::silence::Silence;
use super::weather::Suspects;
use super::{Shared, StartError, Way, completer, discoverer, poller, purser, registrar, surveyor, watchman, weather};

/// What a merchant's workers are handed. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) merchant: MerchantId,
    pub(super) gateway: Arc<Gateway>,
    pub(super) login: Arc<Login>,
    pub(super) policy: Arc<Policy>,
    pub(super) silence: Arc<Silence>,
    /// Looks that failed for what may turn out to be the weather.
    pub(super) suspects: Arc<Suspects>,
    /// What the merchant's orders have taught about when to look.
    pub(super) lore: Lore,
    /// Whether the bank's callbacks are taken.
    pub(super) takes_callbacks: bool,
    pub(super) shared: Shared,
    /// Registrations in hand at most.
    pub(super) registrations_max: usize,
    /// Completions in hand at most.
    pub(super) completions_max: usize,
    /// How long the document of a settled registration is kept.
    pub(super) documents_kept: Duration,
}

/// A merchant's workers at work.
#[derive(Debug)]
pub(super) struct MerchantWorkers {
    merchant: MerchantId,
    stop: watch::Sender<bool>,
    tasks: JoinSet<&'static str>,
}

/// The merchant's way to the bank; nothing is sent yet.
pub(super) fn gateway(merchant: &MerchantConfig, shared: &Shared) -> Result<Gateway, StartError> {
    let (metrics, timekeeper) = (shared.metrics.clone(), shared.timekeeper.clone());
    let pacer = match &merchant.shared_budget {
        Some(config) => Pacer::sharing(&merchant.budget, &shared.budgets.of(config)),
        None => Pacer::new(&merchant.budget),
    };
    Gateway::new(merchant.id.clone(), &merchant.gateway, pacer, &shared.setting.wire, metrics, timekeeper)
        .map_err(|cause| StartError::Gateway { merchant: merchant.id.clone(), cause })
}

/// The merchant's endpoints, and whoever tells them; nothing is sent yet. Each is met before anything else begins, so
/// that it hears all that happens from now on.
pub(super) async fn endpoints(merchant: &MerchantConfig, shared: &Shared) -> Result<Vec<Endpoint>, StartError> {
    let mut endpoints = Vec::new();
    for config in &merchant.webhooks {
        let messenger = match &shared.setting.shop {
            Some(shop) => Messenger::to_a_shop(shop.clone()),
            None => Messenger::new(config).map_err(|cause| StartError::Webhook {
                merchant: merchant.id.clone(),
                endpoint: config.name.clone(),
                cause,
            })?,
        };
        let met = shared.store.meet_endpoint(&merchant.id, &config.name, Messenger::place(config)).await;
        met.map_err(StartError::Store)?;
        endpoints.push(Endpoint { config: config.clone(), messenger: Arc::new(messenger) });
    }
    Ok(endpoints)
}

/// The budgets that merchants share, for as long as somebody does. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedBudgets(Arc<Mutex<BudgetsByName>>);

type BudgetsByName = BTreeMap<String, (SharedBudgetConfig, Weak<SharedBudget>)>;

impl SharedBudgets {
    /// The one of this name and size, the same for all who ask; of another size it is another one.
    fn of(&self, config: &SharedBudgetConfig) -> Arc<SharedBudget> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let present = all.get(&config.name).filter(|(present, _)| present == config);
        if let Some(present) = present.and_then(|(_, shared)| shared.upgrade()) {
            return present;
        }
        let shared = SharedBudget::new(config.period, config.burst);
        all.insert(config.name.clone(), (config.clone(), Arc::downgrade(&shared)));
        shared
    }
}

/// On which terms orders are discovered.
fn terms(merchant: &MerchantConfig) -> Terms {
    Terms { merchant: merchant.id.clone(), currency: merchant.currency, number_max: merchant.order_number_max }
}

impl MerchantWorkers {
    pub(super) fn start(
        merchant: &MerchantConfig,
        (gateway, login, endpoints): Way,
        shared: &Shared,
        bell: &MinuteBell,
    ) -> Self {
        let desk = Desk {
            merchant: merchant.id.clone(),
            gateway: Arc::new(gateway),
            login: Arc::new(login),
            policy: Arc::new(merchant.policy()),
            silence: Arc::new(Silence::new(merchant.id.clone())),
            suspects: Arc::default(),
            lore: Lore::of_nothing(merchant.looks.clone(), shared.clock().now()),
            takes_callbacks: merchant.callbacks.is_some(),
            shared: shared.clone(),
            registrations_max: merchant.budget.in_flight.get(),
            completions_max: merchant.completion.in_flight.get(),
            documents_kept: merchant.registration.keep,
        };
        desk.gateway.pacer().begin_empty();
        // Weak, since the gateway has the metrics: each would else keep the other for ever.
        let probe = Arc::downgrade(&desk.gateway);
        let reading = move || {
            let gateway = probe.upgrade()?;
            let pacer = gateway.pacer();
            Some(BudgetReading {
                used_per_mille: pacer.used_per_mille(),
                borne_per_mille: pacer.borne_per_mille().into(),
                is_used_up: pacer.is_used_up(),
            })
        };
        shared.metrics.watch_budget(merchant.id.clone(), move || reading().unwrap_or_default());
        let probe = Arc::downgrade(&desk.gateway);
        let overhead = move || {
            let sky = probe.upgrade().map(|gateway| gateway.sky().clone())?;
            Some(Overhead { latest: sky.latest(), since: sky.incident().map(|incident| incident.since) })
        };
        shared.metrics.watch_weather(merchant.id.clone(), overhead);
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let (at_poll, at_poll_stop) = (desk.clone(), stop.subscribe());
        tasks.spawn(async move {
            poller::run(at_poll, at_poll_stop).await;
            "poller"
        });
        let (at_complete, ticks, at_complete_stop) = (desk.clone(), bell.subscribe(), stop.subscribe());
        tasks.spawn(async move {
            completer::run(at_complete, ticks, at_complete_stop).await;
            "completer"
        });
        let (at_weather, at_weather_stop) = (desk.clone(), stop.subscribe());
        tasks.spawn(async move {
            weather::run(at_weather, at_weather_stop).await;
            "forecaster"
        });
        let (at_register, at_register_stop) = (desk.clone(), stop.subscribe());
        tasks.spawn(async move {
            registrar::run(at_register, at_register_stop).await;
            "registrar"
        });
        let (at_purse, at_purse_stop) = (desk.clone(), stop.subscribe());
        tasks.spawn(async move {
            purser::run(at_purse, at_purse_stop).await;
            "purser"
        });
        let (at_door, at_door_stop) = (desk.clone(), stop.subscribe());
        tasks.spawn(async move {
            login::run(at_door, at_door_stop).await;
            "doorkeeper"
        });
        if merchant.callbacks.as_ref().is_some_and(|callbacks| callbacks.discover) {
            let (at_discovery, terms, at_discovery_stop) = (desk.clone(), terms(merchant), stop.subscribe());
            tasks.spawn(async move {
                discoverer::run(at_discovery, terms, at_discovery_stop).await;
                "discoverer"
            });
        }
        if let Some(every) = merchant.discovery_every {
            let (at_survey, terms, at_survey_stop) = (desk.clone(), terms(merchant), stop.subscribe());
            tasks.spawn(async move {
                surveyor::run(at_survey, terms, every, at_survey_stop).await;
                "surveyor"
            });
        }
        for endpoint in endpoints {
            let (of, at_notify, at_notify_stop) = (merchant.id.clone(), shared.clone(), stop.subscribe());
            tasks.spawn(async move {
                notifier::run(of, endpoint, at_notify, at_notify_stop).await;
                "notifier"
            });
        }
        let at_watch_stop = stop.subscribe();
        tasks.spawn(async move {
            watchman::run(desk, at_watch_stop).await;
            "watchman"
        });
        Self { merchant: merchant.id.clone(), stop, tasks }
    }

    pub(super) const fn merchant(&self) -> &MerchantId {
        &self.merchant
    }

    /// Returns at once; the workers finish what they have in hand.
    pub(super) fn tell_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the workers have finished, for `grace` at most.
    pub(super) async fn stop(mut self, grace: Duration) {
        self.tell_to_stop();
        let finish = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, finish).await.is_err() {
            tracing::warn!(merchant = %self.merchant, "Workers of {} were cut off in what they had in hand", self.merchant);
            // Their hearts and claims must be gone before others take their place.
            self.tasks.shutdown().await;
        }
    }
}

/// Stops several merchants' workers at once, so that together they take as long as the slowest.
pub(super) async fn stop_all(leaving: Vec<MerchantWorkers>, grace: Duration) {
    let mut stopping = JoinSet::new();
    for workers in leaving {
        workers.tell_to_stop();
        stopping.spawn(workers.stop(grace));
    }
    while stopping.join_next().await.is_some() {}
}

/// Returns when a worker of any merchant ended, which none does unless told to.
pub(super) async fn any_ended(merchants: &mut [MerchantWorkers]) -> String {
    let mut waiting = JoinSetOfAll { merchants };
    waiting.next().await
}

struct JoinSetOfAll<'a> {
    merchants: &'a mut [MerchantWorkers],
}

impl JoinSetOfAll<'_> {
    async fn next(&mut self) -> String {
        std::future::poll_fn(|context| {
            for workers in self.merchants.iter_mut() {
                if let std::task::Poll::Ready(Some(ended)) = workers.tasks.poll_join_next(context) {
                    let what = ended.map_or_else(|error| error.to_string(), str::to_owned);
                    return std::task::Poll::Ready(format!("{what} of {}", workers.merchant));
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
