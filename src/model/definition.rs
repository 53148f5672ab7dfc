//! Definitions: what a trait or a profile field may hold, who may write it, and how a form asks for it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{DataType, Slug, Source, Value};

/// Where a slug lives: it names either a profile field (`user.email`) or a trait (`user.traits.plan`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bag {
    /// A profile field.
    Profile,
    /// A trait.
    #[default]
    Traits,
}

impl Bag {
    /// As tables and files name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Bag::Profile => "profile",
            Bag::Traits => "traits",
        }
    }
}

/// How a form asks for a value, and what it checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One line of text.
    #[default]
    Text,
    /// Several lines of text.
    LongText,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A date: `2026-01-31`.
    Date,
    /// An absolute http or https URL.
    Url,
}

/// The definition of a trait or a profile field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// Its name in policies and in the API.
    pub slug: Slug,
    /// Profile field or trait.
    #[serde(default)]
    pub kind: Bag,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// What it is for; forms show it as a hint.
    #[serde(default)]
    pub description: String,
    /// The type of its values.
    pub data_type: DataType,
    /// How a form asks for it.
    #[serde(default)]
    pub format: Format,
    /// All values that it may have; none means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "owned_values")]
    pub allowed_values: Vec<Value<'static>>,
    /// What a stored user has who has no value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "owned_value")]
    pub default: Option<Value<'static>>,
    /// Who may write it.
    #[serde(default = "admin_only")]
    pub writable_by: Vec<Source>,
    /// Whether its values are masked where not needed.
    #[serde(default)]
    pub sensitive: bool,
    /// Whether users see it in their own attributes.
    #[serde(default = "yes")]
    pub visible: bool,
    /// Whether the identity provider gets it for the session.
    #[serde(default)]
    pub in_session: bool,
    /// Whether policies may grant by it although users write it themselves.
    #[serde(default)]
    pub grants_when_self_asserted: bool,
}

fn owned_values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value<'static>>, D::Error> {
    let values = Vec::<Value<'de>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(Value::into_owned).collect())
}

fn owned_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value<'static>>, D::Error> {
    Ok(Some(Value::<'de>::deserialize(deserializer)?.into_owned()))
}

fn admin_only() -> Vec<Source> {
    vec![Source::Admin]
}

fn yes() -> bool {
    true
}

impl Definition {
    /// What forms and lists call it.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.name.is_empty() { self.slug.as_str() } else { &self.name }
    }

    /// Whether a form offers all its values.
    #[must_use]
    pub fn is_choice(&self) -> bool {
        !self.allowed_values.is_empty() || self.data_type == DataType::Boolean
    }

    /// Whether the definition makes sense.
    ///
    /// # Errors
    /// A JSON pointer into the definition, and what is wrong there.
    pub fn check_itself(&self) -> Result<(), (String, String)> {
        const RESERVED: [&str; 3] = ["id", "traits", "consents"];
        if RESERVED.contains(&self.slug.as_str()) {
            return Err(("/slug".to_owned(), format!("the slug `{}` is taken: it is part of every user", self.slug)));
        }
        let is_string = self.data_type == DataType::String;
        if self.format != Format::Text && !is_string {
            return Err(("/format".to_owned(), "only a string has a format: its dataType is \"string\"".to_owned()));
        }
        if self.grants_when_self_asserted && !self.writable_by.contains(&Source::User) {
            let why = "it says how the user's own word counts: add \"user\" to writableBy, or leave it out";
            return Err(("/grantsWhenSelfAsserted".to_owned(), why.to_owned()));
        }
        let any_value = Self { allowed_values: Vec::new(), ..self.clone() };
        for (place, value) in self.allowed_values.iter().enumerate() {
            any_value.check(value).map_err(|why| (format!("/allowedValues/{place}"), why))?;
        }
        match &self.default {
            Some(default) => self.check(default).map_err(|why| ("/default".to_owned(), why)),
            None => Ok(()),
        }
    }

    /// Whether it admits the same values in the same place as another.
    #[must_use]
    pub fn admits_the_same(&self, other: &Self) -> bool {
        let bounds = |it: &Self| (it.kind, it.data_type, it.format);
        bounds(self) == bounds(other) && self.allowed_values == other.allowed_values
    }

    /// Whether a value may be stored under it.
    ///
    /// # Errors
    /// A sentence that says what would be right, in words that fit beside a form's field.
    pub fn check(&self, value: &Value<'_>) -> Result<(), String> {
        let fits = value.data_type() == Some(self.data_type);
        if !fits {
            return Err(format!("{} must be {}", self.label(), self.data_type.in_words()));
        }
        if !self.allowed_values.is_empty() && !self.allowed_values.contains(value) {
            let choices: Vec<String> = self.allowed_values.iter().map(Value::to_text).collect();
            return Err(format!("{} must be one of: {}", self.label(), choices.join(", ")));
        }
        match value {
            Value::Str(text) => self.check_format(text),
            _ => Ok(()),
        }
    }

    /// Reads what was typed into a form.
    ///
    /// # Errors
    /// A sentence that says what would be right.
    pub fn read(&self, typed: &str) -> Result<Value<'static>, String> {
        let typed = typed.trim();
        let value = match self.data_type {
            DataType::String => Value::Str(typed.to_owned().into()),
            DataType::Boolean => match typed {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err(format!("Select yes or no for {}", self.label())),
            },
            DataType::Number => match typed.parse::<i64>().map(Value::Int).or_else(|_| typed.parse().map(Value::Float))
            {
                Ok(Value::Float(x)) if !x.is_finite() => return Err(format!("{} must be a number", self.label())),
                Ok(number) => number,
                Err(_) => return Err(format!("{} must be a number, such as 12 or 3.5", self.label())),
            },
            DataType::Json => Value::parse(typed).map_err(|error| format!("{} is not JSON: {error}", self.label()))?,
        };
        self.check(&value)?;
        Ok(value)
    }

    fn check_format(&self, text: &str) -> Result<(), String> {
        let hidden = |c: char| c.is_control() && !(self.format == Format::LongText && matches!(c, '\n' | '\r' | '\t'));
        if text.chars().any(hidden) {
            return Err(format!("{} must not hold control characters", self.label()));
        }
        let (fits, example) = match self.format {
            Format::Text | Format::LongText => (true, ""),
            Format::Email => (is_email(text), "an e-mail address, such as name@example.com"),
            Format::Phone => (is_phone(text), "a phone number, such as +49 30 901820"),
            Format::Date => {
                (text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10, "a date, such as 2026-01-31")
            }
            Format::Url => (is_url(text), "a web address, such as https://example.com/"),
        };
        if fits { Ok(()) } else { Err(format!("{} must be {example}", self.label())) }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
    plain(local) && plain(domain) && domain.contains('.') && domain.split('.').all(|label| !label.is_empty())
}

