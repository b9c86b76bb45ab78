// The payer's phone: shows unpaid orders, pays them, and shows the notifies that follow.
'use strict';

const REFRESH_MS = 1000;
const ORDERS_SHOWN = 50;
const NOTIFIES_SHOWN = 8;

const TEXTS = {
  zh: {
    pay: '支付', fail: '支付失败', paid: '支付成功', failed: '支付失败', unknown: '没有这个码或订单号',
    chosen: '已扫码，请确认支付', notPayable: '这个订单不能支付', offline: '连不上模拟器', attempt: '第', attemptEnd: '次',
    answered: '商户已确认', not_success: '商户未确认', timed_out: '商户超时', unreachable: '连不上商户', refused: '不许发往该地址', lost: '丢失（故障）',
    unknown_order: '没有这个码或订单号', several_merchants: '多个商户有这个订单号', code_replaced: '这个码已被新码取代',
    code_expired: '这个码已过期', order_expired: '订单已过期', already_paid: '订单已支付', order_closed: '订单已关闭', payment_failed: '支付曾失败，不能再付',
  },
  en: {
    pay: 'Pay', fail: 'Fail', paid: 'Paid', failed: 'Payment failed', unknown: 'No order has this code or number',
    chosen: 'Scanned: please confirm', notPayable: 'This order cannot be paid', offline: 'The simulator does not answer', attempt: 'try ', attemptEnd: '',
    answered: 'answered', not_success: 'not accepted', timed_out: 'timed out', unreachable: 'unreachable', refused: 'address not allowed', lost: 'lost (fault)',
    unknown_order: 'No order has this code or number', several_merchants: 'Several merchants have this number', code_replaced: 'The code was replaced by a newer one',
    code_expired: 'The code has expired', order_expired: 'The order has expired', already_paid: 'The order is already paid', order_closed: 'The order is closed', payment_failed: 'A payment failed; it cannot be paid again',
  },
};
const lang = document.documentElement.lang.startsWith('en') ? 'en' : 'zh';
const say = (name) => TEXTS[lang][name] ?? name;
const element = (id) => document.getElementById(id);

// What was scanned: {code_url} or {out_trade_no}; null when nothing was.
let scanned = null;
// The cards on the page, by merchant and number, so that a button stays the same element while it is shown.
const cards = new Map();

async function call(path, body) {
  const options = body === undefined
    ? { cache: 'no-store' }
    : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  return { ok: response.ok, body: await response.json() };
}

function show(state, text) {
  const result = element('result');
  result.dataset.state = state;
  result.textContent = text;
}

// Exact for every amount that a Number can hold.
const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const key = (order) => `${order.mch_id} ${order.out_trade_no}`;

