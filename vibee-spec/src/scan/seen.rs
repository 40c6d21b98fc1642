//! The keys of one map so far.

use crate::ast::Ident;
use crate::span::Span;
use std::collections::HashMap;

/// Maps mostly have a handful of keys, which are compared one by one; only a map with more keys
/// pays for an index.
const FEW: usize = 16;

/// An index of the keys of a map with many.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<String, Span>);

impl Seen {
    /// Where `key` stands among the keys `before` it, which are all that were given here so far.
    pub(super) fn before<'k>(
        &mut self,
        before: impl ExactSizeIterator<Item = &'k Ident>,
        key: &Ident,
    ) -> Option<Span> {
        if before.len() < FEW {
            return before.into_iter().find(|k| k.name == key.name).map(|k| k.span);
        }
        if self.0.is_empty() {
            self.0.extend(before.map(|k| (k.name.clone(), k.span)));
        }
        self.0.insert(key.name.clone(), key.span)
    }
}
