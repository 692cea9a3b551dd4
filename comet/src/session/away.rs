//! Whether a JSON client's device is left alone, on its way to logic. Never answered.

use std::rc::Rc;

use oort_api::pb::oort::v1::AwayCommand;
use oort_api::pb::oort::v1::receive_request::Command;

use super::json::receive;
use crate::connection::Connection;
use crate::connection::drive::Job;
use crate::shard::Shard;

/// What tells logic; `None`: it is as it was. What is announced later says it as well.
pub(crate) fn begin(shard: &Rc<Shard>, connection: &Rc<Connection>, is_away: bool) -> Option<Job> {
    let device = connection.device.get().away(is_away);
    if connection.device.replace(device) == device {
        return None;
    }
    let (shard, connection) = (Rc::clone(shard), Rc::clone(connection));
    Some(Box::pin(async move {
        let session = Some(shard.session(&connection));
        let command = AwayCommand { comet: Some(shard.node.comet.clone()), session };
        if receive(&shard, &connection, Command::Away(command)).await.is_err() {
            shard.node.metrics.away_dropped.inc();
        }
    }))
}
