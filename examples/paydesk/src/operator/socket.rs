//! The socket in the ledger's folder: one line of JSON asks, one answers, and lines before it say how far a long answer is.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use order_store::Progress;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter},
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    sync::watch,
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
/// How long a desk may say nothing: each line of a long answer's progress begins it anew.
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
        Ok(question) => answer_by(desk, question, &mut write).await?,
        Err(error) => Err(format!("not a question: {error}")),
    };
    let reply = match reply {
        Ok(value) => json!({"ok": value}),
        Err(reason) => json!({"error": reason}),
    };
    timeout(PATIENCE, write.write_all(format!("{reply}\n").as_bytes())).await?
}

/// A line before the answer.
#[derive(Deserialize)]
struct Way {
    done: u64,
    total: Option<u64>,
}

/// Answers, and says on the way how far that is; who no longer listens ends it.
async fn answer_by(
    desk: &Desk,
    question: Question,
    write: &mut OwnedWriteHalf,
) -> io::Result<Result<Value, String>> {
    let (sender, mut way) = watch::channel(None);
    let mut tell = move |progress: Progress| {
        sender.send_replace(Some(progress));
    };
    let mut answering = std::pin::pin!(answer(desk, question, &mut tell));
    loop {
        let told = tokio::select! {
            answer = &mut answering => return Ok(answer),
            changed = way.changed() => changed.ok().and_then(|()| *way.borrow_and_update()),
        };
        if let Some(Progress { done, total }) = told {
            let line = json!({"progress": {"done": done, "total": total}});
            timeout(PATIENCE, write.write_all(format!("{line}\n").as_bytes())).await??;
        }
    }
}

/// The dump's own lines, behind one that says that they come; an error ends them in its own line.
///
/// How fast they are read is the reader's affair: the records are read page by page, and nothing waits for them.
async fn export(desk: &Desk, write: OwnedWriteHalf) -> io::Result<()> {
    let mut out = BufWriter::new(write);
    let total = desk
        .store
        .dump_size()
        .await
        .ok()
        .map(order_store::DumpSize::total);
    let head = json!({"ok": "export", "total": total});
    out.write_all(format!("{head}\n").as_bytes()).await?;
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

/// The last line of a dump.
#[derive(Deserialize)]
pub(crate) struct DumpEnd {
    pub(crate) records: u64,
    pub(crate) sha256: String,
}

/// Has the desk that runs on this folder write its ledger to `out`; nothing when none does.
pub(crate) async fn export_running(
    folder: &Path,
    out: &mut (impl AsyncWrite + Unpin),
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Option<Result<DumpEnd, String>> {
    let stream = UnixStream::connect(folder.join(NAME)).await.ok()?;
    Some(take_export(stream, out, progress).await)
}

async fn take_export(
    mut stream: UnixStream,
    out: &mut (impl AsyncWrite + Unpin),
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<DumpEnd, String> {
    let text = |error: io::Error| format!("the export: {error}");
    let question = serde_json::to_string(&Question::Export).map_err(|error| error.to_string())?;
    let asked = stream.write_all(format!("{question}\n").as_bytes()).await;
    asked.map_err(text)?;
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    let (mut total, mut done, mut ended) = (None, 0, None);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await.map_err(text)? == 0 {
            break;
        }
        if line.starts_with(br#"{"error":"#) {
            let reply: Value = serde_json::from_slice(&line).unwrap_or_default();
            return Err(reply["error"].as_str().unwrap_or("no export").to_owned());
        }
        let Some(total) = total else {
            let head: Value = serde_json::from_slice(&line).unwrap_or_default();
            total = Some(head["total"].as_u64());
            continue;
        };
        out.write_all(&line).await.map_err(text)?;
        ended = if line.starts_with(br#"{"record":"end""#) && line.ends_with(b"\n") {
            serde_json::from_slice::<DumpEnd>(&line).ok()
        } else {
            None
        };
        progress(Progress { done, total });
        done += 1;
    }
    out.flush().await.map_err(text)?;
    ended.ok_or_else(|| "the running desk broke off before the end".to_owned())
}

/// Asks the desk that runs on this folder; nothing when none does.
pub(crate) async fn ask_running(
    folder: &Path,
    question: &Question,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Option<Result<Value, String>> {
    // A socket that nobody listens on is what a killed desk left behind.
    let stream = UnixStream::connect(folder.join(NAME)).await.ok()?;
    Some(match exchange(stream, question, progress).await {
        Ok(answer) => answer,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err("the running desk did not answer in time".to_owned())
        }
        Err(error) => Err(format!("the running desk did not answer: {error}")),
    })
}

async fn exchange(
    mut stream: UnixStream,
    question: &Question,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> io::Result<Result<Value, String>> {
    let line = serde_json::to_string(question)?;
    timeout(PATIENCE, stream.write_all(format!("{line}\n").as_bytes())).await??;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        timeout(ANSWER_PATIENCE, lines.read_line(&mut line)).await??;
        let mut reply: Value = serde_json::from_str(&line)?;
        if let Some(way) = reply.get_mut("progress") {
            let Way { done, total } = serde_json::from_value(way.take())?;
            progress(Progress { done, total });
            continue;
        }
        return Ok(match reply["error"].as_str() {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(reply["ok"].take()),
        });
    }
}
