//! Ages in bins: fine where an order is young, coarse where it is old, since a look a second late matters to the former
//! alone.

/// Bins of the time since registration: the first lasts a second, and each edge is a fifth beyond the one before it,
/// which reaches seven weeks.
const YOUNG_BINS: usize = 90;

/// Bins of the time since the payment page closed: banks close orders at once or by a job that runs now and then. Each
/// edge is a fifth beyond the one before it, up to nineteen days; but for the first bin, which is what closes at once,
/// before anybody can have asked.
const CLOSED_BINS: usize = 97;

/// A bank that closes an order with its page has done so by this many seconds after. The first look once a page is
/// closed comes then, since what is later is waited for by everybody who did not pay: if it is too early for a bank,
/// that is soon learned.
pub(super) const AT_ONCE: f64 = 0.02;

/// Something for each bin: a weight of what happened, or of how long it could have.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    values: Vec<f64>,
    edges: &'static [f64],
}

/// Since when an age counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The order was registered.
    Registration,
    /// Its payment page closed.
    Closing,
}

impl Since {
    /// The lower edges of its bins, in seconds, and the upper edge of the last.
    fn edges(self) -> &'static [f64] {
        match self {
            Self::Registration => &YOUNG_EDGES,
            Self::Closing => &CLOSED_EDGES,
        }
    }
}

const fn edges<const N: usize>(first: f64, factor: f64) -> [f64; N] {
    let mut edges = [0.0; N];
    let (mut nth, mut edge) = (1, first);
    while nth < N {
        edges[nth] = edge;
        edge *= factor;
        nth += 1;
    }
    edges
}

/// The fourth root of two: four bins for every doubling.
const FACTOR: f64 = 1.189_207_115_002_721;

static YOUNG_EDGES: [f64; YOUNG_BINS + 1] = edges(1.0, FACTOR);
static CLOSED_EDGES: [f64; CLOSED_BINS + 1] = {
    let mut edges: [f64; CLOSED_BINS + 1] = edges(0.1, FACTOR);
    edges[0] = 0.0;
    edges[1] = AT_ONCE;
    edges
};

impl Bins {
    /// Nothing in any bin.
    pub fn empty(since: Since) -> Self {
        let edges = since.edges();
        Self { values: vec![0.0; edges.len() - 1], edges }
    }

    /// What is in each bin: its lower edge, its upper edge, and the value.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.edges
            .iter()
            .zip(self.edges.iter().skip(1))
            .zip(&self.values)
            .map(|((from, to), value)| (*from, *to, *value))
    }

    /// Sets each bin to what `value` makes of its edges and its value.
    pub fn set(&mut self, mut value: impl FnMut(f64, f64, f64) -> f64) {
        let edges = self.edges.iter().zip(self.edges.iter().skip(1));
        for ((from, to), held) in edges.zip(&mut self.values) {
            *held = value(*from, *to, *held);
        }
    }

    /// Adds `weight` to the bin of `age`; beyond the last edge, to the last.
    pub fn add_at(&mut self, age: f64, weight: f64) {
        let nth = self.edges.partition_point(|edge| *edge <= age).saturating_sub(1).min(self.values.len() - 1);
        if let Some(value) = self.values.get_mut(nth) {
            *value += weight;
        }
    }

    /// Adds `weight`, spread evenly over the ages between `from` and `to`.
    pub fn add_between(&mut self, from: f64, to: f64, weight: f64) {
        let length = to - from;
        if length <= f64::EPSILON {
            return self.add_at(to, weight);
        }
        self.set(|lower, upper, value| value + weight * (upper.min(to) - lower.max(from)).max(0.0) / length);
    }

    /// Adds to each bin how many of the seconds between these ages lie in it, each counting for `share`.
    pub fn add_seconds(&mut self, from: f64, to: f64, share: f64) {
        self.set(|lower, upper, value| value + share * (upper.min(to) - lower.max(from)).max(0.0));
    }

    /// Multiplies every bin.
    pub fn fade(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|value| *value *= factor);
    }

    /// The bins as numbers, to be stored.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The bins of stored numbers; `None` when they are not as many, or not all of them amounts.
    pub fn restored(since: Since, values: Vec<f64>) -> Option<Self> {
        let edges = since.edges();
        let is_sound = values.len() + 1 == edges.len() && values.iter().all(|value| value.is_finite() && *value >= 0.0);
        is_sound.then_some(Self { values, edges })
    }

    /// Each bin with half of its neighbours beside it: what fell next to an edge might as well have fallen beyond.
    pub fn smoothed(&self) -> Self {
        let at = |nth: Option<usize>| nth.and_then(|nth| self.values.get(nth)).copied();
        let mut smoothed = self.clone();
        for (nth, value) in smoothed.values.iter_mut().enumerate() {
            let beside = [at(nth.checked_sub(1)), at(nth.checked_add(1))];
            let (sum, weight) =
                beside.iter().flatten().fold((*value, 1.0), |(sum, weight), beside| (sum + beside / 2.0, weight + 0.5));
            *value = sum / weight;
        }
        smoothed
    }
}
