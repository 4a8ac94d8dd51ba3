//! When whatever is overdue must have been looked at, once daemon and bank can both work: backlog ÷ budget, and what the
//! bank's own troubles cost meanwhile.
//!
//! The first is known when the outage ends. The rest is counted from the requests that met a fault since, so that a
//! daemon which asks nothing is granted nothing for it.

use std::time::Duration;

use crate::config::MerchantConfig;
use crate::domain::weather::LAST_PROBE;
use crate::sandbox::FaultName;

use super::evidence::Asked;

/// A step asks, sends, and asks again, before any look; where the bank answers nothing, with a wait that doubles:
/// within the hour that a small budget takes, so often.
const ASKS_MAX: u32 = 10;

/// A 429 or 503 halves the rate, which climbs back from wherever it lies in about two minutes.
const CLIMBS_BACK: Duration = Duration::from_secs(125);

/// A 429 may ask to be left alone, and no longer than this is kept to.
const LEFT_ALONE_MAX: Duration = Duration::from_secs(300);

/// How long it takes where no request meets a fault: each by the budget, and what hangs in flight, since every place may
/// be taken by a request that the outage leaves hanging.
///
/// When the network turns fair the breaker may stand open. What is out then is the last probe that fails for the
/// outage: it hangs for the time a request has, and the next one comes as late as any.
pub(super) fn worked_off_within(merchant: &MerchantConfig, looks: usize, completions: usize) -> Duration {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (in_flight, at_once) = (merchant.budget.in_flight.get(), merchant.completion.in_flight.get());
    let requests = count(looks).saturating_add(count(completions).saturating_mul(ASKS_MAX));
    let rounds =
        count(looks.div_ceil(in_flight)).saturating_add(3 * count(completions.div_ceil(at_once.min(in_flight))));
    let hanging = merchant.gateway.request_timeout.saturating_mul(rounds.saturating_add(2));
    let probing = LAST_PROBE + merchant.gateway.request_timeout;
    merchant.budget.period.saturating_mul(requests.saturating_add(10)).saturating_add(hanging).saturating_add(probing)
}

/// How much later it may be for the faults that `asked` met: a request that tells nothing hangs, may be the probe for
/// which all others wait, and is made once more before those that are worth less; and what a bank says that has too much
/// to do is kept to.
pub(super) fn lost_to_faults<'a>(merchant: &MerchantConfig, asked: impl IntoIterator<Item = &'a Asked>) -> Duration {
    let each = merchant.budget.period + merchant.gateway.request_timeout + LAST_PROBE;
    let lost = |fault| match fault {
        FaultName::TooManyRequests => each + CLIMBS_BACK + LEFT_ALONE_MAX,
        FaultName::Error503 => each + CLIMBS_BACK,
        _ => each,
    };
    let lost = asked.into_iter().filter_map(|asked| asked.fault).map(lost);
    lost.fold(Duration::ZERO, Duration::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::checker::tests::histories::{merchant, send};

    /// What the requests since the end of an outage met, and how many seconds it grants.
    #[test]
    fn only_what_a_fault_costs_is_granted() {
        let merchant = merchant();
        let each = (merchant.budget.period + merchant.gateway.request_timeout).as_secs_f64() + 30.0;
        for (case, faults, granted) in [
            ("nothing was asked", &[][..], 0.0),
            ("answered", &[None, None], 0.0),
            ("late", &[None, Some(FaultName::Delay)], each),
            ("too much to do", &[Some(FaultName::Error503)], each + 125.0),
            ("left alone", &[Some(FaultName::TooManyRequests), Some(FaultName::Reset)], 2.0 * each + 425.0),
        ] {
            let asked: Vec<Asked> = faults.iter().map(|fault| Asked { fault: *fault, ..send(0) }).collect();
            assert_eq!(lost_to_faults(&merchant, &asked), Duration::from_secs_f64(granted), "{case}");
        }
    }

    /// Without a fault: by the budget, two rounds more of what hangs, and one probe.
    #[test]
    fn a_backlog_takes_what_the_budget_gives_it() {
        let merchant = merchant();
        let (period, hangs) = (merchant.budget.period, merchant.gateway.request_timeout);
        let places = u32::try_from(merchant.budget.in_flight.get()).unwrap();
        let round = |nth: u32| period * (places * nth + 10) + hangs * (nth + 2) + LAST_PROBE + hangs;
        for rounds in [0, 1, 100] {
            let looks = usize::try_from(places * rounds).unwrap();
            assert_eq!(worked_off_within(&merchant, looks, 0), round(rounds), "{looks} looks");
        }
    }
}
