//! A line that can be cut: forwards TCP until it is told to stop.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub struct Line {
    pub address: SocketAddr,
    target: Arc<OnceLock<String>>,
    task: JoinHandle<()>,
}

impl Line {
    /// Takes connections; where they lead is said by [`Line::lead_to`], before the first one comes.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(OnceLock::<String>::new());
        let shared = target.clone();
        let task = tokio::spawn(async move {
            // Dropped with the task, and with it every connection.
            let mut connections = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let target = shared.get().expect("the line leads somewhere").clone();
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Self {
            address,
            target,
            task,
        }
    }

    /// Forwards every connection to `target`, `host:port`.
    pub fn lead_to(&self, target: &str) {
        self.target.set(target.to_owned()).unwrap();
    }

    /// Cuts all connections and takes no new ones.
    pub async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
