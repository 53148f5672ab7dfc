//! What each kind of error means, and what to do about it: where the `type` of a problem leads (RFC 9457, section 3.1.1).

use http::StatusCode;

/// A kind of error.
#[derive(Debug)]
pub struct Kind {
    /// Its status.
    pub status: StatusCode,
    /// What its page is called, under `/problems/`.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

const fn kind(status: StatusCode, name: &'static str, meaning: &'static str, mend: &'static str) -> Kind {
    Kind { status, name, meaning, mend }
}

/// All kinds of errors that there are.
pub const KINDS: &[Kind] = &[
    kind(
        StatusCode::BAD_REQUEST,
        "bad-request",
        "The request cannot be read: its body is not the JSON that it should be, or a parameter of its path or query is wrong.",
        "\"detail\" says what cannot be read, and where. Sent again as it is, it is refused again.",
    ),
    kind(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Nobody is known behind the request: it has no access token, or one that is unknown, has ended or was revoked.",
        "Send a token as Authorization: Bearer ... Service tokens come from an admin (sidegate service-token, or tokens in \
         the API); users have access tokens of an issuer that the tenant trusts.",
    ),
    kind(
        StatusCode::FORBIDDEN,
        "forbidden",
        "The token is good, and does not permit this; or the tenant is suspended.",
        "\"detail\" names the scope that is missing: make a token that has it.",
    ),
    kind(
        StatusCode::NOT_FOUND,
        "not-found",
        "There is nothing of that name; or the tenant is none of the token's, which looks the same.",
        "Look at the spelling of the path, at the tenant in it, and at what the token is for.",
    ),
    kind(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "The path does not take this method.",
        "The header field Allow says which ones it takes.",
    ),
    kind(
        StatusCode::REQUEST_TIMEOUT,
        "request-timeout",
        "The body of the request did not arrive in time.",
        "Send it again. --client-timeout says how long clients may take.",
    ),
    kind(
        StatusCode::CONFLICT,
        "conflict",
        "As things stand, it cannot be done: something of that name is there, or what is to be changed stands in a file.",
        "\"detail\" says what stands in the way.",
    ),
    kind(
        StatusCode::PRECONDITION_FAILED,
        "precondition-failed",
        "What was to be changed is not what If-Match names, or is there although If-None-Match says that it must not be: somebody else was first.",
        "Read it again, decide anew, and send the entity tag that it has now.",
    ),
    kind(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload-too-large",
        "The body is larger than what is taken at once.",
        "Send less at once; sidegate import takes files of any size.",
    ),
    kind(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "The body says that it is something else than what is read here, or does not say what it is.",
        "Send Content-Type: application/json (or what the description of the endpoint names).",
    ),
    kind(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unprocessable-entity",
        "The body can be read, and does not make sense here. Nothing was changed.",
        "\"errors\" names every member that is wrong, by a JSON pointer, and what would be right.",
    ),
    kind(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-requests",
        "More was asked than the tenant's limits permit, or too many tokens from this address did not count.",
        "Wait for as many seconds as Retry-After says. \"limits\" in the tenant's settings says how much may be asked.",
    ),
    kind(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal-server-error",
        "Something is wrong in this server or with its data.",
        "The server's log says what. Send X-Request-ID to find your request there.",
    ),
    kind(
        StatusCode::SERVICE_UNAVAILABLE,
        "service-unavailable",
        "What the answer needs cannot be had just now: the database, or the issuer of the token.",
        "Ask again after as many seconds as Retry-After says. /readyz says what is wrong.",
    ),
];

/// The `type` of an error: the URL of the page that says what it means. `url_of` makes URLs of paths of ours.
#[must_use]
pub fn type_of(status: StatusCode, url_of: impl Fn(&str) -> String) -> String {
    let kind = KINDS.iter().find(|kind| kind.status == status);
    kind.map_or_else(|| "about:blank".to_owned(), |kind| url_of(&format!("/problems/{}", kind.name)))
}
