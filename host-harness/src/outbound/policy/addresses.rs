//! Address policy: the network addresses that may be dialled, by the IANA special-purpose
//! registries and the grants of an operator.
//!
//! | address | decision |
//! |---|---|
//! | cloud metadata services, IPv4 link-local | refused, whatever is granted |
//! | loopback (127.0.0.0/8, ::1) | needs the grant `loopback` |
//! | private networks (RFC 1918, fc00::/7) | needs the grant `private` |
//! | any other range that is not globally reachable | refused |
//! | the rest | public |
//!
//! Source: <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! `iana-ipv6-special-registry` (read 2026-07), column "Globally Reachable", RFC 6890 and its
//! successors.
//!
//! Some IPv6 addresses embed an IPv4 address, where the packets go in the end. That address
//! decides:
//!
//! | form | decision |
//! |---|---|
//! | `64:ff9b::/96`, NAT64's well-known prefix (RFC 6052) | public if the IPv4 address is public: that is how a host behind DNS64 reaches every IPv4 service. Any other IPv4 address in it is refused, whatever is granted; RFC 6052 (3.1) forbids it anyway |
//! | `64:ff9b:1::/48`, NAT64 for local use (RFC 8215) | refused: it leads into a local network |
//! | `::ffff:0:0/96`, `::/96`, `2002::/16` (6to4), `2001::/32` (Teredo) | refused: no service has to be reached in this way |
//! | ISATAP (RFC 5214): any prefix, then `0000:5efe` or `0200:5efe` and an IPv4 address | refused unless the IPv4 address is public |
//!
//! The prefix of an ISATAP address alone does not tell where a packet ends: a host with an ISATAP
//! interface for this prefix, ours or the router's, sends it to the IPv4 address inside. A stranger
//! who names an address in our own organisation's prefix would reach a private host through it. The
//! refusal costs nothing: no other scheme forms such an interface identifier (EUI-64 has `fffe` in
//! its middle, and a random one looks like this once in four thousand million), and with a public
//! IPv4 address inside the packet stays public either way. NAT64 with a prefix of a network's own
//! cannot be told from any other address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use thiserror::Error;

/// Networks beyond the public internet that an operator has opened for one destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// 127.0.0.0/8 and ::1.
    pub loopback: bool,
    /// RFC 1918 and fc00::/7, nothing else.
    pub private: bool,
}

/// The network that an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Reachable from everywhere.
    Global,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
}

/// A reason why an address, or a resolver's answer, may not be dialled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressRefusal {
    /// A cloud metadata service: refused, whatever is granted.
    #[error("{0} is a cloud metadata address")]
    Metadata(IpAddr),
    /// Loopback without the grant.
    #[error("{0} is a loopback address")]
    Loopback(IpAddr),
    /// A private network without the grant.
    #[error("{0} is a private address")]
    Private(IpAddr),
    /// An address in a range that is not globally reachable.
    #[error("{0} is not a globally reachable address")]
    NotGlobal(IpAddr),
    /// The name has no address.
    #[error("the name has no address")]
    NoAnswer,
    /// Addresses of different networks in one answer.
    #[error("the name answers with addresses of different networks")]
    Mixed,
    /// Plain http to an address of the public internet.
    #[error("plain http would go over the public internet to {0}")]
    PlainHttp(IpAddr),
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// Private networks (RFC 1918).
const PRIVATE_V4: [Ipv4Net; 3] = [
    v4(10, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
];

/// Ranges that are not globally reachable, the private networks aside.
const SPECIAL_V4: [Ipv4Net; 12] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(100, 64, 0, 0, 10),   // shared address space
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local
    v4(192, 0, 0, 0, 24),    // IETF protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 88, 99, 0, 24),  // 6to4 relay anycast, deprecated
    v4(198, 18, 0, 0, 15),   // benchmarking
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, limited broadcast
];

/// Exceptions inside [`SPECIAL_V4`] that the registry marks globally reachable.
const REACHABLE_V4: [Ipv4Net; 2] = [v4(192, 0, 0, 9, 32), v4(192, 0, 0, 10, 32)];

/// Metadata services outside link-local: Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Global unicast: nothing outside it is globally reachable.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Ranges inside [`GLOBAL_V6`] that are not globally reachable.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // IETF protocol assignments, with Teredo
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4: embeds an IPv4 address
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// Exceptions inside [`SPECIAL_V6`] that the registry marks globally reachable.
const REACHABLE_V6: [Ipv6Net; 7] = [
    v6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128), // Port Control Protocol anycast
    v6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128), // TURN anycast
    v6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128), // DNS-SD service registration anycast
    v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32),  // AMT
    v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48), // AS112
    v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), // ORCHIDv2
    v6([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28), // drone remote identification
];