/// Digits as people group them; five to fifteen, as E.164 has them at most.
fn is_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    (5..=15).contains(&digits) && rest.bytes().all(|b| b.is_ascii_digit() || b" -/().".contains(&b))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

/// Profile fields that every tenant has: the standard claims of OpenID Connect Core 1.0, section 5.1, and what
/// forms ask for most.
#[must_use]
pub fn standard_fields() -> Vec<Definition> {
    use DataType::{Boolean, Json, Number, String};
    use Format::{Date, Email, Phone, Text, Url};
    let by_user_and_idp = [Source::User, Source::Idp];
    let by_idp = [Source::Idp];
    let rows: [(&str, &str, DataType, Format, &[Source]); 21] = [
        ("name", "Full name", String, Text, &by_user_and_idp),
        ("given_name", "First name", String, Text, &by_user_and_idp),
        ("family_name", "Last name", String, Text, &by_user_and_idp),
        ("middle_name", "Middle name", String, Text, &by_user_and_idp),
        ("nickname", "Nickname", String, Text, &by_user_and_idp),
        ("preferred_username", "User name", String, Text, &by_idp),
        ("profile", "Profile page", String, Url, &by_user_and_idp),
        ("picture", "Picture", String, Url, &by_user_and_idp),
        ("website", "Website", String, Url, &by_user_and_idp),
        ("email", "E-mail address", String, Email, &by_idp),
        ("email_verified", "E-mail address verified", Boolean, Text, &by_idp),
        ("gender", "Gender", String, Text, &by_user_and_idp),
        ("birthdate", "Date of birth", String, Date, &by_user_and_idp),
        ("zoneinfo", "Time zone", String, Text, &by_user_and_idp),
        ("locale", "Language", String, Text, &by_user_and_idp),
        ("phone", "Phone number", String, Phone, &by_user_and_idp),
        ("phone_number_verified", "Phone number verified", Boolean, Text, &by_idp),
        ("address", "Address", Json, Text, &by_user_and_idp),
        ("updated_at", "Updated", Number, Text, &by_idp),
        ("job_title", "Job title", String, Text, &by_user_and_idp),
        ("company", "Company", String, Text, &by_user_and_idp),
    ];
    let define = |(slug, name, data_type, format, writers): (&str, &str, DataType, Format, &[Source])| {
        let slug = Slug::parse(slug).ok()?;
        Some(Definition {
            slug,
            kind: Bag::Profile,
            name: name.to_owned(),
            description: std::string::String::new(),
            data_type,
            format,
            allowed_values: Vec::new(),
            default: None,
            writable_by: writers.iter().copied().chain([Source::Admin]).collect(),
            sensitive: false,
            visible: true,
            in_session: false,
            grants_when_self_asserted: false,
        })
    };
    rows.into_iter().filter_map(define).collect()
}

/// The profile field of an OpenID Connect claim: they have the same name, but for one.
#[must_use]
pub fn field_of_claim(claim: &str) -> &str {
    if claim == "phone_number" { "phone" } else { claim }
}
