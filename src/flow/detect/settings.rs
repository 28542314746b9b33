//! What can be set of a detector, checked.

/// The detectors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Each metric against mean and standard deviation.
    ZScore,
    /// The vector of metrics: how few random cuts isolate it.
    IsolationForest,
    /// The vector of metrics: distance among its principal components.
    PcaMahalanobis,
    /// The vector of metrics: distance from clusters of past readings.
    Clusters,
    /// Each metric: values, shapes and times of day never seen before.
    Novelty,
    /// Each metric: what is unexpected here and now.
    Forecast,
    /// Services that are degraded or offline.
    Status,
    /// Entities that are heard of no more.
    Silence,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[
        Kind::ZScore,
        Kind::IsolationForest,
        Kind::PcaMahalanobis,
        Kind::Clusters,
        Kind::Novelty,
        Kind::Forecast,
        Kind::Status,
        Kind::Silence,
    ];

    /// Its name in topologies, flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::ZScore => "z-score",
            Kind::IsolationForest => "isolation-forest",
            Kind::PcaMahalanobis => "pca-mahalanobis",
            Kind::Clusters => "clusters",
            Kind::Novelty => "novelty",
            Kind::Forecast => "forecast",
            Kind::Status => "status",
            Kind::Silence => "silence",
        }
    }
}

/// What a window is judged against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Itself: fitted and judged on the same readings, nothing is learned.
    Window,
    /// What was learned of the entity from earlier windows.
    History,
}

/// How `clusters` models past readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterModel {
    /// Distance to the nearest centroid.
    KMeans,
    /// Negative log density of a mixture.
    GaussianMixture,
}

/// How much is remembered of a series: `novelty` and `forecast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// All that helps: at most 6 KB a series with both.
    Normal,
    /// For wide fleets: about a fifth of it, for values, levels and hours of the day alone.
    Small,
}

/// The settings of one `[[detect]]`. What a kind does not use, it ignores.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which detector.
    pub kind: Kind,
    /// What it judges against.
    pub baseline: Baseline,
    /// In the detector's own unit: standard deviations, squared distance; `None` is the kind's default.
    pub threshold: Option<f64>,
    /// Instead: false alarms that are accepted, of a metric in a million readings.
    pub false_alarms: Option<f64>,
    /// So many metrics that come near the threshold in one window are told too; 0 for never.
    pub agree: u32,
    /// How long `novelty` tells nothing of a series.
    pub learn_for_ms: i64,
    /// How long nothing is heard of an entity before it is missed.
    pub after_ms: i64,
    /// The share of readings expected to be anomalous, in (0, 0.5]: `isolation-forest`.
    pub contamination: f64,
    /// Readings of an entity before its history judges.
    pub warm_up: u64,
    /// Of the random choices of a fit.
    pub seed: u64,
    /// Trees of a forest.
    pub trees: usize,
    /// Readings a tree is grown from.
    pub samples: usize,
    /// Readings between two fits.
    pub refit_every: u64,
    /// Past readings kept to fit on.
    pub reservoir: usize,
    /// The share of variance that principal components keep, in (0, 1].
    pub variance: f64,
    /// The chi-square quantile of the default threshold of `pca-mahalanobis`, in (0, 1).
    pub quantile: f64,
    /// How many clusters.
    pub clusters: usize,
    /// Which model of clusters.
    pub model: ClusterModel,
    /// Anomalous windows in a row after which the new state of affairs is learned as normal.
    pub relearn_after: u32,
    /// How much is remembered of a series.
    pub size: Size,
}

impl Settings {
    /// The defaults of a kind.
    pub fn of(kind: Kind) -> Settings {
        Settings {
            kind,
            baseline: Baseline::History,
            threshold: None,
            false_alarms: None,
            agree: 0,
            learn_for_ms: 0,
            after_ms: 900_000,
            contamination: 0.05,
            warm_up: 400,
            seed: 42,
            trees: 200,
            samples: 256,
            refit_every: 2000,
            reservoir: 512,
            variance: 0.95,
            quantile: 0.99,
            clusters: 4,
            model: ClusterModel::KMeans,
            relearn_after: 12,
            size: Size::Normal,
        }
    }
}
