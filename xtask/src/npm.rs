//! STOMP.js, for a browser: the one file of its package that a page loads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::apt::{self, Need};
use crate::{paths, process};

const LIMIT: Duration = Duration::from_mins(5);
/// Names the file, for the tests.
pub(crate) const VARIABLE: &str = "STOMP_JS";

const PACKAGE: &str = "@stomp/stompjs@7.5.0";
/// The package as npm packs it.
const ARCHIVE: &str = "stomp-stompjs-7.5.0.tgz";
/// SHA-512 of it.
const DIGEST: &str = "c61dec7731181fc33e92b40604e823f94d012c11ddedc7138fc60cde65716942\
                      cc4d6ff0c7640159fe38f298a54625992a382584398d20bc4cdd6fa3fc287dbb";

const NEEDS: [Need; 1] = [Need {
    package: "npm",
    present: || apt::find("npm").is_some(),
}];

/// Fetches STOMP.js unless it is there.
///
/// # Errors
/// Says what cannot be had, and refuses another package than the known one.
pub(crate) fn stomp_js() -> Result<PathBuf> {
    let folder = paths::scratch().join(ARCHIVE.trim_end_matches(".tgz"));
    let file = folder.join("stomp.umd.js");
    if file.is_file() {
        return Ok(file);
    }
    apt::ensure(&NEEDS)?;
    let aside = folder.with_extension("part");
    if aside.exists() {
        fs::remove_dir_all(&aside).with_context(|| aside.display().to_string())?;
    }
    fs::create_dir_all(&aside).with_context(|| aside.display().to_string())?;
    let mut npm = Command::new("npm");
    npm.current_dir(&aside)
        .args(["pack", "--silent", "--ignore-scripts", PACKAGE]);
    process::run(&mut npm, LIMIT)
        .with_context(|| format!("npm cannot fetch {PACKAGE} from its registry"))?;
    verify(&aside.join(ARCHIVE))?;
    let mut tar = Command::new("tar");
    tar.current_dir(&aside)
        .args(["-xzf", ARCHIVE, "--strip-components=2"])
        .arg("package/bundles/stomp.umd.js");
    process::run(&mut tar, LIMIT)?;
    fs::rename(&aside, &folder).with_context(|| folder.display().to_string())?;
    Ok(file)
}

fn verify(archive: &Path) -> Result<()> {
    let output = Command::new("sha512sum").arg(archive).output();
    let output = output.context("cannot run sha512sum")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.split(' ').next() != Some(DIGEST) {
        bail!("{PACKAGE} is not the package that is known: {said}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_package_is_refused() {
        assert_eq!(DIGEST.len(), 128);
        let other = std::env::temp_dir().join(format!("xtask-npm-{}", std::process::id()));
        fs::write(&other, "another").unwrap();
        let refused = verify(&other);
        fs::remove_file(&other).unwrap();
        assert!(refused.unwrap_err().to_string().contains("not the package"));
    }
}
