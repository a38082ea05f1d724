//! `chartroom healthcheck`: asks `/readyz`, because an image with one file in it has no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};

use crate::net::{Client, Limits};

/// The image's own health check gives it as long.
const HEALTHCHECK: Limits = Limits {
    time: Duration::from_secs(3),
    answer_bytes: 64 * 1024,
};

/// Whether it is ready, and if not, why.
pub(super) async fn ask(ops: SocketAddr) -> anyhow::Result<()> {
    let host = match ops.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(host, ops.port());
    let request = Request::get(format!("http://{address}/readyz")).body(Bytes::new())?;
    let answer = Client::new(HEALTHCHECK).ask(request).await;
    let answer = answer.map_err(|error| anyhow::anyhow!("{address} does not answer: {error}"))?;
    if answer.status() == StatusCode::OK {
        return Ok(());
    }
    let problem: Option<serde_json::Value> = serde_json::from_slice(answer.body()).ok();
    let reason = problem
        .as_ref()
        .and_then(|problem| problem.get("detail"))
        .and_then(|detail| detail.as_str())
        .unwrap_or("no reason given");
    anyhow::bail!("not ready ({}): {reason}", answer.status().as_u16())
}
