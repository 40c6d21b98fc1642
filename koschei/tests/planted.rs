//! The spec's conformance suite: the planner passes it, each planted mistake fails.

use generated::koschei::technology_tree::{
    CriticalPath, Module, Problem, ProblemKind, Status, TechnologyTree, conformance,
};
use igla_runtime::conformance::{Failure, Report};
use koschei::tree::Planner;

/// A way of getting it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    CyclesAreIgnored,
    SelfRequirementsAreMissed,
    OneCycleIsEnough,
    MissingRequirementsAreIgnored,
    FirstNameIsSuggested,
    DuplicatesAreMerged,
    EffortsAreNotChecked,
    LayersByTheShortestWay,
    FrontierHasBlockedModules,
    FrontierHasDoneModules,
    FailingIsDone,
    DefinitionsAreNotDone,
    PathByCount,
    PathThroughDoneModules,
    PathBackwards,
    PlansWithProblems,
}

/// Every planted mistake.
const PLANTED: [Wrong; 16] = [
    Wrong::CyclesAreIgnored,
    Wrong::SelfRequirementsAreMissed,
    Wrong::OneCycleIsEnough,
    Wrong::MissingRequirementsAreIgnored,
    Wrong::FirstNameIsSuggested,
    Wrong::DuplicatesAreMerged,
    Wrong::EffortsAreNotChecked,
    Wrong::LayersByTheShortestWay,
    Wrong::FrontierHasBlockedModules,
    Wrong::FrontierHasDoneModules,
    Wrong::FailingIsDone,
    Wrong::DefinitionsAreNotDone,
    Wrong::PathByCount,
    Wrong::PathThroughDoneModules,
    Wrong::PathBackwards,
    Wrong::PlansWithProblems,
];

/// The planner with one thing wrong.
struct Planted(Wrong);

impl Planted {
    /// Modules as the mistake sees them.
    fn seen(&self, modules: &[Module]) -> Vec<Module> {
        let mut seen = modules.to_vec();
        for m in &mut seen {
            match (self.0, m.status) {
                (Wrong::FailingIsDone, Status::Failing) => m.status = Status::Tested,
                (Wrong::DefinitionsAreNotDone, Status::Definition) => m.status = Status::Specified,
                (Wrong::PathThroughDoneModules, _) => m.status = Status::Specified,
                _ => {}
            }
            if self.0 == Wrong::PathByCount {
                m.effort = 1.0;
            }
        }
        seen
    }
}

impl TechnologyTree for Planted {
    fn find_problems(&mut self, modules: &[Module]) -> Vec<Problem> {
        let mut found = Planner.find_problems(modules);
        let is_loop = |p: &Problem| p.kind == ProblemKind::Cycle && p.path.len() == 2;
        match self.0 {
            Wrong::CyclesAreIgnored => found.retain(|p| p.kind != ProblemKind::Cycle),
            Wrong::SelfRequirementsAreMissed => found.retain(|p| !is_loop(p)),
            Wrong::OneCycleIsEnough => found.dedup_by_key(|p| p.kind),
            Wrong::MissingRequirementsAreIgnored => found.retain(|p| p.kind != ProblemKind::Missing),
            Wrong::DuplicatesAreMerged => found.retain(|p| p.kind != ProblemKind::Duplicate),
            Wrong::EffortsAreNotChecked => found.retain(|p| p.kind != ProblemKind::Effort),
            Wrong::FirstNameIsSuggested => {
                let first = modules.iter().map(|m| m.name.clone()).min();
                let missing = found.iter_mut().filter(|p| p.kind == ProblemKind::Missing);
                missing.for_each(|p| p.suggestion = first.clone());
            }
            _ => {}
        }
        found
    }

    fn layers(&mut self, modules: &[Module]) -> Result<Vec<Vec<String>>, Failure> {
        let layers = Planner.layers(modules);
        match self.0 {
            Wrong::PlansWithProblems => Ok(layers.unwrap_or_default()),
            Wrong::LayersByTheShortestWay => {
                let mut layer: Vec<(usize, String)> = vec![];
                for name in layers?.concat() {
                    let requires = modules.iter().filter(|m| m.name == name).flat_map(|m| &m.requires);
                    let of = |r: &String| layer.iter().find(|(_, n)| n == r).map_or(0, |(n, _)| n + 1);
                    let at = requires.map(of).min().unwrap_or(0);
                    layer.push((at, name));
                }
                layer.sort();
                let count = layer.last().map_or(0, |(n, _)| n + 1);
                let names =
                    |n| layer.iter().filter(|(at, _)| *at == n).map(|(_, name)| name.clone()).collect();
                Ok((0..count).map(names).collect())
            }
            _ => layers,
        }
    }

    fn frontier(&mut self, modules: &[Module]) -> Result<Vec<String>, Failure> {
        let is_done = |m: &Module| matches!(m.status, Status::Tested | Status::Measured | Status::Definition);
        let names = |holds: &dyn Fn(&Module) -> bool| {
            let mut names: Vec<String> =
                modules.iter().filter(|m| holds(m)).map(|m| m.name.clone()).collect();
            names.sort();
            names
        };
        let right = Planner.frontier(&self.seen(modules));
        match self.0 {
            Wrong::FrontierHasBlockedModules => right.map(|_| names(&|m| !is_done(m))),
            Wrong::FrontierHasDoneModules => {
                right.map(|right| names(&|m| is_done(m) || right.contains(&m.name)))
            }
            Wrong::PlansWithProblems => Ok(right.unwrap_or_default()),
            _ => right,
        }
    }

    fn critical_path(&mut self, modules: &[Module]) -> Result<CriticalPath, Failure> {
        let mut path = Planner.critical_path(&self.seen(modules));
        if self.0 == Wrong::PathByCount {
            path = path.map(|mut path| {
                let effort =
                    |name: &String| modules.iter().find(|m| m.name == *name).map_or(0.0, |m| m.effort);
                path.effort = path.modules.iter().map(effort).sum();
                path
            });
        }
        match self.0 {
            Wrong::PathBackwards => path.map(|mut path| {
                path.modules.reverse();
                path
            }),
            Wrong::PlansWithProblems => Ok(path.unwrap_or_default()),
            _ => path,
        }
    }
}

#[test]
fn the_planner_passes() {
    let report = conformance(|| Planner);
    println!("{report}");
    report.assert();
}

#[test]
fn every_planted_mistake_is_caught() {
    println!("{:<32} {:>6}  first", "planted mistake", "failed");
    let mut missed = vec![];
    for wrong in PLANTED {
        let report: Report = conformance(|| Planted(wrong));
        let first = report.failed().next().map_or("none: MISSED", |f| f.name.as_str());
        println!("{:<32} {:>6}  {first}", format!("{wrong:?}"), report.failed().count());
        if report.is_green() {
            missed.push(wrong);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
