//! Forward authentication: reverse proxies ask whether a request may pass. One endpoint for each family of header fields;
//! they are never mixed.

mod answer;
mod asked;

use crate::service::{Passage, Proxied, Visitor};
use crate::web::{ProxyCall, Reply};

use self::answer::{Answer, Form};
use self::asked::Asked;

pub use self::answer::by_status;
pub use self::asked::{Fields, host};

/// Whether a request may pass, as the proxies that ask in these fields take it.
pub async fn answer(call: ProxyCall<'_>, fields: Fields) -> Reply {
    let (call, form) = (&call, Form::of(fields));
    let asked = match Asked::read(call, fields) {
        Ok(asked) => asked,
        Err(why) => return Answer::Unclear(&why.to_string()).reply(call, None, form),
    };
    let visitor = call.caller.clone().map_or(Visitor::Anonymous, Visitor::Known);
    let Asked { method, host, path, .. } = &asked;
    let request = Proxied { method, host: host.clone(), path: path.clone(), address: call.address };
    let Passage { allowed, reason, asks } = call.service.decide_proxied(call.tenant, &request, &visitor).await;
    if let Some(rule) = asks {
        // nginx can tell a browser alone where to go.
        let carries = form == Form::Whole || asked.is_navigation(&call.head.headers);
        let link = if carries { answer::link(call, &visitor, &rule, &asked).await } else { None };
        return Answer::Incomplete { rule: &rule, link: link.as_deref() }.reply(call, Some(&asked), form);
    }
    let answer = match (allowed, &visitor) {
        (true, _) => match call.service.told_traits(call.tenant, &visitor).await {
            Ok(traits) => return answer::pass(call, &visitor, &traits),
            Err(error) => {
                tracing::error!(%error, "what an app is told of a user cannot be read");
                Answer::Unavailable
            }
        },
        (false, Visitor::Anonymous) => Answer::Unknown,
        (false, _) => Answer::Refused(&reason),
    };
    answer.reply(call, Some(&asked), form)
}
