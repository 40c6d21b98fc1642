//! Inlining is correctness in lanes code: no innermost loop of a generated kernel may contain a call, on
//! any level. Disassembles the compiled `generated` crate and looks at natural loops, so that panics
//! placed between a loop's instructions, but never returning to it, do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

/// One instruction: address, mnemonic, operands, jump target if it is a plain address, and the symbol
/// that it refers to, if any.
struct Instruction {
    at: u64,
    mnemonic: String,
    operands: String,
    target: Option<u64>,
    callee: String,
}

/// The matrix product hands out tiles between calls of its microkernel: compiled once, called by design.
const PRODUCT: &str = "igla_runtime::gemm::";

/// Functions of `f64` have no lanes: they are calls of the C library by design, one value at a time.
const LIBM: &[&str] = &[
    "ceil",
    "cos",
    "erf",
    "exp",
    "expm1",
    "floor",
    "log",
    "pow",
    "rint",
    "roundeven",
    "sin",
    "tanh",
    "trunc",
];

/// The compiled crate beside this test's own binary.
fn library() -> PathBuf {
    let deps = std::env::current_exe().expect("a test binary").parent().expect("a folder").to_path_buf();
    let mut found: Vec<PathBuf> = std::fs::read_dir(deps)
        .expect("the folder of dependencies")
        .flatten()
        .map(|e| e.path())
        .filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("libgenerated-") && name.ends_with(".rlib")
        })
        .collect();
    found.sort_by_key(|p| p.metadata().and_then(|m| m.modified()).ok());
    found.pop().expect("the generated crate was compiled for this test")
}

/// Functions of the disassembly that hold a level's code.
fn functions(text: &str) -> BTreeMap<String, Vec<Instruction>> {
    let mut out: BTreeMap<String, Vec<Instruction>> = BTreeMap::new();
    let mut current: Option<String> = None;
    for (n, line) in text.lines().enumerate() {
        if let Some(head) = line.strip_suffix(">:") {
            let name = head.split_once('<').map_or("", |(_, name)| name);
            let level = ["avx512", "avx2", "scalar", "portable"].iter().any(|l| name.contains(l));
            // The line keeps apart functions that share a demangled name.
            current = (name.contains("with_features") || (level && name.contains("dispatch")))
                .then(|| format!("{name} #{n}"));
            continue;
        }
        if let Some((_, symbol)) = line.split_once("R_X86_64_") {
            let last = current.as_ref().and_then(|name| out.get_mut(name)).and_then(|code| code.last_mut());
            if let Some(i) = last {
                i.callee = symbol.split_whitespace().nth(1).unwrap_or("").to_owned();
            }
            continue;
        }
        let (Some(name), Some((at, code))) = (&current, line.trim().split_once(":\t")) else { continue };
        let Ok(at) = u64::from_str_radix(at.trim(), 16) else { continue };
        let mut parts = code.split_whitespace();
        let mnemonic = parts.next().unwrap_or("").to_owned();
        let operands = parts.next().unwrap_or("").to_owned();
        let target = u64::from_str_radix(&operands, 16).ok();
        out.entry(name.clone()).or_default().push(Instruction {
            at,
            mnemonic,
            operands,
            target,
            callee: String::new(),
        });
    }
    out
}

