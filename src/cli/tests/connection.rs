//! The way to the daemon, and everything that can be wrong with it.

use std::os::unix::fs::PermissionsExt;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Frame;
use insta::assert_snapshot;

use super::*;

#[test]
fn no_daemon() {
    let bench = Bench::new();
    let socket = bench.socket().display().to_string();
    let ran = bench.run_alone("status");
    assert_snapshot!(ran.screen().replace(&socket, "/SOCKET"), @r#"
    --- stderr
    error: the daemon is not reachable at `/SOCKET`: No such file or directory (os error 2)

    hint: start it with `systemctl start banksyncd`, or with `banksyncd run` in another terminal
    --- exit 69
    "#);
}

#[test]
fn a_socket_that_nobody_listens_on() {
    let bench = Bench::new();
    drop(std::os::unix::net::UnixListener::bind(bench.socket()).unwrap());
    assert_eq!(bench.run_alone("status").code, Code::Unavailable);
}

#[test]
fn a_socket_of_others() {
    if rustix::process::geteuid().is_root() {
        // The superuser may use any socket; the mapping is checked on the error itself.
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = CliError::NotPermitted { socket: "/SOCKET".into(), source };
        assert_eq!(error.code(), Code::NoPerm);
        assert_snapshot!(error.report(), @r#"
    error: no permission to use the daemon's socket `/SOCKET`: permission denied

    hint: become a member of its group with `sudo usermod -aG banksyncd $USER` and log in again
    "#);
        return;
    }
    let bench = Bench::new();
    let _listener = std::os::unix::net::UnixListener::bind(bench.socket()).unwrap();
    std::fs::set_permissions(bench.socket(), PermissionsExt::from_mode(0o000)).unwrap();
    assert_eq!(bench.run_alone("status").code, Code::NoPerm);
}

#[test]
fn the_daemons_refusal_is_passed_on() {
    let body = r#"{"error":{"exit":75,"message":"the provider does not answer \u001b[2J","hint":"try again at 13:00"}}"#;
    let ran = Bench::new().says_with("GET /v1/accounts", 503, body).run("accounts --json");
    assert_snapshot!(ran.screen(), @r#"
    --- stderr
    error: the provider does not answer \u{1b}[2J

    hint: try again at 13:00
    --- exit 75
    "#);
    for (exit, code) in
        [("64", Code::Usage), ("78", Code::Config), ("2", Code::Software), ("-1", Code::Software)]
    {
        let body = format!(r#"{{"error":{{"exit":{exit},"message":"no","hint":null}}}}"#);
        assert_eq!(
            Bench::new().says_with("GET /v1/quota", 400, body).run("quota --json").code,
            code
        );
    }
}

#[test]
fn a_listing_that_fails_half_way() {
    let body = "{\"id\":1}\n{\"error\":{\"exit\":74,\"message\":\"cannot read the database\",\"hint\":null}}\n";
    let ran = Bench::new().says("GET /v1/transactions", body).run("transactions --json");
    assert_eq!((ran.code, ran.out.as_str()), (Code::IoErr, "{\"id\":1}\n"));
    assert_eq!(ran.err, "error: cannot read the database\n");
}

#[test]
fn a_listing_that_breaks_off() {
    let pieces = [Ok("{\"id\":1}\n{\"id\""), Err(io::Error::other("gone"))];
    let body = Body::new(Pieces(pieces.into_iter(), false));
    let ran = Bench::new().says("GET /v1/transactions", body).run("transactions --json");
    assert_eq!((ran.code, ran.out.as_str()), (Code::Unavailable, "{\"id\":1}\n"));
}

#[test]
fn a_daemon_of_another_version() {
    let ran = Bench::new().run("accounts --json");
    assert_snapshot!(ran.screen(), @r#"
    --- stderr
    error: the daemon's answer is not understood: HTTP status 404

    hint: the daemon may be of another version: restart it with `systemctl restart banksyncd`
    --- exit 70
    "#);
}

#[test]
fn answers_that_are_not_ours() {
    for body in ["<html>", "[]", "3", "", "{"] {
        let ran = Bench::new().says("GET /v1/status", body).run("status");
        assert_eq!((ran.code, ran.out.as_str()), (Code::Software, ""), "{body}");
    }
}

#[test]
fn a_whole_answer_has_an_end() {
    let ran = Bench::new().says("GET /v1/status", "x".repeat(17 * 1024 * 1024)).run("status");
    assert_eq!(ran.code, Code::Software);
    assert!(ran.err.contains("bytes in one piece"), "{}", ran.err);
}

#[test]
fn lines_are_put_together_whatever_the_pieces() {
    let pieces = ["{\"a\"", ":1", "}\n\n{\"b\":2}\n{", "\"c\":3}"].map(Ok);
    let body = Body::new(Pieces(pieces.into_iter(), false));
    let ran = Bench::new().says("GET /v1/links", body).run("links --json");
    assert_eq!(ran.out, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
}

#[test]
fn paths_and_queries_are_encoded() {
    assert_eq!(client::path(&["links", "a/b ü"]), "/v1/links/a%2Fb%20%C3%BC");
    assert_eq!(
        client::with_query("/v1/x", &[("a", None), ("b", Some("1&2")), ("c", Some(""))]),
        "/v1/x?b=1%262&c="
    );
}

/// A body in pieces, each of which is sent before the next is ready.
struct Pieces<I>(I, bool);

impl<I> hyper::body::Body for Pieces<I>
where
    I: Iterator<Item = Result<&'static str, io::Error>> + Unpin,
{
    type Data = hyper::body::Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Self::Data>>>> {
        self.1 = !self.1;
        if self.1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.0.next();
        Poll::Ready(piece.map(|piece| piece.map(|text| Frame::data(text.into()))))
    }
}
