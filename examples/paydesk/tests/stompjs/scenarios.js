// What a page with STOMP.js does to a broker. Each function is called by the test and gives what it saw.
const PATIENCE_MS = 20000;
const TEXT = "龙井茶 a:b\\c\nd";
const BINARY = new Uint8Array([0, 255, 254, 10, 0, 13, 10, 128]);
// A queue that nobody uses goes by itself.
const GOES = { "x-expires": "60000" };

// What happened, in order, for who waits for the next.
class Inbox {
  constructor() {
    this.items = [];
    this.waiting = [];
  }

  put(item) {
    const waiting = this.waiting.shift();
    if (waiting) waiting(item);
    else this.items.push(item);
  }

  next(what) {
    if (this.items.length) return Promise.resolve(this.items.shift());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${what} in time`)), PATIENCE_MS);
      this.waiting.push((item) => {
        clearTimeout(late);
        resolve(item);
      });
    });
  }
}

function check(is, what) {
  if (!is) throw new Error(what);
}

function same(got, wanted, what) {
  check(JSON.stringify(got) === JSON.stringify(wanted),
    `${what}: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
}

class Page {
  constructor(broker, version, more = {}) {
    this.connects = new Inbox();
    this.errors = new Inbox();
    this.closes = new Inbox();
    this.leaves = new Inbox();
    this.beats = new Inbox();
    this.version = version;
    this.client = new StompJs.Client({
      brokerURL: broker.url,
      connectHeaders: { login: broker.login, passcode: broker.passcode, host: "/" },
      stompVersions: new StompJs.Versions([version]),
      reconnectDelay: 0,
      heartbeatIncoming: 0,
      heartbeatOutgoing: 0,
      onConnect: (frame) => this.connects.put(frame),
      onStompError: (frame) => this.errors.put(frame),
      onWebSocketClose: (event) => this.closes.put(event.code),
      onDisconnect: (frame) => this.leaves.put(frame),
      onHeartbeatReceived: () => this.beats.put("beat"),
      ...more,
    });
  }

  static async open(broker, version, more) {
    const page = new Page(broker, version, more);
    page.client.activate();
    await page.connects.next("CONNECTED");
    same(page.client.connectedVersion, version, "version");
    return page;
  }

  receipt(id) {
    const inbox = new Inbox();
    this.client.watchForReceipt(id, (frame) => inbox.put(frame.headers["receipt-id"]));
    return inbox.next(`receipt ${id}`);
  }

  async send(destination, body, headers = {}) {
    const receipt = crypto.randomUUID();
    const came = this.receipt(receipt);
    const content = body instanceof Uint8Array ? { binaryBody: body } : { body };
    this.client.publish({ destination, headers: { ...GOES, receipt, ...headers }, ...content });
    // Within a transaction it comes with the COMMIT.
    if (!headers.transaction) same(await came, receipt, "receipt");
    return came;
  }

  async subscribe(destination, headers = {}) {
    const receipt = crypto.randomUUID();
    const came = this.receipt(receipt);
    const inbox = new Inbox();
    const options = { ...GOES, receipt, ...headers };
    const subscription = this.client.subscribe(destination, (message) => inbox.put(message), options);
    await came;
    return { inbox, subscription };
  }

