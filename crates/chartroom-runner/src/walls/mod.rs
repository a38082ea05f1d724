//! What keeps the process from doing anything but reading its file, in the order in which it is
//! raised. A wall that the kernel or the container does not give is named to the service, which
//! says so; the file is read nevertheless, because the walls overlap.

#[cfg(target_os = "linux")]
mod linux;

use chartroom_wire::tabular::{Room, Wall};

#[cfg(target_os = "linux")]
pub(crate) fn raise(room: Room) -> Vec<Wall> {
    linux::raise(room)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn raise(_room: Room) -> Vec<Wall> {
    let missing = |name: &str| Wall {
        name: name.to_owned(),
        missing: Some("there is one on Linux alone".to_owned()),
    };
    chartroom_wire::tabular::WALLS.map(missing).to_vec()
}
