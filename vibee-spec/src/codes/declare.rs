//! Codes of declarations: V070x types, V072x behaviours, V073x suites.
//!
//! Under another language than `rust` these are warnings: such files belong to other tools.

use super::Code;

/// A spec with these types.
macro_rules! types {
    ($lines:literal) => {
        concat!("name: demo\nlanguage: rust\n\ntypes:\n", $lines)
    };
}

/// A spec with this behaviour.
macro_rules! behavior {
    ($lines:literal) => {
        concat!(
            "name: demo\nlanguage: rust\n\nbehaviors:\n  - name: pick\n    given: Scores\n",
            "    when: The best is wanted\n    then: Its position is given\n",
            $lines
        )
    };
}

const fn row(
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    example: &'static str,
    fix: &'static str,
) -> Code {
    Code { code, title, explanation, example, fix }
}

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[
    row(
        "V0701",
        "unknown type",
        "A type is declared under `types:` of this spec or of one that it imports, or it is built in: `Int`, `Float`, `Bool`, `String`, `List<T>`, `Map<K, V>`, `Set<T>`, `Option<T>`, `Object`, `Timestamp`, `Tensor`, `Complex`, `u8` … `f64`.",
        types!("  Config:\n    fields:\n      mode: Mdoe\n  Mode:\n    enum: [Fast, Exact]\n"),
        types!("  Config:\n    fields:\n      mode: Mode\n  Mode:\n    enum: [Fast, Exact]\n"),
    ),
    row(
        "V0702",
        "malformed type",
        "A type is a name, perhaps with types in `<…>` and `?` behind it, `[N]T`, `[]T`, `*T`, or several in parentheses.",
        types!("  Config:\n    fields:\n      sizes: List<Int\n"),
        types!("  Config:\n    fields:\n      sizes: List<Int>\n"),
    ),
    row(
        "V0703",
        "wrong number of types in `<…>`",
        "`List`, `Set` and `Option` take one type, `Map` takes two, `Result` one or two; declared types take none.",
        types!("  Config:\n    fields:\n      names: Map<String>\n"),
        types!("  Config:\n    fields:\n      names: Map<String, Int>\n"),
    ),
    row(
        "V0704",
        "names that are one name",
        "Names that differ only in letter case or separators are one name in the code made of them.",
        types!("  Config:\n    fields:\n      top_k: Int\n      topK: Int\n"),
        types!("  Config:\n    fields:\n      top_k: Int\n      top_p: Float\n"),
    ),
    row(
        "V0705",
        "default of another type",
        "What stands behind `=` is a value of the field's type.",
        types!("  Config:\n    fields:\n      steps: Int = many\n"),
        types!("  Config:\n    fields:\n      steps: Int = 1000\n"),
    ),
    row(
        "V0706",
        "type without end",
        "A value that holds a value of its own type, always, would never end; an alias that stands for itself stands for nothing.",
        types!("  Node:\n    fields:\n      next: Node\n"),
        types!("  Node:\n    fields:\n      next: Option<Node>\n"),
    ),
    row(
        "V0707",
        "type that cannot be a key",
        "Keys of maps and elements of sets need an order, and keys are written as words: texts, whole numbers, truth values, times, and enums without payload.",
        types!("  Table:\n    fields:\n      costs: Map<Float, Int>\n"),
        types!("  Table:\n    fields:\n      costs: List<(Float, Int)>\n"),
    ),
    row(
        "V0708",
        "numbers of variants",
        "The numbers of an enum's variants are whole, of 64 bits, and different. A variant without a number follows the one before it.",
        types!("  Op:\n    enum:\n      - ADD: 1\n      - SUB: 1\n"),
        types!("  Op:\n    enum:\n      - ADD: 1\n      - SUB: 2\n"),
    ),
    row(
        "V0720",
        "malformed signature",
        "A signature names the behaviour, its arguments with their types, and what it gives: `name(x: Int) -> Float`, `-> T or error`, or nothing.",
        behavior!("    signature: pick(scores List<Float>) -> Int\n"),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
    ),
    row(
        "V0721",
        "signature of another name",
        "A behaviour becomes one method, and the method has the behaviour's name.",
        behavior!("    signature: choose(scores: List<Float>) -> Int\n"),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
    ),
    row(
        "V0722",
        "behaviours nothing can be run against",
        "A behaviour that is prose only becomes a method with documentation. Nothing checks what an implementation of it does.",
        behavior!(""),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
    ),
    row(
        "V0730",
        "call of a behaviour that cannot be called",
        "Cases and laws call behaviours of their spec, by the name and signature that these have.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pikc(scores: [1])\n        expect: == 0\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
    ),
    row(
        "V0731",
        "wrong arguments of a behaviour",
        "A call gives every argument of the signature once, by name or in order.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(score: [1])\n        expect: == 0\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
    ),
    row(
        "V0732",
        "value of another type",
        "Values in cases have the types that the signature says: structs are maps of their fields, enums are names of their variants, `null` is nothing of an option.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1, high])\n        expect: == 0\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1, 2.5])\n        expect: == 1\n"
        ),
    ),
    row(
        "V0733",
        "case or law that cannot be read",
        "A case has `call` and `expect`, or `steps` of these; a law has `holds`, and perhaps `for`. Expectations begin with a comparison: `== 3`, `~ 0.5 within 1e-6`, `.field < 2`, or are `error`.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: 0\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
    ),
    row(
        "V0734",
        "comparison of different types",
        "Both sides of a comparison have one type. `~` compares numbers and what is made of them; `<` compares numbers, texts and times.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    laws:\n      - name: small\n        for: xs in [0, 1][4]\n        holds: pick(xs) < xs\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    laws:\n      - name: small\n        for: xs in [0, 1][4]\n        holds: pick(xs) < len(xs)\n"
        ),
    ),
    row(
        "V0735",
        "error of a behaviour that never fails",
        "Only a behaviour whose signature says `or error` may be expected to fail.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: none\n        call: pick(scores: [])\n        expect: error\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int or error\n    test_cases:\n      - name: none\n        call: pick(scores: [])\n        expect: error\n"
        ),
    ),
    row(
        "V0736",
        "cases that cannot be run",
        "A case in prose is kept as documentation. It asserts nothing.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        input: Some scores\n        expected: The best one wins\n      - name: two\n        call: pick(scores: [1])\n        expect: == 0\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    test_cases:\n      - name: one\n        input: {scores: [1, 2]}\n        expected: 1\n"
        ),
    ),
    row(
        "V0737",
        "malformed draw",
        "A law's variables are drawn from ranges of numbers `[0.1, 2]`, of whole numbers `1..8` and `1..=8`, from lists of these `[0, 1][1..=32]`, or from values `{Greedy, Sample}`.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    laws:\n      - name: small\n        for: xs in 4 numbers\n        holds: pick(xs) < 4\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    laws:\n      - name: small\n        for: xs in [0, 1][4]\n        holds: pick(xs) < 4\n"
        ),
    ),
    row(
        "V0738",
        "law without a behaviour",
        "A law says something about an implementation, so it calls at least one behaviour of its spec.",
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    laws:\n      - name: small\n        for: n in 0..4\n        holds: n < 4\n"
        ),
        behavior!(
            "    signature: pick(scores: List<Float>) -> Int\n    laws:\n      - name: small\n        for: n in 1..4, xs in [0, 1][4]\n        holds: pick(xs) < n + 4\n"
        ),
    ),
];
