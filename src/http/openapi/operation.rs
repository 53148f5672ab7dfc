//! What only one operation has. What it has in common with others of its family is added when the document is made.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// How a body looks; made by the generator that collects the schemas of the document.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// An operation, as the row of its endpoint describes it.
pub(super) struct Described {
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Parameters of its query.
    pub(super) query: Vec<Value>,
    /// Bodies that it takes, with an example of each.
    pub(super) takes: Vec<(Body, Value)>,
    /// Answers of its own.
    pub(super) answers: Vec<Answer>,
    /// Refusals that others of its family do not have.
    pub(super) refuses: &'static [u16],
    /// Whether its answers name the thing by an entity tag, and what they say of the tenant.
    pub(super) fields: Vec<&'static str>,
    /// Whether `If-Match` and `If-None-Match` bound what it changes.
    pub(super) conditional: bool,
}

/// What is sent, either way.
pub(super) struct Body {
    pub(super) media_type: &'static str,
    pub(super) shape: Shape,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) meaning: &'static str,
    pub(super) body: Option<Body>,
}

/// Starts a description.
pub(super) fn describe(summary: &'static str) -> Described {
    Described {
        summary,
        description: "",
        query: Vec::new(),
        takes: Vec::new(),
        answers: Vec::new(),
        refuses: &[],
        fields: Vec::new(),
        conditional: false,
    }
}

pub(super) const JSON: &str = "application/json";
pub(super) const HTML: &str = "text/html";
pub(super) const PROBLEM: &str = "application/problem+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";

/// How a type of ours looks.
pub(super) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Some text.
pub(super) fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

/// Some object.
pub(super) fn object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// A new value of something.
pub(super) fn new_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "required": ["value"],
        "properties": { "value": { "type": ["string", "number", "boolean", "array", "object"] } },
    })
}

impl Described {
    /// Says more than fits into the summary.
    pub(super) fn about(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// Takes a JSON body of a type.
    pub(super) fn takes<T: JsonSchema>(self, example: Value) -> Self {
        self.takes_as(JSON, shape::<T>, example)
    }

    /// Takes a body that no type describes.
    pub(super) fn takes_as(mut self, media_type: &'static str, shape: Shape, example: Value) -> Self {
        self.takes.push((Body { media_type, shape }, example));
        self
    }

    /// Takes a JSON merge patch (RFC 7396).
    pub(super) fn takes_patch(self, example: Value) -> Self {
        self.takes_as(MERGE_PATCH, object, example.clone()).takes_as(JSON, object, example)
    }

    /// Takes a form.
    pub(super) fn takes_form(self, example: Value) -> Self {
        self.takes_as(FORM, object, example)
    }

    /// Answers with JSON of a type.
    pub(super) fn answers<T: JsonSchema>(self, status: u16, meaning: &'static str) -> Self {
        self.answers_as(status, meaning, JSON, shape::<T>)
    }

    /// Answers with something that no type describes.
    pub(super) fn answers_as(
        mut self,
        status: u16,
        meaning: &'static str,
        media_type: &'static str,
        shape: Shape,
    ) -> Self {
        self.answers.push(Answer { status, meaning, body: Some(Body { media_type, shape }) });
        self
    }

    /// Answers with a page.
    pub(super) fn shows(self, status: u16, meaning: &'static str) -> Self {
        self.answers_as(status, meaning, HTML, text)
    }

    /// Answers without a body.
    pub(super) fn answers_nothing(mut self, status: u16, meaning: &'static str) -> Self {
        self.answers.push(Answer { status, meaning, body: None });
        self
    }

    /// Refuses with one of these statuses, too.
    pub(super) fn refuses(self, refuses: &'static [u16]) -> Self {
        Self { refuses, ..self }
    }

    /// Names what it answers by an entity tag.
    pub(super) fn tagged(mut self) -> Self {
        self.fields.push("ETag");
        self
    }

    /// Changes the tenant's data, and says by which revision.
    pub(super) fn revises(mut self) -> Self {
        self.fields.push("Sidegate-Revision");
        self
    }

    /// Changes only what the client knows, if it says what that is.
    pub(super) fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }

    /// Has a parameter in its query.
    pub(super) fn query(mut self, name: &str, about: &str, schema: Value, example: Value) -> Self {
        self.query.push(json!({
            "name": name, "in": "query", "description": about, "schema": schema, "example": example,
        }));
        self
    }

    /// Has a parameter in its query that is one of a few words; the first is meant if it is left out.
    pub(super) fn one_of(self, name: &str, about: &str, words: &[&str]) -> Self {
        let first = json!(words.first());
        self.query(name, about, json!({ "enum": words, "default": first }), first)
    }

    /// May be forced.
    pub(super) fn forced(self, about: &str) -> Self {
        self.query("force", about, json!({ "enum": [true, false, ""], "default": false }), json!(true))
    }

    /// Needs a header field.
    pub(super) fn header(mut self, name: &str, example: &str) -> Self {
        let schema = json!({ "type": "string" });
        self.query
            .push(json!({ "name": name, "in": "header", "required": true, "schema": schema, "example": example }));
        self
    }

    /// Is one page of a list.
    pub(super) fn paged(self) -> Self {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 100 });
        self.query("limit", "how many there are on a page", limit, json!(100)).query_optional(
            "cursor",
            "`next` of the page before; bound to this list and its filters",
            json!({ "type": "string" }),
        )
    }

    /// Has a parameter in its query of which there is no example that is always right.
    pub(super) fn query_optional(mut self, name: &str, about: &str, schema: Value) -> Self {
        self.query.push(json!({ "name": name, "in": "query", "description": about, "schema": schema }));
        self
    }
}
