//! Requests that two readers could take for different ones, and requests that are too much of something. Whatever an
//! attacker hides behind the first request of a connection is never answered: by the comet, by the logic node
//! behind it, or by a logic node's own port.

use std::net::SocketAddr;

use crate::harness::over_both_shapes;
use crate::harness::system::System;
use crate::harness::wire::{said_until_closed, statuses};

over_both_shapes!(
    what_two_readers_would_read_differently_is_one_request_or_none,
    a_head_that_is_no_head_is_refused,
    a_body_that_is_no_body_is_refused,
    an_upgrade_to_something_else_is_no_upgrade,
    floods_of_headers_are_refused,
    a_target_reaches_nothing_but_the_api,
    a_compressed_body_is_not_unpacked,
);

/// What an attacker hides: it would be answered with 200.
const HIDDEN: &str = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";

/// The beginning of a request that has a body.
const HEAD: &str = "POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

/// Every port that speaks HTTP to strangers.
fn ports(system: &System) -> Vec<SocketAddr> {
    let mut ports = vec![system.door(0)];
    ports.extend(system.logics.first().map(|logic| logic.address("http")));
    ports
}

/// At every port: the one answer, if any, has one of these statuses, and nothing follows it.
async fn is_answered_once(system: &System, what: &str, request: &str, allowed: &[u16]) {
    for port in ports(system) {
        let said = said_until_closed(port, request).await;
        match statuses(&said)[..] {
            // The connection was reset before the answer was read.
            [] => {}
            [status] => assert!(allowed.contains(&status), "{what}: {said}"),
            _ => panic!("{what} has more than one answer: {said}"),
        }
    }
}

async fn what_two_readers_would_read_differently_is_one_request_or_none(system: &System) {
    // The hidden request works where it is no longer hidden, or this test could not fail.
    let open = format!(
        "GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n{}",
        HIDDEN.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    );
    for port in ports(system) {
        assert_eq!(statuses(&said_until_closed(port, &open).await), [401, 200]);
    }

    let length = HIDDEN.len() + 5;
    let both = [
        format!("{HEAD}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("{HEAD}Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("{HEAD}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        // The same with line ends that some readers do not take for any.
        format!("{HEAD}Content-Length: {length}\nTransfer-Encoding: chunked\n\n0\r\n\r\n{HIDDEN}"),
    ];
    for request in &both {
        is_answered_once(system, "a length and chunks", request, &[400]).await;
    }
    for lengths in [
        format!("Content-Length: 0\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length: 0, {length}"),
        "Content-Length: +0".to_owned(),
        "Content-Length: -1".to_owned(),
        "Content-Length: 0x0".to_owned(),
        "Content-Length: 18446744073709551616".to_owned(),
        "Content-Length:".to_owned(),
    ] {
        let request = format!("{HEAD}{lengths}\r\n\r\n{HIDDEN}");
        is_answered_once(system, &lengths, &request, &[400]).await;
    }
    for coding in
        ["xchunked", "chunked, identity", "chunked;q=1, gzip", "\u{b}chunked", "identity", "\"chunked\""]
    {
        let request = format!("{HEAD}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{HIDDEN}");
        is_answered_once(system, coding, &request, &[400]).await;
    }
    let old = HEAD.replace("1.1", "1.0");
    let request = format!("{old}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}");
    is_answered_once(system, "chunks in HTTP/1.0", &request, &[400]).await;
}

async fn a_head_that_is_no_head_is_refused(system: &System) {
    for line in [
        "X-A: b\r\n Transfer-Encoding: chunked",
        "X-A: b\r\n\tContent-Length: 5",
        "X-A: b\rTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X-A: b\0c",
        "X A: b",
        "X-\u{7f}: b",
        ": b",
        "no colon",
    ] {
        let request = format!("{HEAD}{line}\r\n\r\n0\r\n\r\n{HIDDEN}");
        is_answered_once(system, &format!("{line:?}"), &request, &[400]).await;
    }
    for line in [
        "GET /api/me",
        "GET  /api/me HTTP/1.1",
        "GET /api/me HTTP/9.9",
        "GET /a b HTTP/1.1",
        "G\0T / HTTP/1.1",
    ] {
        let request = format!("{line}\r\nHost: x\r\n\r\n{HIDDEN}");
        is_answered_once(system, line, &request, &[400]).await;
    }
    is_answered_once(system, "HTTP/2 by hope", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400, 505]).await;
}

async fn a_body_that_is_no_body_is_refused(system: &System) {
    for chunks in [
        "5;x\ny\r\n{\"a\":\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "0x1\r\nA\r\n0\r\n\r\n",
        "1 1\r\nA\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nA\r\n0\r\n\r\n",
        "1\r\nAB\r\n0\r\n\r\n",
        "1\nA\n0\n\n",
        "\r\n",
    ] {
        let request = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}");
        is_answered_once(system, &format!("{chunks:?}"), &request, &[400]).await;
    }
}

