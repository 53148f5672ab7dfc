//! Lists taken as sets. Whether two elements are the same may be unknown; then so is what hangs on it.

use super::super::eval::MAX_ELEMENTS;
use super::super::operand::{contained, equal};
use super::{Operand, Read};

/// The elements of a list that is no longer than quantifiers take them.
pub(super) fn elements<'v>(list: &Operand<'v>) -> Option<Vec<Read<'v>>> {
    list.list_len().filter(|length| *length <= MAX_ELEMENTS)?;
    match list {
        Operand::List(items) => Some(items.iter().map(Read::of).collect()),
        Operand::Made(items) => Some(items.to_vec()),
        _ => None,
    }
}

/// Whether each element of a list is in another.
pub(super) fn members(elements: Vec<Read<'_>>, list: &Operand<'_>) -> Option<impl Iterator<Item = Option<bool>>> {
    list.list_len()?;
    Some(elements.into_iter().map(move |element| contained(element.as_value(), list)))
}

/// The elements of a list that are in another, or those that are not.
pub(super) fn chosen<'v>(list: &Operand<'v>, other: &Operand<'v>, wanted: bool) -> Option<Vec<Read<'v>>> {
    elements(other)?;
    let mut chosen = Vec::new();
    for element in elements(list)? {
        if contained(Some(element.as_value()?), other)? == wanted {
            chosen.push(element);
        }
    }
    Some(chosen)
}

/// A list of these elements, each once.
pub(super) fn distinct<'v>(elements: impl IntoIterator<Item = Read<'v>>) -> Option<Operand<'v>> {
    let mut distinct: Vec<Read<'v>> = Vec::new();
    for element in elements {
        let value = element.as_value()?;
        let mut known = false;
        for other in &distinct {
            known |= equal(other.as_value()?, value)?;
        }
        if !known {
            distinct.push(element);
        }
    }
    Some(Operand::Made(distinct.into()))
}
