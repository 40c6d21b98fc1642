//! A layer together with the layers it is made of, wherever they are declared.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::term::{Atom, Check, DimId, Int, Kernel, Layer, Sublayer};

/// A layer, its forward's signature and its sublayers.
#[derive(Debug)]
pub struct Assembly {
    /// The layer.
    pub layer: Layer,
    /// Its forward as a kernel that computes nothing: sizes, arguments, entry checks.
    pub signature: Kernel,
    /// What [`Layer::sublayers`] name, in the same order.
    pub parts: Vec<Arc<Assembly>>,
}

impl Assembly {
    /// Puts a layer together; `find` gives what a sublayer names. `None` if it does not.
    pub fn new(layer: Layer, find: &mut dyn FnMut(&Sublayer) -> Option<Arc<Assembly>>) -> Option<Assembly> {
        let parts = layer.sublayers.iter().map(find).collect::<Option<Vec<_>>>()?;
        let fits = |(s, p): (&Sublayer, &Arc<Assembly>)| s.dims.len() == p.layer.dims.len();
        let signature = layer.signature();
        layer.sublayers.iter().zip(&parts).all(fits).then_some(Assembly { layer, signature, parts })
    }

    /// The conditions on the layer's own sizes, its sublayers' included, each once.
    #[must_use]
    pub fn conditions(&self) -> Vec<Check> {
        // A layer of the same sizes has the same conditions, however often it is used.
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        let own: Vec<Int> = (0u32..).zip(&self.layer.dims).map(|(d, _)| Int::dim(DimId(d))).collect();
        self.gather(&own, &mut seen, &mut out);
        out
    }

    fn gather(&self, sizes: &[Int], seen: &mut BTreeSet<String>, out: &mut Vec<Check>) {
        let leaf = |a: &Atom| match a {
            Atom::Dim(d) => sizes.get(d.index()).cloned(),
            _ => None,
        };
        if !seen.insert(format!("{}{sizes:?}", self.layer.name)) {
            return;
        }
        for c in &self.layer.checks {
            let c = c.map(&|i: &Int| i.substitute(&leaf));
            if !out.contains(&c) {
                out.push(c);
            }
        }
        for (s, part) in self.layer.sublayers.iter().zip(&self.parts) {
            let sizes: Vec<Int> = s.dims.iter().map(|d| d.substitute(&leaf)).collect();
            part.gather(&sizes, seen, out);
        }
    }
}
