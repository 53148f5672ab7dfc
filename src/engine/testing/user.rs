//! The user of a test, held against the definitions: a misspelt trait would let a test pass for the wrong reason.

use smol_str::SmolStr;

use crate::lang::ast::{Data, DataKind};
use crate::lang::{Code, Diagnostic, Site, SourceId};
use crate::model::{Bag, Definitions};

use super::super::check::{field_of, mend, written};
use super::super::program::Program;
use super::data::value;

/// What is wrong with a user's fields.
pub(super) fn check(
    program: &Program,
    definitions: &Definitions,
    source: SourceId,
    user: &Data,
) -> Result<(), Box<Diagnostic>> {
    let checker = Checker { program, definitions, source };
    for (slug, data) in members(user) {
        match slug.as_str() {
            "id" | "consents" => {}
            "traits" => members(data).iter().try_for_each(|(slug, data)| checker.field(Bag::Traits, slug, data))?,
            slug => checker.field(Bag::Profile, slug, data)?,
        }
    }
    Ok(())
}

fn members(data: &Data) -> &[(SmolStr, Data)] {
    match &data.kind {
        DataKind::Object(members) => members,
        _ => &[],
    }
}

struct Checker<'t> {
    program: &'t Program,
    definitions: &'t Definitions,
    source: SourceId,
}

impl Checker<'_> {
    fn field(&self, bag: Bag, slug: &str, data: &Data) -> Result<(), Box<Diagnostic>> {
        let error = |message, help| {
            let site = Site { source: self.source, span: data.span };
            Err(Box::new(Diagnostic::error(Code::BadTest, site, message).help(help)))
        };
        let name = written(bag, slug);
        match self.definitions.get(slug).filter(|definition| definition.kind == bag) {
            Some(definition) => match definition.check(&value(self.source, data)?) {
                Ok(()) => Ok(()),
                Err(right) => error(format!("{name} never holds this"), right),
            },
            // Who defines nothing means to do without definitions.
            None if bag == Bag::Traits && !self.definitions.any_traits() => Ok(()),
            None if self.is_read(bag, slug) => Ok(()),
            None => error(format!("nobody defined {name}, and no policy reads it"), mend(bag, slug, self.definitions)),
        }
    }

    fn is_read(&self, bag: Bag, slug: &str) -> bool {
        self.program.paths.iter().any(|path| field_of(path) == Some((bag, slug)))
    }
}
