//! One connection: statements go one way, answers come back the other.

use std::io;
use std::mem;
use std::sync::{Arc, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, copy, sink};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::fault::Met;
use super::frame::Frame;
use super::{State, Statement};

/// Carries a connection until either end closes it, a fault breaks it or it is cut.
pub(super) async fn carry(mut near: TcpStream, mut far: TcpStream, state: Arc<State>) {
    // Small messages must not wait for more to send; without it they are only slower.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let mut cuts = state.cuts.subscribe();
    let (asked, under_way) = mpsc::unbounded_channel();
    {
        let (from_near, to_near) = near.split();
        let (from_far, to_far) = far.split();
        let talk = async {
            let (mut from_near, mut to_near, mut to_far) = (BufReader::new(from_near), to_near, to_far);
            greet(&mut from_near, &mut to_near, &mut to_far).await?;
            tokio::select! {
                ended = carry_statements(&state, from_near, to_far, asked) => ended,
                ended = carry_answers(&state, BufReader::new(from_far), to_near, under_way) => ended,
            }
        };
        tokio::select! {
            biased;
            _ = cuts.changed() => {}
            // How it ended is for the two ends to make something of.
            _ = talk => {}
        }
    }
    drop(near);
    // The server reads the end, undoes what was not committed, and closes.
    let _ = far.shutdown().await;
    let _ = copy(&mut far, &mut sink()).await;
    state.open.send_modify(|open| *open -= 1);
}

/// Hands the client's greeting over, without TLS.
async fn greet(
    from_near: &mut (impl AsyncRead + Unpin),
    to_near: &mut (impl AsyncWrite + Unpin),
    to_far: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut first = Frame::read_first(from_near).await?;
    if first.asks_for_tls() {
        to_near.write_all(b"N").await?;
        first = Frame::read_first(from_near).await?;
    }
    to_far.write_all(&first.bytes).await
}

/// Sends each statement on as a whole, and tells `asked` what its answer will meet.
async fn carry_statements(
    state: &State,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    asked: mpsc::UnboundedSender<Option<Met>>,
) -> io::Result<()> {
    let (mut statement, mut bytes) = (Statement::default(), Vec::new());
    loop {
        let frame = Frame::read(&mut from).await?;
        bytes.extend(&frame.bytes);
        statement.text.extend(frame.statement());
        statement.types.extend(frame.parameter_types());
        statement
            .parameters
            .extend(frame.parameter_values().into_iter().flatten());
        let is_statement = matches!(frame.kind, b'Q' | b'S');
        if is_statement {
            let statement = mem::take(&mut statement);
            let mut met = state.faults.meet(&statement.text);
            let statements = state.statements.lock();
            statements.unwrap_or_else(PoisonError::into_inner).push(statement);
            if let Some(early) = met.take_if(|met| !met.after)
                && !state.faults.strike(&early).await
            {
                return Ok(());
            }
            // Nobody listens any more only when the other way has ended, and this one with it.
            let _ = asked.send(met);
        }
        // A password or a farewell is no part of a statement.
        if is_statement || matches!(frame.kind, b'p' | b'X') {
            to.write_all(&mem::take(&mut bytes)).await?;
        }
    }
}

/// Sends each answer back as a whole.
async fn carry_answers(
    state: &State,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut under_way: mpsc::UnboundedReceiver<Option<Met>>,
) -> io::Result<()> {
    // The server's greeting ends like an answer, but may ask for a password before.
    let (mut greeted, mut answer) = (false, Vec::new());
    loop {
        let Ok(frame) = Frame::read(&mut from).await else {
            // The server's last words, when it ends a session by itself.
            return to.write_all(&answer).await;
        };
        answer.extend(&frame.bytes);
        let is_complete = frame.kind == b'Z';
        if is_complete && greeted {
            let met = under_way.recv().await.flatten();
            if let Some(late) = met
                && !state.faults.strike(&late).await
            {
                return Ok(());
            }
        }
        if is_complete || !greeted {
            to.write_all(&mem::take(&mut answer)).await?;
        }
        greeted |= is_complete;
    }
}
