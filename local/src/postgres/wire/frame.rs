//! The messages of PostgreSQL's protocol, as far as a wire looks into them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Parameter;

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

    /// The types of a statement's parameters, where `Parse` names them.
    pub(super) fn parameter_types(&self) -> Vec<u32> {
        let types = || -> Option<Vec<u32>> {
            let mut body = Reader::of(self, b'P')?;
            body.text()?;
            body.text()?;
            (0..body.number()?).map(|_| body.wide()).collect()
        };
        types().unwrap_or_default()
    }

    /// The values of a statement's parameters, where `Bind` brings them: as they are on the wire, `None` for null.
    pub(super) fn parameter_values(&self) -> Option<Vec<Parameter>> {
        let mut body = Reader::of(self, b'B')?;
        body.text()?;
        body.text()?;
        for _ in 0..body.number()? {
            body.number()?;
        }
        (0..body.number()?).map(|_| body.value()).collect()
    }
}

/// Reads through a message's body; `None` where it ends too soon.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn of(frame: &'a Frame, kind: u8) -> Option<Self> {
        let body = frame.bytes.get(5..)?;
        (frame.kind == kind).then_some(Self(body))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// What stands before the next zero.
    fn text(&mut self) -> Option<()> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        self.take(end + 1).map(drop)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn wide(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn value(&mut self) -> Option<Parameter> {
        match self.wide()? {
            u32::MAX => Some(None),
            length => Some(Some(self.take(usize::try_from(length).ok()?)?.to_vec())),
        }
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
