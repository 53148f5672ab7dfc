//! `ip_family(ip)`

use std::net::IpAddr;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const IP_FAMILY: Builtin = Builtin {
    name: "ip_family",
    parameters: &[Parameter::Value(&[Type::Text])],
    returns: Type::Number,
    summary: "4 or 6; an IPv4-mapped address is IPv4",
    examples: &[r#"ip_family("10.0.0.1") == 4"#, r#"ip_family("::1") == 6"#, r#"ip_family("::ffff:10.0.0.1") == 4"#],
    run: Run::Values(run),
    check: None,
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(text)] => match text.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(_) => Some(Operand::Int(4)),
            IpAddr::V6(_) => Some(Operand::Int(6)),
        },
        _ => None,
    }
}
