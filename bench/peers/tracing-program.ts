import { readFileSync } from "node:fs";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { openForwarder } from "../../src/forwarder/library/entry.js";
import { networkMagic } from "../harness/load-plan.js";

// A program that traces as fast as its tracer allows, or this many messages a second, and prints the cost for its event
// loop: once to compile, then as often as it is told.

export interface TracingResult {
  readonly seconds: number;
  /** Processor time of the thread that runs the program's event loop. */
  readonly loopSeconds: number;
  /** Of all its threads. */
  readonly cpuSeconds: number;
}

/** Messages before the program's other work has its turn. */
const perTurn = 500;
/** Half of the forwarder's queue. */
const mostWaiting = 5_000;

const [way, address, count, rounds, perSecond] = [
  process.argv[2] as "forwarder" | "pino" | "pino/file" | "data",
  process.argv[3]!,
  Number(process.argv[4]),
  Number(process.argv[5]),
  Number(process.argv[6]),
];

/** About 250 bytes of JSON. */
const order = (id: number) => ({
  id,
  items: 3 + (id % 7),
  total: 12.5 * (1 + (id % 100)),
  customer: `customer-${id % 10_000}`,
  article: "a basket of apples from the orchard behind the house",
  isPaid: id % 2 === 0,
});

interface Way {
  trace(id: number): void;
  /** Resolves when there is room for more. */
  room(): Promise<void>;
  /** Resolves when everything was sent. */
  taken(): Promise<void>;
  stop(): Promise<void>;
}

function byForwarder(): Way {
  const forwarder = openForwarder({ name: "shop", address, magic: networkMagic });
  const below = async (waiting: number) => {
    while (forwarder.stats().queued > waiting) await pause(1);
  };
  return {
    trace: (id) => forwarder.trace({ namespace: "Shop.Order.Placed", data: order(id) }),
    room: () => below(mostWaiting),
    taken: () => below(0),
    stop: async () => {
      await forwarder.close({ deadlineMs: 30_000 });
      const { dropped, unusable } = forwarder.stats();
      if (dropped + unusable > 0) throw new Error(`${dropped} messages were dropped, ${unusable} unusable`);
    },
  };
}

function byPino(target: string, options: object): Way {
  const logger = pino({ name: "Shop.Order.Placed", transport: { target, options } });
  const taken = () =>
    new Promise<void>((resolve, reject) => logger.flush((error) => (error ? reject(error) : resolve())));
  return { trace: (id) => logger.info(order(id)), room: async () => {}, taken, stop: taken };
}

/** The cost of making the data, whoever traces it. */
function nothing(): Way {
  let made = 0;
  return {
    trace: (id) => {
      made += order(id).customer.length;
    },
    room: async () => {},
    taken: async () => {},
    stop: async () => {
      if (made === 0) throw new Error("nothing was made");
    },
  };
}

const ways = {
  forwarder: byForwarder,
  pino: () =>
    byPino(import.meta.resolve("muninn/pino"), {
      name: "shop",
      address,
      magic: networkMagic,
      flushMs: 60_000,
    }),
  "pino/file": () => byPino("pino/file", { destination: address }),
  data: nothing,
};

function loopSeconds(): number {
  const [busy] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return Number(busy) / 1e9;
}

const program = ways[way]();
const results: TracingResult[] = [];
for (let round = 0; round <= rounds; round += 1) {
  const [loop, cpu, start] = [loopSeconds(), process.cpuUsage(), performance.now()];
  for (let id = 0; id < count; id += 1) {
    program.trace(id);
    if (id % perTurn !== 0) continue;
    await nextTurn();
    await program.room();
    const aheadMs = (1_000 * id) / perSecond - (performance.now() - start);
    if (aheadMs > 1) await pause(aheadMs);
  }
  await program.taken();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  results.push({ seconds, loopSeconds: loopSeconds() - loop, cpuSeconds: (user + system) / 1e6 });
}
await program.stop();
process.stdout.write(JSON.stringify(results.slice(1)));
