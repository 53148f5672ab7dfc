//! The operations of the document: the rows of the table of routes, with what those of a family have in common.

use std::collections::BTreeMap;

use http::Method;
use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::web::{KINDS, Kind, ProblemDetails};

use super::super::idempotency;
use super::super::routes::{Access, Family, ROUTES, Route, Serve};
use super::operation::{Answer, Body, Described, HTML, JSON, PROBLEM, Shape, shape, text};
use super::{endpoints, public};

/// What is collected while operations are described.
pub(super) struct Parts {
    /// Makes schemas of what handlers write, which operations name.
    pub(super) written: SchemaGenerator,
    /// Makes schemas of what they read, which stand in their places: the two differ in what may be left out.
    read: SchemaGenerator,
    /// Refusals, which operations name.
    pub(super) refusals: Map<String, Value>,
}

impl Default for Parts {
    fn default() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
        let written = settings().with(|settings| {
            settings.contract = Contract::Serialize;
            settings.definitions_path = "/components/schemas".into();
        });
        let read = settings().with(|settings| settings.inline_subschemas = true);
        Self { written: written.into_generator(), read: read.into_generator(), refusals: Map::new() }
    }
}

impl Parts {
    /// All operations, by path and method.
    pub(super) fn paths(&mut self) -> BTreeMap<String, Map<String, Value>> {
        let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
        for route in ROUTES {
            let Some(path) = route.paths().into_iter().next() else { continue };
            let path = path.replace("{*", "{");
            let operation = self.operation(route, &path);
            paths.entry(path).or_default().insert(route.method.as_str().to_ascii_lowercase(), operation);
        }
        paths
    }

    fn operation(&mut self, route: &Route, path: &str) -> Value {
        let (described, name) = described(route);
        let (first, rest) = name.split_at(1);
        let takes_key =
            matches!(route.serve, Serve::Tenant(_, endpoint) if idempotency::is_write(&route.method, endpoint));
        let mut operation = json!({
            "operationId": first.to_ascii_lowercase() + rest,
            "summary": described.summary,
            "tags": [tag(route)],
            "security": security(route),
            "parameters": parameters(path, &described, takes_key),
            "responses": self.responses(route, &described, takes_key),
        });
        if !described.description.is_empty() {
            operation["description"] = json!(described.description);
        }
        if !described.takes.is_empty() {
            let one = |(Body { media_type, shape }, example): &(Body, Value)| {
                ((*media_type).to_owned(), json!({ "schema": shape(&mut self.read), "example": example }))
            };
            let content: Map<String, Value> = described.takes.iter().map(one).collect();
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        operation
    }

    fn responses(&mut self, route: &Route, described: &Described, takes_key: bool) -> Value {
        let mut responses: BTreeMap<u16, Value> = BTreeMap::new();
        for status in refusals(route, described, takes_key) {
            if let Some(kind) = KINDS.iter().find(|kind| kind.status == status) {
                responses.insert(status, self.refusal(route.family, kind));
            }
        }
        // What it answers itself takes the place of what others of its family answer.
        for own in &described.answers {
            responses.remove(&own.status);
        }
        for Answer { status, meaning, body } in &described.answers {
            let response = responses.entry(*status).or_insert_with(|| json!({ "description": meaning }));
            if let Some(Body { media_type, shape }) = body {
                let schema = json!(shape(&mut self.written));
                let there = response["content"][*media_type]["schema"].take();
                let schema = if there.is_null() { schema } else { json!({ "anyOf": [there, schema] }) };
                response["content"][*media_type]["schema"] = schema;
            }
            let is_good = (200..300).contains(status);
            for name in described.fields.iter().filter(|_| is_good) {
                response["headers"][*name] = json!({ "$ref": format!("#/components/headers/{name}") });
            }
        }
        responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect()
    }

    /// A reference to a refusal, in the form that the family gives it.
    fn refusal(&mut self, family: Family, kind: &Kind) -> Value {
        let (form, media_type, shape): (_, _, Shape) = match family {
            Family::AuthZen => ("message", JSON, text),
            Family::Pages => ("page", HTML, text),
            _ => ("problem", PROBLEM, shape::<ProblemDetails<'_>>),
        };
        let name = format!("{form}-{}", kind.name);
        let schema = shape(&mut self.written);
        let refusal = json!({ "description": kind.meaning, "content": { media_type: { "schema": schema } } });
        self.refusals.insert(name.clone(), refusal);
        json!({ "$ref": format!("#/components/responses/{name}") })
    }
}

fn described(route: &Route) -> (Described, String) {
    match route.serve {
        Serve::Public(operation) => (public::operation(operation), format!("{operation:?}")),
        Serve::Tenant(_, endpoint) => (endpoints::described(endpoint), format!("{endpoint:?}")),
        Serve::Instance(endpoint) => (public::instance(endpoint), format!("{endpoint:?}")),
        Serve::Metadata(metadata) => (public::metadata(metadata), format!("{metadata:?}")),
        Serve::Proxy(endpoint) => {
            let one_of_two = if route.path.ends_with('/') { "Root" } else { "" };
            (public::proxy(endpoint), format!("{endpoint:?}{one_of_two}"))
        }
        Serve::Page(page) => (public::page(page), format!("{page:?}")),
        Serve::Portal(page) => (public::portal(page), format!("Portal{page:?}")),
    }
}

fn tag(route: &Route) -> &'static str {
    let below = |start: &str| route.path.starts_with(start);
    match route.family {
        Family::Operations | Family::WellKnown => "Operations",
        Family::Instance => "Instance",
        Family::AuthZen => "Decisions",
        Family::Pages => "Pages",
        Family::Proxies => "Proxies",
        Family::Api if below("/abac/check") => "Decisions",
        Family::Api if below("/abac/attributes") => "Definitions",
        Family::Api if below("/abac/resources") => "Resources",
        Family::Api if below("/profiling") => "Profiling",
        Family::Api if below("/audit") => "Audit",
        Family::Api if below("/settings") || below("/tokens") => "Tenant",
        Family::Api => "Users",
    }
}

fn parameters(path: &str, described: &Described, takes_key: bool) -> Vec<Value> {
    let in_path =
        path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(|name| path_parameter(path, name));
    let of_header =
        [("IfMatch", described.conditional), ("IfNoneMatch", described.conditional), ("IdempotencyKey", takes_key)];
    let of_header = of_header.into_iter().filter(|(_, wanted)| *wanted);
    let of_header = of_header.map(|(name, _)| json!({ "$ref": format!("#/components/parameters/{name}") }));
    in_path.chain(described.query.iter().cloned()).chain(of_header).collect()
}

/// Up to 255 bytes, which JSON Schema does not count, without control characters.
const TEXT: &str = "^[^\\u0000-\\u001F\\u007F-\\u009F]{1,255}$";

fn path_parameter(path: &str, name: &str) -> Value {
    let (about, pattern, example) = match name {
        "tenant" => ("the tenant", "^[a-z0-9][a-z0-9-]{0,62}$", "acme"),
        "userId" => ("the user, percent-encoded", TEXT, "alice"),
        "slug" => ("the name of the trait or attribute", "^[a-z][a-z0-9_]{0,62}$", "plan"),
        "type" => ("the type of the resource", TEXT, "report"),
        "rest" => ("the path of the request that is asked about", "^.*$", "reports"),
        "name" => ("the name of the kind", "^[a-z-]+$", "not-found"),
        _ if path.contains("{type}") => ("the id of the resource", TEXT, "7"),
        _ if path.contains("/tokens/") => ("the id of the token, which is not the token", TEXT, "0192f0c1"),
        _ => ("the tenant", "^[a-z0-9][a-z0-9-]{0,62}$", "globex"),
    };
    let schema = json!({ "type": "string", "pattern": pattern });
    json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema, "example": example })
}

