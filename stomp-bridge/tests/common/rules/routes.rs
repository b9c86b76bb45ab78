//! Where messages go.

use super::{Rules, fresh, on_queue};

pub(super) async fn topics_match_words_and_wildcards(rules: &Rules) {
    let root = fresh("topic");
    let mut tcp = rules.root().await;
    let patterns = ["a.*.c", "a.#", "#", "*", "a..c", "#.c"];
    for (id, pattern) in patterns.iter().enumerate() {
        let subscribe = format!("SUBSCRIBE\nid:{id}\ndestination:/topic/{root}.{pattern}");
        tcp.done(&subscribe, "").await;
    }
    for (key, fits) in [
        ("a.b.c", &[0, 1, 2, 5][..]),
        ("a", &[1, 2, 3]),
        ("a.b.b.c", &[1, 2, 5]),
        ("x", &[2, 3]),
        ("a..c", &[0, 1, 2, 4, 5]),
        ("b.c", &[2, 5]),
    ] {
        let destination = format!("/topic/{root}.{key}");
        tcp.say(&format!("SEND\ndestination:{destination}\n\n{key}\0"))
            .await;
        let mut got: Vec<usize> = Vec::new();
        for _ in fits {
            let (message, body) = tcp.message().await;
            assert_eq!(message.header("destination"), Some(&*destination));
            assert_eq!(body, key);
            got.push(message.header("subscription").unwrap().parse().unwrap());
        }
        got.sort_unstable();
        assert_eq!(got, fits, "{key}");
    }
    // The exchange by its name is the same, and what nobody wants is confirmed and gone.
    let by_name = format!("SEND\ndestination:/exchange/amq.topic/{root}.x");
    let mut before = tcp.done(&by_name, "x").await;
    while before.len() < 2 {
        before.push(tcp.frame().await);
    }
    let topic = format!("/topic/{root}.x");
    assert!(
        before
            .iter()
            .all(|m| m.header("destination") == Some(&topic))
    );
    let unwanted = format!("SEND\ndestination:/topic/{root}x");
    assert!(tcp.done(&unwanted, "x").await.is_empty());
}

pub(super) async fn a_named_queue_of_an_exchange(rules: &Rules) {
    let (queue, key) = (fresh("named"), fresh("named-key"));
    let subscribe = format!(
        "SUBSCRIBE\nid:0\nx-expires:60000\nx-queue-name:{queue}\ndurable:true\nauto-delete:false\n\
         destination:/exchange/paynotify.page/{key}"
    );
    let mut first = rules.root().await;
    first.done(&subscribe, "").await;
    first.done("UNSUBSCRIBE\nid:0", "").await;
    // It collects while nobody reads it, and is the same for whoever names it.
    let mut other = rules.root().await;
    let send = format!("SEND\ndestination:/exchange/paynotify/{key}");
    other.done(&send, "while away").await;
    other.say(&format!("{subscribe}\n\n\0")).await;
    let (message, body) = other.message().await;
    assert_eq!(body, "while away");
    let destination = format!("/exchange/paynotify/{key}");
    assert_eq!(message.header("destination"), Some(&*destination));
}

pub(super) async fn the_dead_go_to_their_exchange(rules: &Rules) {
    let (queue, dead) = (fresh("dl"), fresh("dead"));
    let mut tcp = rules.root().await;
    let subscribe = on_queue("SUBSCRIBE", &dead);
    tcp.done(&format!("{subscribe}\nid:dead"), "").await;
    let arguments = format!("x-dead-letter-exchange:\nx-dead-letter-routing-key:{dead}");
    let subscribe = on_queue("SUBSCRIBE", &queue);
    tcp.done(
        &format!("{subscribe}\n{arguments}\nid:0\nack:client-individual"),
        "",
    )
    .await;
    tcp.say(&format!(
        "SEND\ndestination:/amq/queue/{queue}\nx-a:b\n\nrejected\0"
    ))
    .await;
    let (message, _) = tcp.message().await;
    let id = message.header("ack").unwrap();
    tcp.say(&format!("NACK\nrequeue:false\nid:{id}\n\n\0"))
        .await;
    let (message, body) = tcp.message().await;
    assert_eq!(body, "rejected");
    for (header, value) in [
        ("subscription", "dead"),
        ("destination", &format!("/queue/{dead}")),
        ("x-a", "b"),
        ("x-first-death-queue", &queue),
        ("x-first-death-exchange", ""),
        ("x-first-death-reason", "rejected"),
    ] {
        assert_eq!(message.header(header), Some(value), "{header}");
    }

    let (queue, key) = (fresh("full"), fresh("dead-key"));
    tcp.done(
        &format!("SUBSCRIBE\nid:topic\ndestination:/topic/{key}.*"),
        "",
    )
    .await;
    let arguments = format!(
        "x-dead-letter-exchange:amq.topic\nx-dead-letter-routing-key:{key}.full\nx-max-length:1"
    );
    let send = format!("{}\n{arguments}", on_queue("SEND", &queue));
    tcp.say(&format!("{send}\n\none\0{send}\n\ntwo\0")).await;
    let (message, body) = tcp.message().await;
    assert_eq!(body, "one");
    assert_eq!(message.header("x-first-death-reason"), Some("maxlen"));
    let destination = format!("/topic/{key}.full");
    assert_eq!(message.header("destination"), Some(&*destination));
}
