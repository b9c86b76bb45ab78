"""What a program with stomp.py does to a broker, in one protocol version.

Arguments: host, port, login, passcode, version. Prints a line for each thing that worked; ends with a
traceback at the first that did not.
"""

import faulthandler
import queue
import sys
import time
import uuid

import stomp

PATIENCE = 20
HOST, PORT, LOGIN, PASSCODE, VERSION = sys.argv[1:]
CLASSES = {
    "1.0": stomp.Connection10,
    "1.1": stomp.Connection11,
    "1.2": stomp.Connection12,
}
# A queue that nobody uses goes by itself.
GOES = {"x-expires": "60000"}
TEXT = "龙井茶 a:b\\c\nd"
BINARY = b"\x00\xff\xfe\n\x00\r\n\x80"


class Heard(stomp.ConnectionListener):
    """Frames and the end, as they come; heart-beats apart."""

    def __init__(self):
        self.events = queue.Queue()
        self.kept = []
        self.beats = queue.Queue()

    def on_connected(self, frame):
        self.events.put(("CONNECTED", frame))

    def on_message(self, frame):
        self.events.put(("MESSAGE", frame))

    def on_receipt(self, frame):
        self.events.put(("RECEIPT", frame))

    def on_error(self, frame):
        self.events.put(("ERROR", frame))

    def on_disconnected(self):
        self.events.put(("END", None))

    def on_heartbeat(self):
        self.beats.put(None)

    def next(self, *kinds):
        """The next of a kind. Between messages and receipts there is no order, so the others are kept."""
        for event in self.kept:
            if event[0] in kinds:
                self.kept.remove(event)
                return event
        while True:
            event = self.events.get(timeout=PATIENCE)
            if event[0] in kinds:
                return event
            assert event[0] in ("MESSAGE", "RECEIPT"), f"{event} and not {kinds}"
            self.kept.append(event)

    def frame(self, kind):
        return self.next(kind)[1]


def opened(**more):
    # Without a virtual host it would name the machine it connects to.
    more |= {} if VERSION == "1.0" else {"vhost": "/"}
    return CLASSES[VERSION]([(HOST, int(PORT))], **more)


class Client:
    def __init__(self, beats=(0, 0)):
        more = {} if VERSION == "1.0" else {"heartbeats": beats}
        self.stomp = opened(auto_decode=False, **more)
        self.heard = Heard()
        self.stomp.set_listener("", self.heard)
        self.stomp.connect(LOGIN, PASSCODE, wait=True)
        assert self.heard.frame("CONNECTED").headers["version"] == VERSION

    def receipt(self, wanted):
        got = self.heard.frame("RECEIPT").headers["receipt-id"]
        assert got == wanted, f"{got} and not {wanted}"

    def send(self, destination, body, **headers):
        receipt = uuid.uuid4().hex
        self.stomp.send(destination, body, headers={**GOES, "receipt": receipt, **headers})
        if "transaction" not in headers:
            self.receipt(receipt)
        return receipt

    def subscribe(self, destination, ack="auto", **headers):
        self.stomp.subscribe(destination, "s", ack, headers={**GOES, "receipt": "sub", **headers})
        self.receipt("sub")

    def message(self):
        return self.heard.frame("MESSAGE")

    def bodies(self, count):
        return [self.message().body for _ in range(count)]

    def answer(self, name, frame):
        """ACK or NACK, by what the version calls a message."""
        method = getattr(self.stomp, name)
        headers = frame.headers
        if VERSION == "1.2":
            method(headers["ack"])
        elif VERSION == "1.1":
            method(headers["message-id"], headers["subscription"])
        else:
            method(headers["message-id"])

    def leave(self):
        self.stomp.disconnect(receipt="bye")
        # It tells of the end as soon as the receipt came, and of the receipt after that or before.
        ends = {kind for kind, _ in [self.heard.next("RECEIPT", "END") for _ in range(2)]}
        assert ends == {"RECEIPT", "END"}, ends
        assert not self.heard.kept, self.heard.kept


def fresh():
    return f"/queue/stomp-py-{uuid.uuid4().hex}"


