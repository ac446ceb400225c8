//! The page after the bank's: up only while a link is pending, strict towards everybody, and in a real browser.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use banksyncd::sandbox::{SANDBOX, WorldConfig};
use serde_json::Value;

use crate::metrics::{free_address, get, send};
use crate::rig::{Rig, run, text, wait_for, wait_until};

/// A daemon that answers the browser.
fn rig(config: WorldConfig) -> (Rig, SocketAddr) {
    let address = free_address();
    let mut rig = Rig::with(config).extra(&format!("[linking]\nlisten = \"{address}\"\n"));
    rig.redirect = Some(format!("http://{address}/linked"));
    rig.start();
    (rig, address)
}

/// The path and query to which the bank sends the browser, after the person's answer.
fn way_back(rig: &Rig, link: &Value, answer: &str) -> String {
    let url = text(link, "url");
    let rest = url.strip_prefix("http://").unwrap();
    let (bank, path) = rest.split_once('/').unwrap();
    let request =
        format!("GET /{path}?do={answer} HTTP/1.1\r\nHost: {bank}\r\nConnection: close\r\n\r\n");
    let (head, _) = send(bank.parse().unwrap(), &request).unwrap();
    let target = head
        .lines()
        .find_map(|line| line.to_lowercase().starts_with("location: ").then_some(&line[10..]));
    let target = target.unwrap_or_else(|| panic!("{head}"));
    let base = rig.redirect.clone().unwrap().replace("/linked", "");
    target.strip_prefix(&base).unwrap_or_else(|| panic!("{target}")).to_owned()
}

fn body(address: SocketAddr, target: &str) -> String {
    let (head, body) = get(address, target).expect("nobody answers");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body
}

#[test]
fn the_page_is_up_while_a_link_is_pending_and_says_what_the_provider_says() {
    let (rig, address) = rig(WorldConfig::default());
    assert!(get(address, "/linked").is_none(), "no link is pending");
    let link = rig.begin_link(SANDBOX);
    wait_until("the page", || get(address, "/linked").is_some());

    // Whoever comes without a reference of ours hears nothing of any link, and nothing of what was sent comes back.
    let told = body(address, "/linked?ref=guessed&error=%3Cb%3E&details=call+this+number");
    assert!(told.contains("Go back to the terminal") && !told.contains("call this"), "{told}");
    assert!(!told.contains(SANDBOX), "{told}");
    let told = body(address, "/linked?error=InstitutionTechnicalError");
    assert!(told.contains("technical fault") && !told.contains(SANDBOX), "{told}");

    // The way back alone proves nothing: without the provider's word nobody is linked.
    let reference = {
        let back = way_back(&rig, &link, "authorise");
        assert!(back.starts_with("/linked?ref="), "{back}");
        back
    };
    let told = wait_for("the provider's word", || {
        let told = body(address, &reference);
        assert!(told.contains("Almost there") || told.contains(">Linked<"), "{told}");
        told.contains(">Linked<").then_some(told)
    });
    assert!(told.contains(SANDBOX) && !told.contains("http-equiv=\"refresh\""), "{told}");
    rig.wait_for_first_pull(&text(&link, "id"));
    // Nothing of it is in the log.
    let secret = reference.split("ref=").nth(1).unwrap();
    assert!(!rig.log().contains(secret), "{}", rig.log());
    wait_until("the page to close", || get(address, "/linked").is_none());
}

#[test]
fn a_refusal_is_explained_and_nothing_is_believed() {
    let (rig, address) = rig(WorldConfig::default());
    let link = rig.begin_link(SANDBOX);
    wait_until("the page", || get(address, "/linked").is_some());
    let back = way_back(&rig, &link, "cancel");
    let told = body(address, &back);
    assert!(told.contains("Not linked") && told.contains("You stopped"), "{told}");
    assert!(told.contains("User cancelled the session."), "{told}");
    // Another code for the same reference, with markup in it.
    let reference = back.split('&').next().unwrap();
    let nasty = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%26";
    let told = body(address, &format!("{reference}&error={nasty}&details={nasty}"));
    assert!(told.contains("&lt;script&gt;") && !told.contains("<script"), "{told}");
    // An error for a link that is linked changes nothing.
    let second = rig.begin_link("NORDLICHT_NOLIDEM1");
    let back = way_back(&rig, &second, "authorise");
    rig.wait_for_first_pull(&text(&second, "id"));
    let told = body(address, &format!("{back}&error=UserCancelledSession"));
    assert!(told.contains(">Linked<"), "{told}");
    assert_eq!(rig.link(&text(&second, "id"))["status"], "linked");
}

