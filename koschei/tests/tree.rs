//! Trees of drawn modules against definitions: every chain tried, every order tried.

use koschei::tree::{Module, Problem, ProblemKind, Status, Tree, find_problems};

/// A linear congruential generator (Knuth's MMIX constants).
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn module(name: &str, requires: &[&str]) -> Module {
    let requires = requires.iter().map(|r| (*r).to_owned()).collect();
    Module { name: name.to_owned(), requires, effort: 1.0, status: Status::Specified }
}

/// Up to eight modules with requirements in any direction, or only such as make a tree.
fn drawn(seed: u64, cycles: bool) -> Vec<Module> {
    let mut draw = Draw(seed);
    let count = draw.below(9);
    let name = |n: usize| format!("m{}", (n * 5 + 3) % 8);
    let status = [Status::Specified, Status::Failing, Status::Tested, Status::Definition, Status::Measured];
    let mut modules = vec![];
    for n in 0..count.min(8) {
        let mut requires = vec![];
        for other in 0..count.min(8) {
            if draw.below(4) == 0 && (cycles || other < n) {
                requires.push(name(other));
            }
        }
        // Small whole numbers, so that sums are exact and equal ones frequent.
        let effort = draw.below(4) as f64;
        modules.push(Module { name: name(n), requires, effort, status: status[draw.below(5)] });
    }
    // The order in which they are given does not matter.
    let turn = draw.below(8) % count.max(1);
    modules.rotate_left(turn);
    modules
}

fn requires(modules: &[Module], from: &str, to: &str) -> bool {
    modules.iter().any(|m| m.name == from && m.requires.iter().any(|r| r == to))
}

/// All ways along requirements that repeat no module, the last one aside.
fn ways(modules: &[Module], way: &mut Vec<String>, visit: &mut dyn FnMut(&[String])) {
    visit(way);
    let last = way[way.len() - 1].clone();
    if way[..way.len() - 1].contains(&last) {
        return;
    }
    for m in modules.iter().filter(|m| requires(modules, &last, &m.name)) {
        way.push(m.name.clone());
        ways(modules, way, visit);
        way.pop();
    }
}

/// For every module the shortest ways back to itself.
fn cycles_of(modules: &[Module]) -> Vec<(String, Vec<Vec<String>>)> {
    let through = |m: &Module| {
        let mut found: Vec<Vec<String>> = vec![];
        ways(modules, &mut vec![m.name.clone()], &mut |way| {
            if way.len() > 1 && way[0] == way[way.len() - 1] {
                found.push(way.to_vec());
            }
        });
        let shortest = found.iter().map(Vec::len).min();
        found.retain(|way| Some(way.len()) == shortest);
        found.sort();
        (m.name.clone(), found)
    };
    modules.iter().map(through).collect()
}

#[test]
fn cycles_are_found_where_there_are_any() {
    let (mut with, mut without) = (0, 0);
    for seed in 0..2_000 {
        let modules = drawn(seed, true);
        let problems = find_problems(&modules);
        let all = cycles_of(&modules);
        // A group's first name: on a cycle, and no earlier name both reaches and is reached.
        let reaches = |a: &str, b: &str| {
            let mut found = false;
            ways(&modules, &mut vec![a.to_owned()], &mut |way| {
                found |= way.len() > 1 && way[way.len() - 1] == b
            });
            found
        };
        let firsts = all.iter().filter(|(name, cycles)| {
            !cycles.is_empty()
                && !modules.iter().any(|o| o.name < *name && reaches(&o.name, name) && reaches(name, &o.name))
        });
        let mut wanted: Vec<Vec<String>> = firsts.map(|(_, cycles)| cycles[0].clone()).collect();
        wanted.sort();
        let got: Vec<Vec<String>> = problems.iter().map(|p| p.path.clone()).collect();
        assert!(problems.iter().all(|p| p.kind == ProblemKind::Cycle), "{modules:?}");
        assert_eq!(got, wanted, "{modules:?}");
        *if wanted.is_empty() { &mut without } else { &mut with } += 1;
    }
    assert!(with > 200 && without > 200, "{with} {without}");
}