/// Unique local addresses (RFC 4193).
const PRIVATE_V6: Ipv6Net = v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7);

/// Metadata services in private IPv6 space: AWS (the whole block), Google, Scaleway.
const METADATA_V6: [Ipv6Net; 3] = [
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 32),
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0], 32),
];

/// NAT64's well-known prefix: an IPv4 address follows it.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// Returns the IPv4 address that a NAT64 or ISATAP address embeds.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = ip.octets();
    let isatap = matches!(ip.segments(), [.., 0 | 0x200, 0x5efe, _, _]);
    (NAT64.contains(&ip) || isatap).then(|| Ipv4Addr::new(a, b, c, d))
}

/// Checks that an address may be dialled under these grants. Returns the network that it is in.
///
/// # Errors
/// Returns the reason why it may not.
pub fn check(address: IpAddr, grants: Grants) -> Result<Reach, AddressRefusal> {
    match address {
        IpAddr::V4(ip) => check_v4(ip, grants),
        IpAddr::V6(ip) => check_v6(ip, grants),
    }
}

fn check_v4(ip: Ipv4Addr, grants: Grants) -> Result<Reach, AddressRefusal> {
    let address = IpAddr::V4(ip);
    if METADATA_V4.contains(&ip) || ip.is_link_local() {
        return Err(AddressRefusal::Metadata(address));
    }
    if ip.is_loopback() {
        return granted(
            grants.loopback,
            Reach::Loopback,
            AddressRefusal::Loopback(address),
        );
    }
    if PRIVATE_V4.iter().any(|net| net.contains(&ip)) {
        return granted(
            grants.private,
            Reach::Private,
            AddressRefusal::Private(address),
        );
    }
    let special = SPECIAL_V4.iter().any(|net| net.contains(&ip));
    let excepted = REACHABLE_V4.iter().any(|net| net.contains(&ip));
    if special && !excepted {
        Err(AddressRefusal::NotGlobal(address))
    } else {
        Ok(Reach::Global)
    }
}

fn check_v6(ip: Ipv6Addr, grants: Grants) -> Result<Reach, AddressRefusal> {
    let address = IpAddr::V6(ip);
    if METADATA_V6.iter().any(|net| net.contains(&ip)) {
        return Err(AddressRefusal::Metadata(address));
    }
    if ip == Ipv6Addr::LOCALHOST {
        return granted(
            grants.loopback,
            Reach::Loopback,
            AddressRefusal::Loopback(address),
        );
    }
    // A grant does not cover an embedded address.
    match embedded(ip).map(|inner| check_v4(inner, Grants::default())) {
        Some(Err(AddressRefusal::Metadata(_))) => return Err(AddressRefusal::Metadata(address)),
        Some(Err(_)) => return Err(AddressRefusal::NotGlobal(address)),
        Some(Ok(_)) if NAT64.contains(&ip) => return Ok(Reach::Global),
        Some(Ok(_)) | None => {}
    }
    if PRIVATE_V6.contains(&ip) {
        return granted(
            grants.private,
            Reach::Private,
            AddressRefusal::Private(address),
        );
    }
    let special = !GLOBAL_V6.contains(&ip) || SPECIAL_V6.iter().any(|net| net.contains(&ip));
    let excepted = REACHABLE_V6.iter().any(|net| net.contains(&ip));
    if special && !excepted {
        Err(AddressRefusal::NotGlobal(address))
    } else {
        Ok(Reach::Global)
    }
}

fn granted(yes: bool, reach: Reach, refusal: AddressRefusal) -> Result<Reach, AddressRefusal> {
    if yes { Ok(reach) } else { Err(refusal) }
}