function part(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function isScanned(order) {
  return scanned !== null
    && (scanned.code_url === order.code_url || scanned.out_trade_no === order.out_trade_no);
}

function card(order) {
  const node = document.createElement('li');
  const pay = part('button', 'pay', say('pay'));
  const fail = part('button', 'fail', say('fail'));
  pay.id = `pay-${order.out_trade_no}`;
  fail.id = `fail-${order.out_trade_no}`;
  const buttons = part('div', 'row', '');
  buttons.append(pay, fail);
  for (const button of [pay, fail]) {
    button.type = 'button';
    button.addEventListener('click', () => finish(order, button === pay ? 'SUCCESS' : 'PAYERROR', [pay, fail]));
  }
  node.append(
    part('div', 'amount', yuan(order.total_fee)),
    part('div', 'what', order.body),
    part('div', 'number', order.out_trade_no),
    buttons,
  );
  return node;
}

async function finish(order, outcome, buttons) {
  buttons.forEach((button) => { button.disabled = true; });
  // A scanned code is paid as a code, so that one that was replaced is refused.
  const what = scanned?.code_url !== undefined && isScanned(order)
    ? { code_url: scanned.code_url }
    : { out_trade_no: order.out_trade_no, mch_id: order.mch_id };
  try {
    const { ok, body } = await call('/sim/pay', { ...what, outcome });
    if (!ok) {
      show('refused', say(body.code));
    } else {
      const paid = body.trade_state === 'SUCCESS';
      show(paid ? 'paid' : 'failed', `${say(paid ? 'paid' : 'failed')} ${yuan(body.total_fee)} · ${body.out_trade_no}`);
    }
  } catch {
    show('refused', say('offline'));
  }
  buttons.forEach((button) => { button.disabled = false; });
  await refresh();
}

function list(orders) {
  const parent = element('orders');
  const sorted = [...orders].sort((a, b) => isScanned(b) - isScanned(a));
  const kept = new Set(sorted.map(key));
  for (const [name, node] of cards) {
    if (!kept.has(name)) {
      node.remove();
      cards.delete(name);
    }
  }
  sorted.forEach((order, at) => {
    const name = key(order);
    const node = cards.get(name) ?? card(order);
    cards.set(name, node);
    node.classList.toggle('chosen', isScanned(order));
    if (parent.children[at] !== node) {
      parent.insertBefore(node, parent.children[at] ?? null);
    }
  });
  element('none').hidden = sorted.length > 0;
}

function notifies(tries) {
  element('notifies').replaceChildren(...tries.reverse().map((each) => {
    const status = each.status === null ? '' : ` HTTP ${each.status}`;
    const text = `${each.at.slice(11, 19)} ${each.out_trade_no} ${say('attempt')}${each.try}${say('attemptEnd')}${status} ${say(each.verdict)}`;
    return part('li', each.verdict, text);
  }));
}

async function refresh() {
  try {
    const [orders, tries, clock] = await Promise.all([
      call(`/sim/orders?state=NOTPAY&limit=${ORDERS_SHOWN}`),
      call(`/sim/notifies?limit=${NOTIFIES_SHOWN}`),
      call('/sim/clock'),
    ]);
    let shown = orders.body;
    // What was scanned is shown even when fifty newer orders wait.
    if (scanned !== null && !shown.some(isScanned)) {
      const found = await call(`/sim/orders?${new URLSearchParams(scanned)}`);
      shown = shown.concat(found.ok ? found.body.filter((order) => order.trade_state === 'NOTPAY' && isScanned(order)) : []);
    }
    list(shown);
    notifies(tries.body);
    element('clock').textContent = clock.body.now.slice(0, 19).replace('T', ' ');
    if (element('result').dataset.state === 'offline') {
      show('', '');
    }
  } catch {
    show('offline', say('offline'));
  }
}

async function scan(text) {
  if (text === '') {
    return;
  }
  const wanted = text.includes('://') ? { code_url: text } : { out_trade_no: text };
  scanned = wanted;
  try {
    const { ok, body } = await call(`/sim/orders?${new URLSearchParams(wanted)}`);
    const order = ok ? body[0] : undefined;
    if (order === undefined) {
      show('refused', say('unknown'));
    } else if (order.trade_state === 'SUCCESS') {
      show('refused', say('already_paid'));
    } else if (order.trade_state !== 'NOTPAY') {
      show('refused', say('notPayable'));
    } else if (wanted.code_url !== undefined && wanted.code_url !== order.code_url) {
      show('refused', say('code_replaced'));
    } else {
      show('chosen', `${say('chosen')} ${yuan(order.total_fee)} · ${order.out_trade_no}`);
    }
  } catch {
    show('refused', say('offline'));
  }
  await refresh();
}

element('scan').addEventListener('submit', (event) => {
  event.preventDefault();
  scan(element('scan-text').value.trim());
});
for (const button of document.querySelectorAll('[data-advance]')) {
  button.addEventListener('click', async () => {
    try {
      await call('/sim/clock', { advance_s: Number(button.dataset.advance) });
    } finally {
      await refresh();
    }
  });
}

// One refresh at a time, and none while the page is hidden.
async function keepFresh() {
  if (!document.hidden) {
    await refresh();
  }
  setTimeout(keepFresh, REFRESH_MS);
}

const query = new URLSearchParams(location.search);
const given = query.get('code_url') ?? query.get('out_trade_no') ?? '';
element('scan-text').value = given;
scan(given).finally(keepFresh);