#[test]
fn plans_are_what_their_definitions_say() {
    for seed in 0..2_000 {
        let modules = drawn(seed, false);
        let tree = Tree::new(&modules).expect("no problems");
        let find = |name: &str| modules.iter().find(|m| m.name == name).expect("a module");
        let is_left = |m: &Module| matches!(m.status, Status::Specified | Status::Failing);

        // The layer of a module is the length of the longest way down from it.
        let mut longest: Vec<(usize, String)> = vec![];
        for m in &modules {
            let mut most = 0;
            ways(&modules, &mut vec![m.name.clone()], &mut |way| most = most.max(way.len() - 1));
            longest.push((most, m.name.clone()));
        }
        longest.sort();
        let layers = tree.layers();
        let got: Vec<(usize, String)> = layers
            .iter()
            .enumerate()
            .flat_map(|(n, l)| l.iter().map(move |name| (n, name.clone())))
            .collect();
        assert_eq!(got, longest, "{modules:?}");

        let mut open: Vec<&str> = modules
            .iter()
            .filter(|m| is_left(m) && !m.requires.iter().any(|r| is_left(find(r))))
            .map(|m| m.name.as_str())
            .collect();
        open.sort_unstable();
        assert_eq!(tree.frontier(), open, "{modules:?}");

        // Every chain of what is left, read from its end; it starts where nothing left is required.
        let mut best: Option<(f64, Vec<String>)> = None;
        for m in modules.iter().filter(|m| is_left(m)) {
            ways(&modules, &mut vec![m.name.clone()], &mut |way| {
                let (top, chain) = (&way[way.len() - 1], way.iter().map(|n| find(n)));
                if !chain.clone().all(is_left) || find(top).requires.iter().any(|r| is_left(find(r))) {
                    return;
                }
                let effort: f64 = chain.map(|m| m.effort).sum();
                let better = match &best {
                    None => true,
                    Some((most, names)) => effort > *most || (effort == *most && way < names.as_slice()),
                };
                if better {
                    best = Some((effort, way.to_vec()));
                }
            });
        }
        let (effort, mut names) = best.unwrap_or_default();
        names.reverse();
        let got = tree.critical_path();
        assert_eq!((got.effort, got.modules), (effort, names), "{modules:?}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let modules = [
        module("z", &["z"]),
        module("y", &["q"]),
        Module { effort: f64::NAN, ..module("x", &[]) },
        module("y", &["zz"]),
        module("attention", &["sofmax"]),
        module("softmax", &[]),
    ];
    let problem = |kind, path: &[&str], suggestion: Option<&str>| Problem {
        kind,
        path: path.iter().map(|p| (*p).to_owned()).collect(),
        suggestion: suggestion.map(str::to_owned),
    };
    let wanted = [
        problem(ProblemKind::Duplicate, &["y"], None),
        problem(ProblemKind::Effort, &["x"], None),
        problem(ProblemKind::Missing, &["attention", "sofmax"], Some("softmax")),
        problem(ProblemKind::Missing, &["y", "q"], None),
        problem(ProblemKind::Missing, &["y", "zz"], Some("z")),
        problem(ProblemKind::Cycle, &["z", "z"], None),
    ];
    assert_eq!(find_problems(&modules), wanted);
    assert_eq!(Tree::new(&modules).expect_err("no tree").problems, wanted);
}

/// Nothing recurses: a chain of 100,000 modules, and a ring of as many.
#[test]
fn depth_is_no_limit() {
    const COUNT: usize = 100_000;
    let name = |n: usize| format!("m{n:06}");
    let requires = |n: usize| if n == 0 { vec![] } else { vec![name(n - 1)] };
    let mut modules: Vec<Module> = (0..COUNT)
        .map(|n| Module { name: name(n), requires: requires(n), effort: 1.0, status: Status::Specified })
        .collect();
    let tree = Tree::new(&modules).expect("no problems");
    assert_eq!((tree.layers().len(), tree.frontier()), (COUNT, vec![name(0)]));
    assert_eq!(tree.critical_path().effort, COUNT as f64);
    modules[0].requires.push(name(COUNT - 1));
    let problems = find_problems(&modules);
    assert_eq!((problems.len(), problems[0].path.len()), (1, COUNT + 1));
}
