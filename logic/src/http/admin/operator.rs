//! Who may: a caller with the operator role, as of this request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use oort_api::Code;
use oort_api::ids::UserId;

use crate::http::caller::Caller;
use crate::http::door::Door;
use crate::http::refused::Refused;

/// A user with the operator role.
pub(super) struct Operator {
    pub(super) id: UserId,
}

impl FromRequestParts<Arc<Door>> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let caller = Caller::from_request_parts(parts, door).await?;
        match door.app.operators.is_operator(caller.id).await? {
            true => Ok(Self { id: caller.id }),
            false => Err(Refused::new(
                Code::Forbidden,
                "this needs the operator role: `oort admin create` gives it",
            )),
        }
    }
}
