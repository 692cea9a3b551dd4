//! The links with a proxy in front of them.

use anyhow::Context;

use crate::system::{Services, Shape, SystemOptions};

use super::fault::{Harm, Link};
use super::proxy::{Passing, Proxy};

/// The proxies of a run.
#[derive(Debug, Default)]
pub(crate) struct Links {
    proxies: Vec<(Link, Proxy)>,
}

impl Links {
    /// In front of MySQL and Redis, which `options` name from then on.
    pub(crate) async fn under(options: &mut SystemOptions) -> anyhow::Result<Self> {
        let mut links = Self::default();
        if options.shape == Shape::Cluster {
            let services = Services::of(options)?;
            let mysql = links.put(Link::Mysql, &services.mysql).await?;
            let redis = links.put(Link::Redis, &services.redis).await?;
            options.proxied = Some(Services { mysql, redis, ..services });
        }
        Ok(links)
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
        let proxy = Proxy::start(address.to_owned()).await.with_context(|| format!("no proxy for {url}"))?;
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
