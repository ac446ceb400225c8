//! Addresses of the file: the API's base, to which the secret travels, where the browser goes after consent, and where to
//! listen for a browser or a collector of this machine.
//!
//! Only plain ASCII http(s) addresses pass, spelled so that no two readers can take them for different hosts (RFC 3986).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use toml::de::DeValue;

use super::document::Wrong;
use super::value::text;

/// Longest redirect address that the provider takes (its API reference, requisitions).
const REDIRECT_CHARS_MAX: usize = 1_024;

/// Longest address of the API.
const API_BASE_CHARS_MAX: usize = 1_024;

/// The base of the API, ending with a slash: https, or http to a loopback address.
pub(super) fn api_base(value: &DeValue<'_>) -> Result<String, Wrong> {
    const EXPECTED: &str = "an address such as \"https://bankaccountdata.gocardless.com/api/v2/\"";
    let text = text(value, EXPECTED)?.trim();
    let url = Url::parse(text, API_BASE_CHARS_MAX)
        .ok_or_else(|| Wrong::new(format!("must be {EXPECTED}")))?;
    if url.userinfo {
        return Err(Wrong::new("must not hold a user name or password"));
    }
    if url.path.contains(['?', '#']) {
        return Err(Wrong::new("must not hold a query or a fragment"));
    }
    if url.path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(Wrong::new("must not hold `.` or `..`"));
    }
    if !url.secure && !url.is_loopback() {
        let hint = "write `https://`; plain http is for a test server on this machine only";
        return Err(Wrong::new("must be https, because the secret travels to it").hint(hint));
    }
    let scheme = if url.secure { "https" } else { "http" };
    let slash = if url.path.ends_with('/') { "" } else { "/" };
    Ok(format!("{scheme}://{}{}{slash}", url.authority.to_ascii_lowercase(), url.path))
}

/// Where the browser goes after consent.
pub(super) fn redirect(value: &DeValue<'_>) -> Result<String, Wrong> {
    const EXPECTED: &str = "an http or https address of at most 1024 characters";
    let text = text(value, EXPECTED)?.trim();
    match Url::parse(text, REDIRECT_CHARS_MAX) {
        Some(url) if !url.userinfo => Ok(text.to_owned()),
        _ => Err(Wrong::new(format!("must be {EXPECTED}"))),
    }
}

/// Where to listen: an address and a port that only this machine can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loopback(SocketAddr);

impl Loopback {
    /// As the system takes it.
    pub const fn socket(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address to listen on, or `""` for none.
pub(super) fn listen(value: &DeValue<'_>) -> Result<Option<Loopback>, Wrong> {
    const EXPECTED: &str = "a loopback address with a port, such as \"127.0.0.1:8437\", or \"\"";
    let text = text(value, EXPECTED)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.replacen("localhost:", "127.0.0.1:", 1);
    let address: SocketAddr =
        address.parse().map_err(|_not_one| Wrong::new(format!("must be {EXPECTED}")))?;
    if !address.ip().is_loopback() {
        let hint = "write 127.0.0.1 or [::1]; to be reached from elsewhere, put a server with a login in front";
        return Err(Wrong::new("must be a loopback address: there is no login").hint(hint));
    }
    if address.port() == 0 {
        return Err(Wrong::new("must name a port"));
    }
    Ok(Some(Loopback(address)))
}

/// Where a redirect address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The host's name or address, without brackets.
    pub host: String,
    /// The path, without query and fragment; at least `/`.
    pub path: String,
    /// The port, if it leads straight to a port of this machine by plain http.
    pub local_port: Option<u16>,
}

impl Destination {
    /// Of a redirect address that [`redirect`] has let pass.
    pub fn of(address: &str) -> Option<Self> {
        let url = Url::parse(address, REDIRECT_CHARS_MAX)?;
        let port = url.authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let path = url.path.split(['?', '#']).next().filter(|path| !path.is_empty());
        Some(Self {
            host: url.host.trim_matches(['[', ']']).to_owned(),
            path: path.unwrap_or("/").to_owned(),
            local_port: (!url.secure && url.is_loopback()).then(|| port.unwrap_or(80)),
        })
    }
}

/// The parts of an http address (RFC 3986) that decide where a request goes.
struct Url<'a> {
    secure: bool,
    userinfo: bool,
    /// Host and port.
    authority: &'a str,
    host: &'a str,
    /// Path, query and fragment.
    path: &'a str,
}

