// The QR page: waits for the order's message, asks the state once after each subscription, and polls slowly always,
// since a message can pass between the page's load and its subscription.
import { feed } from "./stomp.js";

const page = document.body.dataset;
const POLL_LIVE_MS = 10000, POLL_LOST_MS = 2000;
let state = "connecting", left = false;

function leave(where, by) {
  if (left) return;
  left = true;
  sessionStorage.setItem("paydesk.moved_by", by);
  location.replace(where);
}

async function ask(by) {
  try {
    const answer = await fetch(page.state, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) return;
    const order = await answer.json();
    if (["paid", "refunding", "refunded"].includes(order.state)) leave(page.success, by);
    if (order.state === "closed") leave(page.fail, by);
  } catch { /* the next poll asks again */ }
}

(function poll() {
  setTimeout(async () => { await ask("poll"); if (!left) poll(); }, state === "live" ? POLL_LIVE_MS : POLL_LOST_MS);
})();

feed({
  url: page.broker || `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  login: page.login,
  passcode: page.passcode,
  destination: page.destination,
  onState(now) { state = now; document.documentElement.dataset.feed = now; },
  onSubscribed() { ask("subscribed"); },
  onMessage(body) { if (body === page.order) leave(page.success, "push"); },
});
