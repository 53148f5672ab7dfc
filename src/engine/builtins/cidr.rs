//! `cidr(ip, network)`

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::Value;

use super::{Builtin, Operand, Parameter, Run, Type};

pub(super) const CIDR: Builtin = Builtin {
    name: "cidr",
    parameters: &[Parameter::Value(&[Type::Text]), Parameter::Value(&[Type::Text])],
    returns: Type::Bool,
    summary: "whether an address lies in a network; an IPv4-mapped address is IPv4",
    examples: &[
        r#"cidr("10.1.2.3", "10.0.0.0/8")"#,
        r#"cidr("::ffff:10.1.2.3", "10.0.0.0/8")"#,
        r#"NOT cidr("10.1.2.3", "2001:db8::/32")"#,
    ],
    run: Run::Values(run),
    check: Some(check),
};

fn run<'v>(arguments: &[Operand<'v>]) -> Option<Operand<'v>> {
    match arguments {
        [Operand::Text(address), Operand::Text(network)] => {
            let address = address.parse::<IpAddr>().ok()?.to_canonical();
            Some(Operand::Bool(parse(network).ok()?.contains(&address)))
        }
        _ => None,
    }
}

fn parse(network: &str) -> Result<IpNet, String> {
    let parsed: IpNet = network.parse().map_err(|_| format!("\"{network}\" is no network, such as 10.0.0.0/8"))?;
    if parsed.trunc() == parsed {
        Ok(parsed)
    } else {
        Err(format!("\"{network}\" has host bits set; the network is {}", parsed.trunc()))
    }
}

fn check(arguments: &[Option<&Value<'static>>]) -> Result<(), String> {
    if let [Some(Value::Str(address)), _] = arguments
        && address.parse::<IpAddr>().is_err()
    {
        return Err(format!("\"{address}\" is no IP address"));
    }
    match arguments {
        [_, Some(Value::Str(network))] => parse(network).map(|_| ()),
        _ => Ok(()),
    }
}
