//! The messages of PostgreSQL's protocol, as far as a wire looks into them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The code that stands for the protocol's version when a client asks for TLS.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// One message.
#[derive(Debug)]
pub(super) struct Frame {
    /// What it is, by its first byte; 0 for the first message of a client, which has none.
    pub(super) kind: u8,
    /// The message whole, as it goes on.
    pub(super) bytes: Vec<u8>,
}

impl Frame {
    /// Reads the next message: an error where the connection ends.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let kind = from.read_u8().await?;
        let mut bytes = vec![kind];
        read_body(from, &mut bytes).await?;
        Ok(Self { kind, bytes })
    }

    /// Reads the first message of a client.
    pub(super) async fn read_first(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut bytes = Vec::new();
        read_body(from, &mut bytes).await?;
        Ok(Self { kind: 0, bytes })
    }

    pub(super) fn asks_for_tls(&self) -> bool {
        self.kind == 0 && self.bytes.get(4..) == Some(&TLS_REQUEST)
    }

    /// The text of a statement, where this message bears one: `Query` begins with it, `Parse` has a name before it.
    pub(super) fn statement(&self) -> Option<String> {
        let body = self.bytes.get(5..)?;
        let mut texts = body.split(|byte| *byte == 0);
        let text = match self.kind {
            b'Q' => texts.next(),
            b'P' => texts.nth(1),
            _ => None,
        };
        text.map(|text| String::from_utf8_lossy(text).into_owned())
    }
}

/// Reads a length, which counts itself, and as much as it says.
async fn read_body(from: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> io::Result<()> {
    let length = from.read_u32().await?;
    into.extend(length.to_be_bytes());
    let rest = length.checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
    let read = from.take(rest.into()).read_to_end(into).await?;
    if u32::try_from(read) == Ok(rest) {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
