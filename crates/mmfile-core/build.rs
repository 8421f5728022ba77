//! Names the platform once, for every `cfg(platform = "…")` of the crate. `src/platform/mod.rs` says
//! what a platform supplies.

fn main() {
    println!(
        "cargo::rustc-check-cfg=cfg(platform, values(\"linux\", \"macos\", \"windows\", \"loom\"))"
    );
    println!("cargo::rerun-if-changed=build.rs");
    let is_set = |name: &str| std::env::var_os(format!("CARGO_CFG_{name}")).is_some();
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let platform = match os.as_str() {
        _ if is_set("LOOM") => "loom",
        // What macOS runs, on Linux: `--cfg mmfile_portable`, for tests.
        "linux" if is_set("MMFILE_PORTABLE") => "macos",
        "linux" | "macos" | "windows" => os.as_str(),
        _ => {
            println!("cargo::error=mmfile-core supports Linux, macOS and Windows, not {os}");
            return;
        }
    };
    println!("cargo::rustc-cfg=platform=\"{platform}\"");
}
