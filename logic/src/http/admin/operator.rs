//! Who may: a caller with the operator role, as of this request.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use crate::http::caller::{Caller, People};
use crate::http::door::Door;
use crate::http::refused::Refused;
use crate::policy::operators::{self, Duty, OperatorRole};

/// What a call is, by a type for each duty, so that none is served without saying which.
pub(super) trait Call: Send {
    const DUTY: Duty;
}

macro_rules! calls {
    ($($duty:ident),+ $(,)?) => { $(
        pub(super) struct $duty;
        impl Call for $duty {
            const DUTY: Duty = Duty::$duty;
        }
    )+ };
}

calls!(See, Kick, Ban, Mute, EraseMessage, ManageGroup, Broadcast, Replay, ManageKeys);

/// An operator who may do this.
pub(super) struct Operator<C> {
    pub(super) id: UserId,
    pub(super) user: User,
    pub(super) role: OperatorRole,
    _call: PhantomData<C>,
}

impl<C: Call> FromRequestParts<Arc<Door>> for Operator<C> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let caller = Caller::<People>::from_request_parts(parts, door).await?;
        let role = operators::check(door.app.operators.role(caller.id).await?, C::DUTY)?;
        Ok(Self { id: caller.id, user: caller.identity.user, role, _call: PhantomData })
    }
}
