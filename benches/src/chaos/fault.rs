//! What can be broken.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::system::Shape;

use super::proxy::Passing;

/// One of the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    Comet,
    Logic,
    Job,
    /// The whole of a standalone system.
    Oort,
}

/// One of the services under a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Mysql,
    /// Of MySQL.
    Replica,
    Redis,
    Kafka,
}

/// A way to break something for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL; started again afterwards.
    Kill(Tier),
    /// SIGSTOP, then SIGCONT.
    Pause(Tier),
    /// SIGTERM; started again afterwards.
    Restart(Tier),
    /// All nodes end by SIGTERM and start again, one after the other, twice.
    Rolling,
    KillBackend(Backend),
    PauseBackend(Backend),
    /// Everything in Redis is gone.
    RedisFlush,
    /// Redis takes no writes.
    RedisReadOnly,
    /// Redis answers nobody.
    RedisSilent,
    /// Every connection to MySQL is cut, again and again, commits under way included.
    MysqlCut,
    /// Writes wait for a lock.
    MysqlLock,
    /// Somebody else holds the rows of the conversations.
    MysqlRows,
    /// Transactions lose deadlocks.
    MysqlDeadlocks,
    /// MySQL takes no writes.
    MysqlReadOnly,
    /// The replica gets everything and applies nothing.
    ReplicaStands,
    /// The disk under the store is full.
    DiskFull,
    /// The topic gets more partitions: keys move.
    Partitions,
    /// One more job comes, and goes.
    Rebalance,
    /// The wall clock of a node is off for a while.
    Clock(Way),
    /// Idle connections beside the crowd are cut, all at once, and come back at once.
    Herd,
    /// Clients that never read, or read or write a byte a second.
    SlowClients,
    /// A fifth of the clients connect anew before their old connections have ended.
    Race,
    /// A fifth of the clients lose their connections at once.
    CutClients,
    /// What passes a link suffers.
    Link(Link, Harm),
}

/// Where a clock jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Back,
}

/// A link between two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Clients to comets.
    Clients,
    /// Logic to MySQL.
    Mysql,
    /// Everybody to Redis.
    Redis,
    /// Logic and jobs to Kafka.
    Kafka,
    /// Comets to logic: gRPC, and HTTP that is passed on.
    Logic,
    /// Jobs to comets.
    Comet,
}

/// What a link does for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harm {
    /// It adds 200 ms to each piece.
    Delay,
    /// It lets 1 KB/s through.
    Throttle,
    /// It ends one direction of each connection.
    HalfClose,
    /// It ends every connection.
    Cut,
}

impl Harm {
    pub(crate) fn passing(self) -> Passing {
        match self {
            Self::Delay => Passing::Delayed(Duration::from_millis(200)),
            Self::Throttle => Passing::Throttled,
            Self::HalfClose => Passing::HalfClosed,
            Self::Cut => Passing::Cut,
        }
    }
}

/// Faults of both shapes.
const ANYWHERE: &[Fault] = &[
    Fault::CutClients,
    Fault::Race,
    Fault::SlowClients,
    Fault::Herd,
    Fault::DiskFull,
    Fault::Clock(Way::Forward),
    Fault::Clock(Way::Back),
    Fault::Link(Link::Clients, Harm::Delay),
    Fault::Link(Link::Clients, Harm::Throttle),
    Fault::Link(Link::Clients, Harm::HalfClose),
    Fault::Link(Link::Clients, Harm::Cut),
];
const STANDALONE: &[Fault] = &[Fault::Kill(Tier::Oort), Fault::Pause(Tier::Oort), Fault::Restart(Tier::Oort)];
const CLUSTER: &[Fault] = &[
    Fault::Kill(Tier::Comet),
    Fault::Kill(Tier::Logic),
    Fault::Kill(Tier::Job),
    Fault::Pause(Tier::Comet),
    Fault::Pause(Tier::Logic),
    Fault::Pause(Tier::Job),
    Fault::Restart(Tier::Comet),
    Fault::Restart(Tier::Logic),
    Fault::Restart(Tier::Job),
    Fault::Rolling,
    Fault::KillBackend(Backend::Mysql),
    Fault::KillBackend(Backend::Replica),
    Fault::KillBackend(Backend::Redis),
    Fault::KillBackend(Backend::Kafka),
    Fault::PauseBackend(Backend::Mysql),
    Fault::PauseBackend(Backend::Replica),
    Fault::PauseBackend(Backend::Redis),
    Fault::PauseBackend(Backend::Kafka),
    Fault::RedisFlush,
    Fault::RedisReadOnly,
    Fault::RedisSilent,
    Fault::MysqlCut,
    Fault::MysqlLock,
    Fault::MysqlRows,
    Fault::MysqlDeadlocks,
    Fault::MysqlReadOnly,
    Fault::ReplicaStands,
    Fault::Partitions,
    Fault::Rebalance,
    Fault::Link(Link::Mysql, Harm::Delay),
    Fault::Link(Link::Mysql, Harm::Throttle),
    Fault::Link(Link::Mysql, Harm::HalfClose),
    Fault::Link(Link::Mysql, Harm::Cut),
    Fault::Link(Link::Redis, Harm::Delay),
    Fault::Link(Link::Redis, Harm::Throttle),
    Fault::Link(Link::Redis, Harm::HalfClose),
    Fault::Link(Link::Redis, Harm::Cut),
    Fault::Link(Link::Kafka, Harm::Delay),
    Fault::Link(Link::Kafka, Harm::Throttle),
    Fault::Link(Link::Kafka, Harm::HalfClose),
    Fault::Link(Link::Kafka, Harm::Cut),
    Fault::Link(Link::Logic, Harm::Delay),
    Fault::Link(Link::Logic, Harm::Throttle),
    Fault::Link(Link::Logic, Harm::HalfClose),
    Fault::Link(Link::Logic, Harm::Cut),
    Fault::Link(Link::Comet, Harm::Delay),
    Fault::Link(Link::Comet, Harm::Throttle),
    Fault::Link(Link::Comet, Harm::HalfClose),
    Fault::Link(Link::Comet, Harm::Cut),
];

