//! Policies and workloads against the optimum: `cargo bench --bench polling`. After `--`: `--json` for a machine; names
//! of shapes, where not all are wanted; `--rates 0.5,3`, requests a second; `--seed N` (7) for another day; `--no-peers`
//! leaves other systems out.
//!
//! Every number is of virtual time, so that a noisy machine changes none of them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use reconciled::simulation::looks::{Findings, Limit, Shape, Workload, foreseen, limited, optimum};

mod peers;
mod runs;

use runs::{BURST, at_once, learned};

/// Orders of a day.
const ORDERS: usize = 20_000;

/// Of so many it is known how soon outcomes come.
const TRUTH_ORDERS: usize = 400_000;
const TRUTH_SEED: u64 = 8;

/// Requests a second: scarce, middling, and plenty for a day of so many orders.
const RATES: [f64; 4] = [0.5, 0.9, 1.6, 3.0];

fn main() -> std::io::Result<()> {
    let wanted = Wanted::read(std::env::args().skip(1)).map_err(std::io::Error::other)?;
    let shapes: Vec<(Shape, Arc<Workload>)> =
        wanted.shapes.iter().map(|shape| (*shape, Arc::new(shape.draw(ORDERS, wanted.seed)))).collect();
    let measured = measure(&shapes, &wanted.rates)?;
    let mut out = std::io::stdout().lock();
    let compare = || if wanted.has_peers { peers::compare(&shapes) } else { Ok(Vec::new()) };
    if wanted.is_json {
        let compared = compare()?;
        let all = serde_json::json!({
            "optimum": measured.iter().map(Measured::json).collect::<Vec<_>>(),
            "peers": compared.iter().map(peers::Compared::json).collect::<Vec<_>>(),
        });
        return writeln!(out, "{all}");
    }
    writeln!(out, "A day of {ORDERS} orders; ratio is the mean over the optimum's at as many looks\n")?;
    writeln!(
        out,
        "shape     per second  looks   mean s    p95 s    p99 s   used window   optimum  ratio   limited  ratio hindsight  ratio"
    )?;
    for measured in &measured {
        writeln!(out, "{}", measured.line())?;
    }
    out.flush()?;
    let compared = compare()?;
    if compared.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nOther systems' schedules without a limit, and ours with no more requests altogether\n")?;
    writeln!(out, "{}", peers::HEADING)?;
    for compared in &compared {
        writeln!(out, "{}", compared.line())?;
    }
    writeln!(out, "\n{}", peers::verdict(&compared))
}

/// What the arguments ask for.
struct Wanted {
    shapes: Vec<Shape>,
    rates: Vec<f64>,
    seed: u64,
    has_peers: bool,
    is_json: bool,
}

impl Wanted {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (shapes, rates) = (Vec::new(), RATES.to_vec());
        let mut wanted = Self { shapes, rates, seed: 7, has_peers: true, is_json: false };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--json" => wanted.is_json = true,
                "--no-peers" => wanted.has_peers = false,
                "--rates" => {
                    let rates = arguments.next().unwrap_or_default();
                    let rates = rates.split(',').map(str::parse).collect::<Result<_, _>>();
                    wanted.rates = rates.map_err(|error| format!("--rates: {error}"))?;
                }
                "--seed" => {
                    let seed = arguments.next().unwrap_or_default().parse();
                    wanted.seed = seed.map_err(|error| format!("--seed: {error}"))?;
                }
                name => wanted.shapes.push(Shape::parse(name).ok_or_else(|| format!("`{name}` is no shape"))?),
            }
        }
        if wanted.shapes.is_empty() {
            wanted.shapes = Shape::ALL.to_vec();
        }
        Ok(wanted)
    }
}

struct Measured {
    shape: Shape,
    rate: f64,
    found: Findings,
    /// Who knows how soon outcomes come, with as many looks.
    foreseen_mean_s: f64,
    /// Who knows of these very orders how soon they come.
    best_mean_s: f64,
    /// About the least that can be within the budget, with as many looks.
    limited_mean_s: f64,
}

fn measure(shapes: &[(Shape, Arc<Workload>)], rates: &[f64]) -> std::io::Result<Vec<Measured>> {
    let wanted: Vec<_> =
        shapes.iter().flat_map(|(shape, workload)| rates.iter().map(move |rate| (*shape, workload, *rate))).collect();
    at_once(&wanted, |(shape, workload, rate)| {
        let found = learned(workload, *rate)?;
        // A policy may know that it is afternoon.
        let parts = if *shape == Shape::Shift { 2 } else { 1 };
        let (truth, looks) = (truth(*shape), found.looks_per_order);
        let limit = Limit { rate: *rate, burst: BURST, looks, stretches_s: &[300.0, 100.0] };
        Ok(Measured {
            shape: *shape,
            rate: *rate,
            foreseen_mean_s: foreseen(workload, truth, looks, parts).mean_s,
            best_mean_s: optimum(workload, looks, parts).mean_s,
            limited_mean_s: limited(workload, truth, limit, parts),
            found,
        })
    })
}

/// Many more orders of the same buyers: what can be known of them.
fn truth(shape: Shape) -> &'static Workload {
    static TRUTH: Mutex<BTreeMap<&'static str, &'static Workload>> = Mutex::new(BTreeMap::new());
    let mut known = TRUTH.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(shape.as_str()).or_insert_with(|| Box::leak(Box::new(shape.draw(TRUTH_ORDERS, TRUTH_SEED))))
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.found.mean_s / self.foreseen_mean_s
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "shape": self.shape.as_str(), "requests_per_second": self.rate, "learned": self.found,
            "optimum_mean_s": self.foreseen_mean_s, "ratio": self.ratio(), "limited_mean_s": self.limited_mean_s,
            "hindsight_mean_s": self.best_mean_s,
        })
    }

    fn line(&self) -> String {
        let Findings { looks_per_order, mean_s, p95_s, p99_s, budget_used, worst_window_ratio, .. } = self.found;
        format!(
            "{:9} {:10} {looks_per_order:6.2} {mean_s:8.1} {p95_s:8.1} {p99_s:8.1} {budget_used:6.3} {worst_window_ratio:6.3} {:9.1} {:6.3} {:9.1} {:6.3} {:9.1} {:6.3}",
            self.shape.as_str(),
            self.rate,
            self.foreseen_mean_s,
            self.ratio(),
            self.limited_mean_s,
            mean_s / self.limited_mean_s,
            self.best_mean_s,
            mean_s / self.best_mean_s,
        )
    }
}
