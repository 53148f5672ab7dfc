//! Data as tests write them, read into values.

use smol_str::SmolStr;

use crate::lang::ast::{Data, DataKind};
use crate::lang::{Code, Diagnostic, Site, SourceId};
use crate::model::{Object, Value};

use super::super::builtins::parse_time;
use super::super::resolve::number;

pub(super) fn moment(value: &Value<'_>) -> Option<jiff::Timestamp> {
    match value {
        Value::Str(text) => parse_time(text),
        _ => None,
    }
}

pub(super) fn object(source: SourceId, data: &Data) -> Result<Object<'static>, Box<Diagnostic>> {
    match value(source, data)? {
        Value::Object(object) => Ok(object),
        _ => Ok(Object::new()),
    }
}

pub(super) fn value(source: SourceId, data: &Data) -> Result<Value<'static>, Box<Diagnostic>> {
    let site = Site { source, span: data.span };
    Ok(match &data.kind {
        DataKind::Text(text) => Value::Str(text.clone().into()),
        DataKind::Bool(truth) => Value::Bool(*truth),
        DataKind::Number(text) => {
            number(text).map_err(|(why, help)| Box::new(Diagnostic::error(Code::BadNumber, site, why).help(help)))?
        }
        DataKind::List(items) => Value::List(items.iter().map(|item| value(source, item)).collect::<Result<_, _>>()?),
        DataKind::Object(members) => {
            let member = |(key, data): &(SmolStr, Data)| Ok((key.to_string(), value(source, data)?));
            let read: Vec<(String, Value<'static>)> =
                members.iter().map(member).collect::<Result<_, Box<Diagnostic>>>()?;
            let twice = read
                .iter()
                .enumerate()
                .find(|(place, (key, _))| read.iter().take(*place).any(|(other, _)| other == key));
            if let Some((_, (key, _))) = twice {
                let message = format!("the key `{key}` is given twice");
                return Err(Box::new(Diagnostic::error(Code::BadTest, site, message).help("leave one of them out")));
            }
            Value::Object(read.into_iter().collect())
        }
    })
}
