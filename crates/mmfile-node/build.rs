//! Sets the linker options that an addon needs; on Linux that it is never unloaded is among them.

fn main() {
    napi_build::setup();
}
