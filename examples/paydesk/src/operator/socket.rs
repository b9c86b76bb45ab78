//! The socket in the ledger's folder: one line of JSON asks, one answers.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Question, answer};
use crate::desk::Desk;

const NAME: &str = "operator.sock";
/// The longest question.
const QUESTION_BYTES_MAX: u64 = 4096;
/// How long a question may take to arrive, and an answer to be written.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may take: a check reads the whole ledger.
const ANSWER_PATIENCE: Duration = Duration::from_mins(10);

/// Serves operators of this machine's own user.
pub(crate) struct Operator {
    listener: UnixListener,
    path: PathBuf,
}

impl Operator {
    /// Takes the socket. The folder is ours, so what lies there of a killed process goes.
    pub(crate) fn bind(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers until `stop`.
    pub(crate) async fn run(self, desk: Arc<Desk>, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (desk, stop) = (desk.clone(), stop.clone());
                    tasks.spawn(async move {
                        tokio::select! {
                            () = stop.cancelled() => {}
                            result = converse(stream, &desk) => {
                                if let Err(error) = result {
                                    tracing::debug!(%error, "an operator's connection ended early");
                                }
                            }
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "could not accept an operator"),
            }
        }
        tasks.close();
        tasks.wait().await;
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, desk: &Desk) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    timeout(
        PATIENCE,
        BufReader::new(read.take(QUESTION_BYTES_MAX)).read_line(&mut line),
    )
    .await??;
    let reply = match serde_json::from_str::<Question>(&line) {
        Ok(Question::Export) => return export(desk, write).await,
        Ok(question) => answer(desk, question).await,
        Err(error) => Err(format!("not a question: {error}")),
    };
    let reply = match reply {
        Ok(value) => json!({"ok": value}),
        Err(reason) => json!({"error": reason}),
    };
    timeout(PATIENCE, write.write_all(format!("{reply}\n").as_bytes())).await?
}

/// The dump's own lines, behind one that says that they come; an error ends them in its own line.
///
/// How fast they are read is the reader's affair: the records are read page by page, and nothing waits for them.
async fn export(desk: &Desk, write: OwnedWriteHalf) -> io::Result<()> {
    let mut out = BufWriter::new(write);
    out.write_all(b"{\"ok\":\"export\"}\n").await?;
    let done = order_store::export(desk.store.as_ref(), &mut out, &mut |_| {}).await;
    if let Err(error) = done {
        let line = json!({"error": error.to_string()});
        out.write_all(format!("{line}\n").as_bytes()).await?;
    }
    out.flush().await
}

/// Whether a desk runs on this folder.
pub(crate) async fn is_running(folder: &Path) -> bool {
    UnixStream::connect(folder.join(NAME)).await.is_ok()
}

/// Has the desk that runs on this folder write its ledger to `out`; nothing when none does.
pub(crate) async fn export_running(
    folder: &Path,
    out: &mut (impl AsyncWrite + Unpin),
) -> Option<Result<(), String>> {
    let stream = UnixStream::connect(folder.join(NAME)).await.ok()?;
    Some(take_export(stream, out).await)
}

async fn take_export(
    mut stream: UnixStream,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<(), String> {
    let text = |error: io::Error| format!("the export: {error}");
    let question = serde_json::to_string(&Question::Export).map_err(|error| error.to_string())?;
    let asked = stream.write_all(format!("{question}\n").as_bytes()).await;
    asked.map_err(text)?;
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    let (mut begun, mut ended) = (false, false);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await.map_err(text)? == 0 {
            break;
        }
        if line.starts_with(br#"{"error":"#) {
            let reply: Value = serde_json::from_slice(&line).unwrap_or_default();
            return Err(reply["error"].as_str().unwrap_or("no export").to_owned());
        }
        if begun {
            out.write_all(&line).await.map_err(text)?;
            ended = line.starts_with(br#"{"record":"end""#) && line.ends_with(b"\n");
        }
        begun = true;
    }
    out.flush().await.map_err(text)?;
    if ended {
        Ok(())
    } else {
        Err("the running desk broke off before the end".to_owned())
    }
}

/// Asks the desk that runs on this folder; nothing when none does.
pub(crate) async fn ask_running(
    folder: &Path,
    question: &Question,
) -> Option<Result<Value, String>> {
    // A socket that nobody listens on is what a killed desk left behind.
    let stream = UnixStream::connect(folder.join(NAME)).await.ok()?;
    Some(
        match timeout(ANSWER_PATIENCE, exchange(stream, question)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(format!("the running desk did not answer: {error}")),
            Err(_) => Err("the running desk did not answer in time".to_owned()),
        },
    )
}

async fn exchange(
    mut stream: UnixStream,
    question: &Question,
) -> io::Result<Result<Value, String>> {
    let line = serde_json::to_string(question)?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    let mut reply: Value = serde_json::from_str(&reply)?;
    Ok(match reply["error"].as_str() {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(reply["ok"].take()),
    })
}
