//! What stands between a store and its server, and cuts the two apart at a chosen message.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What the proxy does with the next message that has what it looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Lets the server have it, waits for its answer, and keeps that.
    Answer,
    /// Keeps it from the server.
    Request,
    /// Keeps it, and lets the server have it when another connection has begun to ask for orders.
    Late,
}

type Armed = Arc<std::sync::Mutex<Option<(Cut, Vec<u8>)>>>;

/// A payment that is kept, with its way to the server.
type Kept = Arc<tokio::sync::Mutex<Option<(TcpStream, Vec<u8>)>>>;

/// Stands between a store and its server.
pub(crate) struct Proxy {
    port: u16,
    /// One cut to come, or none, and the text that it comes at.
    armed: Armed,
    cuts: Arc<AtomicUsize>,
    pub(crate) stalled: Arc<AtomicBool>,
    pub(crate) resumed: Arc<Notify>,
    kept: Kept,
    /// Turns new connections away.
    pub(crate) refusing: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) async fn start(url: &str) -> Self {
        let (_, place) = url.rsplit_once('@').unwrap();
        let server = place.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            armed: Arc::default(),
            cuts: Arc::default(),
            stalled: Arc::default(),
            resumed: Arc::default(),
            refusing: Arc::default(),
            kept: Kept::default(),
        };
        let (refusing, kept) = (Arc::clone(&proxy.refusing), Arc::clone(&proxy.kept));
        let (armed, cuts) = (Arc::clone(&proxy.armed), Arc::clone(&proxy.cuts));
        let (stalled, resumed) = (Arc::clone(&proxy.stalled), Arc::clone(&proxy.resumed));
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                if refusing.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&server).await else {
                    continue;
                };
                let (armed, cuts) = (Arc::clone(&armed), Arc::clone(&cuts));
                let (stalled, resumed) = (Arc::clone(&stalled), Arc::clone(&resumed));
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    drop(pass(near, far, &armed, &kept, &cuts, &stalled, &resumed).await);
                });
            }
        });
        proxy
    }

    pub(crate) fn url(&self, url: &str) -> String {
        let (user, place) = url.rsplit_once('@').unwrap();
        let (_, database) = place.split_once('/').unwrap();
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// How many cuts there were.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }

    /// At the next payment.
    pub(crate) fn arm(&self, cut: Cut) {
        self.arm_at(cut, "/paid/pay_notify");
    }

    /// At the next message to the server that has this text.
    pub(crate) fn arm_at(&self, cut: Cut, text: &str) {
        *self.armed.lock().unwrap() = Some((cut, text.as_bytes().to_vec()));
    }

    /// Lets the server have what was kept, and waits until it has answered.
    pub(crate) async fn let_go(&self) {
        let (mut server, kept) = self.kept.lock().await.take().unwrap();
        server.write_all(&kept).await.unwrap();
        assert!(server.read(&mut [0; 1 << 10]).await.unwrap() > 0);
    }
}

/// Passes bytes on until one side ends, or the armed cut comes.
async fn pass(
    mut near: TcpStream,
    mut far: TcpStream,
    armed: &std::sync::Mutex<Option<(Cut, Vec<u8>)>>,
    kept: &Kept,
    cuts: &AtomicUsize,
    stalled: &AtomicBool,
    resumed: &Notify,
) -> std::io::Result<()> {
    const ASKS_FOR_ORDERS: &[u8] = b"SELECT o.mch_id, o.out_trade_no, o.version";
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            n = near.read(&mut up) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                while stalled.load(Ordering::SeqCst) {
                    resumed.notified().await;
                }
                let has = |text: &[u8]| up[..n].windows(text.len()).any(|part| part == text);
                if has(ASKS_FOR_ORDERS)
                    && let Some((mut server, payment)) = kept.lock().await.take()
                {
                    server.write_all(&payment).await?;
                    let _answered = server.read(&mut down).await?;
                }
                let cut = armed.lock().unwrap().take_if(|(_, text)| has(text));
                match cut.map(|(cut, _)| cut) {
                    None => far.write_all(&up[..n]).await?,
                    Some(Cut::Late) => {
                        *kept.lock().await = Some((far, up[..n].to_vec()));
                        cuts.fetch_add(1, Ordering::SeqCst);
                        return Ok(());
                    }
                    Some(cut) => {
                        if cut == Cut::Answer {
                            far.write_all(&up[..n]).await?;
                            // The answer tells that the commit is done; nobody else hears of it.
                            let _answered = far.read(&mut down).await?;
                        }
                        cuts.fetch_add(1, Ordering::SeqCst);
                        return Ok(());
                    }
                }
            }
            n = far.read(&mut down) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                near.write_all(&down[..n]).await?;
            }
        }
    }
}