impl Fault {
    /// Everything that can be broken in this shape.
    pub(crate) fn all(shape: Shape) -> Vec<Self> {
        let own = match shape {
            Shape::Standalone => STANDALONE,
            Shape::Cluster => CLUSTER,
        };
        own.iter().chain(ANYWHERE).copied().collect()
    }

    /// Whether a process of Oort ends, and is started again.
    pub(crate) fn ends_processes(self) -> bool {
        matches!(self, Self::Kill(_) | Self::Restart(_) | Self::Rolling)
    }

    /// Whether a service is broken, which must then be one of this run's own.
    pub(crate) fn needs_own_services(self) -> bool {
        matches!(
            self,
            Self::KillBackend(_)
                | Self::PauseBackend(_)
                | Self::RedisFlush
                | Self::RedisReadOnly
                | Self::RedisSilent
                | Self::MysqlCut
                | Self::MysqlLock
                | Self::MysqlRows
                | Self::MysqlDeadlocks
                | Self::MysqlReadOnly
                | Self::ReplicaStands
                | Self::Partitions
                | Self::Link(Link::Kafka, _)
        )
    }

    /// Whether a replica of MySQL is broken.
    pub(crate) fn needs_replica(self) -> bool {
        matches!(
            self,
            Self::KillBackend(Backend::Replica) | Self::PauseBackend(Backend::Replica) | Self::ReplicaStands
        )
    }

