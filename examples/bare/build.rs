//! Tells the linker where this chip has its memory.

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = env::var("TARGET")?;
    // The two machines that the emulator plays: lm3s6965evb (Cortex-M3) and microbit (Cortex-M0).
    let ram = match target.as_str() {
        "thumbv7m-none-eabi" => "64K",
        "thumbv6m-none-eabi" => "16K",
        _ => return Err(format!("no memory map for {target}").into()),
    };
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("memory.x"),
        format!(
            "MEMORY {{ FLASH : ORIGIN = 0, LENGTH = 256K  RAM : ORIGIN = 0x20000000, LENGTH = {ram} }}\n"
        ),
    )?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
