//! What pest refuses, as a diagnostic that says what was wanted and what was found.

use super::words;
use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::span::Span;

/// What a rule is called in messages, and its rank: lower ranks are named first. Rules not listed
/// are implied by those that are.
const NAMES: &[(Rule, u8, &str)] = &[
    (Rule::int, 0, "an expression"),
    (Rule::expr, 0, "an expression"),
    (Rule::arith, 0, "an expression"),
    (Rule::slot, 0, "an expression"),
    (Rule::arg, 0, "an expression"),
    (Rule::function_line, 0, "an expression"),
    (Rule::statement, 0, "a definition"),
    (Rule::for_loop, 0, "a definition"),
    (Rule::define, 0, "a definition"),
    (Rule::kernel_header, 0, "a kernel"),
    (Rule::function_header, 0, "a function"),
    (Rule::format_header, 0, "a format"),
    (Rule::format_decode, 0, "`decode[j]: …`"),
    (Rule::size_line, 0, "an expression"),
    (Rule::table_line, 0, "a table `code: [0, 0.5, 1]`"),
    (Rule::layer_header, 0, "a layer"),
    (Rule::weight, 0, "a weight"),
    (Rule::state_line, 0, "a state tensor"),
    (Rule::param, 0, "a parameter"),
    (Rule::outputs, 0, "an output"),
    (Rule::config_line, 0, "an entry `D: hidden_size`"),
    (Rule::config_entry, 0, "an entry `D: hidden_size`"),
    (Rule::case_call, 0, "a kernel call"),
    (Rule::case_arg, 0, "an argument `x: value`"),
    (Rule::expects, 0, "an expectation"),
    (Rule::expect, 0, "an expectation"),
    (Rule::law_for, 0, "a variable `c in [low, high]`"),
    (Rule::law_var, 0, "a variable `c in [low, high]`"),
    (Rule::law_holds, 0, "an expression"),
    (Rule::value, 0, "a value"),
    (Rule::signed, 0, "a number"),
    (Rule::ident, 1, "a name"),
    (Rule::ty, 1, "a type"),
    (Rule::string, 1, "a quoted name"),
    (Rule::config_key, 1, "a configuration key"),
    (Rule::params, 2, "`(`"),
    (Rule::add, 2, "an operator"),
    (Rule::comma, 3, "`,`"),
    (Rule::close_paren, 4, "`)`"),
    (Rule::close_bracket, 4, "`]`"),
    (Rule::close_brace, 4, "`}`"),
    (Rule::close_angle, 4, "`>`"),
    (Rule::arrow, 5, "`->`"),
    (Rule::assign, 5, "`=`"),
    (Rule::equals, 5, "`=`"),
    (Rule::colon, 5, "`:`"),
    (Rule::eq, 5, "`==`"),
    (Rule::tilde, 5, "`~`"),
    (Rule::kw_then, 6, "`then`"),
    (Rule::kw_else, 6, "`else`"),
    (Rule::kw_in, 6, "`in`"),
    (Rule::kw_within, 6, "`within`"),
];

/// The words for what could have stood at the place of the error.
pub(super) fn wanted(rules: &[Rule]) -> Vec<&'static str> {
    let mut rows: Vec<_> = NAMES.iter().filter(|row| rules.contains(&row.0)).collect();
    let has = |rule| rules.contains(&rule);
    // Where an expression may start, its parts say nothing new; where an operator may follow, `==`
    // is one of them.
    if has(Rule::int) && !has(Rule::signed) {
        rows.retain(|row| row.0 != Rule::ident);
    }
    if has(Rule::add) {
        rows.retain(|row| row.0 != Rule::eq);
    }
    if has(Rule::value) {
        rows.retain(|row| row.0 != Rule::signed);
    }
    if has(Rule::ty) {
        rows.retain(|row| row.0 != Rule::ident);
    }
    rows.sort_by_key(|row| row.1);
    let mut words: Vec<_> = rows.into_iter().map(|row| row.2).collect();
    words.dedup();
    words
}

/// Signs of other languages, and what they are called here.
const FOREIGN: &[(&str, &str)] = &[
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("**", "write `^`"),
    ("!=", "`!=` compares two values"),
    ("!", "write `not`"),
    ("==", "write `=` to define, `==` only to compare"),
    ("=>", "write `>=`"),
    ("=", "write `==` to compare"),
    ("?", "write `if c then a else b`"),
    ("'", "names in files are written in double quotes"),
    ("~", "`~` compares only in `expect:` and `holds:`"),
];

/// Things that begin with a new name.
const NAMED: &[&str] = &[
    "a name",
    "a definition",
    "a kernel",
    "a function",
    "a format",
    "a layer",
    "a weight",
    "a state tensor",
    "a parameter",
    "an output",
];

/// What is missing when a line ends too early.
const MISSING: &[(&str, &str)] = &[
    ("`else`", "every `if` has an `else`"),
    ("`then`", "write `if c then a else b`"),
    ("`within`", "write `y ~ value within 1e-6`"),
    ("`:`", "a header ends with `:`"),
];

/// The diagnostic for text, standing at file offset `base`, that the grammar refuses at `at`.
pub(super) fn refusal(text: &str, at: usize, base: usize, wanted: &[&str]) -> Diagnostic {
    let rest = text[at..].trim_start();
    let at = text.len() - rest.len();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let foreign = FOREIGN.iter().find(|row| rest.starts_with(row.0));
    let found = match foreign {
        _ if word > 0 => &rest[..word],
        Some((sign, _)) => sign,
        None => &rest[..rest.chars().next().map_or(0, char::len_utf8)],
    };
    let span = Span::new(base + at, base + at + found.len());
    let named = wanted.iter().any(|w| NAMED.contains(w));
    if named && words::KEYWORDS.contains(&found) {
        return words::reserved(&Ident { name: found.to_owned(), span });
    }
    let is_number = found.starts_with(|c: char| c.is_ascii_digit());
    if is_number && !named && wanted.iter().any(|w| ["an expression", "a value", "a number"].contains(w)) {
        return malformed_number(rest, span);
    }
    let shown = if found.is_empty() { "the end of the line".to_owned() } else { format!("`{found}`") };
    let message = match one_of(wanted) {
        Some(wanted) => format!("expected {wanted}, found {shown}"),
        None => format!("{shown} cannot stand here"),
    };
    let label = if found.is_empty() { "the line ends here" } else { "not expected here" };
    let d = Diagnostic::error("V0101", span, message).label(label);
    let missing = MISSING.iter().find(|(what, _)| wanted.contains(what));
    match (foreign, missing) {
        (Some((_, hint)), _) if word == 0 => d.hint(*hint),
        (_, Some((_, hint))) if found.is_empty() => d.hint(*hint),
        _ if is_number && named => d.hint("names start with a letter or `_`"),
        _ => d,
    }
}

fn malformed_number(rest: &str, span: Span) -> Diagnostic {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    Diagnostic::error("V0107", Span { end: span.start + len as u32, ..span }, "malformed number")
        .label("not a number")
        .hint("write `1`, `1.5`, `1e-6` or `0x1F`; names do not start with a digit")
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(words: &[&str]) -> Option<String> {
    let (last, before) = words.split_last()?;
    Some(if before.is_empty() { (*last).to_owned() } else { format!("{} or {last}", before.join(", ")) })
}
