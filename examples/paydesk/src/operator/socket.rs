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
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
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
        Ok(question) => answer(desk, question).await,
        Err(error) => Err(format!("not a question: {error}")),
    };
    let reply = match reply {
        Ok(value) => json!({"ok": value}),
        Err(reason) => json!({"error": reason}),
    };
    timeout(PATIENCE, write.write_all(format!("{reply}\n").as_bytes())).await?
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
