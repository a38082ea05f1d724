//! Row B6: clients that go away at any moment of their request, by a reset.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Bench, SOON, is_long};
use crate::support::client::HttpRequest;
use crate::support::wait::until;

/// The request as it goes over a connection.
fn bytes(request: HttpRequest, number: usize) -> Vec<u8> {
    let (head, _) = request.into_parts();
    let body = match head.method {
        http::Method::POST => {
            json!({ "title": format!("dropped {number}"), "content": "c" }).to_string()
        }
        _ => String::new(),
    };
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: localhost\r\n",
        head.method, head.uri
    );
    for (name, value) in &head.headers {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("content-length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

/// Sends, waits, and is gone without a goodbye; says whether there was an answer before that.
async fn cut(bench: &Bench, request: &[u8], after: Duration) -> bool {
    let mut stream = TcpStream::connect(bench.served.addr).await.unwrap();
    stream.write_all(request).await.unwrap();
    tokio::time::sleep(after).await;
    stream.set_zero_linger().unwrap();
    stream.try_read(&mut [0]).is_ok_and(|read| read > 0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_vanish_leave_no_permit_no_transaction_and_no_doubt() {
    let (storms, later) = if is_long() {
        (10_000, 1_000)
    } else {
        (600, 100)
    };
    let bench = Bench::new(&["--max-in-flight=8"]).await;
    let in_flight = &bench.app.app.metrics.http_server_requests_in_flight;
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    // Finds the time in which this machine, loaded as it is, gets about half of them done.
    let (mut window, mut answered) = (10_000, 0);
    for storm in 0..storms / 6 {
        let all = (0..6).map(|at| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let number = storm * 6 + at;
            let request = match at % 3 {
                0 => bench.scene.create(&format!("dropped {number}")),
                1 => bench.scene.write(1),
                _ => bench.scene.read(u32::try_from(number).unwrap()),
            };
            let after = Duration::from_micros(random % window);
            let (request, bench) = (bytes(request, number), &bench);
            async move { cut(bench, &request, after).await }
        });
        let done = join_all(all).await.into_iter().filter(|done| *done).count();
        answered += done;
        window = if done < 3 {
            window + window / 10
        } else {
            window * 10 / 11
        }
        .max(500);
    }
    let made = bench
        .number("SELECT count(*) FROM posts WHERE title LIKE 'dropped %'")
        .await;
    println!(
        "{answered} of {storms} were answered, {made} of {} posts made",
        storms / 3
    );
    assert!(
        answered > storms / 10 && answered < storms * 9 / 10,
        "{answered}"
    );
    assert!(made > 0, "nothing was done");
    let none = async || (in_flight.get() == 0).then_some(());
    until("no permit is held", SOON, none).await.unwrap();
    let open =
        async || (bench.sessions("state LIKE 'idle in transaction%'").await == 0).then_some(());
    until("no transaction is open", SOON, open).await.unwrap();
    // All eight permits are there, and what is written now is seen.
    for round in 0..later / 4 {
        let all = (0..4).map(|at| {
            let request = bench.scene.create(&format!("later {round} {at}"));
            bench.client.send(request)
        });
        for answer in join_all(all).await {
            let answer = answer.unwrap();
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    }
    bench
        .assert_each_once("later %", usize::try_from(later).unwrap())
        .await;
}

/// The control: what is on its way holds a permit and a session, and both are seen to come back
/// when its client is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_is_given_up_with_its_client() {
    let flags = [
        "--max-in-flight=4",
        "--database-deadline=1m",
        "--request-deadline=1m",
    ];
    let bench = Bench::new(&flags).await;
    let in_flight = &bench.app.app.metrics.http_server_requests_in_flight;
    let lock = bench.locked().await;
    let mut waiting = Vec::new();
    for number in 0..4 {
        let mut stream = TcpStream::connect(bench.served.addr).await.unwrap();
        stream
            .write_all(&bytes(bench.scene.read(0), number))
            .await
            .unwrap();
        waiting.push(stream);
    }
    let all = async || (in_flight.get() == 4).then_some(());
    until("four are on their way", SOON, all).await.unwrap();
    let stuck = async || (bench.sessions("wait_event_type = 'Lock'").await == 4).then_some(());
    until("four wait for the lock", SOON, stuck).await.unwrap();
    let refused = bench.client.send(bench.scene.read(0)).await.unwrap();
    assert_eq!(refused.json()["code"], "overloaded");
    for stream in waiting {
        stream.set_zero_linger().unwrap();
    }
    let none = async || (in_flight.get() == 0).then_some(());
    until("no permit is held", SOON, none).await.unwrap();
    let gone = async || (bench.sessions("wait_event_type = 'Lock'").await == 0).then_some(());
    until("nobody waits for the lock", SOON, gone)
        .await
        .unwrap();
    lock.batch_execute("COMMIT").await.unwrap();
    assert_eq!(
        bench.client.send(bench.scene.read(0)).await.unwrap().status,
        200
    );
}
