use super::*;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

/// The request of RFC 6455 §1.2 with some headers set to other values, or taken away (an empty value).
fn request(changes: &[(&str, &str)]) -> HeaderMap {
    let mut all = headers(&[
        ("host", "server.example.com"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", KEY),
        ("sec-websocket-version", "13"),
    ]);
    for (name, value) in changes {
        all.remove(*name);
        if !value.is_empty() {
            all.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
    }
    all
}

fn upgrade(changes: &[(&str, &str)]) -> Result<Upgrade, Refusal> {
    Upgrade::of(&Method::GET, Version::HTTP_11, &request(changes))
}

#[test]
fn the_request_of_the_rfc_is_answered_as_the_rfc_does() {
    let upgrade = upgrade(&[]).unwrap();
    assert_eq!(upgrade.accept_key(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let answer = upgrade.response_headers(Some("chat"));
    assert_eq!(
        answer,
        headers(&[
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "chat"),
        ])
    );
    assert!(!upgrade.response_headers(None).contains_key(SEC_WEBSOCKET_PROTOCOL));
}

#[test]
fn only_get_over_http_1_1() {
    let all = request(&[]);
    assert_eq!(Upgrade::of(&Method::POST, Version::HTTP_11, &all), Err(Refusal::Method));
    for version in [Version::HTTP_10, Version::HTTP_2] {
        assert_eq!(Upgrade::of(&Method::GET, version, &all), Err(Refusal::HttpVersion));
    }
    assert_eq!(Refusal::Method.status(), 405);
    assert_eq!(Refusal::Method.headers(), headers(&[("allow", "GET")]));
}

#[test]
fn upgrade_and_connection_are_lists_of_tokens_in_any_case() {
    for fine in [
        &[("connection", "keep-alive, Upgrade")][..],
        &[("connection", "keep-alive,upgrade")],
        &[("upgrade", "WebSocket")],
        &[("upgrade", "h2c, websocket")],
    ] {
        assert!(upgrade(fine).is_ok(), "{fine:?}");
    }
    for wrong in [
        ("connection", ""),
        ("connection", "keep-alive"),
        ("connection", "upgrades"),
        ("upgrade", ""),
        ("upgrade", "h2c"),
        ("upgrade", "websockets"),
    ] {
        assert_eq!(upgrade(&[wrong]), Err(Refusal::NotAnUpgrade), "{wrong:?}");
    }
    let mut two_lines = request(&[("connection", "keep-alive")]);
    two_lines.append(CONNECTION, HeaderValue::from_static("Upgrade"));
    assert!(asks_for_upgrade(&two_lines));
}

#[test]
fn another_version_is_told_which_one_to_use() {
    for wrong in ["", "8", "14", "13, 8", "013"] {
        assert_eq!(upgrade(&[("sec-websocket-version", wrong)]), Err(Refusal::WebSocketVersion), "{wrong:?}");
    }
    assert_eq!(Refusal::WebSocketVersion.status(), 426);
    assert_eq!(Refusal::WebSocketVersion.headers()[SEC_WEBSOCKET_VERSION], "13");
}

#[test]
fn a_key_is_sixteen_bytes_in_base64_and_there_once() {
    for wrong in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZWFi",
        "dGhlIHNhbXBsZSBub25jZQ==AAAA",
        "dGhl_HNhbXBsZSBub25jZQ==",
    ] {
        assert_eq!(upgrade(&[("sec-websocket-key", wrong)]), Err(Refusal::Key), "{wrong:?}");
    }
    let mut twice = request(&[]);
    twice.append(SEC_WEBSOCKET_KEY, HeaderValue::from_static(KEY));
    assert_eq!(Upgrade::of(&Method::GET, Version::HTTP_11, &twice), Err(Refusal::Key));
    assert_eq!(Refusal::Key.status(), 400);
}

#[test]
fn tungstenite_takes_the_same_requests() {
    let connections = ["Upgrade", "keep-alive, Upgrade", "close", ""];
    let keys = [KEY, "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAB==", "AAAA", ""];
    for connection in connections {
        for key in keys {
            for version in ["13", "12", ""] {
                let all = request(&[
                    ("connection", connection),
                    ("sec-websocket-key", key),
                    ("sec-websocket-version", version),
                ]);
                let ours = Upgrade::of(&Method::GET, Version::HTTP_11, &all);
                let mut theirs = http::Request::new(());
                *theirs.headers_mut() = all;
                let theirs = tungstenite::handshake::server::create_response(&theirs);
                assert_eq!(ours.is_ok(), theirs.is_ok(), "{connection} {key} {version}: {ours:?} {theirs:?}");
                if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                    assert_eq!(theirs.headers()[SEC_WEBSOCKET_ACCEPT], ours.accept_key());
                }
            }
        }
    }
}

#[test]
fn the_protocol_is_the_first_of_the_client_that_we_speak() {
    let chosen = |offered: &str| {
        choose_protocol(&request(&[("sec-websocket-protocol", offered)]), &["oort.v1", "goim"])
    };
    assert_eq!(chosen(""), None);
    assert_eq!(chosen("mqtt"), None);
    assert_eq!(chosen("mqtt, goim,oort.v1"), Some("goim"));
    assert_eq!(chosen("Goim"), None);
    let mut two_lines = request(&[("sec-websocket-protocol", "mqtt")]);
    two_lines.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("oort.v1"));
    assert_eq!(choose_protocol(&two_lines, &["oort.v1"]), Some("oort.v1"));
}

