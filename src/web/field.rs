//! Form fields by the type of what they ask.

use askama::Template;

use crate::model::{Bag, DataType, Definition, Format, Value};

/// Choices up to this many are shown at once.
const RADIOS: usize = 6;

/// A field of a form: its words, what is in it, and what is wrong with that.
#[derive(Template)]
#[template(path = "field.html", config = "src/web/askama.toml")]
pub struct FormField<'a> {
    /// The id of the element that errors link to.
    pub id: &'a str,
    /// The name under which it is posted.
    pub name: String,
    /// What it is called.
    pub label: &'a str,
    /// What helps to fill it in.
    pub hint: &'a str,
    /// What is in it.
    pub value: &'a str,
    /// What is wrong with that.
    pub error: Option<&'a str>,
    /// Whether it must be filled in.
    pub required: bool,
    /// How it is filled in.
    pub input: Input,
    /// What browsers may fill in (HTML, "Autofill").
    pub autocomplete: Option<&'static str>,
}

impl FormField<'_> {
    /// Which texts describe the field, and that it is wrong: attributes of its element. Ids are slugs, so nothing in
    /// here needs to be escaped.
    fn described(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.map(|_| format!("{}-error", self.id));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        let invalid = if self.error.is_some() { " aria-invalid=\"true\"" } else { "" };
        if ids.is_empty() { String::new() } else { format!("{invalid} aria-describedby=\"{}\"", ids.join(" ")) }
    }

    /// The field as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        self.render().unwrap_or_default()
    }
}

/// How a field is filled in.
pub enum Input {
    /// One line: the type of the input, and the keyboard for it.
    Line(&'static str, Option<&'static str>),
    /// Several lines.
    Area,
    /// One of a few, all shown.
    Radios(Vec<(String, String)>),
    /// One of many.
    Select(Vec<(String, String)>),
}

impl Input {
    /// The input for values of a definition.
    #[must_use]
    pub fn of(definition: &Definition) -> Self {
        if !definition.allowed_values.is_empty() {
            let choices: Vec<_> =
                definition.allowed_values.iter().map(Value::to_text).map(|text| (text.clone(), text)).collect();
            return if choices.len() <= RADIOS { Input::Radios(choices) } else { Input::Select(choices) };
        }
        match (definition.data_type, definition.format) {
            (DataType::Boolean, _) => Input::yes_or_no(),
            (DataType::Number, _) => Input::Line("text", Some("decimal")),
            (DataType::Json, _) | (DataType::String, Format::LongText) => Input::Area,
            (DataType::String, Format::Text) => Input::Line("text", None),
            (DataType::String, Format::Email) => Input::Line("email", Some("email")),
            (DataType::String, Format::Phone) => Input::Line("tel", Some("tel")),
            (DataType::String, Format::Url) => Input::Line("url", Some("url")),
            (DataType::String, Format::Date) => Input::Line("date", None),
        }
    }

    /// Yes or no.
    #[must_use]
    pub fn yes_or_no() -> Self {
        Input::Radios(vec![("true".to_owned(), "Yes".to_owned()), ("false".to_owned(), "No".to_owned())])
    }

    fn is_group(&self) -> bool {
        matches!(self, Input::Radios(_))
    }

    fn is_select(&self) -> bool {
        matches!(self, Input::Select(_))
    }

    fn is_area(&self) -> bool {
        matches!(self, Input::Area)
    }

    fn choices(&self) -> &[(String, String)] {
        match self {
            Input::Radios(choices) | Input::Select(choices) => choices,
            Input::Line(..) | Input::Area => &[],
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Input::Line(kind, _) => kind,
            _ => "text",
        }
    }

    fn mode(&self) -> Option<&'static str> {
        match self {
            Input::Line(_, mode) => *mode,
            _ => None,
        }
    }
}

/// What a browser may know of a profile field (HTML Living Standard, section 4.10.18.7).
#[must_use]
pub fn autocomplete(definition: &Definition) -> Option<&'static str> {
    if definition.kind != Bag::Profile {
        return None;
    }
    Some(match definition.slug.as_str() {
        "name" => "name",
        "given_name" => "given-name",
        "middle_name" => "additional-name",
        "family_name" => "family-name",
        "nickname" => "nickname",
        "email" => "email",
        "phone" => "tel",
        "job_title" => "organization-title",
        "company" => "organization",
        "birthdate" => "bday",
        "gender" => "sex",
        "website" | "profile" => "url",
        "locale" => "language",
        _ => return None,
    })
}
