//! One statement: its tokens in rows, broken where the author broke it.

use super::page::{Page, Row};
use super::spacing::Spacer;
use super::token::{Kind, Token, Words, tokens};
use super::{STEP, header};
use crate::scan::{Lines, Logical};

/// Where a statement stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    /// Its first physical line.
    pub line: usize,
    /// Column in the source.
    pub old: u32,
    /// Column that its further rows are indented from.
    pub col: usize,
}

/// A token with the physical line it is on.
pub(super) type Placed<'t> = (Token<'t>, usize);

/// Tokens of a joined line, with the physical lines they stand on.
pub(super) fn placed<'t>(
    text: &'t str,
    start: usize,
    line: usize,
    words: Words,
    lines: &Lines,
) -> Vec<Placed<'t>> {
    let mut line = line;
    let found = tokens(text, words).into_iter().map(|token| {
        while lines.list.get(line).is_some_and(|l| (l.end as usize) <= start + token.at) {
            line += 1;
        }
        (token, line)
    });
    found.collect()
}

/// Writes the statement of `joined` in rows of its own.
pub(super) fn statement(joined: &Logical, stand: Stand, words: Words, lines: &Lines, page: &mut Page) {
    let start = joined.span.start as usize;
    let tokens = placed(&joined.text, start, stand.line, words, lines);
    let Some(&(_, last)) = tokens.last() else { return };
    if words == Words::Header && !has_comments(&tokens, start, lines) {
        let comment = comment_after(&tokens, tokens.len() - 1, start, lines);
        let plain: Vec<Token> = tokens.iter().map(|t| t.0).collect();
        for (n, (col, text)) in header::rows(&plain, stand.col).into_iter().enumerate() {
            let mut row = Row::new(if n == 0 { stand.line } else { last }, stand.old, col);
            row.text = text;
            row.last = last;
            row.continues = n > 0;
            row.levels = vec![(stand.old, stand.col)];
            page.push(row);
        }
        if let Some(row) = page.rows.last_mut() {
            row.comment = comment;
        }
        return;
    }
    let mut row = Row::new(stand.line, stand.old, stand.col);
    row.levels = vec![(stand.old, stand.col)];
    page.push(row);
    rows(&tokens, start, stand, if words == Words::Header { 2 * STEP } else { STEP }, lines, page);
}

/// Writes tokens to the row that was begun last and, where the source has line ends, to rows below
/// it. `step` is how far rows outside brackets are indented.
pub(super) fn rows(
    tokens: &[Placed],
    start: usize,
    stand: Stand,
    step: usize,
    lines: &Lines,
    page: &mut Page,
) {
    let mut spacer = Spacer::new(false);
    let mut inside = Inside { opened: Vec::new(), conditions: vec![Vec::new()], row: 0, col: stand.col };
    for (n, &(token, line)) in tokens.iter().enumerate() {
        let starts_row = n > 0 && tokens[n - 1].1 != line;
        let same_row_close = tokens.get(n + 1).is_some_and(|&(next, l)| l == line && next.closes_list());
        if token.text == "," && same_row_close {
            continue;
        }
        let blank = spacer.take(token);
        if starts_row {
            inside.row += 1;
            inside.col = inside.column(&tokens[..n], token, stand.col, step);
            let mut row = Row::new(line, lines.list[line].indent, inside.col);
            row.continues = true;
            row.levels = page.rows.last().map(|row| row.levels.clone()).unwrap_or_default();
            page.push(row);
        }
        let comment = comment_after(tokens, n, start, lines);
        let Some(row) = page.rows.last_mut() else { return };
        if blank && !starts_row {
            row.text.push(' ');
        }
        row.text.push_str(token.text);
        row.comment = comment;
        inside.take(token);
    }
}

/// What decides the column of a further row.
struct Inside {
    /// Columns of the rows that opened the brackets around.
    opened: Vec<usize>,
    /// For each bracket, the rows of `if`s without `else` yet.
    conditions: Vec<Vec<usize>>,
    row: usize,
    col: usize,
}

impl Inside {
    /// The column of the row that `token` begins.
    fn column(&self, before: &[Placed], token: Token, base: usize, step: usize) -> usize {
        if token.kind == Kind::Close {
            return self.opened.last().copied().unwrap_or(base);
        }
        let inner = self.opened.last().map_or(base + step, |col| col + STEP);
        // The branch of an `if` that has a row of its own stands deeper than it.
        let own = self.conditions.last().map_or(0, |ifs| ifs.iter().filter(|row| **row > 0).count());
        let own = own.saturating_sub(usize::from(matches!(token.text, "then" | "else") && own > 0));
        let otherwise = before.last().is_some_and(|(last, _)| last.text == "else");
        inner + STEP * (own + usize::from(otherwise))
    }

    fn take(&mut self, token: Token) {
        match token.kind {
            Kind::Open => {
                self.opened.push(self.col);
                self.conditions.push(Vec::new());
            }
            Kind::Close => {
                self.opened.pop();
                self.conditions.pop();
            }
            _ => {}
        }
        let Some(ifs) = self.conditions.last_mut() else { return };
        match token.text {
            "if" => ifs.push(self.row),
            "else" => {
                ifs.pop();
            }
            "," | ";" => ifs.clear(),
            _ => {}
        }
    }
}

/// The comment behind token `n`, if the token is the last one on its line.
fn comment_after(tokens: &[Placed], n: usize, start: usize, lines: &Lines) -> Option<String> {
    let (token, line) = tokens[n];
    if tokens.get(n + 1).is_some_and(|next| next.1 == line) {
        return None;
    }
    let from = start + token.at + token.text.len();
    let rest = lines.text.get(from..lines.list[line].end as usize)?.trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// Whether comments stand between the tokens.
fn has_comments(tokens: &[Placed], start: usize, lines: &Lines) -> bool {
    let (Some(&(_, first)), Some(&(_, last))) = (tokens.first(), tokens.last()) else { return false };
    let behind = (0..tokens.len() - 1).any(|n| comment_after(tokens, n, start, lines).is_some());
    behind || (first..last).any(|n| lines.is_comment(n))
}
