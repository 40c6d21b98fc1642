//! The technology tree: `specs/koschei/technology_tree.vibee`, implemented on petgraph.
//!
//! Modules and their requirements are a directed graph without cycles. Everything that depends on an order is
//! by name, so that results do not depend on the order in which modules are given. Knows no spec files and no
//! way of showing a tree.

mod contract;
mod plan;
mod problems;

use std::collections::BTreeMap;

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

pub use contract::Planner;
pub use generated::koschei::technology_tree::{CriticalPath, Module, Problem, ProblemKind, Status};
pub use problems::find_problems;

/// Modules that are no tree.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{} in the modules' requirements", if problems.len() == 1 { "a problem" } else { "problems" })]
pub struct NoTree {
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Modules without problems.
#[derive(Clone, Debug)]
pub struct Tree {
    /// An edge leads from a requirement to the module that requires it. Nodes are in order of their names.
    graph: DiGraph<Module, ()>,
    /// Requirements before those that require them.
    order: Vec<NodeIndex>,
}

impl Tree {
    /// Checks modules and joins them.
    ///
    /// # Errors
    /// When there are problems; they come with the error.
    pub fn new(modules: &[Module]) -> Result<Tree, NoTree> {
        let problems = find_problems(modules);
        if !problems.is_empty() {
            return Err(NoTree { problems });
        }
        let mut graph = DiGraph::new();
        let named: BTreeMap<&str, &Module> = modules.iter().map(|m| (m.name.as_str(), m)).collect();
        let nodes: BTreeMap<&str, NodeIndex> =
            named.into_iter().map(|(name, m)| (name, graph.add_node(m.clone()))).collect();
        for module in modules {
            for needed in module.requires.iter().filter_map(|name| nodes.get(name.as_str())) {
                graph.update_edge(*needed, nodes[module.name.as_str()], ());
            }
        }
        // Cycles are problems, so there are none here.
        let order = toposort(&graph, None).map_err(|_| NoTree { problems })?;
        Ok(Tree { graph, order })
    }

    /// All modules, by name.
    pub fn modules(&self) -> impl ExactSizeIterator<Item = &Module> {
        self.graph.raw_nodes().iter().map(|node| &node.weight)
    }

    /// What a module requires directly, by name.
    fn requirements(&self, of: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        let mut found: Vec<NodeIndex> =
            self.graph.edges_directed(of, petgraph::Incoming).map(|e| e.source()).collect();
        found.sort();
        found.into_iter()
    }

    /// A module's name.
    fn name(&self, of: NodeIndex) -> String {
        self.graph[of].name.clone()
    }
}

/// Whether nothing is left to show.
#[must_use]
pub fn is_done(status: Status) -> bool {
    match status {
        Status::Definition | Status::Tested | Status::Measured => true,
        Status::Specified | Status::Failing => false,
    }
}
