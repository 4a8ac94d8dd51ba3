//! Policies and workloads against the optimum: `cargo bench --bench polling`, with `-- --json` for a machine.
//!
//! Every number is of virtual time, so that a noisy machine changes none of them.

use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reconciled::config::Budget;
use reconciled::simulation::looks::{Callbacks, Findings, Optimum, Shape, Task, optimum, run};

/// Orders of a day.
const ORDERS: usize = 20_000;

/// Requests a second: scarce, middling, and plenty for a day of so many orders.
const RATES: [f64; 4] = [0.5, 0.9, 1.6, 3.0];

fn main() -> std::io::Result<()> {
    let is_json = std::env::args().any(|argument| argument == "--json");
    let schedules = std::env::var_os("SCHEDULES").map(PathBuf::from);
    let mut out = std::io::stdout().lock();
    let mut rows = Vec::new();
    for shape in Shape::ALL {
        let workload = Arc::new(shape.draw(ORDERS, 7));
        for rate in RATES {
            let budget = Budget {
                period: Duration::from_secs_f64(1.0 / rate),
                burst: five(),
                in_flight: places(),
                reserve: 0,
                daily: None,
            };
            let task = Task {
                workload: Arc::clone(&workload),
                budget,
                schedule: None,
                outage: None,
                callbacks: Callbacks::default(),
            };
            let found = run(&task)?;
            let best = optimum(&workload, found.looks_per_order, if shape == Shape::Shift { 2 } else { 1 });
            let ratio = found.mean_s / best.mean_s;
            if !is_json {
                writeln!(out, "{}", line(shape, rate, &found, best, ratio))?;
            }
            rows.push(serde_json::json!({
                "shape": shape.as_str(), "requests_per_second": rate, "learned": found,
                "optimum": {"looks": best.looks, "mean_s": best.mean_s}, "ratio": ratio,
            }));
        }
    }
    let _ = schedules;
    if is_json {
        writeln!(out, "{}", serde_json::Value::Array(rows))?;
    }
    Ok(())
}

fn line(shape: Shape, rate: f64, found: &Findings, best: Optimum, ratio: f64) -> String {
    format!(
        "{:9} {rate:4}/s {:6.2} looks {:7.1} s mean {:7.1} p95 {:7.1} p99 {:.3} used {:.3} window | optimum {:6.2} looks {:7.1} s | {ratio:.3}",
        shape.as_str(),
        found.looks_per_order,
        found.mean_s,
        found.p95_s,
        found.p99_s,
        found.budget_used,
        found.worst_window_ratio,
        best.looks,
        best.mean_s
    )
}

const fn five() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(4)
}

const fn places() -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(15)
}
