//! `simulate` on a workload: how soon outcomes are noticed with how many requests.

use std::fs::{File, Permissions};
use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::chart::{Chart, Spot};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::config::{self, Budget};
use crate::simulation::looks::{self, Callbacks, Findings, PEERS, Schedule, Shape, Task, Workload};

/// When orders are looked at.
#[derive(Clone, Debug)]
enum Policy {
    Learned,
    Fixed(Duration),
    Schedule { path: PathBuf, id: String },
}

/// Flags that ask for a workload instead of seeds.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Looks {
    /// Simulate looks alone, at the orders of this CSV: order,registered_at_s,expires_at_s,outcome_at_s,outcome
    #[arg(long, value_name = "FILE", help_heading = "Looks", group = "day", conflicts_with_all = ["shape", "orders", "seeds", "from", "seed", "days", "without", "threads"])]
    workload: Option<PathBuf>,
    /// Simulate looks alone, at a day of this shape: card, app, abandoned, flash, shift or long
    #[arg(long, value_name = "NAME", help_heading = "Looks", group = "day", value_parser = shape, conflicts_with_all = ["seeds", "from", "seed", "days", "without", "threads"])]
    shape: Option<Shape>,
    /// How many requests a second the bank allows
    #[arg(long, value_name = "R", help_heading = "Looks", default_value = "1", value_parser = rate, allow_negative_numbers = true, requires = "day")]
    requests_per_second: Duration,
    /// How many requests in any 24 hours it allows, where it counts them
    #[arg(long, value_name = "N", help_heading = "Looks", requires = "day")]
    requests_per_day: Option<NonZeroU32>,
    /// When orders are looked at: learned, fixed:SECONDS, or schedule:FILE#ID, a list of other systems' schedules
    #[arg(long, value_name = "POLICY", help_heading = "Looks", default_value = "learned", value_parser = policy, requires = "day")]
    policy: Policy,
    /// When in the workload the bank does not answer, in seconds or as 8h..20h
    #[arg(long, value_name = "FROM..TO", help_heading = "Looks", value_parser = stretch, requires = "day")]
    outage: Option<(i64, i64)>,
    /// The share of payments of which the bank tells by a callback, 0 to 1; of pages that close unpaid it tells nothing
    #[arg(long, value_name = "SHARE", help_heading = "Looks", default_value = "0", value_parser = share, requires = "day")]
    callbacks: f64,
    /// When in the workload callbacks cease to come, in seconds or as 12h
    #[arg(long, value_name = "TIME", help_heading = "Looks", value_parser = moment, requires = "callbacks")]
    callbacks_until: Option<Duration>,
    /// Draw seconds until notice against budgets from a quarter to four times this one, with others' schedules, as an SVG
    #[arg(long, value_name = "FILE", help_heading = "Looks", requires = "day")]
    svg: Option<PathBuf>,
}

impl Looks {
    /// Whether a workload is asked for.
    pub(super) const fn is_asked_for(&self) -> bool {
        self.workload.is_some() || self.shape.is_some()
    }

    /// Simulates it, and prints what was found.
    pub(super) async fn run(self, orders: Option<NonZeroUsize>, json: bool, output: &Output) -> Result<(), Failure> {
        let name = match (&self.workload, self.shape) {
            (Some(path), _) => path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
            (None, shape) => format!("shape {}", shape.unwrap_or(Shape::Card).as_str()),
        };
        let workload = match (&self.workload, self.shape) {
            (Some(path), _) => {
                let shown = path.display();
                let file =
                    File::open(path).map_err(|error| Failure::failed(format!("cannot read {shown}: {error}")))?;
                Workload::read(file).map_err(|error| Failure::failed(format!("{shown}: {error}")))?
            }
            (None, shape) => shape.unwrap_or(Shape::Card).draw(orders.map_or(20_000, NonZeroUsize::get), 1),
        };
        let schedule = self.policy.schedule()?;
        let (period, daily) = (self.requests_per_second, self.requests_per_day);
        let budget = Budget { period, burst: FIVE, in_flight: PLACES, reserve: 0, daily };
        let until_ms = self.callbacks_until.map(millis);
        let callbacks = Callbacks { share: self.callbacks, until_ms };
        let task = Task { workload: Arc::new(workload), budget, schedule, outage: self.outage, callbacks };
        let again = self.svg.is_some().then(|| task.clone());
        let findings = super::aside(move || looks::run(&task)).await?.map_err(|error| broken(&error))?;
        if json {
            output.json(&findings)?;
        } else {
            tell(&findings, output)?;
        }
        match (again, self.svg) {
            (Some(task), Some(path)) => {
                let title = format!("{}, {name}: until an outcome is noticed", counted(findings.orders, "order"));
                let picture = super::aside(move || picture(&task, title)).await?.map_err(|error| broken(&error))?;
                write_whole(&path, &picture)
            }
            _ if json => Ok(()),
            _ => output.line("--svg FILE draws it against other budgets and other systems' schedules"),
        }
    }
}

fn broken(error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot simulate: {error}"))
}

/// Budgets in the picture, as a multiple of the one asked for.
const BUDGETS: [f64; 9] = [0.25, 0.35, 0.5, 0.71, 1.0, 1.41, 2.0, 2.83, 4.0];

/// Who leaves so large a share of orders behind is in no picture: his seconds would be those of the others alone.
const LEFT_BEHIND: f64 = 0.001;