fn security(route: &Route) -> Value {
    match route.serve {
        Serve::Public(_) | Serve::Metadata(_) | Serve::Page(_) => json!([]),
        // The token is that of whoever is behind the request that is asked about.
        Serve::Proxy(_) => json!([{}, { "accessToken": [] }, { "session": [] }]),
        Serve::Portal(_) => json!([{ "portalSession": [] }]),
        Serve::Instance(_) => json!([{ "instanceToken": [] }]),
        Serve::Tenant(Access::Scope(scope), _) => json!([{ "serviceToken": [scope.as_str()] }]),
        Serve::Tenant(Access::User, _) => json!([{ "accessToken": [] }]),
        Serve::Tenant(Access::Own(scope), _) => json!([{ "accessToken": [] }, { "serviceToken": [scope.as_str()] }]),
    }
}

/// All statuses with which it may be refused.
fn refusals(route: &Route, described: &Described, takes_key: bool) -> Vec<u16> {
    let mut statuses = described.refuses.to_vec();
    statuses.extend(match route.family {
        Family::Operations => &[][..],
        Family::WellKnown => &[403, 404, 429],
        Family::Proxies => &[400, 401, 403, 404, 429, 500, 503],
        Family::Instance => &[400, 401, 403, 429, 500, 503],
        Family::Pages if matches!(route.serve, Serve::Page(_)) => &[400, 403, 404, 429, 500, 503],
        Family::Pages | Family::Api | Family::AuthZen => &[400, 401, 403, 404, 429, 500, 503],
    });
    if !matches!(route.method, Method::GET | Method::DELETE) {
        statuses.extend([408, 413]);
        if matches!(route.family, Family::Api | Family::Instance) {
            statuses.push(415);
        }
    }
    if described.conditional {
        statuses.push(412);
    }
    if takes_key {
        statuses.extend([409, 422]);
    }
    statuses
}
