//! The columns of a table of users.

use crate::model::{Bag, DataType, Definitions, Slug};

use super::Refusal;

/// The column of the user's id.
pub(super) const USER_ID: &str = "userId";

/// A column with values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// `profile.SLUG` or `traits.SLUG`
    pub(super) name: String,
    pub(super) bag: Bag,
    pub(super) slug: Slug,
    /// Whether it holds strings and nothing else.
    pub(super) texts: bool,
}

impl Column {
    /// The column of a field.
    pub(super) fn of(definitions: &Definitions, slug: &Slug) -> Self {
        let bag = definitions.bag(slug.as_str());
        let data_type = definitions.get(slug.as_str()).map(|definition| definition.data_type);
        Self { name: path(bag, slug), bag, slug: slug.clone(), texts: data_type == Some(DataType::String) }
    }
}

/// The name of a field with where it stands.
pub(super) fn path(bag: Bag, slug: &Slug) -> String {
    format!("{}.{slug}", bag.as_str())
}

/// Reads the header of a table: for each column its field, or `None` for the user's id.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read_header(
    definitions: &Definitions,
    names: &[String],
    line: u64,
) -> Result<Vec<Option<Column>>, Vec<Refusal>> {
    let (mut columns, mut refused) = (Vec::new(), Vec::new());
    for (place, name) in names.iter().enumerate() {
        if names[..place].contains(name) {
            refused.push(Refusal::of_column(line, name, "column_twice", "there are two columns of this name"));
            continue;
        }
        match read_name(definitions, name) {
            Ok(column) => columns.push(column),
            Err((code, detail)) => refused.push(Refusal::of_column(line, name, code, detail)),
        }
    }
    if !names.iter().any(|name| name == USER_ID) {
        let detail = match names {
            [only] if only.contains([';', '\t']) => "there must be a column userId, and commas between columns",
            _ => "there must be a column userId: the first line names the columns",
        };
        refused.push(Refusal::new(line, "no_user_id", detail));
    }
    if refused.is_empty() { Ok(columns) } else { Err(refused) }
}

fn read_name(definitions: &Definitions, name: &str) -> Result<Option<Column>, (&'static str, String)> {
    if name == USER_ID {
        return Ok(None);
    }
    let unknown = || format!("a column is {USER_ID}, profile.SLUG or traits.SLUG; this one is called {name:?}");
    let (bag, slug) = match name.split_once('.') {
        Some(("profile", slug)) => (Bag::Profile, slug),
        Some(("traits", slug)) => (Bag::Traits, slug),
        _ => return Err(("unknown_column", unknown())),
    };
    let slug = Slug::parse(slug).map_err(|error| ("bad_name", error.to_string()))?;
    right_place(definitions, bag, &slug).map_err(|detail| ("wrong_place", detail))?;
    Ok(Some(Column::of(definitions, &slug)))
}

/// Refuses a profile field among the traits, and a trait among the profile fields.
///
/// # Errors
/// A sentence that says where it belongs.
pub(super) fn right_place(definitions: &Definitions, bag: Bag, slug: &Slug) -> Result<(), String> {
    match (bag, definitions.bag(slug.as_str())) {
        (Bag::Traits, Bag::Profile) => Err(format!("`{slug}` is a profile field: it belongs into the profile")),
        (Bag::Profile, Bag::Traits) => {
            Err(format!("`{slug}` is no profile field of this tenant: define it as one, or write it among the traits"))
        }
        _ => Ok(()),
    }
}
