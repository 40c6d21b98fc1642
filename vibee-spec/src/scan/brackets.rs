//! Which brackets of a line belong together.
//!
//! In flow values a comma inside `Map<K, V>` or `f(a, b)` splits nothing. A bracket without a
//! partner is ordinary text (`a < b`), so partners are found first, in one pass a line.

use std::collections::HashMap;

/// Opening offset → closing offset, for the brackets of one stretch of text.
pub(crate) fn partners(text: &str, origin: usize) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    let mut round: Vec<(char, usize)> = Vec::new();
    let mut angle: Vec<usize> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' if is_name(before) => angle.push(at),
            '>' => {
                if let Some(open) = angle.pop() {
                    found.insert(origin + open, origin + at);
                }
            }
            '(' | '[' | '{' => round.push((c, at)),
            ')' | ']' | '}' => {
                let wanted = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                // A round bracket may be alone in prose; it must not hide the flow's own.
                while wanted != '(' && round.last().is_some_and(|&(open, _)| open == '(') {
                    round.pop();
                }
                if let Some((_, open)) = round.pop_if(|(open, _)| *open == wanted) {
                    found.insert(origin + open, origin + at);
                }
            }
            _ => {}
        }
        if !(is_name(c) || "<>,?*[]() \t.".contains(c)) {
            angle.clear();
        }
        before = c;
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
