//! The file being written: what was drawn for it and what it holds so far.

use std::collections::BTreeSet;

use super::draw::Draw;
use super::measured::{self, Form, WELL_FORMED};
use super::words;

/// Purposes of a file's random sequences.
const NAME: u64 = 1;
const FILE: u64 = 2;
const STRUCTURE: u64 = 3;

/// Structures that several files share.
const STRUCTURES: usize = 400;

/// Forms rarer than this occur only in files with a structure of their own.
const COMMON: u32 = 400;

/// A spec in the making.
pub(super) struct Page {
    /// For what belongs to this file only.
    pub draw: Draw,
    /// For types and behaviours; files that share a structure have the same sequence.
    pub structure: Draw,
    pub forms: BTreeSet<Form>,
    /// Forms of field types that no field has yet.
    pub pending: Vec<Form>,
    /// Bytes to aim for.
    pub size: usize,
    /// What `name:` says.
    pub name: String,
    /// Names of the structs that are complete, with their fields and types.
    pub structs: Vec<String>,
    pub behaviors: Vec<String>,
    /// Types used and not defined.
    pub undefined: BTreeSet<String>,
}

impl Page {
    /// The page of file `n`, which holds `forced` in any case.
    pub(super) fn new(seed: u64, n: u64, forced: Option<Form>) -> Page {
        let mut draw = Draw::new(seed, n, FILE);
        let mut structure = Draw::new(seed, n, STRUCTURE);
        let forced: Vec<Form> = forced.into_iter().flat_map(|f| [Some(f), f.base()]).flatten().collect();
        let kind = match forced.first() {
            Some(Form::Template | Form::Shared) => forced.first().copied(),
            Some(_) => None,
            None => kind(&mut draw),
        };
        let mut forms: BTreeSet<Form> = forced.iter().copied().chain(kind).collect();
        if kind == Some(Form::Shared) {
            structure = Draw::new(seed, draw.below(STRUCTURES) as u64, STRUCTURE ^ seed);
        }
        // Forms that need another one are drawn when that is known.
        let (free, bound): (Vec<Form>, Vec<Form>) = Form::ALL.iter().partition(|f| f.base().is_none());
        for form in free.into_iter().chain(bound) {
            let common = form.base().unwrap_or(form).files() >= COMMON;
            let eligible = kind.is_none() || kind == Some(Form::Shared) && common;
            let of = match form.base() {
                _ if !eligible || matches!(form, Form::Template | Form::Shared) => continue,
                Some(base) if forms.contains(&base) => base.files(),
                Some(_) => continue,
                None if common => WELL_FORMED - Form::Template.files(),
                None => WELL_FORMED - Form::Template.files() - Form::Shared.files(),
            };
            if structure.chance(form.files(), of) {
                forms.insert(form);
            }
        }
        settle(&mut forms, &forced);
        let size = structure.quantile(measured::SIZES);
        let pending = forms.iter().copied().filter(|f| f.is_field_type()).collect();
        Page {
            name: name(seed, n, &forms, &mut draw),
            draw,
            structure,
            forms,
            pending,
            size,
            structs: Vec::new(),
            behaviors: Vec::new(),
            undefined: BTreeSet::new(),
        }
    }

    pub(super) fn has(&self, form: Form) -> bool {
        self.forms.contains(&form)
    }
}

/// Whether a file has a structure that others have too.
fn kind(draw: &mut Draw) -> Option<Form> {
    let own = WELL_FORMED - Form::Template.files() - Form::Shared.files();
    draw.weighted(&[
        (Some(Form::Template), Form::Template.files()),
        (Some(Form::Shared), Form::Shared.files()),
        (None, own),
    ])
}

/// Takes back forms that exclude each other; a forced one stays.
fn settle(forms: &mut BTreeSet<Form>, forced: &[Form]) {
    let types: Vec<Form> = Form::ALL.iter().copied().filter(|f| f.is_of_types()).collect();
    let exclusions: [(Form, &[Form]); 4] = [
        (Form::AttachedCases, &[Form::TopCases, Form::PhiCase]),
        (Form::ListConstants, &[Form::Constants]),
        (Form::NoBehaviors, &[Form::AttachedCases, Form::MisspeltWhen, Form::BooleanBehaviors]),
        (Form::NoTypes, &types),
    ];
    for (form, others) in exclusions {
        if forms.contains(&form) && others.iter().any(|o| forced.contains(o)) {
            forms.remove(&form);
        } else if forms.contains(&form) {
            forms.retain(|f| !others.contains(f));
        }
    }
}

/// The stem of file `n`: its name on disk without the extension, and mostly its `name:`.
pub(super) fn stem(seed: u64, n: u64) -> String {
    format!("{}_{n}", words::stem(&mut Draw::new(seed, n, NAME)))
}

fn name(seed: u64, n: u64, forms: &BTreeSet<Form>, draw: &mut Draw) -> String {
    let own = stem(seed, n);
    if forms.contains(&Form::DuplicateName) {
        return stem(seed, n.saturating_sub(1 + draw.below(3) as u64));
    }
    if forms.contains(&Form::DigitName) {
        return format!("{}d_{own}", 2 + draw.below(8));
    }
    if forms.contains(&Form::ForeignName) {
        return format!("{}_{n}", draw.pick(&["ядро", "φ_движок", "ⲕⲟⲇ", "σπείρα", "модуль"]));
    }
    if forms.contains(&Form::KeywordName) {
        return "yield".to_owned();
    }
    own
}

impl Form {
    /// The form without which this one cannot occur.
    fn base(self) -> Option<Form> {
        Some(match self {
            Form::NumericCases | Form::JsonInput => Form::AttachedCases,
            Form::PhiCase => Form::TopCases,
            Form::BoxDrawing => Form::Banner,
            Form::FlowEnum | Form::KeywordVariant | Form::InvalidVariant => Form::EnumEnum,
            Form::NumberedVariant | Form::BooleanVariants => Form::EnumValues,
            Form::PayloadVariant => Form::EnumVariants,
            Form::OddIndent => Form::Output,
            _ => return None,
        })
    }

    /// Whether it is a form of a field's type.
    fn is_field_type(self) -> bool {
        (Form::ListOf..=Form::InlineEnum).contains(&self) || matches!(self, Form::Undefined | Form::Recursive)
    }

    /// Whether it needs `types:`.
    fn is_of_types(self) -> bool {
        (Form::ListTypes..=Form::InlineEnum).contains(&self)
            || matches!(
                self,
                Form::Undefined
                    | Form::Recursive
                    | Form::KeywordFields
                    | Form::StandardNames
                    | Form::MixedCase
                    | Form::ForeignType
                    | Form::TrailingComments
                    | Form::BooleanVariants
            )
    }
}
