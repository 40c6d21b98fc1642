//! Words that names and sentences are made of. No file of anybody's is quoted here.

use super::draw::Draw;

/// First parts of spec names.
const AREAS: &[&str] = &[
    "llm", "qml", "net", "vm", "auth", "media", "game", "bot", "db", "ui", "crypto", "hw", "lang", "cli",
    "ai", "edge", "quantum", "phi", "trinity", "agent",
];

/// Second parts.
const THINGS: &[&str] = &[
    "cache",
    "router",
    "sampler",
    "scheduler",
    "parser",
    "encoder",
    "attention",
    "optimizer",
    "registry",
    "session",
    "ledger",
    "planner",
    "monitor",
    "pipeline",
    "gateway",
    "tensor",
    "codec",
    "matcher",
    "indexer",
    "queue",
    "profiler",
    "compiler",
    "emitter",
    "resolver",
    "detector",
];

/// Third parts.
const ENDINGS: &[&str] = &[
    "core", "engine", "manager", "service", "kernel", "store", "v2", "v3", "v54", "advanced", "lite", "pool",
];

/// Names of fields.
const FIELDS: &[&str] = &[
    "id",
    "name",
    "size",
    "count",
    "enabled",
    "score",
    "rate",
    "data",
    "status",
    "created_at",
    "message",
    "confidence",
    "tokens",
    "weights",
    "layers",
    "threshold",
    "timeout_ms",
    "retries",
    "path",
    "owner",
    "payload",
    "version",
    "priority",
    "capacity",
    "hidden_size",
    "num_heads",
    "eps",
    "learning_rate",
    "seed",
    "max_length",
    "is_active",
    "metadata",
    "parent",
    "children",
    "latency",
    "throughput",
    "error",
    "success",
    "started_at",
    "kind",
    "label",
    "offset",
    "length",
    "checksum",
    "ratio",
    "phase",
    "amplitude",
    "depth",
];

/// Last parts of type names.
const TYPES: &[&str] = &[
    "Config", "State", "Result", "Request", "Response", "Metrics", "Entry", "Event", "Context", "Options",
    "Stats", "Node", "Report", "Handle", "Record", "Policy", "Snapshot", "Error",
];

/// Verbs of behaviours.
const VERBS: &[&str] = &[
    "initialize",
    "create",
    "update",
    "remove",
    "compute",
    "validate",
    "encode",
    "decode",
    "load",
    "store",
    "merge",
    "split",
    "rank",
    "select",
    "measure",
    "train",
    "quantize",
    "route",
    "retry",
    "cancel",
    "apply",
    "reset",
    "export",
    "import",
    "scan",
];

/// What behaviours act on.
const OBJECTS: &[&str] = &[
    "config",
    "state",
    "batch",
    "tokens",
    "weights",
    "request",
    "session",
    "entry",
    "gradient",
    "cache_line",
    "window",
    "score",
    "graph",
    "stream",
    "block",
    "snapshot",
    "pattern",
    "policy",
    "history",
    "index",
];

/// Names of variants.
pub(super) const VARIANTS: &[&str] = &[
    "Idle", "Running", "Failed", "Done", "PENDING", "ACTIVE", "LOW", "HIGH", "Red", "Green", "Blue", "north",
    "south", "ADD", "SUB", "MUL", "Unknown", "Warmup", "Cosine", "Linear", "Draft", "Accepted", "Rejected",
];

const GIVEN: &[&str] = &[
    "Valid input data",
    "An initialised state",
    "A batch of tokens",
    "Configuration parameters",
    "An open session",
    "Two tensors of equal shape",
    "A request with headers",
    "An empty queue",
    "A trained model",
    "A list of entries",
    "Historical measurements",
    "A node with children",
];

const WHEN: &[&str] = &[
    "Operation is requested",
    "The next step is computed",
    "Input arrives",
    "A limit is exceeded",
    "The user confirms",
    "The cache misses",
    "A timeout fires",
    "Weights are loaded",
    "Quality drops",
    "Merging is triggered",
    "Inference starts",
    "The block is full",
];

const THEN: &[&str] = &[
    "Return the result",
    "State is updated",
    "The oldest entry is evicted",
    "An error is reported",
    "Scores sum to one",
    "The order is preserved",
    "All metrics are recorded",
    "Memory stays bounded",
    "A new version is created",
    "The request is routed",
    "Nothing changes",
    "The caller is notified",
];

/// Parts that make a sentence its own.
const DETAILS: &[&str] = &[
    "within the time limit",
    "for every layer",
    "with a fixed seed",
    "in order of priority",
    "without a copy",
    "using the golden ratio",
    "per head",
    "at most once",
    "until it converges",
    "on all cores",
    "before the deadline",
    "after validation",
    "with retries",
    "for empty input too",
    "as configured",
    "in constant memory",
    "for the whole batch",
    "after a restart",
    "if it is enabled",
    "by weight",
];

/// What some prose holds that means something elsewhere: to YAML, to the scanner.
const TRAPS: &[&str] = &[
    "[a, b]",
    "{x}",
    "*bold*",
    "@cImport",
    "&ref",
    "100% of it",
    "`code`",
    "- dash",
    "\"quoted\" words",
    "it's",
    "x > 0 | y",
    "key=value",
    "<T>",
    "!important",
    "? maybe",
    "-> next",
    "x:y",
    "a#b",
];

/// The same, where the text is in quotes.
const QUOTED_TRAPS: &[&str] = &["(φ : 1)", "a: b: c", "#1", "# none", "key: [x]"];

/// A name like `llm_cache_core`.
pub(super) fn stem(draw: &mut Draw) -> String {
    let mut name = format!("{}_{}", draw.pick(AREAS), draw.pick(THINGS));
    if draw.chance(1, 2) {
        name = format!("{name}_{}", draw.pick(ENDINGS));
    }
    name
}

/// A field name.
pub(super) fn field(draw: &mut Draw) -> String {
    let name = draw.pick(FIELDS);
    if draw.chance(1, 5) { format!("{name}_{}", draw.pick(OBJECTS)) } else { name.to_owned() }
}

/// A type name; `prefix` is the spec's, in some letter case.
pub(super) fn type_name(draw: &mut Draw, prefix: &str) -> String {
    if draw.chance(1, 3) {
        return format!("{}{}", pascal(draw.pick(OBJECTS)), draw.pick(TYPES));
    }
    format!("{prefix}{}", draw.pick(TYPES))
}

/// `cache_line` as `CacheLine`.
pub(super) fn pascal(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
    };
    name.split('_').map(part).collect()
}

/// A behaviour name.
pub(super) fn behavior(draw: &mut Draw) -> String {
    format!("{}_{}", draw.pick(VERBS), draw.pick(OBJECTS))
}

/// Which of the three sentences of a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Given,
    When,
    Then,
}

/// A sentence. More may stand in it if it is going to be quoted.
pub(super) fn sentence(draw: &mut Draw, part: Part, quoted: bool) -> String {
    let head = draw.pick(match part {
        Part::Given => GIVEN,
        Part::When => WHEN,
        Part::Then => THEN,
    });
    let mut text = head.to_owned();
    if draw.chance(3, 5) {
        text = format!("{text} {}", draw.pick(DETAILS));
    }
    if draw.chance(1, 40) {
        text = format!("{text} {}", draw.pick(TRAPS));
    } else if quoted && draw.chance(1, 40) {
        text = format!("{text} {}", draw.pick(QUOTED_TRAPS));
    }
    text
}
