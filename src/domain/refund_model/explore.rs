//! Every state that can be reached, and what each rule is there for: the shortest way to a breach without it.

use super::*;

/// More than any setting here has.
const STATES_MAX: usize = 300_000;

/// How many states there are, and the first breach of one of `watched`, with a shortest way to it.
fn explore(
    setting: &Setting,
    fault: Option<Fault>,
    watched: &[Property],
) -> (usize, Option<(Property, Vec<&'static str>)>) {
    let desk = Desk::new(setting, fault);
    let first = World::new(setting);
    let (mut met, mut ways, mut queue) = (HashSet::from([first]), vec![None], VecDeque::from([(0_usize, first)]));
    while let Some((at, world)) = queue.pop_front() {
        if let Some(property) = world.broken().filter(|property| watched.contains(property)) {
            let mut path = Vec::new();
            let mut way: Option<(usize, &'static str)> = ways[at];
            while let Some((before, step)) = way {
                path.push(step);
                way = ways[before];
            }
            path.reverse();
            return (ways.len(), Some((property, path)));
        }
        for (step, then) in desk.steps(&world) {
            if met.insert(then) {
                queue.push_back((ways.len(), then));
                ways.push(Some((at, step)));
            }
        }
        assert!(ways.len() < STATES_MAX, "{}: too many states", setting.name);
    }
    (ways.len(), None)
}

const LEFT: Left = Left { orders: 2, accepts: 1, clerks: 1, quiets: 2, crashes: 1, unreachable: 1 };

const A_PART: Setting = Setting {
    name: "a part",
    sum: Some(PART),
    bank_has_tools: false,
    we_use_tools: false,
    slow: Slow::Nothing,
    left: LEFT,
};

const A_LATE_PART: Setting = Setting {
    name: "a part, with effects after the quiet time",
    slow: Slow::Effects,
    left: Left { accepts: 0, ..LEFT },
    ..A_PART
};

const WITH_TOOLS: Setting =
    Setting { name: "a part, sent again by its id", bank_has_tools: true, we_use_tools: true, ..A_LATE_PART };

const ALL_OF_IT: Setting = Setting { name: "all that is left", sum: None, ..A_PART };

/// Nobody but us gives anything back here, and no person takes a late read's word.
const A_LAGGING_BANK: Setting = Setting {
    name: "parts, at a bank that lags",
    slow: Slow::Answers,
    left: Left { orders: 3, accepts: 0, clerks: 0, ..LEFT },
    ..A_PART
};

#[test]
fn no_refund_goes_twice_and_none_is_told_otherwise_than_it_went() {
    for (setting, at_least) in
        [(A_PART, 5_000), (A_LATE_PART, 5_000), (WITH_TOOLS, 5_000), (ALL_OF_IT, 2_000), (A_LAGGING_BANK, 1_500)]
    {
        let (states, breach) = explore(&setting, None, &ALL);
        println!("{}: {states} states", setting.name);
        assert_eq!(breach, None, "{}", setting.name);
        assert!(states >= at_least, "{}: only {states} states", setting.name);
    }
}

#[test]
fn without_any_one_rule_a_promise_breaks() {
    let table = [
        (Fault::AbsenceSettles, A_PART, Property::Twice),
        (Fault::AnyGrowthConfirms, A_PART, Property::ConfirmedFalsely),
        (Fault::MeasuredAnew, ALL_OF_IT, Property::DeniedFalsely),
        (Fault::TwoAtOnce, A_PART, Property::ConfirmedFalsely),
        (Fault::SendsAPartAgain, A_LATE_PART, Property::Twice),
        (Fault::TimeoutIsNotSent, A_PART, Property::Twice),
        (Fault::BelievesOlderReads, A_LAGGING_BANK, Property::ConfirmedFalsely),
    ];
    for (fault, setting, property) in table {
        let (states, breach) = explore(&setting, Some(fault), &[property]);
        match breach {
            Some((_, path)) => println!("{fault:?}, {}: {}", setting.name, path.join(", ")),
            None => panic!("{fault:?} is not caught by {property:?} in {states} states of {}", setting.name),
        }
    }
}
