//! The web client as it was built, and the small page. A path is looked up in a table and never becomes a file name.

use super::asset::Asset;

/// Files of the client, sorted by path; none when it was not built.
const CLIENT: &[Asset] = &include!(concat!(env!("OUT_DIR"), "/client.rs"));

/// The page for unknown paths.
const NOT_FOUND: &str = "/404.html";

/// The small page runs its own script and talks to its own server, nothing else.
const MINI_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page without a build step, for looking at a server whose client was not built, and for reading how the protocol is spoken.
const MINI: &[Asset] = &[
    mini("/mini/", "text/html; charset=utf-8", include_bytes!("../../web/page/index.html")),
    mini("/mini/page.css", "text/css; charset=utf-8", include_bytes!("../../web/page/page.css")),
    mini("/mini/page.js", "text/javascript; charset=utf-8", include_bytes!("../../web/page/page.js")),
];

const fn mini(path: &'static str, kind: &'static str, identity: &'static [u8]) -> Asset {
    Asset {
        path,
        kind,
        tag: None,
        policy: Some(MINI_POLICY),
        is_immutable: false,
        identity,
        brotli: None,
        gzip: None,
    }
}

/// What a path is.
#[derive(Debug)]
pub(super) enum Found {
    /// A file.
    File(&'static Asset),
    /// A page whose path lacks its last `/`, or the front door of a server without a client: it is elsewhere.
    Elsewhere(&'static str),
    /// Nothing.
    Nothing,
}

/// Whether the client was there when this binary was built.
pub(super) const fn is_built() -> bool {
    !CLIENT.is_empty()
}

/// Looks a path up.
pub(super) fn find(path: &str) -> Found {
    find_in(CLIENT, path)
}

/// The page for paths that are nothing, where there is one.
pub(super) fn not_found_page() -> Option<&'static Asset> {
    lookup(CLIENT, NOT_FOUND)
}

fn find_in(client: &'static [Asset], path: &str) -> Found {
    let file = |path: &str| lookup(client, path).or_else(|| MINI.iter().find(|asset| asset.path == path));
    if let Some(found) = file(path).filter(|asset| asset.path != NOT_FOUND) {
        return Found::File(found);
    }
    if path == "/" {
        return Found::Elsewhere("/mini/");
    }
    match file(&format!("{path}/")) {
        Some(page) => Found::Elsewhere(page.path),
        None => Found::Nothing,
    }
}

fn lookup(client: &'static [Asset], path: &str) -> Option<&'static Asset> {
    client.binary_search_by(|asset| asset.path.cmp(path)).ok().and_then(|index| client.get(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &[Asset] = &[
        mini("/", "text/html; charset=utf-8", b"door"),
        mini("/404.html", "text/html; charset=utf-8", b"lost"),
        mini("/_next/static/a.js", "text/javascript; charset=utf-8", b"a"),
        mini("/chat/", "text/html; charset=utf-8", b"chat"),
    ];

    fn seen(client: &'static [Asset], path: &str) -> String {
        match find_in(client, path) {
            Found::File(asset) => String::from_utf8_lossy(asset.identity).chars().take(9).collect(),
            Found::Elsewhere(path) => format!("-> {path}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn files_pages_and_pages_without_their_slash() {
        for (path, expected) in [
            ("/", "door"),
            ("/chat/", "chat"),
            ("/chat", "-> /chat/"),
            ("/_next/static/a.js", "a"),
            ("/mini", "-> /mini/"),
            ("/mini/", "<!doctype"),
            ("/404.html", "nothing"),
            ("", "-> /"),
        ] {
            assert_eq!(seen(SMALL, path), expected, "{path}");
        }
    }

    #[test]
    fn nothing_outside_the_table_is_served() {
        for path in [
            "/../Cargo.toml",
            "/chat/../../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "//example.org",
            "//example.org/..",
            "/chat/index.html",
            "/CHAT/",
            "/chat//",
            "/chat/\0",
            "/_next/static/",
            "/_next/static",
            "/manifest.json",
        ] {
            assert_eq!(seen(SMALL, path), "nothing", "{path}");
        }
    }

    #[test]
    fn without_a_client_the_front_door_leads_to_the_small_page() {
        assert_eq!(seen(&[], "/"), "-> /mini/");
        assert_eq!(seen(&[], "/chat/"), "nothing");
    }

    #[test]
    fn what_is_embedded_is_sorted_and_whole() {
        assert!(CLIENT.is_sorted_by(|a, b| a.path < b.path), "a binary search needs it");
        for asset in CLIENT {
            assert!(asset.path.starts_with('/') && !asset.identity.is_empty(), "{}", asset.path);
            assert_eq!(asset.kind.starts_with("text/html"), asset.policy.is_some(), "{}", asset.path);
            assert!(!asset.policy.unwrap_or("").contains("'unsafe-inline'"), "{}", asset.path);
        }
        assert_eq!(is_built(), not_found_page().is_some(), "a client has a page for unknown paths");
    }
}
