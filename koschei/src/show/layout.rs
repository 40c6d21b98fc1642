//! Where boxes and lines go: columns by layer, from left to right.
//!
//! A line to a box further than one column away passes the columns between through a lane of its own, so it
//! crosses no box. Boxes and lanes of a column are put in the order of what they are joined to on the left and
//! right (the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981). Knows sizes, not what is drawn.

use std::collections::BTreeMap;

/// A box to place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Column, from 0.
    pub column: usize,
    /// Its size.
    pub width: f64,
}

/// A placed picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Upper left corner of each box and its width: the one of its column.
    pub boxes: Vec<Placed>,
    /// Each edge as points from the right side of one box to the left side of the other, in pairs: between two
    /// pairs lies a column that is passed straight.
    pub lines: Vec<Vec<(f64, f64)>>,
    /// Size of everything.
    pub width: f64,
    /// Size of everything.
    pub height: f64,
}

/// A placed box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Left side.
    pub x: f64,
    /// Upper side.
    pub y: f64,
    /// Its width.
    pub width: f64,
}

/// Height of a box.
pub const BOX: f64 = 42.0;
/// Height of a lane for a line.
const LANE: f64 = 4.0;
/// Between neighbours of a column.
const GAP: f64 = 14.0;
/// Between columns, for lines to bend in.
const BEND: f64 = 72.0;
/// Sweeps over the columns, back and forth; the order settles within a few.
const SWEEPS: usize = 12;

