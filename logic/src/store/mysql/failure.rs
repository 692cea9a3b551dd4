//! What an error of the server means: to callers, and for another attempt.

use crate::store::Error;
use crate::store::metrics::Cause;

/// `ER_DUP_ENTRY`.
pub(super) const DUPLICATE: u16 = 1062;
const LOCK_WAIT: u16 = 1205;
const DEADLOCK: u16 = 1213;
/// `ER_NO_REFERENCED_ROW_2`.
const NO_PARENT: u16 = 1452;
/// The connection was ended from the other side: shutdown, kill.
const ENDED: [u16; 3] = [1053, 1927, 3169];
/// The server is full, read-only, out of something, or gave up in time.
const UNAVAILABLE: [u16; 16] =
    [1021, 1030, 1037, 1038, 1040, 1041, 1114, 1180, 1203, 1226, 1290, 1317, 1792, 1836, 1969, 3024];

/// Why a unit of work ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// For the caller, as it is.
    Refused(Error),
    /// The server's or the connection's word.
    Database(mysql_async::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        Self::Database(error)
    }
}

impl From<mysql_async::FromRowError> for Failure {
    fn from(error: mysql_async::FromRowError) -> Self {
        // The row itself may hold what must not be logged.
        let columns: Vec<_> =
            error.0.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
        Self::Refused(Error::Internal(format!("a row of {columns:?} is not what was asked for")))
    }
}

impl Failure {
    /// Why another attempt may do better; `None` when it will not.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Refused(_) => None,
            Self::Database(mysql_async::Error::Server(server)) => match server.code {
                DEADLOCK => Some(Cause::Deadlock),
                LOCK_WAIT => Some(Cause::LockWait),
                DUPLICATE => Some(Cause::UniqueRace),
                code if ENDED.contains(&code) => Some(Cause::ConnectionLost),
                _ => None,
            },
            Self::Database(mysql_async::Error::Io(_) | mysql_async::Error::Driver(_)) => {
                Some(Cause::ConnectionLost)
            }
            Self::Database(_) => None,
        }
    }

    /// Whether a unique key was hit: its name is in the text.
    pub(super) fn duplicate(&self) -> Option<&str> {
        match self {
            Self::Database(mysql_async::Error::Server(server)) if server.code == DUPLICATE => {
                Some(&server.message)
            }
            _ => None,
        }
    }

    /// Whether a row referred to one that does not exist.
    pub(super) fn no_parent(&self) -> bool {
        matches!(self, Self::Database(mysql_async::Error::Server(server)) if server.code == NO_PARENT)
    }

    /// For the caller.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Database(error) => fault(error),
        }
    }
}

/// An error of the driver for the caller.
pub(in crate::store) fn fault(error: mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(server)
            if UNAVAILABLE.contains(&server.code)
                || ENDED.contains(&server.code)
                || [DEADLOCK, LOCK_WAIT].contains(&server.code) =>
        {
            Error::Unavailable(format!("{} ({})", server.message, server.code))
        }
        mysql_async::Error::Server(server) => {
            // Messages of other errors may quote values.
            Error::Internal(format!("error {} ({})", server.code, server.state))
        }
        mysql_async::Error::Url(error) => Error::Schema(format!("store url: {error}")),
        other => Error::Unavailable(other.to_string()),
    }
}
