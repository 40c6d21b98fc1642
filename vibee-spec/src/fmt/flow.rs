//! Flow values: `{ key: value, … }` and `[item, …]`; leaves keep their text, lines their ends.

use super::STEP;
use super::page::Page;
use super::values::Cursor;
use crate::ast::{Node, NodeKind};
use crate::scan::Lines;
use crate::span::Span;

/// Writes the flow value `node` to the row begun last; further lines are indented from `col`.
pub(super) fn flow(node: &Node, col: usize, cursor: &mut Cursor, lines: &Lines, page: &mut Page) {
    let mut leaves = Vec::new();
    collect(node, &mut leaves);
    let mut leaves = leaves.into_iter().peekable();
    let end = node.span.end as usize;
    let (mut depth, mut before) = (0usize, Part::Start);
    // A quoted leaf may go on over several lines.
    let mut leaf: Option<Span> = None;
    while cursor.at < end {
        let line = lines.list[cursor.line];
        let rest = &lines.text[cursor.at..line.end as usize];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let at = cursor.at + blanks;
        if leaf.is_none() {
            leaf = leaves.next_if(|leaf| leaf.start as usize <= at && !rest[blanks..].is_empty());
        }
        let is_comment = rest[blanks..].starts_with('#') && leaf.is_none();
        if rest[blanks..].is_empty() || is_comment {
            if leaf.is_some() {
                cursor.end_text_line(lines)
            } else {
                cursor.end_line(lines, page)
            }
            let closes = matches!(lines.first(cursor.line), b']' | b'}') && leaf.is_none();
            let inner = depth.saturating_sub(usize::from(closes));
            page.further(cursor.line, lines, col + STEP * inner);
            before = Part::Start;
            continue;
        }
        let (text, part) = match leaf {
            Some(span) => (&lines.text[at..(span.end as usize).min(line.end as usize)], Part::Leaf),
            None => (&rest[blanks..=blanks], Part::Sign(rest.as_bytes()[blanks])),
        };
        let Some(row) = page.rows.last_mut() else { return };
        // A blank before `#` would make a comment of it.
        if blank(before, part) && !text.starts_with('#') {
            row.text.push(' ');
        }
        row.text.push_str(text);
        cursor.at = at + text.len();
        leaf = leaf.filter(|span| cursor.at < span.end as usize);
        match part {
            Part::Sign(b'{' | b'[') => depth += 1,
            Part::Sign(b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = part;
    }
}

/// What was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing on this row.
    Start,
    /// A key or a scalar.
    Leaf,
    /// A bracket, comma or colon.
    Sign(u8),
}

/// Whether a blank belongs between two parts.
fn blank(before: Part, part: Part) -> bool {
    use Part::{Leaf, Sign, Start};
    match (before, part) {
        (Start | Sign(b'['), _) | (Sign(b'{'), Sign(b'}')) | (_, Sign(b',' | b':' | b']')) => false,
        (Sign(b',' | b':' | b'{'), _) | (_, Sign(b'}')) => true,
        (Leaf | Sign(_), _) => false,
    }
}

/// Places of keys and scalars, in order; empty ones have no text.
fn collect(node: &Node, leaves: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::Empty => {}
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                leaves.push(key.span);
                collect(value, leaves);
            }
        }
        NodeKind::Seq(items) => items.iter().for_each(|item| collect(item, leaves)),
        _ => leaves.push(node.span),
    }
}
