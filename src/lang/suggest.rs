//! A guess at what was meant by a name that nobody knows.

/// Names beyond this are not compared with others.
const LONGEST_NAME: usize = 64;

/// The name that is nearest to a misspelt one, if one is near.
#[must_use]
pub fn suggest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let known = known.filter(|known| known.len() <= LONGEST_NAME);
    let (distance, nearest) =
        known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min_by_key(|(distance, _)| *distance)?;
    (distance * 2 <= nearest.len().max(2)).then_some(nearest)
}
