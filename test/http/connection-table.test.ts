import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, expect, test } from "vitest";
import { ConnectionTable } from "../../src/http/connection-table.js";

class FakeSocket extends EventEmitter {
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort: number;
  destroyed = false;

  constructor(remotePort: number) {
    super();
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

let table: ConnectionTable;
beforeEach(() => {
  table = new ConnectionTable({ places: 2, reserve: 1 });
});

function enter(remotePort: number, options: { busy?: boolean } = {}): FakeSocket {
  const socket = new FakeSocket(remotePort);
  table.enter(socket as unknown as Socket);
  if (options.busy) table.setBusy(table.of(socket)!, true);
  return socket;
}

test("the connection idle for longest is closed first, and a request makes it the last again", () => {
  const [first, second] = [enter(1), enter(2)];
  table.setBusy(table.of(first)!, true);
  table.setBusy(table.of(first)!, false);
  enter(3);
  expect([first.destroyed, second.destroyed]).toEqual([false, true]);
  expect(table).toMatchObject({ size: 2, refused: 0, isCrowded: false });
});

test("busy connections stay, a new one gets a reserved place, and one more is refused", () => {
  const busy = [enter(1, { busy: true }), enter(2, { busy: true }), enter(3, { busy: true })];
  expect(table.isCrowded).toBe(true);
  expect(enter(4).destroyed).toBe(true);
  expect(busy.every(({ destroyed }) => !destroyed)).toBe(true);
  expect(table).toMatchObject({ size: 3, refused: 1 });
});

test("a reserved place is free again as soon as its connection is idle", () => {
  enter(1, { busy: true });
  enter(2, { busy: true });
  const third = enter(3);
  expect(enter(4).destroyed).toBe(false);
  expect(third.destroyed).toBe(true);
});

test("a closed connection leaves nothing behind, whatever is reported about it later", () => {
  const socket = enter(1);
  const place = table.of(socket)!;
  socket.destroy();
  table.setBusy(place, true);
  table.setBusy(place, false);
  expect(table.size).toBe(0);
  const [second, third] = [enter(2), enter(3)];
  expect([second.destroyed, third.destroyed]).toEqual([false, false]);
});

test("another connection from the same port is not confused with the one before", () => {
  const before = enter(1);
  const place = table.of(before)!;
  before.destroy();
  const after = enter(1);
  table.setBusy(place, true);
  expect(table.of(after)!.isBusy).toBe(false);
  table.destroyAll();
  expect(after.destroyed).toBe(true);
});

test("if all are busy, the slowest may be ended for a new one, before it would be refused", () => {
  const busy: FakeSocket[] = [];
  table = new ConnectionTable({ places: 2, reserve: 1, onFull: () => busy.shift()?.destroy() });
  for (const port of [1, 2]) busy.push(enter(port, { busy: true }));
  const next = [3, 4].map((port) => enter(port, { busy: true }));
  expect(next.map(({ destroyed }) => destroyed)).toEqual([false, false]);
  expect(table).toMatchObject({ size: 2, refused: 0 });
});
