//! Codes of the formatter and the lints: V08xx.

use super::Code;

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "V0800",
        title: "formatting would change the meaning",
        explanation: "What the formatter writes is parsed again and compared with what it read. If the two differ the file is left alone: that is a bug in vibee, please report the file.",
        example: "",
        fix: "",
    },
    Code {
        code: "V0801",
        title: "not formatted",
        explanation: "`vibee fmt --check` found that `vibee fmt` would change the spec. It changes indentation, blanks between tokens and blank lines, never the text of values and comments.",
        example: "name:   demo\nlanguage: rust\nfunctions:\n    half(e)=e/2\n",
        fix: "name: demo\nlanguage: rust\n\nfunctions:\n  half(e) = e / 2\n",
    },
];
