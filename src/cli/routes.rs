//! `sidegate routes`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::engine::{Program, Target, compile};
use crate::model::RequestPath;

use super::{Usage, input, show};

/// Show what a request is by the routes of a tenant: its action and its resource; or list the routes
#[derive(Args)]
pub(super) struct Routes {
    /// Folder of one tenant's policies, or - for standard input
    folder: PathBuf,
    /// The method of a request, such as GET
    #[arg(requires = "url")]
    method: Option<String>,
    /// Its URL, or only the path
    url: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What a request is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    action: String,
    resource: Resource,
    captures: serde_json::Map<String, serde_json::Value>,
    /// Where the route stands; none for what no route names.
    route: Option<String>,
}

#[derive(Serialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

impl Routes {
    pub(super) fn run(self) -> Result<ExitCode> {
        let files = input::one_set(&self.folder)?;
        let compiled = compile(files, &Arc::default());
        let Some(program) = &compiled.program else {
            show::refused(&compiled.sources, &compiled.diagnostics, self.json)?;
            return Ok(ExitCode::FAILURE);
        };
        match (&self.method, &self.url) {
            (Some(method), Some(url)) => self.find(program, method, url),
            _ => self.list(program),
        }?;
        Ok(ExitCode::SUCCESS)
    }

    fn find(&self, program: &Program, method: &str, url: &str) -> Result<()> {
        let method = method.to_ascii_uppercase();
        let request = Request::read(url)?;
        let segments: Vec<&str> = request.path.segments().collect();
        let target = Target { method: &method, host: request.host.as_deref(), segments: &segments };
        let answer = match program.routes().find(target) {
            Some(routed) => Answer {
                action: routed.action.to_owned(),
                resource: Resource { kind: routed.resource.to_owned(), id: routed.id },
                captures: routed.captures.into_iter().map(|(name, held)| (name.to_owned(), held.into())).collect(),
                route: Some(program.sources().place(routed.site)),
            },
            None => Answer {
                action: method.clone(),
                resource: Resource { kind: "http".to_owned(), id: request.path.to_string() },
                captures: serde_json::Map::new(),
                route: None,
            },
        };
        if self.json {
            return show::line(format_args!("{}", serde_json::to_string_pretty(&answer)?));
        }
        let Answer { action, resource: Resource { kind, id }, captures, route } = answer;
        show::line(format_args!("\"{action}\" on \"{kind}\" {id:?}"))?;
        for (name, held) in captures {
            show::line(format_args!("  env.route.{name} = {held}"))?;
        }
        let by = route.map_or_else(|| "no route names it".to_owned(), |place| format!("by the route at {place}"));
        show::line(format_args!("  {by}"))
    }

    fn list(&self, program: &Program) -> Result<()> {
        let sources = program.sources();
        if self.json {
            let row = |route: &crate::engine::Route| {
                serde_json::json!({
                    "methods": if route.methods.is_empty() { vec!["ANY"] } else { route.methods.iter().map(|m| m.as_str()).collect() },
                    "path": route.path,
                    "host": route.host,
                    "action": route.action,
                    "resource": route.resource,
                    "id": route.id.and_then(|place| route.captures.get(place)),
                    "place": sources.place(route.site),
                })
            };
            let rows: Vec<_> = program.routes().iter().map(row).collect();
            return show::line(format_args!("{}", serde_json::to_string_pretty(&rows)?));
        }
        for route in program.routes().iter() {
            let methods = if route.methods.is_empty() { "ANY".to_owned() } else { route.methods.join(", ") };
            let host = route.host.as_ref().map_or_else(String::new, |host| format!(" on {host}"));
            let id = route.id.and_then(|place| route.captures.get(place));
            let id = id.map_or_else(String::new, |id| format!(" {{{id}}}"));
            let (path, action, resource) = (&route.path, &route.action, &route.resource);
            let place = sources.place(route.site);
            show::line(format_args!("{methods:9} {path}{host} => \"{action}\" on \"{resource}\"{id}  ({place})"))?;
        }
        let count = program.routes().iter().count();
        show::line(format_args!("{}", show::count(count, "route", "routes")))
    }
}

/// A request's address, taken apart.
struct Request {
    host: Option<String>,
    path: RequestPath,
}

impl Request {
    /// Reads a URL or a path. One that two parties could read differently is no request: a proxy refuses it.
    fn read(url: &str) -> Result<Self> {
        let (host, path) = match url.split_once("://") {
            Some(_) => {
                let parsed = url::Url::parse(url).map_err(|error| Usage(format!("{url}: {error}")))?;
                let after = url.split_once("://").map_or("", |(_, after)| after);
                (parsed.host_str().map(str::to_owned), after.find('/').map_or("/", |at| &after[at..]).to_owned())
            }
            None => (None, url.to_owned()),
        };
        let path = path.split(['?', '#']).next().unwrap_or("");
        let refused = |why| Usage(format!("{path}: {why}: two parties could read it differently"));
        Ok(Self { host, path: RequestPath::parse(path, &[]).map_err(refused)? })
    }
}
