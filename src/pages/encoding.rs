//! Which compressed copy a client is sent (RFC 9110 §12.5.3).

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// As `Content-Encoding` says it; the identity is not said.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    fn is(self, token: &str) -> bool {
        token.eq_ignore_ascii_case(self.name().unwrap_or("identity"))
    }
}

/// The best of what is there, best first. Weights only forbid: of all that a client takes we know which is the smallest.
/// The identity goes to whoever takes nothing that is there.
pub(super) fn preferred(accepted: &[&str], there: impl Iterator<Item = Encoding>) -> Encoding {
    let mut there = there.filter(|encoding| *encoding != Encoding::Identity);
    there.find(|encoding| is_taken(accepted, *encoding)).unwrap_or(Encoding::Identity)
}

fn is_taken(accepted: &[&str], encoding: Encoding) -> bool {
    let mut any = false;
    for offer in accepted.iter().flat_map(|value| value.split(',')) {
        let (token, parameters) = offer.split_once(';').unwrap_or((offer, ""));
        let token = token.trim();
        if encoding.is(token) {
            return !is_forbidden(parameters);
        }
        any |= token == "*" && !is_forbidden(parameters);
    }
    any
}

/// `q=0`, `q=0.`, `q=0.000`.
fn is_forbidden(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let Some((name, weight)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("q")
            && weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Brotli, Encoding::Gzip, Encoding::Identity];

    #[test]
    fn the_smallest_copy_that_the_client_takes() {
        for (accepted, expected) in [
            ("", Encoding::Identity),
            ("identity", Encoding::Identity),
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip;q=1.0, br;q=0.1", Encoding::Brotli),
            ("GZIP", Encoding::Gzip),
            ("br;q=0, gzip", Encoding::Gzip),
            ("br ; Q = 0.000 , *", Encoding::Gzip),
            ("*", Encoding::Brotli),
            ("*;q=0", Encoding::Identity),
            ("brotli, xgzip, ;;;, =", Encoding::Identity),
        ] {
            assert_eq!(preferred(&[accepted], ALL.into_iter()), expected, "{accepted:?}");
        }
    }

    #[test]
    fn only_what_is_there_is_chosen() {
        let there = [Encoding::Gzip, Encoding::Identity];
        assert_eq!(preferred(&["br, gzip"], there.into_iter()), Encoding::Gzip);
        assert_eq!(preferred(&["br"], there.into_iter()), Encoding::Identity);
    }

    #[test]
    fn a_list_may_come_in_several_headers() {
        assert_eq!(preferred(&["gzip", "br"], ALL.into_iter()), Encoding::Brotli);
    }
}