  // DISCONNECT with a receipt, which STOMP.js waits for.
  async leave(told) {
    await Promise.all([this.client.deactivate(), this.closes.next("close")]);
    if (told) check((await this.leaves.next("RECEIPT")).command === "RECEIPT", "no receipt of DISCONNECT");
  }
}

function fresh() {
  return `/queue/stomp-js-${crypto.randomUUID()}`;
}

async function bodies(inbox, count) {
  const got = [];
  for (let n = 0; n < count; n += 1) got.push((await inbox.next("MESSAGE")).body);
  return got;
}

const SCENARIOS = {
  async receipts_and_bodies(page) {
    const destination = fresh();
    await page.send(destination, TEXT);
    await page.send(destination, "");
    const { inbox } = await page.subscribe(destination);
    same(await bodies(inbox, 2), [TEXT, ""], "text");
  },

  async binary(page, broker) {
    // RabbitMQ sends every body as text unless it is set up for binary.
    const body = broker.told ? BINARY : new TextEncoder().encode("a\0b\0茶");
    const destination = fresh();
    await page.send(destination, body, { "content-type": "application/octet-stream" });
    const { inbox } = await page.subscribe(destination);
    same([...(await inbox.next("MESSAGE")).binaryBody], [...body], "bytes");
  },

  async headers(page) {
    // It escapes in 1.2 alone, and reads a backslash before c, n or r as one of their escapes.
    const value = page.version === "1.2" ? "龙井茶 a:b\\ \nd\r" : "a b 茶";
    const destination = fresh();
    await page.send(destination, "x", { "x-value": value });
    const { inbox } = await page.subscribe(destination);
    same((await inbox.next("MESSAGE")).headers["x-value"], value, "header");
  },

  async ack_modes(page, broker) {
    for (const [mode, left] of [["auto", []], ["client", ["3"]], ["client-individual", ["1", "3"]]]) {
      const destination = fresh();
      for (const body of ["1", "2", "3"]) await page.send(destination, body);
      const reader = await Page.open(broker, page.version);
      const { inbox } = await reader.subscribe(destination, { ack: mode });
      const messages = [];
      for (let n = 0; n < 3; n += 1) messages.push(await inbox.next("MESSAGE"));
      if (mode !== "auto") messages[1].ack();
      await reader.leave(broker.told);
      // What has come back comes at once, what is new after it.
      const rest = await page.subscribe(destination);
      same((await bodies(rest.inbox, left.length)).sort(), left, mode);
      await page.send(destination, "last");
      same(await bodies(rest.inbox, 1), ["last"], mode);
      rest.subscription.unsubscribe();
    }
  },

  async transactions(page) {
    const destination = fresh();
    const { inbox } = await page.subscribe(destination);
    const givenUp = page.client.begin();
    page.client.publish({ destination, headers: { ...GOES, transaction: givenUp.id }, body: "never" });
    givenUp.abort();
    const kept = page.client.begin();
    const came = page.send(destination, "kept", { transaction: kept.id });
    kept.commit();
    await came;
    same(await bodies(inbox, 1), ["kept"], "committed");
  },

  async unsubscribe(page) {
    const destination = fresh();
    const { inbox, subscription } = await page.subscribe(destination);
    const came = page.receipt("un");
    subscription.unsubscribe({ receipt: "un" });
    await came;
    await page.send(destination, "to nobody");
    same(inbox.items.length, 0, "messages after the end");
  },

  // 1.0 has none.
  async nack(page) {
    if (page.version === "1.0") return;
    const destination = fresh();
    await page.send(destination, "again");
    const { inbox } = await page.subscribe(destination, { ack: "client-individual" });
    const first = await inbox.next("MESSAGE");
    same(first.headers.redelivered, "false", "redelivered");
    first.nack();
    const second = await inbox.next("MESSAGE");
    same([second.body, second.headers.redelivered], ["again", "true"], "redelivered");
    second.ack();
  },

  // 1.0 has none.
  async beats(page, broker) {
    if (page.version === "1.0") return;
    const beating = await Page.open(broker, page.version, { heartbeatIncoming: 1000, heartbeatOutgoing: 1000 });
    // A broker that misses our beats gives up after two intervals.
    const over = performance.now() + 3000;
    while (performance.now() < over) await beating.beats.next("heart-beat");
    await beating.send(fresh(), "still there");
    await beating.leave(broker.told);
  },

  // RabbitMQ only closes.
  async error(page, broker) {
    if (!broker.told) return;
    const wrong = await Page.open(broker, page.version);
    wrong.client.publish({ destination: "/exchange/there-is-none", body: "x" });
    const frame = await wrong.errors.next("ERROR");
    same(frame.headers.message, "not_found", "message");
    check(frame.body.includes("no exchange 'there-is-none'"), frame.body);
    await wrong.closes.next("close");
    await wrong.client.deactivate();
  },

  async wrong_passcode(page, broker) {
    const stranger = new Page({ ...broker, passcode: "wrong" }, page.version);
    stranger.client.activate();
    same((await stranger.errors.next("ERROR")).headers.message, "Bad CONNECT", "message");
    await stranger.client.deactivate();
  },
};

// All scenarios in a version; gives the names of those that passed, and what failed.
async function session(broker, version) {
  const passed = [];
  try {
    const page = await Page.open(broker, version);
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await scenario(page, broker).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
      passed.push(name);
    }
    await page.leave(broker.told);
    passed.push("leave");
  } catch (error) {
    passed.push(String(error));
  }
  return passed;
}

// A page that waits for its ticket and comes back by itself.
const waiting = { subscribed: new Inbox(), messages: new Inbox() };

async function wait_for_ticket(broker, ticket) {
  const page = new Page(broker, "1.2", {
    reconnectDelay: 50,
    onConnect: async () => {
      await page.subscribeTicket(ticket);
      waiting.subscribed.put(ticket);
    },
  });
  page.subscribeTicket = async () => {
    const came = page.receipt("ticket");
    const show = (message) => waiting.messages.put([message.headers.destination, message.body]);
    page.client.subscribe(`/exchange/paynotify.page/${ticket}`, show, { receipt: "ticket" });
    await came;
  };
  waiting.page = page;
  page.client.activate();
  return waiting.subscribed.next("subscription");
}

const subscribed_again = () => waiting.subscribed.next("subscription");
const next_notice = () => waiting.messages.next("notice");

// What a guest is told that asks for all notices.
async function refused(broker) {
  const page = await Page.open(broker, "1.2");
  page.client.subscribe("/exchange/paynotify", () => {});
  const frame = await page.errors.next("ERROR");
  const code = await page.closes.next("close");
  await page.client.deactivate();
  return [frame.headers.message, code];
}
