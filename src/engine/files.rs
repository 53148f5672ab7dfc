//! The JSON files of a set: `tenant.json` and `traits.json`.

use jiff::tz::TimeZone;

use crate::lang::json::{JsonError, locate, read, read_each};
use crate::lang::{Code, Diagnostic, Site, Source, SourceId};
use crate::model::{Definition, Definitions, TenantSettings};

/// Reads `traits.json`.
pub(super) fn definitions(id: SourceId, source: &Source) -> Result<Definitions, Vec<Diagnostic>> {
    let text = source.text.as_str();
    let help = "traits.json is [{\"slug\": \"plan\", \"dataType\": \"string\"}, ...]";
    let own: Vec<Definition> =
        read_each(text).map_err(|errors| errors.into_iter().map(|error| wrong(id, error, help)).collect::<Vec<_>>())?;
    let at = |pointer: String| Site { source: id, span: locate(text, &pointer) };
    let mut findings = Vec::new();
    for (place, definition) in own.iter().enumerate() {
        let slug = at(format!("/{place}/slug"));
        if let Some(first) = own.iter().take(place).position(|other| other.slug == definition.slug) {
            let message = format!("`{}` is defined twice", definition.slug);
            let finding = Diagnostic::error(Code::Settings, slug, message).help("leave one of them out");
            findings.push(finding.also(at(format!("/{first}/slug")), "here, too"));
        }
        if let Err((pointer, why)) = definition.check_itself() {
            let message = format!("the definition of `{}` contradicts itself", definition.slug);
            findings.push(Diagnostic::error(Code::Settings, at(format!("/{place}{pointer}")), message).help(why));
        }
    }
    if findings.is_empty() { Ok(Definitions::new(own, Some(source.name.clone()))) } else { Err(findings) }
}

/// Reads `tenant.json`.
pub(super) fn settings(id: SourceId, source: &Source) -> Result<(TenantSettings, TimeZone), Vec<Diagnostic>> {
    let text = source.text.as_str();
    let help = "tenant.json is {\"timeZone\": \"Europe/Berlin\"}";
    let mut settings: TenantSettings = read(text).map_err(|error| vec![wrong(id, error, help)])?;
    settings.file = Some(source.name.clone());
    let error = |pointer: &str, message: String, help: String| {
        let site = Site { source: id, span: locate(text, pointer) };
        Diagnostic::error(Code::Settings, site, message).help(help)
    };
    let checked = settings.check().into_iter().map(|(pointer, what, help)| error(&pointer, what, help));
    let findings: Vec<Diagnostic> = checked.collect();
    match jiff::tz::db().get(&settings.time_zone) {
        Ok(zone) if findings.is_empty() => Ok((settings, zone)),
        _ => Err(findings),
    }
}

fn wrong(source: SourceId, error: JsonError, help: &str) -> Diagnostic {
    let site = Site { source, span: error.span };
    Diagnostic::error(Code::Settings, site, error.message).help(help)
}
