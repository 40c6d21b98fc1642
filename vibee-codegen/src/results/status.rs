//! What may be said of a module: facts of its spec against results that belong to this very text.

use super::facts::Facts;
use super::{KernelResult, LayerResult, SpecResult};

/// The state of a module, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Something failed.
    Failing,
    /// It has something to test, and no result for its present text.
    Untested,
    /// It has nothing that runs.
    Declared,
    /// Everything that can run ran and passed.
    Tested,
}

impl State {
    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Failing => "failing",
            State::Untested => "untested",
            State::Declared => "declared",
            State::Tested => "tested",
        }
    }
}

/// A module's state with the reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The worst of its parts.
    pub state: State,
    /// Each part in words.
    pub parts: Vec<String>,
}

impl Status {
    /// Judges a module.
    #[must_use]
    pub fn of(facts: &Facts, result: Option<&SpecResult>) -> Status {
        let current = result.filter(|r| r.hash == facts.hash);
        let mut parts = Vec::new();
        if !facts.kernels.is_empty() {
            parts.push(match current {
                Some(r) => kernels(facts, r),
                None if result.is_some_and(|r| !r.kernels.is_empty()) => (
                    State::Untested,
                    format!("{}: changed since tested", count(facts.kernels.len(), "kernel")),
                ),
                None => (State::Untested, format!("{}: not tested", count(facts.kernels.len(), "kernel"))),
            });
        }
        for s in current.map(|r| r.suites.as_slice()).unwrap_or_default() {
            let (name, n) = (&s.implementation, s.assertions);
            parts.push(match (s.failures, n) {
                (0, 0) => (State::Untested, format!("suite: `{name}`, nothing asserted")),
                (0, n) => (State::Tested, format!("suite: {} passed by `{name}`", count_of(n, "assertion"))),
                (f, n) => {
                    (State::Failing, format!("suite: {f} of {} FAILED by `{name}`", count_of(n, "assertion")))
                }
            });
        }
        if !facts.layers.is_empty() {
            let all = layer_count(facts);
            parts.push(match current {
                Some(r) => layers(facts, r),
                None if result.is_some_and(|r| !r.layers.is_empty()) => {
                    (State::Untested, format!("{all}: changed since tested"))
                }
                None => (State::Untested, format!("{all}: not tested")),
            });
        }
        if parts.is_empty() {
            parts.push((State::Declared, declared(facts)));
        }
        let state = parts.iter().map(|(state, _)| *state).min().unwrap_or(State::Declared);
        Status { state, parts: parts.into_iter().map(|(_, text)| text).collect() }
    }

    /// All parts in one line.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.join("; ")
    }
}

fn declared(facts: &Facts) -> String {
    match (facts.types, facts.behaviors) {
        (0, 0) => "functions or constants only".to_owned(),
        (_, 0) => "types only".to_owned(),
        (_, n) => format!("{}, no suite was run", count(n, "behaviour")),
    }
}

/// Kernels of the spec's present text.
fn kernels(facts: &Facts, r: &SpecResult) -> (State, String) {
    let all = count(facts.kernels.len(), "kernel");
    let of = |name: &String| r.kernels.iter().find(|k| k.name == *name);
    let tried: Vec<&KernelResult> = facts.kernels.iter().filter_map(of).collect();
    let failed = tried.iter().filter(|k| k.failures > 0).count();
    let broken = r.laws.iter().filter(|l| !l.holds).count();
    if failed + broken > 0 {
        let what = [(failed, "kernel"), (broken, "law")];
        let what = what.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} FAILED", count(*n, what)));
        return (State::Failing, format!("{all}: {}", what.collect::<Vec<_>>().join(", ")));
    }
    let ran = tried.iter().filter(|k| k.values > 0).count();
    if ran < facts.kernels.len() {
        return (State::Untested, format!("{all}: {ran} tested"));
    }
    let sum = |f: fn(&KernelResult) -> u64| tried.iter().map(|k| f(k)).sum::<u64>();
    let mut text = format!(
        "{all} on {}: {}, {}, {} values compared",
        r.levels.join(", "),
        count_of(sum(|k| k.cases), "case"),
        count(r.laws.len(), "law"),
        sum(|k| k.values),
    );
    let silent = tried.iter().filter(|k| !k.asserted).count();
    if silent > 0 {
        text += &format!(", {silent} without case or law");
    }
    (State::Tested, text)
}

/// Layers and models of the spec's present text.
fn layers(facts: &Facts, r: &SpecResult) -> (State, String) {
    let all = layer_count(facts);
    let of = |name: &String| r.layers.iter().find(|l| l.name == *name);
    let tried: Vec<&LayerResult> = facts.layers.iter().filter_map(of).collect();
    let failed = tried.iter().filter(|l| l.failures > 0).count();
    if failed > 0 {
        return (State::Failing, format!("{all}: {failed} FAILED"));
    }
    let ran = tried.iter().filter(|l| l.untested.is_none() && l.values > l.skipped).count();
    if ran < facts.layers.len() {
        return (State::Untested, format!("{all}: {ran} tested"));
    }
    let sum = |f: fn(&LayerResult) -> u64| tried.iter().map(|l| f(l)).sum::<u64>();
    let (levels, draws, values) = (r.levels.join(", "), sum(|l| l.draws), sum(|l| l.values));
    (State::Tested, format!("{all} on {levels}: {}, {values} values compared", count_of(draws, "draw")))
}

