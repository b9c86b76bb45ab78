// The little of STOMP 1.2 that a page needs: connect, subscribe with a receipt, messages, heart-beats.
// `feed({url, login, passcode, destination, onSubscribed, onMessage, onState})` keeps trying until `stop()`.
export function feed({ url, login, passcode, destination, onSubscribed, onMessage, onState }) {
  const BEAT_MS = 10000, WAIT_MS = 8000;
  let socket, timers = [], delay = 500, stopped = false;

  const escape = (text) => text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/:/g, "\\c");
  const unescape = (text) => text.replace(/\\([nrc\\])/g, (_, c) => ({ n: "\n", r: "\r", c: ":", "\\": "\\" })[c]);
  const frame = (command, headers, raw) =>
    command + "\n" + Object.entries(headers).map(([k, v]) => k + ":" + (raw ? v : escape(v)) + "\n").join("") + "\n\0";

  function parse(text) {
    const head = text.indexOf("\n\n");
    if (head < 0) return null;
    const [command, ...lines] = text.slice(0, head).split("\n");
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = unescape(line.slice(0, colon));
      if (!(name in headers)) headers[name] = unescape(line.slice(colon + 1));
    }
    const end = text.indexOf("\0", head);
    return { command: command.replace(/\r$/, ""), headers, body: text.slice(head + 2, end < 0 ? undefined : end) };
  }

  function open() {
    if (stopped) return;
    onState("connecting");
    let heard = Date.now();
    socket = new WebSocket(url, ["v12.stomp"]);
    socket.binaryType = "arraybuffer";
    const deadline = setTimeout(() => socket.close(), WAIT_MS);
    timers = [deadline];
    socket.onopen = () => socket.send(frame("CONNECT", {
      "accept-version": "1.2", host: "/", login, passcode, "heart-beat": BEAT_MS + "," + BEAT_MS }, true));
    socket.onmessage = (event) => {
      heard = Date.now();
      const text = typeof event.data === "string" ? event.data : new TextDecoder().decode(event.data);
      const got = parse(text.replace(/^[\r\n]+/, ""));
      if (!got) return;
      if (got.command === "CONNECTED") {
        const [sends, wants] = (got.headers["heart-beat"] || "0,0").split(",").map(Number);
        if (wants) timers.push(setInterval(() => socket.readyState === 1 && socket.send("\n"), Math.max(wants, BEAT_MS)));
        if (sends) timers.push(setInterval(() => Date.now() - heard > 2.5 * Math.max(sends, BEAT_MS) && socket.close(), 1000));
        socket.send(frame("SUBSCRIBE", { id: "0", destination, ack: "auto", receipt: "subscribed" }));
      } else if (got.command === "RECEIPT" && got.headers["receipt-id"] === "subscribed") {
        clearTimeout(deadline);
        delay = 500;
        onState("live");
        onSubscribed();
      } else if (got.command === "MESSAGE") {
        onMessage(got.body);
      } else if (got.command === "ERROR") {
        socket.close();
      }
    };
    socket.onclose = () => {
      timers.forEach((timer) => { clearTimeout(timer); clearInterval(timer); });
      if (stopped) return;
      onState("lost");
      setTimeout(open, delay * (0.5 + Math.random()));
      delay = Math.min(delay * 2, 15000);
    };
  }

  open();
  return { stop() { stopped = true; if (socket) socket.close(); } };
}