#[test]
fn the_page_is_strict() {
    let (rig, address) = rig(WorldConfig::default());
    rig.begin_link(SANDBOX);
    wait_until("the page", || get(address, "/linked").is_some());
    let (head, _) = get(address, "/linked?ref=x").unwrap();
    let head = head.to_lowercase();
    for header in [
        "content-security-policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-frame-options: deny",
        "content-type: text/html; charset=utf-8",
        "connection: close",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    assert!(!head.contains("set-cookie") && !head.contains("access-control"), "{head}");
    let status = |request: String| {
        send(address, &request).map(|(head, _)| head.split(' ').nth(1).unwrap().to_owned())
    };
    let host = format!("Host: localhost:{}", address.port());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"] {
        let request = format!("{method} /linked HTTP/1.1\r\n{host}\r\n\r\n");
        assert_eq!(status(request).as_deref(), Some("405"), "{method}");
    }
    for other in ["/", "/linked/", "/metrics", "/v1/links", "/../etc/passwd"] {
        let request = format!("GET {other} HTTP/1.1\r\n{host}\r\n\r\n");
        assert_eq!(status(request).as_deref(), Some("404"), "{other}");
    }
    // A name elsewhere that points here, and none at all.
    let rebound = "GET /linked HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned();
    assert_eq!(status(rebound).as_deref(), Some("421"));
    assert_eq!(status("GET /linked HTTP/1.1\r\n\r\n".to_owned()).as_deref(), Some("421"));
    // More than a head may be; and a head that never ends holds nobody up.
    let long = format!("GET /linked?details={} HTTP/1.1\r\n{host}\r\n\r\n", "x".repeat(40_000));
    assert!(matches!(status(long).as_deref(), Some("414" | "431") | None));
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            std::io::Write::write_all(&mut stream, b"GET /linked HTTP/1.1\r\nX: ").unwrap();
            stream
        })
        .collect();
    assert!(get(address, "/linked").is_some());
    for mut stream in slow {
        // The daemon ends it.
        let mut rest = Vec::new();
        let _ended = std::io::Read::read_to_end(&mut stream, &mut rest);
    }
}

#[test]
fn without_the_key_nobody_listens() {
    let address = free_address();
    let mut rig = Rig::new();
    rig.redirect = Some(format!("http://{address}/linked"));
    rig.start();
    rig.begin_link(SANDBOX);
    assert!(get(address, "/linked").is_none());
}

/// A browser, or why there is none. Where the gate runs there has to be one.
fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() {
        let required =
            std::env::var_os("BANKSYNCD_CHROMIUM").is_some_and(|value| value == "required");
        assert!(!required, "Chromium is not installed, and BANKSYNCD_CHROMIUM=required");
        eprintln!(
            "SKIPPED: Chromium is not installed, the page after the bank's was not opened in it"
        );
    }
    found
}

/// What a browser makes of an address and of where it leads, as it stands in the end: the document, and what it complains of.
fn visit(browser: &Path, rig: &Rig, address: &str) -> (String, String) {
    let picture = rig.path("picture.png");
    let profile = rig.path("profile");
    let arguments = |more: &str| {
        let mut command = Command::new(browser);
        command
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"])
            .args(["--enable-logging=stderr", "--window-size=800,600"])
            // Time passes for the page until it has nothing to wait for: it may look again.
            .args(["--virtual-time-budget=20000", more])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(address)
            .env("HOME", rig.path(""));
        command
    };
    let said = run(&mut arguments("--dump-dom"));
    if let Some(folder) = std::env::var_os("BANKSYNCD_PICTURES") {
        run(&mut arguments(&format!("--screenshot={}", picture.display())));
        let name =
            format!("{}.png", std::thread::current().name().unwrap_or("page").replace("::", "-"));
        std::fs::copy(&picture, Path::new(&folder).join(name)).unwrap();
    }
    let complaints = said.err.lines().filter(|line| line.contains("CONSOLE"));
    (said.out, complaints.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_browser_that_comes_back_with_consent() {
    let Some(browser) = browser() else { return };
    let (rig, _) = rig(WorldConfig::default());
    let link = rig.begin_link(SANDBOX);
    // The person agrees on the bank's page; everything else is the browser's own way.
    let (page, complaints) = visit(&browser, &rig, &format!("{}?do=authorise", text(&link, "url")));
    assert!(page.contains(">Linked<") || page.contains("Almost there"), "{page}");
    assert!(page.contains("<main") && complaints.is_empty(), "{complaints}\n{page}");
    rig.wait_for_first_pull(&text(&link, "id"));
}

#[test]
fn a_browser_that_comes_back_without_consent() {
    let Some(browser) = browser() else { return };
    let (rig, address) = rig(WorldConfig::default());
    let link = rig.begin_link(SANDBOX);
    let (page, complaints) = visit(&browser, &rig, &format!("{}?do=cancel", text(&link, "url")));
    assert!(page.contains("Not linked") && page.contains("User cancelled the session."), "{page}");
    assert!(complaints.is_empty(), "{complaints}");
    // A stranger's markup stays text: the document has the elements that we write, and no other.
    let second = rig.begin_link(SANDBOX);
    let back = way_back(&rig, &second, "cancel");
    let reference = back.split('&').next().unwrap();
    let nasty = "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D'taken'%22%3E%3Cscript%3Edocument.title%3D'taken'%3C/script%3E";
    let hostile = format!("http://{address}{reference}&error={nasty}&details={nasty}");
    let (page, _) = visit(&browser, &rig, &hostile);
    assert!(page.contains("<title>Not linked - banksyncd</title>"), "{page}");
    assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
}