/// Innermost natural loops that contain a call: address of the loop and of the call.
fn calls_in_loops(code: &[Instruction]) -> (usize, Vec<(u64, u64)>) {
    let index: BTreeMap<u64, usize> = code.iter().enumerate().map(|(n, i)| (i.at, n)).collect();
    let mut before: Vec<Vec<usize>> = vec![vec![]; code.len()];
    let mut back = Vec::new();
    for (n, i) in code.iter().enumerate() {
        let jumps = i.mnemonic.starts_with('j');
        let ends = matches!(i.mnemonic.as_str(), "jmp" | "ret" | "ud2" | "retq" | "jmpq");
        if !ends && n + 1 < code.len() {
            before[n + 1].push(n);
        }
        if let Some(&t) = i.target.filter(|_| jumps).and_then(|t| index.get(&t)) {
            before[t].push(n);
            if t <= n {
                back.push((t, n));
            }
        }
    }
    let body = |(head, tail): (usize, usize)| {
        let mut inside = BTreeSet::from([head]);
        let mut stack = vec![tail];
        while let Some(n) = stack.pop() {
            if inside.insert(n) {
                stack.extend(before[n].iter().copied());
            }
        }
        inside
    };
    let loops: Vec<(usize, BTreeSet<usize>)> = back.iter().map(|b| (b.0, body(*b))).collect();
    let mut bad = Vec::new();
    let mut innermost = 0;
    for (head, inside) in &loops {
        // A loop with another loop's head inside is not innermost.
        if loops.iter().any(|(other, _)| other != head && inside.contains(other)) {
            continue;
        }
        if inside.iter().any(|n| code[*n].callee.contains(PRODUCT)) {
            continue;
        }
        innermost += 1;
        bad.extend(
            inside
                .iter()
                .filter(|n| code[**n].mnemonic.starts_with("call"))
                .filter(|n| !is_libm(&code[**n].callee) && !holds_libm(code, &before, **n))
                .map(|n| (code[*head].at, code[*n].at)),
        );
    }
    (innermost, bad)
}

/// Whether a relocation, `pow-0x4`, is one of [`LIBM`].
fn is_libm(callee: &str) -> bool {
    LIBM.contains(&callee.split(['-', '+', '@']).next().unwrap_or_default())
}

/// The registers that hold addresses: the whole, and its parts. A function gives the first six back as it got them;
/// in the others nothing stays over calls.
const REGISTERS: &[[&str; 4]] = &[
    ["%rbx", "%ebx", "%bx", "%bl"],
    ["%rbp", "%ebp", "%bp", "%bpl"],
    ["%r12", "%r12d", "%r12w", "%r12b"],
    ["%r13", "%r13d", "%r13w", "%r13b"],
    ["%r14", "%r14d", "%r14w", "%r14b"],
    ["%r15", "%r15d", "%r15w", "%r15b"],
    ["%rax", "%eax", "%ax", "%al"],
    ["%rcx", "%ecx", "%cx", "%cl"],
    ["%rdx", "%edx", "%dx", "%dl"],
    ["%rsi", "%esi", "%si", "%sil"],
    ["%rdi", "%edi", "%di", "%dil"],
    ["%r8", "%r8d", "%r8w", "%r8b"],
    ["%r9", "%r9d", "%r9w", "%r9b"],
    ["%r10", "%r10d", "%r10w", "%r10b"],
    ["%r11", "%r11d", "%r11w", "%r11b"],
];
const KEPT: usize = 6;

/// Whether the call at `n` goes to a register that, on every way to it, was last given the address of one
/// of [`LIBM`], itself or by way of another register.
fn holds_libm(code: &[Instruction], before: &[Vec<usize>], n: usize) -> bool {
    let whole = |text: &str| REGISTERS.iter().position(|r| text == r[0]);
    let Some(called) = code[n].operands.strip_prefix('*').and_then(whole) else { return false };
    let writes = |i: &Instruction, register: usize| {
        let last = i.operands.rsplit(',').next().unwrap_or_default();
        let reads = ["cmp", "test", "push", "call"].iter().any(|m| i.mnemonic.starts_with(m));
        let changes = REGISTERS[register].contains(&last) && !reads;
        changes || (i.mnemonic.starts_with("call") && register >= KEPT)
    };
    let (mut seen, mut found) = (BTreeSet::from([(n, called)]), false);
    let mut stack: Vec<(usize, usize)> = before[n].iter().map(|at| (*at, called)).collect();
    while let Some((at, register)) = stack.pop() {
        if !seen.insert((at, register)) {
            continue;
        }
        let mut holder = register;
        if writes(&code[at], register) {
            let moved = code[at].mnemonic == "mov";
            if moved && is_libm(&code[at].callee) {
                found = true;
                continue;
            }
            match code[at].operands.split_once(',').and_then(|(from, _)| whole(from)) {
                Some(from) if moved => holder = from,
                _ => return false,
            }
        }
        if before[at].is_empty() {
            // Nothing leads to padding before a loop; any other beginning may bring anything.
            if !["nop", "cs", "data16", "xchg"].iter().any(|pad| code[at].mnemonic.starts_with(pad)) {
                return false;
            }
        } else {
            stack.extend(before[at].iter().map(|before| (*before, holder)));
        }
    }
    found
}