def left(destination, expected):
    """What another client finds in a queue, where something has come back to."""
    client = Client()
    client.subscribe(destination)
    assert sorted(client.bodies(len(expected))) == expected
    client.send(destination, b"last")
    assert client.bodies(1) == [b"last"]
    client.leave()


def receipts_and_bodies():
    client = Client()
    destination = fresh()
    for body in [TEXT.encode(), BINARY, b""]:
        client.send(destination, body, **{"content-type": "application/octet-stream"})
    client.subscribe(destination)
    assert client.bodies(3) == [TEXT.encode(), BINARY, b""]
    client.leave()


def headers():
    client = Client()
    destination = fresh()
    # What the version can say.
    value = {"1.0": "a:b 茶", "1.1": TEXT, "1.2": TEXT + "\r"}[VERSION]
    client.send(destination, b"x", **{"x-value": value})
    client.subscribe(destination)
    assert client.message().headers["x-value"] == value
    client.leave()


def auto():
    client = Client()
    destination = fresh()
    for body in [b"1", b"2"]:
        client.send(destination, body)
    client.subscribe(destination)
    assert client.bodies(2) == [b"1", b"2"]
    client.leave()
    client = Client()
    client.send(destination, b"3")
    client.subscribe(destination)
    assert client.bodies(1) == [b"3"]
    client.leave()


def acks(mode, expected):
    client = Client()
    destination = fresh()
    for body in [b"1", b"2", b"3"]:
        client.send(destination, body)
    client.subscribe(destination, mode)
    messages = [client.message() for _ in range(3)]
    client.answer("ack", messages[1])
    client.leave()
    left(destination, expected)


def client_mode():
    acks("client", [b"3"])


def client_individual():
    acks("client-individual", [b"1", b"3"])


def nack():
    client = Client()
    destination = fresh()
    client.send(destination, b"again")
    client.subscribe(destination, "client-individual")
    first = client.message()
    assert first.headers["redelivered"] == "false"
    client.answer("nack", first)
    second = client.message()
    assert (second.body, second.headers["redelivered"]) == (b"again", "true")
    client.answer("ack", second)
    client.leave()


def transactions():
    client = Client()
    destination = fresh()
    client.subscribe(destination)
    given_up = client.stomp.begin()
    client.send(destination, b"never", transaction=given_up)
    client.stomp.abort(given_up)
    kept = client.stomp.begin()
    receipt = client.send(destination, b"kept", transaction=kept)
    client.stomp.commit(kept)
    client.receipt(receipt)
    assert client.bodies(1) == [b"kept"]
    client.leave()


def unsubscribe():
    client = Client()
    destination = fresh()
    client.subscribe(destination)
    client.stomp.unsubscribe(id="s", receipt="un")
    client.receipt("un")
    # It would come before the goodbye.
    client.send(destination, b"to nobody")
    client.leave()


def error():
    client = Client()
    client.stomp.send("/exchange/there-is-none", b"x")
    frame = client.heard.frame("ERROR")
    assert frame.headers["message"] == "not_found"
    assert b"NOT_FOUND - no exchange 'there-is-none'" in frame.body
    client.heard.frame("END")


def wrong_passcode():
    client = opened()
    heard = Heard()
    client.set_listener("", heard)
    try:
        client.connect(LOGIN, "wrong", wait=True)
        raise AssertionError("it let us in")
    except stomp.exception.ConnectFailedException:
        assert heard.frame("ERROR").headers["message"] == "Bad CONNECT"
    client.disconnect()


def beats():
    client = Client((1000, 1000))
    # A broker that misses our beats gives up after two intervals.
    over = time.monotonic() + 3
    while time.monotonic() < over:
        client.heard.beats.get(timeout=PATIENCE)
    client.send(fresh(), b"still there")
    client.leave()


def main():
    faulthandler.dump_traceback_later(150, exit=True)
    scenarios = [
        receipts_and_bodies,
        headers,
        auto,
        client_mode,
        client_individual,
        transactions,
        unsubscribe,
        error,
        wrong_passcode,
    ]
    if VERSION != "1.0":
        # 1.0 has neither.
        scenarios += [nack, beats]
    for scenario in scenarios:
        scenario()
        print(scenario.__name__, flush=True)


main()