impl<'a> Url<'a> {
    /// `None` unless it is a plain ASCII http(s) address with a host and a sane port.
    fn parse(text: &'a str, chars_max: usize) -> Option<Self> {
        let plain =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte));
        if !plain || text.len() > chars_max {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (userinfo, authority) = match authority.rsplit_once('@') {
            Some((_, authority)) => (true, authority),
            None => (false, authority),
        };
        let host = host(authority)?;
        Some(Self { secure, userinfo, authority, host, path })
    }

    /// Whether the request cannot leave this machine, as far as the address alone can say.
    fn is_loopback(&self) -> bool {
        if let Some(inner) = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            return inner.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
        }
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The host of an authority, whose port must be sane.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at_checked(end + 1)?,
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    if let Some(port) = port.strip_prefix(':') {
        port.parse::<u16>().ok().filter(|port| *port > 0)?;
    } else if !port.is_empty() {
        return None;
    }
    let valid = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    valid.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        toml: &str,
        reader: impl Fn(&DeValue<'_>) -> Result<String, Wrong>,
    ) -> Result<String, String> {
        let value = DeValue::parse(toml).unwrap();
        reader(value.get_ref()).map_err(|wrong| wrong.message)
    }

    #[test]
    fn api_bases_are_https_or_loopback() {
        for (given, made) in [
            (
                "https://bankaccountdata.gocardless.com/api/v2/",
                "https://bankaccountdata.gocardless.com/api/v2/",
            ),
            ("HTTPS://Example.COM", "https://example.com/"),
            ("https://example.com:8443/api/v2", "https://example.com:8443/api/v2/"),
            ("http://127.0.0.1:8080/api/v2", "http://127.0.0.1:8080/api/v2/"),
            ("http://localhost:1/", "http://localhost:1/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert_eq!(of(&format!("\"{given}\""), api_base).as_deref(), Ok(made));
        }
        for given in [
            "",
            "example.com",
            "ftp://example.com/",
            "https://",
            "https:///x",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.1/",
            "http://[::2]/",
            "https://user@example.com/",
            "https://u:p@example.com/",
            "http://localhost@example.com/",
            "https://example.com/?a=b",
            "https://example.com/#x",
            "https://example.com/a/../b",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://exa mple.com/",
            "https://exämple.com/",
            "https://example.com\\\\@evil.example/",
            "https://[::1/",
            "https://[::1]x/",
            "https:/example.com",
        ] {
            assert!(of(&format!("\"{given}\""), api_base).is_err(), "{given}");
        }
    }

    #[test]
    fn listening_is_for_this_machine_only() {
        let read = |text: &str| {
            let toml = format!("\"{text}\"");
            let value = DeValue::parse(&toml).unwrap();
            listen(value.get_ref()).map(|found| found.map(|address| address.to_string()))
        };
        assert_eq!(read("").unwrap(), None);
        for (given, made) in [
            ("127.0.0.1:8437", "127.0.0.1:8437"),
            ("localhost:8437", "127.0.0.1:8437"),
            ("127.8.9.1:1", "127.8.9.1:1"),
            ("[::1]:9437", "[::1]:9437"),
        ] {
            assert_eq!(read(given).unwrap().as_deref(), Some(made));
        }
        for given in
            ["0.0.0.0:8437", "[::]:8437", "192.0.2.1:80", "127.0.0.1:0", "127.0.0.1", ":80", "x:1"]
        {
            assert!(read(given).is_err(), "{given}");
        }
    }

    #[test]
    fn destinations() {
        let of = |address: &str| {
            let found = Destination::of(address).unwrap();
            (found.host, found.path, found.local_port)
        };
        let local = |path: &str, port| ("localhost".to_owned(), path.to_owned(), port);
        assert_eq!(of("http://localhost:8437/linked"), local("/linked", Some(8437)));
        assert_eq!(of("http://localhost?x=1"), local("/", Some(80)));
        assert_eq!(of("https://localhost:8437/a/b?x#y"), local("/a/b", None));
        assert_eq!(of("http://[::1]:1/"), ("::1".to_owned(), "/".to_owned(), Some(1)));
        assert_eq!(of("http://books.example:80/l").2, None);
    }

    #[test]
    fn redirects() {
        let long = |length: usize| format!("\"https://example.com/{}\"", "x".repeat(length - 20));
        assert!(of(&long(1_024), redirect).is_ok());
        assert!(of(&long(1_025), redirect).is_err());
        assert!(of("\"http://localhost:8437/linked?x=1\"", redirect).is_ok());
        for toml in ["\"\"", "\"linked\"", "\"javascript:alert(1)\"", "\"https://\"", "1"] {
            assert!(of(toml, redirect).is_err(), "{toml}");
        }
    }
}
