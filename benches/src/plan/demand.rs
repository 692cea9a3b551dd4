//! From what people do to what the machines must carry, at the busiest moment.

use clap::Args;

/// What people do, and on which machines.
#[derive(Debug, Clone, Args)]
pub(super) struct Assumptions {
    /// Messages that each user who is online at the peak sends in a day.
    #[arg(long, default_value_t = 40.0)]
    pub(super) sends_per_user_day: f64,
    /// The busiest minute over the mean of the day.
    #[arg(long, default_value_t = 3.0)]
    pub(super) peak_factor: f64,
    /// Members of a message's conversation who are online, on the mean over all messages.
    #[arg(long, default_value_t = 10.0)]
    pub(super) fan_out_mean: f64,
    /// Connections of each user who is online.
    #[arg(long, default_value_t = 1.3)]
    pub(super) devices: f64,
    /// Text of a message, bytes.
    #[arg(long, default_value_t = 200.0)]
    pub(super) message_bytes: f64,
    /// Transient events (typing, presence, receipts) for each message, with the same fan-out.
    #[arg(long, default_value_t = 1.0)]
    pub(super) transient_per_send: f64,
    /// Conversations routed by room that each user is in.
    #[arg(long, default_value_t = 20.0)]
    pub(super) rooms_per_user: f64,
    /// Connections that each device makes in a day.
    #[arg(long, default_value_t = 10.0)]
    pub(super) connects_per_device_day: f64,
    /// Seconds between heartbeats of a connection.
    #[arg(long, default_value_t = 30.0)]
    pub(super) heartbeat_s: f64,
    /// Part of the comets that may die at once; the others hold everything.
    #[arg(long, default_value_t = 0.33)]
    pub(super) lose: f64,
    /// Seconds over which the clients of comets that died come back.
    #[arg(long, default_value_t = 60.0)]
    pub(super) storm_s: f64,
    /// Days for which messages are kept.
    #[arg(long, default_value_t = 365.0)]
    pub(super) keep_days: f64,
    /// Cores of a node.
    #[arg(long, default_value_t = 16.0)]
    pub(super) cores: f64,
    /// Memory of a node, GiB.
    #[arg(long, default_value_t = 64.0)]
    pub(super) memory_gib: f64,
    /// Network of a node, Gbit/s.
    #[arg(long, default_value_t = 10.0)]
    pub(super) network_gbit: f64,
    /// Disk of a store server, GiB.
    #[arg(long, default_value_t = 4000.0)]
    pub(super) disk_gib: f64,
    /// Copies of each record in Kafka.
    #[arg(long, default_value_t = 3.0)]
    pub(super) replication: f64,
    /// How full a node may be, of 1.
    #[arg(long, default_value_t = 0.6)]
    pub(super) fill: f64,
}

impl Assumptions {
    /// Everything that makes no sense, at once.
    pub(super) fn faults(&self) -> Vec<String> {
        let above_0 = [
            ("sends-per-user-day", self.sends_per_user_day),
            ("peak-factor", self.peak_factor),
            ("fan-out-mean", self.fan_out_mean),
            ("devices", self.devices),
            ("rooms-per-user", self.rooms_per_user),
            ("connects-per-device-day", self.connects_per_device_day),
            ("heartbeat-s", self.heartbeat_s),
            ("storm-s", self.storm_s),
            ("keep-days", self.keep_days),
            ("cores", self.cores),
            ("memory-gib", self.memory_gib),
            ("network-gbit", self.network_gbit),
            ("disk-gib", self.disk_gib),
            ("replication", self.replication),
            ("fill", self.fill),
        ];
        let mut faults: Vec<_> = above_0
            .iter()
            .filter(|(_, value)| !(value.is_finite() && *value > 0.0))
            .map(|(name, _)| format!("--{name} must be above 0"))
            .collect();
        for (name, value) in
            [("message-bytes", self.message_bytes), ("transient-per-send", self.transient_per_send)]
        {
            if !(value.is_finite() && value >= 0.0) {
                faults.push(format!("--{name} must be 0 or more"));
            }
        }
        if !(0.0..1.0).contains(&self.lose) {
            faults.push("--lose must be 0 or more and below 1".to_owned());
        }
        if self.fill > 1.0 {
            faults.push("--fill must be at most 1".to_owned());
        }
        faults
    }
}

/// Rates and amounts at the peak.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    /// Sockets.
    pub(super) connections: f64,
    /// Durable messages per second.
    pub(super) sends: f64,
    /// Records on the bus per second: messages and transient events.
    pub(super) records: f64,
    /// Connections that one record reaches.
    pub(super) reach: f64,
    /// Frames to sockets per second.
    pub(super) deliveries: f64,
    /// Handshakes per second: of a usual peak, or of a storm, whichever is more.
    pub(super) connects: f64,
    /// Heartbeats per second.
    pub(super) heartbeats: f64,
    /// Rooms with somebody online.
    pub(super) rooms: f64,
    /// Messages kept.
    pub(super) messages_kept: f64,
}

impl Demand {
    /// Of `online` users.
    pub(super) fn of(online: f64, of: &Assumptions) -> Self {
        let connections = online * of.devices;
        let sends_mean = online * of.sends_per_user_day / DAY_S;
        let sends = sends_mean * of.peak_factor;
        let records = sends * (1.0 + of.transient_per_send);
        let reach = of.fan_out_mean * of.devices;
        let usual = connections * of.connects_per_device_day / DAY_S * of.peak_factor;
        Self {
            connections,
            sends,
            records,
            reach,
            deliveries: records * reach,
            connects: usual.max(connections * of.lose / of.storm_s),
            heartbeats: connections / of.heartbeat_s,
            rooms: online * of.rooms_per_user / of.fan_out_mean,
            messages_kept: sends_mean * DAY_S * of.keep_days,
        }
    }

    /// Comets, of `comets`, that one record goes to when connections are spread evenly: never more than it reaches.
    pub(super) fn shares_per_record(&self, comets: f64) -> f64 {
        if self.reach <= 1.0 || comets <= 1.0 {
            return self.reach.min(1.0);
        }
        comets * -f64::exp_m1(self.reach * f64::ln_1p(-1.0 / comets))
    }
}

const DAY_S: f64 = 86_400.0;
