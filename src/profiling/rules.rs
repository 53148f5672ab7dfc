//! Rules checked against definitions, with their conditions compiled.

use sha2::{Digest, Sha256};

use crate::engine::Condition as Expression;
use crate::lang::suggest;
use crate::model::{Access, Bag, Condition, Definition, Definitions, Rule, Slug, Source, TenantSettings, hex, is_name};

/// A field that a rule asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Profile field or trait.
    pub bag: Bag,
    /// Its slug.
    pub slug: Slug,
}

/// A rule that can be asked.
#[derive(Debug, Clone)]
pub struct CompiledRule {
    /// The rule as it was written, with its id.
    pub rule: Rule,
    /// Its id, given or made.
    pub id: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The expression of its condition.
    pub expression: Option<Expression>,
}

impl CompiledRule {
    /// Whether it asks a field or looks at it.
    #[must_use]
    pub fn touches(&self, bag: Bag, slug: &Slug) -> bool {
        self.fields.iter().any(|field| field.bag == bag && field.slug == *slug)
            || self.expression.as_ref().is_some_and(|expression| expression.reads(bag, slug.as_str()))
    }
}

/// All rules of a tenant.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// In the order in which they are asked.
    pub rules: Vec<CompiledRule>,
    /// The file that they stand in, if it is one.
    pub file: Option<String>,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// JSON pointer into the array of rules.
    pub pointer: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl RuleSet {
    /// Checks rules against the definitions of their fields.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn compile(
        rules: Vec<Rule>,
        definitions: &Definitions,
        settings: &TenantSettings,
        file: Option<String>,
    ) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        let mut compiled: Vec<CompiledRule> = Vec::new();
        for (place, mut rule) in rules.into_iter().enumerate() {
            let mut wrong = |member: &str, code, detail: String| {
                errors.push(RuleError { pointer: format!("/{place}{member}"), code, detail });
            };
            if rule.fields.is_empty() {
                wrong("/fields", "no_fields", "a rule asks at least one field".to_owned());
            }
            for (member, text) in [("/id", &rule.id), ("/client", &rule.client)] {
                if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                    wrong(member, "empty", "leave it out rather than empty".to_owned());
                } else if text.as_ref().is_some_and(|text| !is_name(text)) {
                    wrong(member, "bad_name", "this is 1 to 255 bytes without control characters".to_owned());
                }
            }
            let mut fields: Vec<Field> = Vec::new();
            for (number, name) in rule.fields.iter().enumerate() {
                match resolve(name, definitions) {
                    Ok(definition) if !definition.writable_by.contains(&Source::User) => {
                        let detail = format!("users may not write `{name}`: add \"user\" to its writableBy");
                        wrong(&format!("/fields/{number}"), "not_writable_by_user", detail);
                    }
                    Ok(definition) if fields.iter().any(|field| field.slug == definition.slug) => {
                        wrong(&format!("/fields/{number}"), "asked_twice", format!("`{name}` is asked twice"));
                    }
                    Ok(definition) => fields.push(Field { bag: definition.kind, slug: definition.slug.clone() }),
                    Err(detail) => wrong(&format!("/fields/{number}"), "unknown_field", detail),
                }
            }
            if let Condition::OnAccess(Access { action, resource }) = &rule.condition {
                for (member, text) in [("action", action), ("resource", resource)] {
                    if !is_name(text) {
                        let detail = "this is 1 to 255 bytes without control characters".to_owned();
                        wrong(&format!("/condition/onAccess/{member}"), "bad_name", detail);
                    }
                }
                if rule.confirm {
                    let detail = "it would be confirmed again at every access: leave it out".to_owned();
                    wrong("/confirm", "never_confirmed", detail);
                }
            }
            let expression = match &rule.condition {
                Condition::When(text) => match Expression::compile(text, definitions, settings) {
                    Ok(expression) => Some(expression),
                    Err(detail) => {
                        wrong("/condition/when", "bad_expression", detail);
                        None
                    }
                },
                _ => None,
            };
            if rule.required && (rule.snooze_days.is_some() || rule.max_skips.is_some()) {
                let detail = "a required rule cannot be skipped, so it has neither snoozeDays nor maxSkips".to_owned();
                wrong("/required", "required_and_skippable", detail);
            }
            let id = rule.id.clone().unwrap_or_else(|| made_id(&rule));
            rule.id = Some(id.clone());
            if compiled.iter().any(|other| other.id == id) {
                wrong(
                    "/id",
                    "same_rule_twice",
                    "another rule has the same id, or the same fields and condition".to_owned(),
                );
            }
            compiled.push(CompiledRule { rule, id, fields, expression });
        }
        if errors.is_empty() { Ok(Self { rules: compiled, file }) } else { Err(errors) }
    }

    /// What somebody should look at in the rules.
    #[must_use]
    pub fn warnings(&self, definitions: &Definitions, settings: &TenantSettings) -> Vec<RuleError> {
        let of_rule = |(place, rule): (usize, &CompiledRule)| {
            let found = rule.expression.as_ref().map_or_else(Vec::new, |it| it.warnings(definitions, settings));
            let pointer = format!("/{place}/condition/when");
            found.into_iter().map(move |detail| RuleError { pointer: pointer.clone(), code: "expression", detail })
        };
        self.rules.iter().enumerate().flat_map(of_rule).collect()
    }

    /// The rules that guard an access, in their order.
    pub fn guards<'r>(&'r self, action: &str, resource: &str) -> impl Iterator<Item = &'r CompiledRule> {
        self.rules.iter().filter(move |rule| match &rule.rule.condition {
            Condition::OnAccess(guarded) => guarded.action == action && guarded.resource == resource,
            _ => false,
        })
    }

    /// The rule of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&CompiledRule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// A name is a profile field, else a defined trait; `traits.SLUG` says so outright.
fn resolve<'d>(name: &str, definitions: &'d Definitions) -> Result<&'d Definition, String> {
    let found = match name.strip_prefix("traits.") {
        Some(slug) => definitions.get(slug).filter(|definition| definition.kind == Bag::Traits),
        None => definitions.get(name),
    };
    found.ok_or_else(|| {
        let mend = match suggest(name, definitions.iter().map(|definition| definition.slug.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "define it first".to_owned(),
        };
        format!("`{name}` is no profile field and no defined trait; {mend}")
    })
}

/// An id that stays the same while fields and condition do, whatever the words around them.
fn made_id(rule: &Rule) -> String {
    let text = serde_json::to_vec(&(&rule.fields, &rule.condition, &rule.client)).unwrap_or_default();
    hex(Sha256::digest(text).iter().take(6))
}
