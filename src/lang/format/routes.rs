//! Routes: those on lines that follow each other stand in columns.

use super::super::ast::Route;
use super::{Printer, WIDTH};

/// Methods, path with host, action, resource type, and where the id comes from, if it says so.
pub(super) type Columns = [String; 5];

impl Printer<'_> {
    pub(super) fn columns(&self, route: &Route) -> Columns {
        let methods: Vec<&str> = route.methods.iter().map(|method| method.text.as_str()).collect();
        let mut path = self.written(route.path.span).to_owned();
        if let Some(host) = &route.host {
            path.extend([" host ", self.written(host.span)]);
        }
        let id = route.id.as_ref().map(|id| match &id.capture {
            Some(capture) if capture.text != id.name.text => format!("{{ {}: {} }}", id.name.text, capture.text),
            _ => format!("{{ {} }}", id.name.text),
        });
        let text = |span| self.written(span).to_owned();
        [methods.join(", "), path, text(route.action.span), text(route.resource.span), id.unwrap_or_default()]
    }
}

/// The width of each column; one that is wider than a line is no measure for others.
pub(super) fn widths<'a>(run: impl Iterator<Item = &'a Columns>) -> [usize; 5] {
    run.fold([0; 5], |mut widths, columns| {
        for (width, column) in widths.iter_mut().zip(columns) {
            *width = column.chars().count().max(*width).min(WIDTH);
        }
        widths
    })
}

/// The line of a route.
pub(super) fn aligned([methods, path, action, resource, id]: &Columns, widths: [usize; 5]) -> String {
    let [of_methods, of_path, of_action, of_resource, _] = widths;
    let line =
        format!("route {methods:of_methods$} {path:of_path$} => {action:of_action$} on {resource:of_resource$} {id}");
    line.trim_end().to_owned()
}
