//! What most commands need first: the configuration without its secrets, the database, and the order that is meant.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::failure::Failure;
use super::output::remark;
use crate::clock::Clock;
use crate::config::{Config, MerchantConfig, Reading};
use crate::daemon;
use crate::domain::event::Cause;
use crate::domain::order::MerchantId;
use crate::domain::time::Timestamp;
use crate::store::{Lock, OrderWithOperation, Store};

/// The longest reason that is kept, in characters: it stands in the journal for ever.
const REASON_MAX: usize = 400;

/// The longest name of an operator that is kept, in characters.
const OPERATOR_MAX: usize = 64;

/// An open configuration and database.
#[derive(Debug)]
pub(super) struct Desk {
    /// The configuration; its secrets were not read.
    pub(super) config: Config,
    /// The database.
    pub(super) store: Store,
    /// When the command began; all that it writes has this time.
    pub(super) now: Timestamp,
}

impl Desk {
    /// Opens the database that the configuration at `path` names. It must be there.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let config = Config::load_partly(path, Reading::NoSecrets)?;
        let store = Store::open(daemon::place(&config))?;
        Ok(Self { config, store, now: Clock::host().now() })
    }

    /// Likewise, and creates the database when it is missing, so that orders can be queued before the first start.
    pub(super) fn open_or_create(path: &Path) -> Result<Self, Failure> {
        let config = Config::load_partly(path, Reading::NoSecrets)?;
        refuse_strangers_file(&config.database)?;
        let store = Store::open_or_create(daemon::place(&config))?;
        Ok(Self { config, store, now: Clock::host().now() })
    }

    /// Who is at work on the database, in the words it gave; `None` when nobody is.
    pub(super) fn holder(&self) -> Option<String> {
        Lock::holder(&self.config.database)
    }

    /// Says so when nobody is at work, since what was written waits until somebody is.
    pub(super) fn remark_idle(&self) {
        if self.holder().is_none() {
            remark("No daemon is at work on this database; the order waits until one is started.");
        }
    }

    /// The names of the merchants, for a sentence.
    pub(super) fn merchant_names(&self) -> String {
        self.config.merchants.iter().map(|merchant| merchant.id.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The merchant named `id`.
    pub(super) fn merchant(&self, id: &MerchantId) -> Result<&MerchantConfig, Failure> {
        self.config.merchant(id).ok_or_else(|| {
            let (path, names) = (self.config.path.display(), self.merchant_names());
            Failure::Usage(format!("{path} has no merchant {id}; it has: {names}"))
        })
    }

    /// The merchant named `id`, or the only one there is.
    pub(super) fn merchant_or_only(&self, id: Option<&MerchantId>) -> Result<&MerchantConfig, Failure> {
        match (id, self.config.merchants.as_slice()) {
            (Some(id), _) => self.merchant(id),
            (None, [only]) => Ok(only),
            (None, _) => Err(Failure::Usage(format!(
                "there are several merchants; say which with --merchant: {}",
                self.merchant_names()
            ))),
        }
    }

    /// The order numbered `number`, of `merchant` when that is given, and the settings of its merchant.
    pub(super) async fn order(
        &self,
        number: &str,
        merchant: Option<&MerchantId>,
    ) -> Result<(OrderWithOperation, &MerchantConfig), Failure> {
        if let Some(id) = merchant {
            self.merchant(id)?;
        }
        let mut found = self.store.orders_numbered(number).await?;
        found.retain(|found| merchant.is_none_or(|id| found.order.merchant == *id));
        match found.len() {
            1 => {}
            0 => return Err(self.unknown(number, merchant)),
            _ => return Err(ambiguous(number, &found)),
        }
        let Some(found) = found.pop() else {
            return Err(self.unknown(number, merchant));
        };
        let settings = self.config.merchant(&found.order.merchant).ok_or_else(|| self.dismissed(&found))?;
        Ok((found, settings))
    }

    fn unknown(&self, number: &str, merchant: Option<&MerchantId>) -> Failure {
        let searched = merchant.map_or_else(|| self.merchant_names(), |id| id.as_str().to_owned());
        let hint = "`reconciled order list` shows what is here, `reconciled order add` adds it";
        Failure::failed(format!("no order {number:?} is known here; searched: {searched}. {hint}"))
    }

    fn dismissed(&self, found: &OrderWithOperation) -> Failure {
        Failure::failed(format!(
            "order {} is of merchant {}, which {} no longer has; put it back there to work with its orders",
            found.order.number,
            found.order.merchant,
            self.config.path.display()
        ))
    }
}

fn ambiguous(number: &str, found: &[OrderWithOperation]) -> Failure {
    let names = found.iter().map(|found| found.order.merchant.as_str()).collect::<Vec<_>>().join(", ");
    Failure::Usage(format!("several merchants have an order {number:?}; say which with --merchant: {names}"))
}

/// A database that root creates in the daemon's directory could not be written by the daemon.
pub(super) fn refuse_strangers_file(database: &Path) -> Result<(), Failure> {
    let Some(owner) = database.parent().and_then(|directory| directory.metadata().ok()).map(|found| found.uid()) else {
        return Ok(());
    };
    // One that may not be looked for is told by whoever opens it.
    if database.try_exists().unwrap_or(true) || owner == own_uid() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "there is no database at {} yet, and its directory is of another user (uid {owner}), who could not write one \
         made by you; start the daemon once, or do this as that user",
        database.display()
    )))
}

/// Why somebody does what is written down for ever.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why, for whoever reads the journal later".to_owned()),
        1..=REASON_MAX => Ok(text.to_owned()),
        _ => Err(format!("say it in at most {REASON_MAX} characters")),
    }
}

/// The reason as the journal would have it. Only a dry run, which writes nothing, goes without.
pub(super) fn reason_or_none(reason: Option<&str>) -> String {
    reason.unwrap_or("no reason given yet").to_owned()
}

/// Who does this, for the journal.
pub(super) fn operator() -> Cause {
    Cause::Operator(operator_name())
}

/// The name of whoever does this: of whoever became root by sudo, their own.
pub(super) fn operator_name() -> String {
    let named = |variable| std::env::var(variable).ok().filter(|name| !name.trim().is_empty());
    let name = named("SUDO_USER").or_else(|| named("USER")).unwrap_or_else(|| format!("uid {}", own_uid()));
    name.chars().filter(|c| !c.is_control()).take(OPERATOR_MAX).collect()
}

/// The user of this process, as the kernel has it. Where there is no `/proc` it is taken to be root.
pub(super) fn own_uid() -> u32 {
    std::fs::metadata("/proc/self").map_or(0, |found| found.uid())
}
