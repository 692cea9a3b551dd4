//! The links with a proxy in front of them.

use std::fs;

use anyhow::Context;

use crate::system::{Services, Shape, SystemOptions, free_port};

use super::fault::{Harm, Link};
use super::proxy::{Passing, Proxy};

/// The proxies of a run.
#[derive(Debug, Default)]
pub(crate) struct Links {
    proxies: Vec<(Link, Proxy)>,
}

impl Links {
    /// In front of the services and of logic and comets, of which `options` tell the nodes from then on.
    pub(crate) async fn under(options: &mut SystemOptions) -> anyhow::Result<Self> {
        let mut links = Self::default();
        if options.shape == Shape::Cluster {
            let services = Services::of(options)?;
            let mysql = links.put(Link::Mysql, &services.mysql).await?;
            let redis = links.put(Link::Redis, &services.redis).await?;
            let kafka = links.before_kafka(options).await?.unwrap_or(services.kafka);
            options.proxied = Some(Services { mysql, redis, kafka, replica: services.replica });
            links.between_tiers(options).await?;
        }
        Ok(links)
    }

    /// Kafka tells its clients where to go on: the script that runs it lets it name the place of the proxy.
    async fn before_kafka(&mut self, options: &SystemOptions) -> anyhow::Result<Option<String>> {
        let Some(folder) = &options.services else { return Ok(None) };
        let port = |name: &str| {
            let port = fs::read_to_string(folder.join(name)).with_context(|| format!("no {name}"))?;
            anyhow::Ok(format!("127.0.0.1:{}", port.trim()))
        };
        let (front, behind) = (port("kafka-front.port")?, port("kafka-behind.port")?);
        let proxy = Proxy::start(&front, behind).await;
        let proxy = proxy.with_context(|| format!("no proxy at {front}: does another run use it?"))?;
        self.proxies.push((Link::Kafka, proxy));
        Ok(Some(front))
    }

    /// Comets are told of proxies instead of logic, and tell jobs of a proxy instead of themselves.
    async fn between_tiers(&mut self, options: &mut SystemOptions) -> anyhow::Result<()> {
        let mut places = [("GRPC", Vec::new()), ("HTTP", Vec::new())];
        for number in 1..=options.logics {
            for (kind, urls) in &mut places {
                let address = format!("127.0.0.1:{}", free_port()?);
                urls.push(self.put(Link::Logic, &format!("http://{address}")).await?);
                tell(options, &format!("logic-{number}"), &format!("LOGIC__{kind}_LISTEN"), address);
            }
        }
        for number in 1..=options.comets {
            let (name, address) = (format!("comet-{number}"), format!("127.0.0.1:{}", free_port()?));
            let front = self.put(Link::Comet, &format!("http://{address}")).await?;
            tell(options, &name, "COMET__GRPC_LISTEN", address);
            tell(options, &name, "COMET__GRPC_ADVERTISE", front);
            for (kind, urls) in &places {
                tell(options, &name, &format!("CLUSTER__LOGIC_{kind}"), urls.join(","));
            }
        }
        Ok(())
    }

    /// In front of each comet; returns where clients connect from then on.
    pub(crate) async fn before(&mut self, comets: &[String]) -> anyhow::Result<Vec<String>> {
        let mut doors = Vec::with_capacity(comets.len());
        for comet in comets {
            doors.push(self.put(Link::Clients, comet).await?);
        }
        Ok(doors)
    }

    /// A proxy in front of the address at the end of `url`; returns the URL of the proxy.
    async fn put(&mut self, link: Link, url: &str) -> anyhow::Result<String> {
        let (before, address) = url
            .rsplit_once(['/', '@'])
            .map_or(("", url), |(before, address)| (&url[..=before.len()], address));
        let proxy = Proxy::start("127.0.0.1:0", address.to_owned()).await;
        let proxy = proxy.with_context(|| format!("no proxy for {url}"))?;
        let proxied = format!("{before}{}", proxy.address);
        self.proxies.push((link, proxy));
        Ok(proxied)
    }

    /// Harms a link, or mends it.
    pub(crate) fn set(&self, link: Link, harm: Option<Harm>) {
        let passing = harm.map_or(Passing::Free, Harm::passing);
        for (_, proxy) in self.proxies.iter().filter(|(of, _)| *of == link) {
            proxy.set(passing);
        }
    }
}

fn tell(options: &mut SystemOptions, node: &str, setting: &str, value: String) {
    options.of_node.entry(node.to_owned()).or_default().push((format!("OORT_{setting}"), value));
}
