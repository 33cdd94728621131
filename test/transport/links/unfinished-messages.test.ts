import { expect, test } from "vitest";
import { UnfinishedMessages } from "../../../src/transport/links/unfinished-messages.js";

const chunkBytes = 256;

function peers(messages: UnfinishedMessages, gone: string[]) {
  const peer = (name: string) => ({
    giveWay() {
      gone.push(name);
      messages.end(this);
    },
  });
  return { small: peer("small"), large: peer("large"), third: peer("third") };
}

test("where unfinished messages take too much, the largest gives way", () => {
  const messages = new UnfinishedMessages({ maxBytes: 10_000 });
  const gone: string[] = [];
  const { small, large, third } = peers(messages, gone);
  messages.grow(large, 6_000);
  messages.grow(small, 2_000);
  messages.grow(third, 10_000 - 8_000 - 3 * chunkBytes);
  expect(gone).toEqual([]);
  messages.grow(small, 1);
  expect(gone).toEqual(["large"]);
  messages.grow(small, 5_000);
  expect(gone).toEqual(["large"]);
});

test("a message that is whole takes nothing any more", () => {
  const messages = new UnfinishedMessages({ maxBytes: 10_000 });
  const gone: string[] = [];
  const { small } = peers(messages, gone);
  for (let message = 0; message < 10; message += 1) {
    messages.grow(small, 9_000);
    messages.end(small);
  }
  expect(gone).toEqual([]);
});

test("pings and pongs that come by themselves take nothing, those within a message do not hide it", () => {
  const messages = new UnfinishedMessages({ maxBytes: 10_000 });
  const gone: string[] = [];
  const { small, large } = peers(messages, gone);
  for (let sign = 0; sign < 1_000; sign += 1) {
    messages.grow(small, 6);
    messages.sign(small);
  }
  expect(gone).toEqual([]);
  for (let piece = 0; piece < 6; piece += 1) {
    messages.grow(large, 2_000);
    messages.sign(large);
  }
  expect(gone).toEqual(["large"]);
});
