//! What follows from a tree: layers, frontier, critical path.

use petgraph::graph::NodeIndex;

use super::{CriticalPath, Tree, is_done};

impl Tree {
    /// Modules in the order in which they can be done: each in the first layer after all that it requires, by
    /// name within a layer.
    #[must_use]
    pub fn layers(&self) -> Vec<Vec<String>> {
        let mut layer = vec![0; self.graph.node_count()];
        for &node in &self.order {
            layer[node.index()] = self.requirements(node).map(|r| layer[r.index()] + 1).max().unwrap_or(0);
        }
        let mut layers = vec![vec![]; layer.iter().max().map_or(0, |deepest| deepest + 1)];
        for node in self.graph.node_indices() {
            layers[layer[node.index()]].push(self.name(node));
        }
        layers
    }

    /// Names of modules that are not done and whose requirements all are, sorted.
    #[must_use]
    pub fn frontier(&self) -> Vec<String> {
        let nodes = self.graph.node_indices();
        let open = nodes.filter(|n| self.is_left(*n) && !self.requirements(*n).any(|r| self.is_left(r)));
        open.map(|n| self.name(n)).collect()
    }

    /// The chain of modules left to do, each requiring the one before, with the most effort; among equals the
    /// one whose last module comes first by name, then whose last but one does, and so on.
    #[must_use]
    pub fn critical_path(&self) -> CriticalPath {
        // For each module the effort of the best chain that ends with it, and the module before.
        let mut best: Vec<(f64, Option<NodeIndex>)> = vec![(0.0, None); self.graph.node_count()];
        for &node in self.order.iter().filter(|n| self.is_left(**n)) {
            let left = self.requirements(node).filter(|r| self.is_left(*r));
            let before = largest(left.map(|r| (best[r.index()].0, r)));
            let effort = before.map_or(0.0, |(effort, _)| effort) + self.graph[node].effort;
            best[node.index()] = (effort, before.map(|(_, r)| r));
        }
        let left = self.graph.node_indices().filter(|n| self.is_left(*n));
        let Some((effort, last)) = largest(left.map(|n| (best[n.index()].0, n))) else {
            return CriticalPath::default();
        };
        let chain = std::iter::successors(Some(last), |n| best[n.index()].1);
        let mut modules: Vec<String> = chain.map(|n| self.name(n)).collect();
        modules.reverse();
        CriticalPath { modules, effort }
    }

    /// Whether a module has still to be done.
    fn is_left(&self, node: NodeIndex) -> bool {
        !is_done(self.graph[node].status)
    }
}

/// The candidate with the most effort, the first among equals.
fn largest(candidates: impl Iterator<Item = (f64, NodeIndex)>) -> Option<(f64, NodeIndex)> {
    candidates.reduce(|best, next| if next.0 > best.0 { next } else { best })
}
