//! Frames as a process sends them.

use chartroom_wire::{Frame, HEAD, WireError};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The next frame, and what follows its head.
pub(super) async fn read(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<(Frame, Vec<u8>), WireError> {
    let mut head = [0; HEAD];
    from.read_exact(&mut head).await?;
    let frame = Frame::parse(head)?;
    let mut payload = vec![0; frame.length()];
    from.read_exact(&mut payload).await?;
    Ok((frame, payload))
}
