//! The functions of the policy language, written a second time from the table in `docs/language.md`.

use std::net::IpAddr;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::values::{Read, V, all, any, contains, equal, order};

/// What a function that takes values gives for these; unknown for what it cannot work with.
pub fn call(name: &str, arguments: &[V], now: Timestamp, home: &TimeZone) -> Option<V> {
    let text = |text: String| Some(V::Text(text));
    match (name, arguments) {
        ("abs", [V::Int(n)]) => n.checked_abs().map(V::Int),
        ("abs", [V::Float(x)]) => Some(V::Float(x.abs())),
        ("cidr", [V::Text(address), V::Text(network)]) => lies_in(address, network).map(V::Bool),
        ("concat", [V::Text(a), V::Text(b)]) => {
            Some(format!("{a}{b}")).filter(|both| both.len() <= 64 << 10).map(V::Text)
        }
        ("days_since", [since]) => whole(since, now, 24 * 60 * 60),
        ("hours_since", [since]) => whole(since, now, 60 * 60),
        ("email_domain", [V::Text(address)]) => match address.rsplit_once('@')? {
            ("", _) | (_, "") => None,
            (_, domain) => text(domain.to_lowercase()),
        },
        ("minutes_since", [since]) => whole(since, now, 60),
        ("years_since", [since]) => years(since, now, home).map(V::Int),
        ("unix_time", [V::Int(seconds)]) => Timestamp::from_second(*seconds).ok().map(V::Time),
        ("hour_in", [V::Time(at), V::Text(zone)]) => Some(V::Int(local(*at, zone)?.hour().into())),
        ("day_of_week_in", [V::Time(at), V::Text(zone)]) => {
            Some(V::Int(local(*at, zone)?.weekday().to_monday_one_offset().into()))
        }
        ("date_in", [V::Time(at), V::Text(zone)]) => text(local(*at, zone)?.strftime("%Y-%m-%d").to_string()),
        ("union", [V::List(a), V::List(b)]) => distinct(a.iter().chain(b)).map(V::List),
        ("intersection" | "difference", [V::List(a), V::List(b)]) => {
            let chosen = |x: &&Read| Some(contains(b, x)? == (name == "intersection"));
            let known: Option<Vec<bool>> = a.iter().map(|x| x.value().and(chosen(&x))).collect();
            distinct(a.iter().zip(known?).filter(|(_, chosen)| *chosen).map(|(x, _)| x)).map(V::List)
        }
        ("intersects", [V::List(a), V::List(b)]) => any(a.iter().map(|x| contains(b, x))).map(V::Bool),
        ("subset", [V::List(a), V::List(b)]) => all(a.iter().map(|x| contains(b, x))).map(V::Bool),
        ("ip_family", [V::Text(address)]) => Some(V::Int(if ip(address)?.is_ipv4() { 4 } else { 6 })),
        ("len", [V::Text(of)]) => Some(V::Int(of.chars().count() as i64)),
        ("len", [V::List(of)]) => Some(V::Int(of.len() as i64)),
        ("lower", [V::Text(of)]) => text(of.to_lowercase()),
        ("upper", [V::Text(of)]) => text(of.to_uppercase()),
        ("trim", [V::Text(of)]) => text(of.trim().to_owned()),
        ("max", [a, b]) if is_number(a) && is_number(b) => {
            Some(if order(a, b)?.is_ge() { a.clone() } else { b.clone() })
        }
        ("min", [a, b]) if is_number(a) && is_number(b) => {
            Some(if order(a, b)?.is_le() { a.clone() } else { b.clone() })
        }
        // Between any two characters there is an empty string: nobody can mean that.
        ("replace" | "split", [_, V::Text(empty), ..]) if empty.is_empty() => None,
        ("replace", [V::Text(of), V::Text(from), V::Text(to)]) => {
            Some(of.replace(from, to)).filter(|replaced| replaced.len() <= 64 << 10).map(V::Text)
        }
        ("split", [V::Text(of), V::Text(at)]) => {
            Some(V::List(of.split(at).map(|part| Read::Here(V::Text(part.to_owned()))).collect()))
        }
        ("time", [V::Text(of)]) => time(of).map(V::Time),
        _ => None,
    }
}

/// The elements, each once; unknown if it is unknown of any two whether they are the same.
fn distinct<'r>(elements: impl Iterator<Item = &'r Read>) -> Option<Vec<Read>> {
    let mut distinct: Vec<Read> = Vec::new();
    for element in elements {
        let same: Option<Vec<bool>> = distinct.iter().map(|other| equal(other.value()?, element.value()?)).collect();
        if element.value().is_some() && same?.iter().all(|same| !same) {
            distinct.push(element.clone());
        } else {
            element.value()?;
        }
    }
    Some(distinct)
}

fn local(at: Timestamp, zone: &str) -> Option<DateTime> {
    Some(TimeZone::get(zone).unwrap().to_datetime(at))
}

/// How often the day of the year has come round again.
fn years(since: &V, now: Timestamp, home: &TimeZone) -> Option<i64> {
    let day = |at: Timestamp| home.to_datetime(at).date();
    let born = match since {
        V::Time(at) => day(*at),
        V::Text(text) => match time(text) {
            Some(at) => day(at),
            None if text.len() == 10 => text.parse().ok()?,
            None => return None,
        },
        _ => return None,
    };
    let today = day(now);
    let had_birthday = today.strftime("%m%d").to_string() >= born.strftime("%m%d").to_string();
    Some(i64::from(today.year()) - i64::from(born.year()) - if had_birthday { 0 } else { 1 })
}

fn is_number(value: &V) -> bool {
    matches!(value, V::Int(_) | V::Float(_))
}

fn time(text: &str) -> Option<Timestamp> {
    static RFC_3339: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$").unwrap());
    RFC_3339.is_match(text).then(|| text.parse().ok())?
}

/// Whole spans of so many seconds since then, rounded down.
fn whole(since: &V, now: Timestamp, seconds: i128) -> Option<V> {
    let since = match since {
        V::Time(at) => *at,
        V::Text(text) => time(text)?,
        _ => return None,
    };
    let passed = now.as_nanosecond() - since.as_nanosecond();
    Some(V::Int(passed.div_euclid(seconds * 1_000_000_000) as i64))
}

fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// Whether the leading bits of an address are those of a network, which has no others.
fn lies_in(address: &str, network: &str) -> Option<bool> {
    let (base, length) = network.split_once('/')?;
    let (address, base, length) = (ip(address)?, base.parse().ok()?, length.parse::<u32>().ok()?);
    let bits = |ip: IpAddr| -> (u128, u32) {
        match ip {
            IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
            IpAddr::V6(ip) => (ip.to_bits(), 128),
        }
    };
    let ((base_bits, width), (address_bits, _)) = (bits(base), bits(address));
    let host = width.checked_sub(length)?;
    let without_host = |bits: u128| bits.checked_shr(host).unwrap_or(0);
    if without_host(base_bits).checked_shl(host).unwrap_or(0) != base_bits {
        return None;
    }
    Some(address.is_ipv4() == base.is_ipv4() && without_host(address_bits) == without_host(base_bits))
}
