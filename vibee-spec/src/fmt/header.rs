//! Headers: one line if it fits, otherwise broken before clauses, then one parameter a line.

use super::spacing::{Spacer, inline};
use super::token::{Kind, Token};
use super::{STEP, WIDTH};

/// Words that begin a clause.
const CLAUSES: &[&str] = &["where", "for", "allow"];

/// The rows of a header at column `col`, each with its column.
pub(super) fn rows(tokens: &[Token], col: usize) -> Vec<(usize, String)> {
    let whole = inline(tokens, false);
    if fits(col, &whole) {
        return vec![(col, whole)];
    }
    let cuts = clauses(tokens);
    let signature = &tokens[..cuts.first().copied().unwrap_or(tokens.len())];
    let mut rows = signature_rows(signature, col);
    let Some(&first) = cuts.first() else { return rows };
    let together = inline(&tokens[first..], false);
    let col = col + 2 * STEP;
    if fits(col, &together) {
        rows.push((col, together));
        return rows;
    }
    for (n, &from) in cuts.iter().enumerate() {
        let to = cuts.get(n + 1).copied().unwrap_or(tokens.len());
        rows.push((col, inline(&tokens[from..to], false)));
    }
    rows
}

fn fits(col: usize, text: &str) -> bool {
    col + text.chars().count() <= WIDTH
}

/// Where clauses begin.
fn clauses(tokens: &[Token]) -> Vec<usize> {
    let mut spacer = Spacer::new(false);
    let mut found = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let outside = spacer.depth() == 0;
        spacer.take(*token);
        if n > 0 && outside && CLAUSES.contains(&token.text) {
            found.push(n);
        }
    }
    found
}

/// Name, parameters and outputs.
fn signature_rows(tokens: &[Token], col: usize) -> Vec<(usize, String)> {
    let whole = inline(tokens, false);
    let Some((open, close)) = parentheses(tokens).filter(|_| !fits(col, &whole)) else {
        return vec![(col, whole)];
    };
    let mut rows = exploded(&tokens[..=open], &tokens[open + 1..close], col);
    let rest = &tokens[close..];
    let last = inline(rest, false);
    // `rest` begins with the closing parenthesis; its own parentheses are outputs.
    match parentheses(&rest[1..]).filter(|_| !fits(col, &last)) {
        Some((open, close)) => {
            rows.extend(exploded(&rest[..=open + 1], &rest[open + 2..close + 1], col));
            rows.push((col, inline(&rest[close + 1..], false)));
        }
        None => rows.push((col, last)),
    }
    rows
}

/// The first pair of parentheses outside other brackets.
fn parentheses(tokens: &[Token]) -> Option<(usize, usize)> {
    let mut depth = 0usize;
    let mut open = None;
    for (n, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => {
                if depth == 0 && token.text == "(" {
                    open = Some(n);
                }
                depth += 1;
            }
            Kind::Close => {
                depth = depth.saturating_sub(1);
                if let Some(open) = open.filter(|_| depth == 0) {
                    return (n > open + 1).then_some((open, n));
                }
            }
            _ => {}
        }
    }
    None
}

/// `head` on a row, then each of the comma-separated `inner` on one with a comma.
fn exploded(head: &[Token], inner: &[Token], col: usize) -> Vec<(usize, String)> {
    let mut rows = vec![(col, inline(head, false))];
    let mut depth = 0usize;
    let mut from = 0;
    let mut part = |tokens: &[Token]| {
        if !tokens.is_empty() {
            rows.push((col + STEP, format!("{},", inline(tokens, false))));
        }
    };
    for (n, token) in inner.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Sign if token.text == "," && depth == 0 => {
                part(&inner[from..n]);
                from = n + 1;
            }
            _ => {}
        }
    }
    part(&inner[from..]);
    rows
}