/// A box or a lane.
struct Slot {
    column: usize,
    height: f64,
    /// Slots of the column before and after that it is joined to.
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Places boxes; edges are pairs of boxes whose columns rise.
pub fn layout(nodes: &[Node], edges: &[(usize, usize)]) -> Layout {
    let mut slots: Vec<Slot> =
        nodes.iter().map(|n| Slot { column: n.column, height: BOX, before: vec![], after: vec![] }).collect();
    let chains: Vec<Vec<usize>> = edges.iter().map(|&(from, to)| chain(&mut slots, from, to)).collect();
    let columns = nodes.iter().map(|n| n.column + 1).max().unwrap_or(0);
    let mut order: Vec<Vec<usize>> = vec![vec![]; columns];
    for (n, slot) in slots.iter().enumerate() {
        order[slot.column].push(n);
    }
    for sweep in 0..SWEEPS {
        arrange(&slots, &mut order, sweep % 2 == 0);
    }
    let y = heights(&slots, &order);
    let (left, widths) = columns_of(nodes, columns);
    let boxes: Vec<Placed> = nodes
        .iter()
        .enumerate()
        .map(|(n, node)| Placed { x: left[node.column], y: y[n], width: widths[node.column] })
        .collect();
    let lines = chains.iter().map(|chain| {
        let at = |slot: usize, right: bool| {
            let column = slots[slot].column;
            let x = left[column] + if right { widths[column] } else { 0.0 };
            (x, y[slot] + slots[slot].height / 2.0)
        };
        chain.windows(2).flat_map(|pair| [at(pair[0], true), at(pair[1], false)]).collect()
    });
    let lines = lines.collect();
    let bottom = (0..slots.len()).map(|n| y[n] + slots[n].height).fold(0.0, f64::max);
    let right = left.iter().zip(&widths).map(|(l, w)| l + w).fold(0.0, f64::max);
    Layout { boxes, lines, width: right, height: bottom }
}

/// Joins two boxes through lanes in the columns between; all slots on the way.
fn chain(slots: &mut Vec<Slot>, from: usize, to: usize) -> Vec<usize> {
    let mut chain = vec![from];
    for column in slots[from].column + 1..slots[to].column {
        slots.push(Slot { column, height: LANE, before: vec![], after: vec![] });
        chain.push(slots.len() - 1);
    }
    chain.push(to);
    for pair in chain.windows(2) {
        slots[pair[0]].after.push(pair[1]);
        slots[pair[1]].before.push(pair[0]);
    }
    chain
}

/// Sorts every column by the mean place of what its slots are joined to on one side.
fn arrange(slots: &[Slot], order: &mut [Vec<usize>], forward: bool) {
    let count = order.len();
    for step in 1..count {
        let column = if forward { step } else { count - 1 - step };
        let other = if forward { column - 1 } else { column + 1 };
        let place: BTreeMap<usize, f64> =
            order[other].iter().enumerate().map(|(at, slot)| (*slot, at as f64)).collect();
        let mut keyed: Vec<(f64, usize)> = order[column]
            .iter()
            .enumerate()
            .map(|(at, &slot)| {
                let joined = if forward { &slots[slot].before } else { &slots[slot].after };
                // What is joined to nothing there stays about where it is.
                let own = at as f64 * order[other].len() as f64 / order[column].len() as f64;
                (mean(joined.iter().map(|s| place[s])).unwrap_or(own), slot)
            })
            .collect();
        // Stable: equal ones keep their order.
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        order[column] = keyed.into_iter().map(|(_, slot)| slot).collect();
    }
}

/// Upper sides: every column packed as near as possible to the level of what it is joined to on the left.
fn heights(slots: &[Slot], order: &[Vec<usize>]) -> Vec<f64> {
    let mut y = vec![0.0; slots.len()];
    for column in order {
        let (mut bottom, mut shift) = (f64::NEG_INFINITY, 0.0);
        for &n in column {
            let middles = slots[n].before.iter().map(|&s| y[s] + slots[s].height / 2.0);
            let wanted = mean(middles).map(|m| m - slots[n].height / 2.0);
            let free = if bottom.is_finite() { bottom + GAP } else { wanted.unwrap_or(0.0) };
            y[n] = wanted.unwrap_or(free).max(free);
            shift += wanted.map_or(0.0, |w| y[n] - w);
            bottom = y[n] + slots[n].height;
        }
        // Packing only pushes down; half of the mean push is taken back.
        let shift = shift / column.len().max(1) as f64 / 2.0;
        column.iter().for_each(|&n| y[n] -= shift);
    }
    let top = y.iter().copied().fold(f64::INFINITY, f64::min);
    y.iter().map(|y| y - top).collect()
}

/// Left sides and widths of columns.
fn columns_of(nodes: &[Node], columns: usize) -> (Vec<f64>, Vec<f64>) {
    let mut widths = vec![0.0f64; columns];
    nodes.iter().for_each(|n| widths[n.column] = widths[n.column].max(n.width));
    let mut next = 0.0;
    let left = widths.iter().map(|width| {
        let left = next;
        next += width + BEND;
        left
    });
    (left.collect(), widths)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layers of many sizes with edges near and far, from a linear congruential generator.
    fn some(seed: u64) -> (Vec<Node>, Vec<(usize, usize)>) {
        let mut state = seed;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        let count = 1 + below(40);
        // No column is empty: a box stands one column after something that it needs.
        let columns = count.min(6);
        let nodes: Vec<Node> = (0..count)
            .map(|n| Node {
                column: if n < columns { n } else { below(columns) },
                width: 50.0 + below(100) as f64,
            })
            .collect();
        let mut edges = vec![];
        for _ in 0..count * 2 {
            let (a, b) = (below(count), below(count));
            if nodes[a].column < nodes[b].column && !edges.contains(&(a, b)) {
                edges.push((a, b));
            }
        }
        (nodes, edges)
    }

    #[test]
    fn boxes_do_not_overlap() {
        for seed in 0..100 {
            let (nodes, edges) = some(seed);
            let l = layout(&nodes, &edges);
            for (n, a) in l.boxes.iter().enumerate() {
                assert!(a.x >= 0.0 && a.y >= 0.0 && a.x + a.width <= l.width && a.y + BOX <= l.height);
                for b in &l.boxes[n + 1..] {
                    let apart =
                        a.x + a.width < b.x || b.x + b.width < a.x || a.y + BOX < b.y || b.y + BOX < a.y;
                    assert!(apart, "seed {seed}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn lines_pass_between_boxes() {
        for seed in 0..100 {
            let (nodes, edges) = some(seed);
            let l = layout(&nodes, &edges);
            for (line, (from, to)) in l.lines.iter().zip(&edges) {
                assert_eq!(line.len() % 2, 0);
                let (start, end) = (l.boxes[*from], l.boxes[*to]);
                assert_eq!(line[0], (start.x + start.width, start.y + BOX / 2.0));
                assert_eq!(line[line.len() - 1], (end.x, end.y + BOX / 2.0));
                // Straight parts lie in columns that are passed, level and above or below every box there.
                for pass in line[1..line.len() - 1].chunks(2) {
                    let [(left, y), (right, same)] = pass else { panic!("points come in pairs") };
                    assert_eq!(y, same);
                    assert!(left < right);
                    let hit = l.boxes.iter().any(|b| b.x == *left && b.y <= *y && *y <= b.y + BOX);
                    assert!(!hit, "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn nothing_takes_no_room() {
        let l = layout(&[], &[]);
        assert_eq!((l.boxes.len(), l.width, l.height), (0, 0.0, 0.0));
    }
}
