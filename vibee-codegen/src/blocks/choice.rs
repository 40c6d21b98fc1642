//! What differs between the chunks of a block: positions that go up evenly are written with `chunk`,
//! everything else is chosen by `match`. The runtime unrolls chunks, so choosing costs nothing.

use std::ops::Range;

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};
use quote::quote;

/// One value a chunk as one expression over `chunk`.
pub fn choose(values: &[TokenStream]) -> TokenStream {
    // The longest runs of chunks that one expression serves.
    let mut runs: Vec<(Range<usize>, TokenStream)> = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let (mut end, mut code) = (start + 1, values[start].clone());
        for n in (start + 2..=values.len()).rev() {
            if let Some(one) = unified(&values[start..n], start, Place::Other) {
                (end, code) = (n, one);
                break;
            }
        }
        runs.push((start..end, code));
        start = end;
    }
    if let [(_, one)] = &runs[..] {
        return one.clone();
    }
    let last = runs.len() - 1;
    let arms = runs.into_iter().enumerate().map(|(n, (run, code))| {
        let [first, end] = [run.start, run.end - 1].map(Literal::usize_unsuffixed);
        match (n == last, run.len()) {
            (true, _) => quote!(_ => #code),
            (_, 1) => quote!(#first => #code),
            _ => quote!(#first..=#end => #code),
        }
    });
    quote!(match chunk { #(#arms,)* })
}

/// Where a number stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In `block[…]` or behind `part(block, …)`: a position.
    Position,
    /// Elsewhere: part of what is computed.
    Other,
}

/// The code of neighbouring chunks as one, if only positions differ, and evenly.
fn unified(values: &[TokenStream], first: usize, place: Place) -> Option<TokenStream> {
    let lists: Vec<Vec<TokenTree>> = values.iter().map(|v| v.clone().into_iter().collect()).collect();
    let length = lists[0].len();
    if lists.iter().any(|l| l.len() != length) {
        return None;
    }
    let mut out = TokenStream::new();
    for n in 0..length {
        let column: Vec<&TokenTree> = lists.iter().map(|l| &l[n]).collect();
        match column[0] {
            TokenTree::Group(g) => {
                let before = n.checked_sub(1).map(|n| lists[0][n].to_string()).unwrap_or_default();
                let of_block = before == "block" && g.delimiter() == Delimiter::Bracket;
                let of_part = before == "part" && g.delimiter() == Delimiter::Parenthesis;
                let inside = if of_block || of_part { Place::Position } else { Place::Other };
                let groups: Option<Vec<TokenStream>> = column
                    .iter()
                    .map(|t| match t {
                        TokenTree::Group(o) if o.delimiter() == g.delimiter() => Some(o.stream()),
                        _ => None,
                    })
                    .collect();
                let inner = unified(&groups?, first, inside)?;
                out.extend([TokenTree::Group(Group::new(g.delimiter(), inner))]);
            }
            TokenTree::Literal(l) => {
                let texts: Vec<String> = column.iter().map(|t| t.to_string()).collect();
                if texts.iter().all(|t| *t == texts[0]) {
                    out.extend(quote!(#l));
                } else {
                    let numbers: Option<Vec<usize>> = texts.iter().map(|t| t.parse().ok()).collect();
                    out.extend(even(&numbers.filter(|_| place == Place::Position)?, first)?);
                }
            }
            other => {
                if column.iter().any(|t| t.to_string() != other.to_string()) {
                    return None;
                }
                out.extend([other.clone()]);
            }
        }
    }
    Some(out)
}

/// `base + step * chunk`.
fn even(numbers: &[usize], first: usize) -> Option<TokenStream> {
    let step = numbers.get(1)?.checked_sub(numbers[0])?;
    if numbers.windows(2).any(|w| w[0] + step != w[1]) {
        return None;
    }
    let base = numbers[0].checked_sub(step * first)?;
    let (b, s) = (Literal::usize_unsuffixed(base), Literal::usize_unsuffixed(step));
    Some(match (base, step) {
        (0, 1) => quote!(chunk),
        (0, _) => quote!(#s * chunk),
        (_, 1) => quote!(#b + chunk),
        _ => quote!(#b + #s * chunk),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[TokenStream]) -> String {
        choose(values).to_string()
    }

    #[test]
    fn positions_go_up_evenly() {
        let at = |p: usize| {
            let p = Literal::usize_unsuffixed(p);
            quote!(load(part(block, #p)) & mask(15))
        };
        assert_eq!(
            text(&[at(16), at(48), at(80)]),
            quote!(load(part(block, 16 + 32 * chunk)) & mask(15)).to_string()
        );
        assert_eq!(text(&[at(0), at(1)]), quote!(load(part(block, chunk)) & mask(15)).to_string());
        let (a, b, c) = (at(0), at(1), at(9));
        assert_eq!(
            text(&[at(0), at(1), at(9)]),
            quote!(match chunk { 0..=1 => load(part(block, chunk)) & mask(15), _ => #c, }).to_string(),
            "{a} {b}"
        );
    }

    #[test]
    fn other_numbers_are_chosen() {
        let by = |k: usize| {
            let k = Literal::usize_unsuffixed(k);
            quote!(x.shr::<#k>())
        };
        let (a, b) = (by(0), by(4));
        assert_eq!(text(&[by(0), by(4)]), quote!(match chunk { 0 => #a, _ => #b, }).to_string());
        assert_eq!(text(&[by(4), by(4)]), by(4).to_string());
    }
}
