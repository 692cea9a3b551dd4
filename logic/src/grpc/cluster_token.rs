//! Who may call: holders of the cluster's token.

use std::sync::Arc;

use oort_api::Code;
use oort_api::error::Refusal;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Refuses calls without `authorization: Bearer <token>`; without a token set
/// it lets everyone in.
#[derive(Debug, Clone)]
pub struct ClusterToken {
    /// Compared as digests, so that the time taken tells nothing of the token.
    digest: Option<Arc<[u8]>>,
}

impl ClusterToken {
    /// Lets in who holds `token`.
    #[must_use]
    pub fn new(token: Option<&SecretString>) -> Self {
        Self { digest: token.map(|token| digest(token.expose_secret().as_bytes())) }
    }

    fn admits(&self, header: Option<&[u8]>) -> bool {
        let Some(expected) = &self.digest else { return true };
        header
            .and_then(|header| header.strip_prefix(b"Bearer "))
            .is_some_and(|token| digest(token) == *expected)
    }
}

impl Interceptor for ClusterToken {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        if self.admits(request.metadata().get("authorization").map(|value| value.as_bytes())) {
            return Ok(request);
        }
        Err(Refusal::new(Code::Unauthenticated, "the cluster token is missing or wrong").into())
    }
}

fn digest(token: &[u8]) -> Arc<[u8]> {
    Sha256::digest(token).as_slice().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens() {
        let closed = ClusterToken::new(Some(&SecretString::from("0123456789abcdef")));
        assert!(closed.admits(Some(b"Bearer 0123456789abcdef")));
        for bad in [None, Some(&b"0123456789abcdef"[..]), Some(b"Bearer "), Some(b"Bearer 0123456789abcdeF")]
        {
            assert!(!closed.admits(bad));
        }
        assert!(ClusterToken::new(None).admits(None));
    }
}
