//! The tree as the trait of its spec.

use generated::koschei::technology_tree::TechnologyTree;
use igla_runtime::conformance::Failure;

use super::{CriticalPath, Module, Problem, Tree, problems};

/// Plans trees, each call from its modules alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planner;

impl TechnologyTree for Planner {
    fn find_problems(&mut self, modules: &[Module]) -> Vec<Problem> {
        problems::find_problems(modules)
    }

    fn layers(&mut self, modules: &[Module]) -> Result<Vec<Vec<String>>, Failure> {
        Ok(Tree::new(modules)?.layers())
    }

    fn frontier(&mut self, modules: &[Module]) -> Result<Vec<String>, Failure> {
        Ok(Tree::new(modules)?.frontier())
    }

    fn critical_path(&mut self, modules: &[Module]) -> Result<CriticalPath, Failure> {
        Ok(Tree::new(modules)?.critical_path())
    }
}