fn picture(task: &Task, title: String) -> std::io::Result<String> {
    let workload = &task.workload;
    let (seconds, orders) =
        (float(workload.length_ms()) / 1_000.0, float(i64::try_from(workload.cases().len()).unwrap_or(i64::MAX)));
    let mut chart = Chart { title, ..Chart::default() };
    for times in BUDGETS {
        let period = task.budget.period.div_f64(times);
        // With less than a look for each order there is nothing to choose.
        if seconds / period.as_secs_f64() < orders * 1.1 || period < Duration::from_millis(1) {
            continue;
        }
        let daily = task.budget.daily.map(|daily| scaled(daily, times));
        let budget = Budget { period, daily, ..task.budget };
        let found = looks::run(&Task { budget, schedule: None, ..task.clone() })?;
        let spot = Spot {
            rate: found.looks_per_order * orders / seconds,
            looks: found.looks_per_order,
            mean_s: found.mean_s,
            p95_s: found.p95_s,
        };
        let best = looks::optimum(workload, found.looks_per_order, 1);
        chart.learned.push(spot);
        chart.optimum.push(Spot { mean_s: best.mean_s, p95_s: best.mean_s, ..spot });
    }
    let schedules = Schedule::ids(PEERS).map_err(std::io::Error::other)?;
    let peers = schedules.into_iter().map(|id| Schedule::read(PEERS, &id).map(|schedule| (id, schedule)));
    let peers = peers.collect::<Result<Vec<_>, _>>().map_err(std::io::Error::other)?;
    let fixed = [60, 300].map(|every| (format!("every {every} s"), Schedule::fixed(Duration::from_secs(every))));
    for (name, schedule) in fixed.into_iter().chain(peers) {
        let sent = looks::sent(workload, &schedule);
        if sent.never_noticed <= LEFT_BEHIND {
            let rate = sent.looks_per_order * orders / seconds;
            let spot = Spot { rate, looks: sent.looks_per_order, mean_s: sent.mean_s, p95_s: sent.p95_s };
            chart.others.push((name, spot));
        }
    }
    Ok(chart.svg())
}

fn scaled(daily: NonZeroU32, times: f64) -> NonZeroU32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it ends at the type's limits")]
    let daily = (f64::from(daily.get()) * times) as u32;
    NonZeroU32::new(daily).unwrap_or(NonZeroU32::MIN)
}

/// Whoever reads the file reads the old one or the new one.
fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let home = path.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written =
        tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(home).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        });
    written.map(|_| ()).map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of days, and counts of orders")]
const fn float(value: i64) -> f64 {
    value as f64
}

const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
const PLACES: NonZeroUsize = NonZeroUsize::new(16).unwrap();

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn tell(findings: &Findings, output: &Output) -> Result<(), Failure> {
    output.line(format!(
        "{}, {}: {:.2} looks an order, {:.1} % of the budget, fullest window {:.3} of what is allowed",
        counted(findings.orders, "order"),
        counted(findings.looks, "request"),
        findings.looks_per_order,
        findings.budget_used * 100.0,
        findings.worst_window_ratio,
    ))?;
    output.line(format!(
        "noticed after {:.1} s on average, half within {:.1} s, 95 % within {:.1} s, 99 % within {:.1} s, the last after {:.1} s; {:.3} % never",
        findings.mean_s,
        findings.p50_s,
        findings.p95_s,
        findings.p99_s,
        findings.worst_s,
        findings.never_noticed * 100.0,
    ))
}

fn shape(word: &str) -> Result<Shape, String> {
    let known = || Shape::ALL.map(Shape::as_str).join(", ");
    Shape::parse(word).ok_or_else(|| format!("it is one of {}", known()))
}

fn rate(text: &str) -> Result<Duration, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number, such as 0.5".to_owned())?;
    if (0.001..=1_000.0).contains(&rate) {
        Ok(Duration::from_secs_f64(1.0 / rate))
    } else {
        Err("it is between 0.001 and 1000".to_owned())
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a number from 0 to 1, such as 0.98".to_owned())
}

fn stretch(text: &str) -> Result<(i64, i64), String> {
    let ends = text.split_once("..").and_then(|(from, to)| moment(from).ok().zip(moment(to).ok()));
    let ends = ends.filter(|(from, to)| from < to).map(|(from, to)| (millis(from), millis(to)));
    ends.ok_or_else(|| "write two times, such as 28800..72000 or 8h..20h".to_owned())
}

/// Seconds as in a workload, or a duration as in the configuration.
fn moment(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(|seconds: u32| Duration::from_secs(seconds.into()));
    let moment =
        seconds.or_else(|| config::duration(text).filter(|moment| *moment <= Duration::from_secs(u32::MAX.into())));
    moment.ok_or_else(|| "write seconds, such as 43200, or 12h".to_owned())
}

fn millis(moment: Duration) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

fn policy(text: &str) -> Result<Policy, String> {
    let wrong = || "it is learned, fixed:SECONDS or schedule:FILE#ID".to_owned();
    if text == "learned" {
        return Ok(Policy::Learned);
    }
    if let Some(every) = text.strip_prefix("fixed:") {
        let every = moment(every).ok().filter(|every| *every >= Duration::from_secs(1));
        return every.map(Policy::Fixed).ok_or_else(wrong);
    }
    let named = text.strip_prefix("schedule:").and_then(|rest| rest.rsplit_once('#'));
    named.map(|(path, id)| Policy::Schedule { path: path.into(), id: id.to_owned() }).ok_or_else(wrong)
}

impl Policy {
    /// The schedule that it is; none where it is learned.
    fn schedule(&self) -> Result<Option<Schedule>, Failure> {
        match self {
            Self::Learned => Ok(None),
            Self::Fixed(every) => Ok(Some(Schedule::fixed(*every))),
            Self::Schedule { path, id } => {
                let shown = path.display();
                let json = std::fs::read_to_string(path)
                    .map_err(|error| Failure::failed(format!("cannot read {shown}: {error}")))?;
                Schedule::read(&json, id).map(Some).map_err(|error| Failure::failed(format!("{shown}: {error}")))
            }
        }
    }
}
