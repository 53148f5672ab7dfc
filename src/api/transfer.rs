//! `users:export` and `users:import`: all users of a tenant in a file.

use std::io;
use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use tokio::sync::mpsc;

use crate::service::{Export, Format, Import, ImportReport, OnError, Progress, Refusal};
use crate::web::{Call, Content, Problem, Reply};

/// Parts that wait for a slow client; a part is some hundred users.
const AHEAD: usize = 2;

/// `GET users:export`: everybody, in the order of their ids, while they are read.
///
/// # Errors
/// 400 for a parameter that cannot be used.
pub async fn export_users(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&["format"])?;
    let format = match call.query_param("format") {
        Some(format) => format.parse().map_err(|why: String| Problem::bad_request(why))?,
        None => Format::Ndjson,
    };
    let mut export = call.service.export_users(call.tenant, format, Arc::default()).await?;
    // What fails at once is an answer of its own; later, there is only the end of the connection.
    let first = export.next().await?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(send(export, first, sender));
    let (content_type, ending) = match format {
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
    };
    let reply = Reply { content_type, body: Content::Parts(receiver), ..Reply::empty(StatusCode::OK) };
    let name = format!("attachment; filename=\"{}-users.{ending}\"", call.tenant.id);
    Ok(reply.with(CONTENT_DISPOSITION, HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"))))
}

/// Sends an export to its end, or until nobody reads it any more.
async fn send(mut export: Export, first: Option<Vec<u8>>, sender: mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut part = first;
    while let Some(ready) = part {
        if sender.send(Ok(ready)).await.is_err() {
            return;
        }
        part = match export.next().await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "an export could not be finished");
                let _ = sender.send(Err(io::Error::other(error))).await;
                return;
            }
        };
    }
}

/// `POST users:import`: takes in the users of a file; what became of them.
///
/// # Errors
/// 400, 408, 413, 415, and 422 if nothing went in because of lines that cannot.
pub async fn import_users(call: Call<'_>) -> Result<Reply, Problem> {
    call.only_params(&["format", "onError", "dryRun"])?;
    let format = match call.query_param("format") {
        Some(format) => format.parse().map_err(|why: String| Problem::bad_request(why))?,
        None => format_of(call.headers)?,
    };
    let on_error = match call.query_param("onError") {
        Some(on_error) => on_error.parse().map_err(|why: String| Problem::bad_request(format!("onError: {why}")))?,
        None => OnError::Abort,
    };
    let dry_run = match call.query_param("dryRun").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::bad_request("dryRun is true or false")),
    };
    let Some(file) = call.upload else { return Err(Problem::bad_request("there is no body")) };
    let import = Import { format, on_error, dry_run };
    // It is made in several transactions, none of which is the one that takes a key; made again, it changes nothing.
    let (service, tenant, path) = (call.service, call.tenant, call.path);
    let author = Call { idempotency: None, ..call }.author();
    let report = service.import_users(tenant, file, import, &author, &Progress::default()).await?;
    let reply = answer(&report, on_error, path, |path| service.url_of(path));
    Ok(if report.written { reply.revision(tenant.revision()) } else { reply })
}

fn format_of(headers: &HeaderMap) -> Result<Format, Problem> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match media_type.split(';').next().unwrap_or_default().trim() {
        "text/csv" => Ok(Format::Csv),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Format::Ndjson),
        _ => {
            let detail = "say what the body is: format=ndjson or format=csv, or Content-Type text/csv or \
                          application/x-ndjson";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
        }
    }
}

/// A report; as a problem if nothing went in that should have.
fn answer(report: &ImportReport, on_error: OnError, path: &str, url_of: impl Fn(&str) -> String) -> Reply {
    if report.refused == 0 || on_error == OnError::Skip {
        return Reply::json(StatusCode::OK, report);
    }
    let first = report.refusals.first().map_or_else(String::new, Refusal::to_string);
    let detail = format!("nothing was written: {} of {} lines are refused; {first}", report.refused, report.read);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).into_reply_with(path, url_of, report)
}