async fn an_upgrade_to_something_else_is_no_upgrade(system: &System) {
    for protocol in ["h2c", "websocket", "TLS/1.0"] {
        let request = format!(
            "GET /api/me HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: {protocol}\r\n\
             HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        );
        is_answered_once(system, protocol, &request, &[401]).await;
    }
}

async fn floods_of_headers_are_refused(system: &System) {
    let many: String = (0..500).map(|number| format!("X-{number}: y\r\n")).collect();
    is_answered_once(system, "500 headers", &format!("{HEAD}{many}\r\n{HIDDEN}"), &[431]).await;
    let long = "y".repeat(100_000);
    is_answered_once(system, "a long header", &format!("{HEAD}X: {long}\r\n\r\n{HIDDEN}"), &[431]).await;
    is_answered_once(system, "a long cookie", &format!("{HEAD}Cookie: sid={long}\r\n\r\n{HIDDEN}"), &[431])
        .await;
    let target = format!("GET /api/{long} HTTP/1.1\r\nHost: x\r\n\r\n{HIDDEN}");
    is_answered_once(system, "a long target", &target, &[414, 431]).await;
    let query = format!("GET /api/ws?access_token={long} HTTP/1.1\r\nHost: x\r\n\r\n{HIDDEN}");
    is_answered_once(system, "a long query", &query, &[414, 431]).await;
}

async fn a_target_reaches_nothing_but_the_api(system: &System) {
    let admin = system.comets[0].address("admin");
    for target in [
        "/api/../metrics",
        "/api/%2e%2e/metrics",
        "/api/..%2f..%2fmetrics",
        "/api/..;/metrics",
        "/api/./../../etc/passwd",
        "/api//me/../../metrics",
        "//api/openapi.json",
        "/API/openapi.json",
        "/api/openapi.json/",
        "/api/openapi.json%00",
        "/api/openapi%2ejson/..",
        "/metrics",
        "/readyz",
        "/oort.v1.Logic/Receive",
        &format!("http://{admin}/metrics"),
        &format!("http://{admin}/api/../metrics"),
        &format!("/api/@{admin}/metrics"),
        &format!("/api/http://{admin}/metrics"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        is_answered_once(system, target, &request, &[400, 404]).await;
    }
    for line in [format!("CONNECT {admin} HTTP/1.1"), "OPTIONS * HTTP/1.1".to_owned()] {
        let request = format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n");
        is_answered_once(system, &line, &request, &[400, 404, 405]).await;
    }
}

async fn a_compressed_body_is_not_unpacked(system: &System) {
    // Also when it is none: what stands between may unpack it, and we would not see what it saw.
    let body = r#"{"login":"nobody","password":"long enough"}"#;
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"] {
        let request = format!(
            "{HEAD}Connection: close\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        for port in ports(system) {
            let said = said_until_closed(port, &request).await;
            assert_eq!(statuses(&said), [400], "{coding}: {said}");
            assert!(
                said.contains("\"invalid_request\"") && said.contains("content-encoding"),
                "{coding}: {said}"
            );
        }
    }
    let request = format!(
        "{HEAD}Connection: close\r\nContent-Encoding: identity\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    is_answered_once(system, "identity", &request, &[401]).await;
}