/// Checks a resolver's whole answer: one refused address refuses all, and all must be in one
/// network.
///
/// # Errors
/// Returns the first reason found.
pub fn check_all(answers: &[IpAddr], grants: Grants) -> Result<Reach, AddressRefusal> {
    let mut found = None;
    for address in answers {
        let reach = check(*address, grants)?;
        if *found.get_or_insert(reach) != reach {
            return Err(AddressRefusal::Mixed);
        }
    }
    found.ok_or(AddressRefusal::NoAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Grants = Grants {
        loopback: true,
        private: true,
    };

    #[test]
    fn metadata_address_is_refused_despite_grants() {
        for (metadata, neighbour) in [
            ("168.63.129.16", "168.63.129.17"),
            ("fd00:ec2::254", "fd00:ec3::254"),
            ("fd20:ce::254", "fd20:cf::254"),
        ] {
            let refused = check(metadata.parse().unwrap(), ALL);
            assert!(
                matches!(refused, Err(AddressRefusal::Metadata(_))),
                "{metadata}: {refused:?}"
            );
            assert!(
                check(neighbour.parse().unwrap(), ALL).is_ok(),
                "{neighbour}"
            );
        }
    }

    #[test]
    fn embedded_address_is_refused_despite_grants() {
        for ip in [
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
        ] {
            assert!(
                matches!(
                    check(ip.parse().unwrap(), ALL),
                    Err(AddressRefusal::NotGlobal(_))
                ),
                "{ip}"
            );
        }
    }

    #[test]
    fn embedded_ipv4_address_decides() {
        let outcome = |ip: &str, grants| match check(ip.parse().unwrap(), grants) {
            Ok(Reach::Global) => "public",
            Ok(_) => "granted",
            Err(AddressRefusal::Metadata(_)) => "metadata",
            Err(AddressRefusal::NotGlobal(_)) => "refused",
            Err(_) => "not granted",
        };
        for (ip, expected) in [
            ("64:ff9b::93.184.216.34", "public"),
            ("64:ff9b::8.8.8.8", "public"),
            ("64:ff9b::10.0.0.1", "refused"),
            ("64:ff9b::172.16.0.1", "refused"),
            ("64:ff9b::192.168.1.1", "refused"),
            ("64:ff9b::127.0.0.1", "refused"),
            ("64:ff9b::100.64.0.1", "refused"),
            ("64:ff9b::224.0.0.1", "refused"),
            ("64:ff9b::", "refused"),
            ("64:ff9b::169.254.169.254", "metadata"),
            ("64:ff9b::100.100.100.200", "metadata"),
            ("64:ff9b:1::93.184.216.34", "refused"),
            ("64:ff9b:0:0:1::93.184.216.34", "refused"),
            ("2606:4700::5efe:93.184.216.34", "public"),
            ("2606:4700::200:5efe:93.184.216.34", "public"),
            ("2606:4700::5efe:10.0.0.1", "refused"),
            ("2606:4700::200:5efe:10.0.0.1", "refused"),
            ("2606:4700:1:2:0:5efe:127.0.0.1", "refused"),
            ("2606:4700::5efe:169.254.169.254", "metadata"),
            ("2606:4700::5efe:0.0.0.0", "refused"),
            // Not ISATAP: another value in place of `5efe` or its `0`.
            ("2606:4700::1:5efe:10.0.0.1", "public"),
            ("2606:4700::5eff:10.0.0.1", "public"),
            ("fd12::5efe:10.0.0.1", "refused"),
            ("fe80::5efe:93.184.216.34", "refused"),
        ] {
            assert_eq!(outcome(ip, ALL), expected, "{ip}, all granted");
            assert_eq!(outcome(ip, Grants::default()), expected, "{ip}");
        }
        assert_eq!(outcome("fd12::5efe:93.184.216.34", ALL), "granted");
    }

    #[test]
    fn nat64_answer_with_private_address_is_refused() {
        let answer = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|ip| ip.parse().unwrap()).collect()
        };
        // As a resolver with DNS64 answers: the service's address, plain and in the NAT64 prefix.
        let both = answer(&["64:ff9b::93.184.216.34", "93.184.216.34"]);
        assert_eq!(check_all(&both, Grants::default()), Ok(Reach::Global));
        for mixed in [
            ["64:ff9b::93.184.216.34", "64:ff9b::10.0.0.1"],
            ["64:ff9b::93.184.216.34", "10.0.0.1"],
            ["93.184.216.34", "64:ff9b::169.254.169.254"],
            ["2606:4700::1", "2606:4700::5efe:10.0.0.1"],
        ] {
            assert!(check_all(&answer(&mixed), ALL).is_err(), "{mixed:?}");
        }
    }

    #[test]
    fn answer_of_mixed_networks_is_refused() {
        let mixed: Vec<IpAddr> = ["10.0.0.5", "93.184.216.34"]
            .map(|ip| ip.parse().unwrap())
            .to_vec();
        assert_eq!(check_all(&mixed, ALL), Err(AddressRefusal::Mixed));
        let same: Vec<IpAddr> = ["10.0.0.5", "fd12::1"]
            .map(|ip| ip.parse().unwrap())
            .to_vec();
        assert_eq!(check_all(&same, ALL), Ok(Reach::Private));
        assert_eq!(check_all(&[], ALL), Err(AddressRefusal::NoAnswer));
    }
}
