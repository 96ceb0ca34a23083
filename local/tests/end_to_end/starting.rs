//! `make run` as a person meets it: it starts, keeps its parts alive, ends with one signal, and keeps what is stored.

use std::net::TcpListener;

use crate::stack::Stack;

#[tokio::test]
async fn everything_starts_survives_a_dead_part_and_ends_with_one_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = Stack::start(&folder).await;
    let key = stack.key.clone();
    assert_eq!(stack.get("/health").await.0, 200);
    assert_eq!(
        stack.get("/appointments").await.0,
        200,
        "the key that was printed is good"
    );
    let booked = stack.book("2030-01-07T09:00:00+05:00").await;

    stack.kill("local bus").await;
    let said = stack.line_with("the event bus ended").await;
    assert!(said.contains("started again"), "{said}");

    let ports = stack.ports.clone();
    stack.end().await;
    for port in &ports {
        assert!(
            TcpListener::bind(("127.0.0.1", *port)).is_ok(),
            "something still listens on {port}"
        );
    }

    let stack = Stack::start(&folder).await;
    assert_eq!(stack.key, key, "what is stored stays");
    let path = format!("/appointments/{}", booked["id"].as_str().unwrap());
    assert_eq!(stack.get(&path).await.1["id"], booked["id"]);
    stack.end().await;
}