fn layer_count(facts: &Facts) -> String {
    match facts.layers.len() {
        1 => "1 layer or model".to_owned(),
        n => format!("{n} layers or models"),
    }
}

fn count(n: usize, what: &str) -> String {
    count_of(n as u64, what)
}

fn count_of(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::super::{LawResult, SuiteResult};
    use super::*;

    fn facts() -> Facts {
        Facts { hash: "h".into(), kernels: vec!["f".into(), "g".into()], ..Facts::default() }
    }

    fn tested() -> SpecResult {
        let kernel = |name: &str| KernelResult {
            name: name.into(),
            cases: 2,
            values: 10,
            asserted: true,
            ..KernelResult::default()
        };
        SpecResult {
            hash: "h".into(),
            levels: vec!["scalar".into(), "avx2".into()],
            kernels: vec![kernel("f"), kernel("g")],
            laws: vec![LawResult { name: "l".into(), holds: true, ..LawResult::default() }],
            ..SpecResult::default()
        }
    }

    #[track_caller]
    fn says(facts: &Facts, result: &SpecResult, state: State, text: &str) {
        let s = Status::of(facts, Some(result));
        assert_eq!((s.state, s.text().as_str()), (state, text));
    }

    #[test]
    fn what_passed_is_counted() {
        let text = "2 kernels on scalar, avx2: 4 cases, 1 law, 20 values compared";
        says(&facts(), &tested(), State::Tested, text);
        let mut silent = tested();
        silent.kernels[1].asserted = false;
        says(&facts(), &silent, State::Tested, &format!("{text}, 1 without case or law"));
    }

    #[test]
    fn results_of_another_text_count_for_nothing() {
        let other = SpecResult { hash: "i".into(), ..tested() };
        says(&facts(), &other, State::Untested, "2 kernels: changed since tested");
        assert_eq!(Status::of(&facts(), None).text(), "2 kernels: not tested");
    }

    #[test]
    fn a_kernel_that_never_ran_keeps_the_module_untested() {
        let mut one = tested();
        one.kernels[1].values = 0;
        says(&facts(), &one, State::Untested, "2 kernels: 1 tested");
        one.kernels.pop();
        says(&facts(), &one, State::Untested, "2 kernels: 1 tested");
    }

    #[test]
    fn layers_are_tested_like_kernels() {
        let facts = Facts { hash: "h".into(), layers: vec!["A".into(), "B".into()], ..Facts::default() };
        let layer = |name: &str| LayerResult { name: name.into(), draws: 4, values: 9, ..Default::default() };
        let mut r = SpecResult { kernels: vec![], laws: vec![], ..tested() };
        assert_eq!(Status::of(&facts, None).text(), "2 layers or models: not tested");
        says(&facts, &r, State::Untested, "2 layers or models: 0 tested");
        r.layers = vec![layer("A"), layer("B")];
        let text = "2 layers or models on scalar, avx2: 8 draws, 18 values compared";
        says(&facts, &r, State::Tested, text);
        r.layers[1].skipped = 9;
        says(&facts, &r, State::Untested, "2 layers or models: 1 tested");
        r.layers[1] = LayerResult { untested: Some("too large".into()), ..layer("B") };
        says(&facts, &r, State::Untested, "2 layers or models: 1 tested");
        r.layers[0].failures = 1;
        says(&facts, &r, State::Failing, "2 layers or models: 1 FAILED");
        r.hash = "i".into();
        says(&facts, &r, State::Untested, "2 layers or models: changed since tested");
    }

    #[test]
    fn one_failure_is_enough() {
        let mut law = tested();
        law.laws[0].holds = false;
        says(&facts(), &law, State::Failing, "2 kernels: 1 law FAILED");
        let suite =
            |assertions, failures| SuiteResult { implementation: "a::B".into(), assertions, failures };
        let only = |s| SpecResult { hash: "h".into(), suites: vec![s], ..SpecResult::default() };
        let facts = Facts { hash: "h".into(), types: 2, behaviors: 3, ..Facts::default() };
        says(&facts, &only(suite(9, 1)), State::Failing, "suite: 1 of 9 assertions FAILED by `a::B`");
        says(&facts, &only(suite(9, 0)), State::Tested, "suite: 9 assertions passed by `a::B`");
        says(&facts, &only(suite(0, 0)), State::Untested, "suite: `a::B`, nothing asserted");
    }

    #[test]
    fn declarations_claim_nothing() {
        let facts = Facts { types: 2, behaviors: 1, ..Facts::default() };
        let s = Status::of(&facts, None);
        assert_eq!((s.state, s.text().as_str()), (State::Declared, "1 behaviour, no suite was run"));
        assert_eq!(Status::of(&Facts { behaviors: 0, ..facts }, None).text(), "types only");
    }
}
