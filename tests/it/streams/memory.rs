//! Much goes up and down, and the process stays as small as it was. In a process of its own, whose
//! log lines are read too.

use chartroom::kernel::shutdown::{Shutdown, Timings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::routes::router;
use super::stage::{chunked, download, listening};
use crate::observability::apart::{self, Apart, memory};
use crate::support::app::shell_with;

const MIB: usize = 1 << 20;
/// What a stream may cost, whatever its size.
const MOST_KIB: u64 = 32 * 1024;

#[tokio::test]
async fn a_gigabyte_goes_up_and_down_at_the_same_memory() {
    let is_long = crate::support::is_long();
    let mib = if is_long { 1_024 } else { 256 };
    let flags = ["--log-format=json", "--max-upload=2GiB"];
    let (found, lines) = apart::run_and_read("streams", &flags, json!({ "mib": mib })).await;
    println!("{mib} MiB: {found}");
    let bytes = mib * MIB;
    assert_eq!(found["counted"], bytes);
    assert!(found["received"].as_u64().unwrap() >= u64::try_from(bytes).unwrap());
    let [idle, peak] = ["idle_kib", "peak_kib"].map(|name| found[name].as_u64().unwrap());
    assert!(
        peak < idle + MOST_KIB,
        "{idle} KiB idle, {peak} KiB at most"
    );

    let streams: Vec<Value> = lines
        .iter()
        .filter(|line| line["stream"].is_string())
        .map(|line| {
            json!([
                line["method"],
                line["status"],
                line["stream"],
                line["received_bytes"],
                line["sent_bytes"]
            ])
        })
        .collect();
    // The first two warmed all up.
    let [_, _, streams @ ..] = &streams[..] else {
        panic!("{streams:?}");
    };
    let digits = bytes.to_string().len();
    assert_eq!(streams[0], json!(["POST", 200, "complete", bytes, digits]));
    assert_eq!(streams[1], json!(["GET", 200, "complete", 0, bytes]));
    assert_eq!(
        (&streams[2][1], &streams[2][2]),
        (&json!(200), &json!("aborted"))
    );
    assert_eq!(
        (&streams[3][2], &streams[3][3]),
        (&json!("aborted"), &json!(2))
    );
    assert_eq!(streams.len(), 4);
}

/// The task of the other process.
pub(crate) async fn stream(apart: &Apart, input: &Value) -> Value {
    let mib = usize::try_from(input["mib"].as_u64().unwrap()).unwrap();
    let shutdown = Shutdown::new(Timings::default());
    let shell = shell_with(&apart.app, router());
    let (address, _, _served) = listening(&apart.app, shell, &shutdown);
    let connect = async || TcpStream::connect(address).await.unwrap();
    let mut idle = 0;
    let (mut counted, mut received) = (String::new(), 0);
    // The first round warms all up.
    for mib in [1, mib] {
        idle = memory("VmRSS");
        let mut up = connect().await;
        up.write_all(chunked("/test/count").as_bytes())
            .await
            .unwrap();
        let mut chunk = format!("{MIB:x}\r\n").into_bytes();
        chunk.resize(chunk.len() + MIB, b'x');
        chunk.extend(b"\r\n");
        for _ in 0..mib {
            up.write_all(&chunk).await.unwrap();
        }
        up.write_all(b"0\r\n\r\n").await.unwrap();
        counted.clear();
        up.read_to_string(&mut counted).await.unwrap();

        let mut down = connect().await;
        let request = download(&format!("/test/rows?rows={}", mib * 1_024));
        down.write_all(request.as_bytes()).await.unwrap();
        received = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match down.read(&mut buffer).await.unwrap() {
                0 => break,
                bytes => received += bytes,
            }
        }
    }
    let peak = memory("VmHWM");
    let mut gone = connect().await;
    let request = download("/test/rows?rows=1000000");
    gone.write_all(request.as_bytes()).await.unwrap();
    gone.read_exact(&mut [0; 5_000]).await.unwrap();
    drop(gone);
    none(apart).await;
    let mut gone = connect().await;
    let request = format!("{}2\r\nab\r\n", chunked("/test/count"));
    gone.write_all(request.as_bytes()).await.unwrap();
    while apart.app.metrics.http_server_streams_in_flight.get() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    drop(gone);
    none(apart).await;
    let counted: usize = counted.lines().last().unwrap().parse().unwrap();
    json!({ "idle_kib": idle, "peak_kib": peak, "counted": counted, "received": received })
}

async fn none(apart: &Apart) {
    while apart.app.metrics.http_server_streams_in_flight.get() != 0 {
        tokio::task::yield_now().await;
    }
}
