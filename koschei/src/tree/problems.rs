//! What keeps modules from being a tree: all of it, in one list.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Module, Problem, ProblemKind};

/// Every problem, sorted by kind and path. Of modules that need each other, directly or not, one shortest cycle
/// through the alphabetically first is reported.
#[must_use]
pub fn find_problems(modules: &[Module]) -> Vec<Problem> {
    let mut names = BTreeSet::new();
    let mut found = BTreeMap::new();
    let mut report = |kind, path: Vec<&str>, suggestion: Option<&str>| {
        let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
        found.insert((kind as usize, path), (kind, suggestion.map(str::to_owned)));
    };
    for m in modules {
        if !names.insert(m.name.as_str()) {
            report(ProblemKind::Duplicate, vec![&m.name], None);
        }
        if !(m.effort >= 0.0 && m.effort.is_finite()) {
            report(ProblemKind::Effort, vec![&m.name], None);
        }
    }
    for m in modules {
        for missing in m.requires.iter().filter(|r| !names.contains(r.as_str())) {
            report(ProblemKind::Missing, vec![&m.name, missing], nearest(missing, &names));
        }
    }
    for cycle in cycles(modules, &names) {
        report(ProblemKind::Cycle, cycle, None);
    }
    let problem = |((_, path), (kind, suggestion))| Problem { kind, path, suggestion };
    found.into_iter().map(problem).collect()
}

/// The nearest name, if it is near enough to be a slip: at most a third of the letters (one at least, but never
/// all) wrong, missing, too many or swapped. The first by name among equals.
fn nearest<'n>(wrong: &str, names: &BTreeSet<&'n str>) -> Option<&'n str> {
    let letters = wrong.chars().count();
    let limit = (letters / 3).max(1);
    // A name that differs in length by more than the limit cannot be near; the rest is compared.
    let similar = names.iter().filter(|n| n.chars().count().abs_diff(letters) <= limit);
    let rated =
        similar.map(|n| (strsim::osa_distance(wrong, n), *n)).filter(|(d, _)| *d <= limit && *d < letters);
    rated.min().map(|(_, name)| name)
}

/// One cycle for each group of modules that need each other.
fn cycles<'m>(modules: &'m [Module], names: &BTreeSet<&'m str>) -> Vec<Vec<&'m str>> {
    // Edges lead from a module to what it requires, nodes are in order of their names.
    let mut graph = DiGraph::<&str, ()>::new();
    let nodes: BTreeMap<&str, NodeIndex> = names.iter().map(|n| (*n, graph.add_node(n))).collect();
    for m in modules {
        for needed in m.requires.iter().filter_map(|r| nodes.get(r.as_str())) {
            graph.update_edge(nodes[m.name.as_str()], *needed, ());
        }
    }
    let groups = kosaraju_scc(&graph).into_iter();
    let starts = groups.filter_map(|group| {
        let first = *group.iter().min()?;
        (group.len() > 1 || graph.contains_edge(first, first)).then_some(first)
    });
    starts.map(|start| shortest_cycle(&graph, start).iter().map(|n| graph[*n]).collect()).collect()
}

/// A shortest way from a node back to itself, which exists; among equals the first by name.
fn shortest_cycle(graph: &DiGraph<&str, ()>, start: NodeIndex) -> Vec<NodeIndex> {
    let mut from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut next = VecDeque::from([start]);
    while let Some(node) = next.pop_front() {
        let mut required: Vec<NodeIndex> = graph.neighbors(node).collect();
        required.sort();
        for needed in required {
            if let Entry::Vacant(unseen) = from.entry(needed) {
                unseen.insert(node);
                next.push_back(needed);
            }
        }
        if from.contains_key(&start) {
            break;
        }
    }
    let mut cycle = vec![start];
    let mut at = from.get(&start).copied();
    while let Some(node) = at.filter(|n| *n != start) {
        cycle.push(node);
        at = from.get(&node).copied();
    }
    cycle.push(start);
    cycle.reverse();
    cycle
}