#[test]
fn innermost_loops_contain_no_calls() {
    let output =
        Command::new("objdump").args(["-d", "-r", "--no-show-raw-insn", "-C"]).arg(library()).output();
    let Ok(output) = output else {
        assert!(std::env::var_os("CI").is_none(), "objdump (binutils) is needed here");
        println!("skipped: objdump is not installed (Debian: binutils)");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let functions = functions(&text);
    let (mut loops, mut bad) = (0, Vec::new());
    for (name, code) in &functions {
        let (innermost, calls) = calls_in_loops(code);
        loops += innermost;
        bad.extend(
            calls.into_iter().map(|(head, call)| format!("{name}: loop at {head:x} calls at {call:x}")),
        );
    }
    println!("{} functions, {loops} innermost loops", functions.len());
    assert!(functions.len() >= 60 && loops >= 150, "only {} functions with {loops} loops", functions.len());
    assert!(bad.is_empty(), "{} calls in innermost loops:\n{}", bad.len(), bad.join("\n"));
}

/// An address in a register is followed to where it comes from, on all ways.
#[test]
fn a_call_of_a_register_is_what_the_register_holds() {
    let found = |first: &str, second: &str| {
        let text = format!(
            "0 <f::with_features>:\n 0:\tmov 0x0(%rip),%rbx\n\t3: R_X86_64_GOTPCREL\t{first}-0x4\n 8:\tje 14\n \
             c:\tmov 0x0(%rip),%rbx\n\tf: R_X86_64_GOTPCREL\t{second}-0x4\n 14:\tcall *%rbx\n 18:\tjne 14\n 1c:\tret\n"
        );
        let functions = functions(&text);
        calls_in_loops(&functions.values().next().expect("one")[..]).1.len()
    };
    assert_eq!(found("pow", "pow"), 0);
    assert_eq!(found("pow", "exp"), 0);
    assert_eq!(found("pow", "other"), 1);
    assert_eq!(found("other", "pow"), 1);

    // By way of another register; a call in between leaves only some as they were.
    let by_way = |holder: &str, between: &str| {
        let text = format!(
            "0 <f::with_features>:\n 0:\tmov 0x0(%rip),{holder}\n\t3: R_X86_64_GOTPCREL\tpow-0x4\n \
             8:\t{between}\n c:\tmov {holder},%rax\n 14:\tcall *%rax\n 18:\tjne c\n 1c:\tret\n"
        );
        let functions = functions(&text);
        calls_in_loops(&functions.values().next().expect("one")[..]).1.len()
    };
    assert_eq!(by_way("%rbx", "nop"), 0);
    assert_eq!(by_way("%rbx", "mov %rsi,%rbx"), 1);
    // The loop's own call spoils %rcx for the next round.
    assert_eq!(by_way("%rcx", "nop"), 1);
}

#[test]
fn a_call_in_a_loop_is_found() {
    let text = "0 <f::with_features>:\n 0:\tnop\n 4:\tcall 100\n 8:\tjne 0\n c:\tret\n";
    let functions = functions(text);
    let code = functions.values().next().expect("one function");
    assert_eq!(calls_in_loops(code), (1, vec![(0, 4)]));
    // Relocations name the callee; the C library's functions of f64 are calls.
    for (callee, calls) in [("pow-0x4", 0), ("power-0x4", 1)] {
        let text = format!(
            "0 <f::with_features>:\n 0:\tnop\n 4:\tcall 9\n\t5: R_X86_64_PLT32\t{callee}\n 8:\tjne 0\n c:\tret\n"
        );
        let functions = self::functions(&text);
        let found = calls_in_loops(functions.values().next().expect("one function")).1;
        assert_eq!(found.len(), calls, "{callee}");
    }
    // A call that does not come back to the loop is none of it.
    let text = "0 <f::with_features>:\n 0:\tnop\n 2:\tja 8\n 4:\tjne 0\n 6:\tret\n 8:\tcall 100\n c:\tud2\n";
    let functions = self::functions(text);
    assert_eq!(calls_in_loops(functions.values().next().expect("one function")), (1, vec![]));
}
