//! Synthetic specs with the measured frequencies of the dialect that exists in public.
//!
//! Sections, key orders, type forms, shapes of behaviours and cases, names, sizes, empty and
//! malformed files come as often as they were counted there (tables in `measured`). Equal seeds
//! give equal bytes on every machine. No public file is quoted; nothing here is read back by the
//! compiler.
//!
//! What a reader must say to a file, its *verdict*, is known from how the file was made, so tests
//! can compare. It is the parser's verdict: a type that is defined nowhere or two behaviours of one
//! name parse, and are for the checker ([`Entry::undefined`], [`Entry::forms`]).
//!
//! | file | writes |
//! |---|---|
//! | `measured` | tables: forms and how many files hold them |
//! | `page` | what is drawn for one file before anything is written |
//! | `spec` | the file: head, order of sections |
//! | `types`, `field` | types and fields |
//! | `behaviors`, `cases` | behaviours and test cases |
//! | `sections` | all other sections |
//! | `malformed` | classes of malformed files |
//! | `manifest` | files on disk with `expected.json` |

mod behaviors;
mod cases;
mod draw;
mod field;
pub mod malformed;
pub mod manifest;
pub mod measured;
mod page;
mod sections;
mod spec;
mod types;
mod words;

use draw::Draw;
use malformed::CLASSES;
use measured::{ALL, Form, WELL_FORMED};
use page::Page;

/// What a reader says to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No errors.
    Accepted,
    /// At least one error.
    Rejected,
    /// Nothing in it: a warning, no error.
    Empty,
}

impl Verdict {
    /// Its name in the manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::Rejected => "rejected",
            Verdict::Empty => "empty",
        }
    }
}

/// Which files to make.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// Another seed, other files.
    pub seed: u64,
    /// No empty and no malformed files.
    pub well_formed: bool,
    /// The first files show every malformed class and every form once, so that a small corpus
    /// holds them all; the rest has the measured frequencies.
    pub cover: bool,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Folder and name below the corpus.
    pub path: String,
    /// Its content; not always UTF-8.
    pub bytes: Vec<u8>,
    /// `well_formed`, `empty`, or the name of a malformed class.
    pub class: &'static str,
    /// What the strict reading says.
    pub strict: Verdict,
    /// What the lenient reading says.
    pub lenient: Verdict,
    /// The forms it holds.
    pub forms: Vec<Form>,
    /// Types that it uses and nobody defines.
    pub undefined: Vec<String>,
}

/// What a file is to be.
enum Kind {
    WellFormed(Option<Form>),
    Empty,
    Malformed(&'static malformed::Class),
}

/// Purpose of the sequence that breaks files.
const BREAK: u64 = 4;

/// File `n` of the corpus; any number of files can be made, in any order.
#[must_use]
pub fn entry(plan: &Plan, n: u64) -> Entry {
    let path = format!("{}/{}.vibee", folder(n), page::stem(plan.seed, n));
    match plan.kind(n) {
        Kind::WellFormed(forced) => {
            let mut page = Page::new(plan.seed, n, forced);
            let text = spec::text(&mut page, plan.seed, n);
            Entry {
                path,
                bytes: text.into_bytes(),
                class: "well_formed",
                strict: Verdict::Accepted,
                lenient: Verdict::Accepted,
                forms: page.forms.into_iter().collect(),
                undefined: page.undefined.into_iter().collect(),
            }
        }
        Kind::Empty => Entry {
            path,
            bytes: Vec::new(),
            class: "empty",
            strict: Verdict::Empty,
            lenient: Verdict::Empty,
            forms: Vec::new(),
            undefined: Vec::new(),
        },
        Kind::Malformed(class) => broken(plan.seed, n, path, class),
    }
}

/// File `n` broken in the way of `class`.
#[must_use]
pub fn malformed(seed: u64, n: u64, class: &'static malformed::Class) -> Entry {
    let path = format!("{}/{}.vibee", folder(n), page::stem(seed, n));
    broken(seed, n, path, class)
}

fn broken(seed: u64, n: u64, path: String, class: &'static malformed::Class) -> Entry {
    let mut page = Page::new(seed, n, None);
    let text = spec::text(&mut page, seed, n);
    Entry {
        path,
        bytes: class.apply(text, &mut Draw::new(seed, n, BREAK)),
        class: class.name,
        strict: class.strict,
        lenient: class.lenient,
        forms: Vec::new(),
        undefined: page.undefined.into_iter().collect(),
    }
}

/// The folder of file `n`: two hundred files share one.
fn folder(n: u64) -> String {
    format!("part_{:03}", n / 200)
}

impl Plan {
    fn kind(&self, n: u64) -> Kind {
        if self.cover {
            let mut at = n as usize;
            if !self.well_formed {
                match CLASSES.get(at) {
                    Some(class) => return Kind::Malformed(class),
                    None if at == CLASSES.len() => return Kind::Empty,
                    None => at -= CLASSES.len() + 1,
                }
            }
            if let Some(&form) = Form::ALL.get(at) {
                return Kind::WellFormed(Some(form));
            }
        }
        if self.well_formed {
            return Kind::WellFormed(None);
        }
        // Multiples of the golden ratio: every stretch of files has every class in proportion.
        let turn = self.seed.wrapping_add(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut at = ((turn * u64::from(ALL)) >> 32) as u32;
        for class in CLASSES {
            if at < class.files {
                return Kind::Malformed(class);
            }
            at -= class.files;
        }
        // Files with a key written twice are among the well-formed ones of the counts.
        let twice: u32 = CLASSES.iter().filter(|c| c.name == "duplicate_key").map(|c| c.files).sum();
        if at < WELL_FORMED - twice { Kind::WellFormed(None) } else { Kind::Empty }
    }
}