fn allows(policy: &OriginPolicy, host: &str, origin: &str) -> bool {
    policy.check(&request(&[("host", host), ("origin", origin)])).is_ok()
}

#[test]
fn without_an_origin_it_is_no_browser() {
    let nobody = OriginPolicy { allowed: Vec::new(), same_host: false };
    assert_eq!(nobody.check(&request(&[])), Ok(()));
    assert_eq!(nobody.check(&request(&[("origin", "https://server.example.com")])), Err(Refusal::Origin));
    assert_eq!(Refusal::Origin.status(), 403);
}

#[test]
fn pages_of_the_same_host_may_connect() {
    let policy = OriginPolicy::default();
    for (host, origin) in [
        ("chat.example.com", "https://chat.example.com"),
        ("chat.example.com", "http://chat.example.com"),
        ("chat.example.com:443", "https://chat.example.com"),
        ("Chat.Example.com", "https://chat.example.COM"),
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
    ] {
        assert!(allows(&policy, host, origin), "{host} {origin}");
    }
    for (host, origin) in [
        ("chat.example.com", "https://example.com"),
        ("chat.example.com", "https://chat.example.com.evil.org"),
        ("chat.example.com", "https://chat.example.com:8443"),
        ("chat.example.com", "https://chat.example.com@evil.org"),
        ("localhost:8080", "http://localhost:8081"),
        ("localhost:8080", "http://localhost"),
        ("chat.example.com", "null"),
        ("chat.example.com", "ftp://chat.example.com"),
        ("chat.example.com", "chat.example.com"),
        ("user@chat.example.com", "https://chat.example.com"),
    ] {
        assert!(!allows(&policy, host, origin), "{host} {origin}");
    }
}

#[test]
fn listed_origins_may_connect_whatever_the_host() {
    let listed = ["https://a.example.org", "http://b.example.org:8080", "chrome-extension://abcdef"];
    let policy = OriginPolicy { allowed: listed.map(String::from).to_vec(), same_host: false };
    assert_eq!(policy.faults(), Vec::<String>::new());
    for origin in [listed[0], listed[1], listed[2], "https://A.example.org:443"] {
        assert!(allows(&policy, "elsewhere.example", origin), "{origin}");
    }
    for origin in [
        "http://a.example.org",
        "http://b.example.org",
        "https://elsewhere.example",
        "null",
        "https://a.example.org/x",
    ] {
        assert!(!allows(&policy, "elsewhere.example", origin), "{origin}");
    }
    let null = OriginPolicy { allowed: vec!["null".into()], same_host: false };
    assert!(allows(&null, "h", "null"));
    let all = OriginPolicy { allowed: vec!["*".into()], same_host: false };
    assert!(allows(&all, "h", "https://anything.example"));
}

#[test]
fn two_origins_are_none() {
    let mut two = request(&[("origin", "https://server.example.com")]);
    two.append(ORIGIN, HeaderValue::from_static("https://server.example.com"));
    assert_eq!(OriginPolicy::default().check(&two), Err(Refusal::Origin));
}

#[test]
fn all_faults_of_a_policy_are_told() {
    let entries =
        ["example.com", "https://fine.example", "https://slash.example/", "https://u@x.example", "*"];
    let policy = OriginPolicy { allowed: entries.map(String::from).to_vec(), same_host: true };
    let faults = policy.faults();
    assert_eq!(faults.len(), 3, "{faults:?}");
}
