//! The scripts: each touches one key.

use std::sync::LazyLock;

/// A script, and the name the server has for it.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) code: &'static str,
    pub(super) sha1: LazyLock<String>,
}

macro_rules! scripts {
    ($($name:ident = $file:literal)*) => {
        $(
            pub(super) static $name: Script = {
                const CODE: &str = concat!(include_str!("lua/order.lua"), include_str!($file));
                Script { code: CODE, sha1: LazyLock::new(|| ::redis::Script::new(CODE).get_hash().to_owned()) }
            };
        )*
    };
}

scripts! {
    RENEW = "lua/renew.lua"
    NOTE_CHANGE = "lua/note_change.lua"
    NOTE_COMET = "lua/note_comet.lua"
    FORGET_COMETS = "lua/forget_comets.lua"
    RETIRE = "lua/retire.lua"
    ADD_TO_USER = "lua/add_to_user.lua"
    ADD_SESSION = "lua/add_session.lua"
    RESTATE_SESSION = "lua/restate_session.lua"
    REMOVE_FROM_USER = "lua/remove_from_user.lua"
    REMOVE_EXACT = "lua/remove_exact.lua"
    REMOVE_FIELD_EXACT = "lua/remove_field_exact.lua"
    ENTER_ROOM = "lua/enter_room.lua"
    LEAVE_ROOM = "lua/leave_room.lua"
    ATTEMPT = "lua/attempt.lua"
    ATTEMPT_NOT_MADE = "lua/attempt_not_made.lua"
    NOTE_NODE = "lua/note_node.lua"
}