    fn name(self) -> &'static str {
        match self {
            Self::Kill(Tier::Comet) => "kill-comet",
            Self::Kill(Tier::Logic) => "kill-logic",
            Self::Kill(Tier::Job) => "kill-job",
            Self::Kill(Tier::Oort) => "kill-oort",
            Self::Pause(Tier::Comet) => "pause-comet",
            Self::Pause(Tier::Logic) => "pause-logic",
            Self::Pause(Tier::Job) => "pause-job",
            Self::Pause(Tier::Oort) => "pause-oort",
            Self::Restart(Tier::Comet) => "restart-comet",
            Self::Restart(Tier::Logic) => "restart-logic",
            Self::Restart(Tier::Job) => "restart-job",
            Self::Restart(Tier::Oort) => "restart-oort",
            Self::Rolling => "rolling-restart-twice",
            Self::KillBackend(Backend::Mysql) => "kill-mysql",
            Self::KillBackend(Backend::Replica) => "kill-replica",
            Self::KillBackend(Backend::Redis) => "kill-redis",
            Self::KillBackend(Backend::Kafka) => "kill-kafka",
            Self::PauseBackend(Backend::Mysql) => "pause-mysql",
            Self::PauseBackend(Backend::Replica) => "pause-replica",
            Self::PauseBackend(Backend::Redis) => "pause-redis",
            Self::PauseBackend(Backend::Kafka) => "pause-kafka",
            Self::RedisFlush => "redis-flushall",
            Self::RedisReadOnly => "redis-read-only",
            Self::RedisSilent => "redis-silent",
            Self::MysqlCut => "mysql-connections-cut",
            Self::MysqlLock => "mysql-write-lock",
            Self::MysqlRows => "mysql-rows-locked",
            Self::MysqlDeadlocks => "mysql-deadlocks",
            Self::MysqlReadOnly => "mysql-read-only",
            Self::ReplicaStands => "replica-stands-still",
            Self::DiskFull => "disk-full",
            Self::Partitions => "kafka-partitions-added",
            Self::Rebalance => "job-joins-and-leaves",
            Self::Clock(Way::Forward) => "clock-jumps-forward",
            Self::Clock(Way::Back) => "clock-jumps-back",
            Self::Herd => "idle-clients-reconnect-at-once",
            Self::SlowClients => "slow-clients",
            Self::Race => "reconnects-race-disconnects",
            Self::CutClients => "cut-a-fifth-of-clients",
            Self::Link(Link::Clients, Harm::Delay) => "clients-delayed",
            Self::Link(Link::Clients, Harm::Throttle) => "clients-at-1-kb-per-s",
            Self::Link(Link::Clients, Harm::HalfClose) => "clients-half-closed",
            Self::Link(Link::Clients, Harm::Cut) => "clients-cut",
            Self::Link(Link::Mysql, Harm::Delay) => "mysql-delayed",
            Self::Link(Link::Mysql, Harm::Throttle) => "mysql-at-1-kb-per-s",
            Self::Link(Link::Mysql, Harm::HalfClose) => "mysql-half-closed",
            Self::Link(Link::Mysql, Harm::Cut) => "mysql-link-cut",
            Self::Link(Link::Redis, Harm::Delay) => "redis-delayed",
            Self::Link(Link::Redis, Harm::Throttle) => "redis-at-1-kb-per-s",
            Self::Link(Link::Redis, Harm::HalfClose) => "redis-half-closed",
            Self::Link(Link::Redis, Harm::Cut) => "redis-link-cut",
            Self::Link(Link::Kafka, Harm::Delay) => "kafka-delayed",
            Self::Link(Link::Kafka, Harm::Throttle) => "kafka-at-1-kb-per-s",
            Self::Link(Link::Kafka, Harm::HalfClose) => "kafka-half-closed",
            Self::Link(Link::Kafka, Harm::Cut) => "kafka-link-cut",
            Self::Link(Link::Logic, Harm::Delay) => "comet-to-logic-delayed",
            Self::Link(Link::Logic, Harm::Throttle) => "comet-to-logic-at-1-kb-per-s",
            Self::Link(Link::Logic, Harm::HalfClose) => "comet-to-logic-half-closed",
            Self::Link(Link::Logic, Harm::Cut) => "comet-to-logic-cut",
            Self::Link(Link::Comet, Harm::Delay) => "job-to-comet-delayed",
            Self::Link(Link::Comet, Harm::Throttle) => "job-to-comet-at-1-kb-per-s",
            Self::Link(Link::Comet, Harm::HalfClose) => "job-to-comet-half-closed",
            Self::Link(Link::Comet, Harm::Cut) => "job-to-comet-cut",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let all = || STANDALONE.iter().chain(CLUSTER).chain(ANYWHERE).copied();
        all().find(|fault| fault.name() == text).with_context(|| {
            let names: Vec<_> = all().map(Self::name).collect();
            format!("there is no fault `{text}`: there are {}", names.join(", "))
        })
    }
}

impl Tier {
    /// The role by which its nodes were started.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Comet => "comet",
            Self::Logic => "logic",
            Self::Job => "job",
            Self::Oort => "",
        }
    }
}

impl Backend {
    /// As the services' script knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Replica => "replica",
            Self::Redis => "redis",
            Self::Kafka => "kafka",
        }
    }
}

/// The faults that are named; all that are possible in `shape` when none is named. `lacks` names the option that one needs and has not.
pub(crate) fn chosen(
    names: &[String],
    shape: Shape,
    lacks: impl Fn(Fault) -> Option<&'static str>,
) -> anyhow::Result<Vec<Fault>> {
    let possible = Fault::all(shape);
    if names.is_empty() {
        return Ok(possible.into_iter().filter(|fault| lacks(*fault).is_none()).collect());
    }
    names
        .iter()
        .map(|name| {
            let fault: Fault = name.parse()?;
            if !possible.contains(&fault) {
                bail!("{name} is not possible in a {} system", shape.name());
            }
            if let Some(option) = lacks(fault) {
                bail!("{name} is not possible without {option}");
            }
            Ok(fault)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        for shape in [Shape::Standalone, Shape::Cluster] {
            for fault in Fault::all(shape) {
                assert_eq!(fault.to_string().parse::<Fault>().unwrap(), fault);
            }
        }
        let nothing = |_: Fault| None;
        assert!(chosen(&["kill-kafka".to_owned()], Shape::Standalone, nothing).is_err());
        let without = |fault: Fault| (fault == Fault::Herd).then_some("--herd");
        assert!(chosen(&[Fault::Herd.to_string()], Shape::Standalone, without).is_err());
        assert!(!chosen(&[], Shape::Cluster, without).unwrap().contains(&Fault::Herd));
        assert!("kill-time".parse::<Fault>().unwrap_err().to_string().contains("kill-comet"));
        assert_eq!(chosen(&[], Shape::Cluster, nothing).unwrap().len(), CLUSTER.len() + ANYWHERE.len());
    }
}
