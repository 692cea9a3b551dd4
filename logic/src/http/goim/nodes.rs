//! What goim tells of nodes, as its JSON has it.

use oort_api::directory::CometInfo;
use oort_api::pb::goim::logic::NodesReply;
use serde_json::{Value, json};

/// As Go writes the generated struct: absent when zero.
pub(super) fn nodes_json(nodes: &NodesReply) -> Value {
    let mut fields = vec![
        ("domain", json!(nodes.domain)),
        ("tcp_port", json!(nodes.tcp_port)),
        ("ws_port", json!(nodes.ws_port)),
        ("wss_port", json!(nodes.wss_port)),
        ("heartbeat", json!(nodes.heartbeat)),
        ("nodes", json!(nodes.nodes)),
        ("heartbeat_max", json!(nodes.heartbeat_max)),
    ];
    if let Some(backoff) = &nodes.backoff {
        let backoff = vec![
            ("max_delay", json!(backoff.max_delay)),
            ("base_delay", json!(backoff.base_delay)),
            ("factor", short(backoff.factor)),
            ("jitter", short(backoff.jitter)),
        ];
        fields.push(("backoff", without_zeros(backoff)));
    }
    without_zeros(fields)
}

/// The shortest decimal that is this float, not the nearest double to it.
fn short(float: f32) -> Value {
    float.to_string().parse::<f64>().map_or(Value::Null, |double| json!(double))
}

fn without_zeros(fields: Vec<(&str, Value)>) -> Value {
    let is_zero = |value: &Value| match value {
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => value.is_null(),
    };
    fields
        .into_iter()
        .filter(|(_, value)| !is_zero(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Shape: `naming.Instance` of bilibili's discovery, metadata as goim's comet registers it.
pub(super) fn instance_json(comet: &CometInfo) -> Value {
    let addresses = [comet.ws_address.as_str(), &comet.tcp_address];
    let addresses: Vec<&str> = addresses.into_iter().filter(|address| !address.is_empty()).collect();
    json!({
        "region": "",
        "zone": "",
        "env": "",
        "appid": "goim.comet",
        "hostname": comet.comet.id,
        "addrs": [comet.grpc_address.replacen("http://", "grpc://", 1)],
        "version": "",
        "latest_timestamp": comet.comet.epoch,
        "metadata": {
            "weight": comet.weight.to_string(),
            "offline": comet.draining.to_string(),
            "addrs": addresses.join(","),
            "conn_count": comet.connections.to_string(),
            "ip_count": comet.addresses.to_string(),
        },
    })
}
