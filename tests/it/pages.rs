//! The embedded client over HTTP: every file as it was built, smaller where the browser takes it, and nothing else.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::http::{Http, Reply};
use crate::harness::over_both_shapes;
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    every_file_of_the_client_is_served_as_it_was_built,
    pages_say_what_they_may_do,
    a_browser_that_has_a_file_is_not_sent_it_again,
    head_tells_the_size_and_sends_nothing,
    paths_that_are_nothing_get_a_page_or_a_refusal,
    no_path_leads_out_of_the_client,
    the_small_page_is_there_whatever_was_built,
    only_pages_of_this_server_use_its_cookie,
);

fn out() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web/out")
}

/// What the binary has embedded; nothing when the client was not built.
fn manifest() -> Vec<Value> {
    match std::fs::read_to_string(out().join("manifest.json")) {
        Ok(text) => serde_json::from_str(&text).expect("JSON"),
        Err(_) => Vec::new(),
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("{key} in {entry}"))
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

async fn get(door: &Http, path: &str, headers: &[(&str, &str)]) -> Reply {
    door.raw(Method::GET, path, headers, "").await.expect("an answer")
}

fn doors(system: &System) -> [Http; 2] {
    [Http::new(system.door(0)), Http::new(system.door(1))]
}

async fn every_file_of_the_client_is_served_as_it_was_built(system: &System) {
    for door in doors(system) {
        for entry in manifest() {
            let (path, file) = (text(&entry, "path"), text(&entry, "file"));
            // The page for unknown paths is an answer, not an address.
            if path == "/404.html" {
                continue;
            }
            for (accepted, ending, name) in
                [("identity", "", ""), ("gzip", ".gz", "gzip"), ("gzip, deflate, br", ".br", "br")]
            {
                let packed = out().join(format!("{file}{ending}"));
                let (expected, encoding) = match std::fs::read(&packed) {
                    Ok(bytes) => (bytes, name),
                    Err(_) => (std::fs::read(out().join(file)).expect("the file"), ""),
                };
                let reply = get(&door, path, &[("accept-encoding", accepted)]).await;
                assert_eq!(reply.status, StatusCode::OK, "{path}");
                assert_eq!(header(&reply, "content-encoding"), encoding, "{path} for {accepted}");
                assert_eq!(header(&reply, "content-type"), text(&entry, "type"), "{path}");
                assert!(
                    reply.bytes == expected,
                    "{path} for {accepted} has other bytes than {}",
                    packed.display()
                );
                let is_kept = header(&reply, "cache-control").contains("immutable");
                assert_eq!(is_kept, path.starts_with("/_next/static/"), "{path}");
            }
        }
    }
}

async fn pages_say_what_they_may_do(system: &System) {
    let door = Http::new(system.door(0));
    let built = manifest();
    let pages = built.iter().filter(|entry| entry["csp"].is_string()).map(|entry| text(entry, "path"));
    for path in pages.filter(|path| *path != "/404.html").chain(["/mini/"]) {
        let reply = get(&door, path, &[]).await;
        let policy = header(&reply, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(header(&reply, "x-content-type-options"), "nosniff");
        assert_eq!(header(&reply, "referrer-policy"), "no-referrer");
        assert_eq!(header(&reply, "cross-origin-opener-policy"), "same-origin");
        assert!(header(&reply, "permissions-policy").contains("camera=()"));
        assert_eq!(header(&reply, "cache-control"), "no-cache");
    }
}

async fn a_browser_that_has_a_file_is_not_sent_it_again(system: &System) {
    let door = Http::new(system.door(0));
    for entry in manifest().iter().filter(|entry| text(entry, "path") != "/404.html") {
        let path = text(entry, "path");
        let first = get(&door, path, &[]).await;
        let again = get(&door, path, &[("if-none-match", header(&first, "etag"))]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.bytes.is_empty());
        let other = get(&door, path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }
}

async fn head_tells_the_size_and_sends_nothing(system: &System) {
    let door = Http::new(system.door(0));
    let whole = get(&door, "/mini/", &[]).await;
    let head = door.raw(Method::HEAD, "/mini/", &[], "").await.expect("an answer");
    assert_eq!(head.status, StatusCode::OK);
    assert!(head.bytes.is_empty());
    assert_eq!(header(&head, "content-length"), whole.bytes.len().to_string());
    let post = door.raw(Method::POST, "/mini/", &[], "").await.expect("an answer");
    assert_eq!(post.refusal(), (405, "method_not_allowed".to_owned()));
}

async fn paths_that_are_nothing_get_a_page_or_a_refusal(system: &System) {
    for door in doors(system) {
        assert_eq!(get(&door, "/api/nothing", &[]).await.refusal(), (404, "not_found".to_owned()));
        assert_eq!(get(&door, "/_next/static/gone.js", &[]).await.refusal(), (404, "not_found".to_owned()));
        let lost = get(&door, "/no/such/page", &[]).await;
        assert_eq!(lost.status, StatusCode::NOT_FOUND);
        let slashless = get(&door, "/chat?c=7", &[]).await;
        if manifest().is_empty() {
            assert_eq!(lost.refusal(), (404, "not_found".to_owned()));
            assert_eq!(header(&get(&door, "/", &[]).await, "location"), "/mini/");
        } else {
            assert_eq!(header(&lost, "content-type"), "text/html; charset=utf-8");
            assert!(header(&lost, "content-security-policy").contains("script-src"));
            assert_eq!(slashless.status, StatusCode::TEMPORARY_REDIRECT);
            assert_eq!(header(&slashless, "location"), "/chat/?c=7");
        }
    }
}

/// The first line of the answer to a request whose path no HTTP library would send.
async fn status_line(door: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(door).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("the socket takes it");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

async fn no_path_leads_out_of_the_client(system: &System) {
    for path in [
        "/../Cargo.toml",
        "/../../../../etc/passwd",
        "/mini/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/mini/page.js/../../../Cargo.toml",
        "/manifest.json",
        "//etc/passwd",
        "/mini/index.html",
    ] {
        let line = status_line(system.door(0), path).await;
        assert!(line.starts_with("HTTP/1.1 404") || line.starts_with("HTTP/1.1 400"), "{path}: {line}");
    }
}

async fn the_small_page_is_there_whatever_was_built(system: &System) {
    for door in doors(system) {
        let page = get(&door, "/mini/", &[]).await;
        let html = String::from_utf8_lossy(&page.bytes).into_owned();
        for part in ["/mini/page.css", "/mini/page.js"] {
            assert!(html.contains(part), "the page names {part}");
            assert_eq!(get(&door, part, &[]).await.status, StatusCode::OK);
        }
        assert_eq!(header(&get(&door, "/mini", &[]).await, "location"), "/mini/");
    }
}

async fn only_pages_of_this_server_use_its_cookie(system: &System) {
    for (index, door) in doors(system).into_iter().enumerate() {
        let own = format!("http://{}", system.door(index));
        let json = ("content-type", "application/json");
        let name = unique("page");
        let person =
            json!({ "username": name, "email": format!("{name}@example.org"), "password": "correct horse" });
        let headers = [json, ("origin", own.as_str())];
        let made = door.raw(Method::POST, "/api/create-account", &headers, person.to_string()).await;
        let made = made.expect("an answer");
        assert!(made.status.is_success(), "door {index}: {}", made.status);
        let cookie = header(&made, "set-cookie").split(';').next().expect("a cookie").to_owned();
        let room = || json!({ "name": unique("room-") }).to_string();
        let headers = [json, ("cookie", cookie.as_str()), ("origin", own.as_str())];
        let reply = door.raw(Method::POST, "/api/rooms", &headers, room()).await.expect("an answer");
        assert_eq!(reply.status, StatusCode::CREATED, "door {index}");
        let headers = [json, ("cookie", cookie.as_str()), ("origin", "http://example.org")];
        let reply = door.raw(Method::POST, "/api/rooms", &headers, room()).await.expect("an answer");
        assert_eq!(reply.refusal(), (403, "forbidden".to_owned()), "door {index}");
    }
}
