//! The contract over a Redis Cluster of three nodes, made for the test.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::PATIENCE;
use super::implementations::Redis;

struct Cluster {
    urls: Vec<String>,
    _nodes: Vec<Child>,
    _data: tempfile::TempDir,
}

impl Cluster {
    async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let (mut urls, mut nodes, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..3 {
            let (port, bus_port) = (free_port(), free_port());
            let node = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"])
                .args(["--port", &port.to_string(), "--cluster-port", &bus_port.to_string()])
                .args(["--cluster-config-file", &format!("nodes-{number}.conf")])
                .arg("--dir")
                .arg(data.path())
                .stdout(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("redis-server is installed: make test does it");
            nodes.push(node);
            urls.push(format!("redis://127.0.0.1:{port}"));
            addresses.push((port, bus_port));
        }
        let cluster = Self { urls, _nodes: nodes, _data: data };
        for number in 0..3 {
            let (from, to) = (number * 5462, (number * 5462 + 5461).min(16383));
            let slots = format!("CLUSTER ADDSLOTSRANGE {from} {to}");
            cluster.tell(number, &slots).await;
            let (port, bus_port) = addresses[0];
            cluster.tell(number, &format!("CLUSTER MEET 127.0.0.1 {port} {bus_port}")).await;
        }
        for number in 0..3 {
            while !cluster.tell(number, "CLUSTER INFO").await.contains("cluster_state:ok")
                || !cluster.tell(number, "CLUSTER INFO").await.contains("cluster_known_nodes:3")
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        cluster
    }

    async fn tell(&self, node: usize, command: &str) -> String {
        let client = redis::Client::open(self.urls[node].as_str()).expect("URL");
        let mut words = command.split(' ');
        let mut cmd = redis::cmd(words.next().expect("a command"));
        words.for_each(|word| {
            cmd.arg(word);
        });
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
                return cmd.query_async(&mut connection).await.expect("answers");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("bound").port()
}

macro_rules! each_on_cluster {
    ($($file:ident [ $($name:ident)* ])*) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_cluster_keeps_every_contract() {
            let cluster = tokio::time::timeout(PATIENCE, Cluster::start()).await.expect("starts");
            $($(
                eprintln!("{}", stringify!($name));
                crate::directory::$file::$name(&Redis::at(&cluster.urls)).await;
            )*)*
        }
    };
}

super::for_every_contract!(each_on_cluster);
