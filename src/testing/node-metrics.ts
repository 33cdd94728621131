import type { MetricValue } from "../protocol/metrics.js";

/** How long a simulated node has been running, and since when. */
export interface NodeTime {
  readonly seconds: number;
  /** Seconds since 1970, UTC. */
  readonly startedAt: number;
}

/** The prefix of metrics' names in a node's default configuration. */
const prefix = "cardano.node.metrics.";

/** On mainnet Shelley began with this slot and epoch. */
const shelley = { slot: 4_492_800, epoch: 208, slotsAnEpoch: 432_000 };
const firstSlot = 148_821_130;
/** A block comes every 20 seconds on average. */
const secondsABlock = 20;
const mebibyte = 1_048_576;

type MetricOf = (time: NodeTime) => MetricValue;

const gauge = (value: (time: NodeTime) => number): MetricOf => {
  return (time) => ({ kind: "gauge", value: BigInt(Math.floor(value(time))) });
};
/** A counter that goes up by one in this many seconds. */
const every = (secondsEach: number): MetricOf => {
  return ({ seconds }) => ({ kind: "counter", value: BigInt(Math.floor(seconds / secondsEach)) });
};
/** Nodes send fractions as texts. */
const real = (value: (time: NodeTime) => number): MetricOf => {
  return (time) => ({ kind: "label", value: value(time).toFixed(5) });
};
/** A value that oscillates between 0 and 1. */
const wave = ({ seconds }: NodeTime, period: number) => (1 + Math.sin((2 * Math.PI * seconds) / period)) / 2;

const shelleySlots = ({ seconds }: NodeTime) => firstSlot + seconds - shelley.slot;

/** The metrics of a block producer of 2026 that dashboards show, the most used first. */
const metrics: readonly (readonly [name: string, of: MetricOf])[] = [
  ["blockNum_int", gauge(({ seconds }) => 11_403_321 + seconds / secondsABlock)],
  ["slotNum_int", gauge(({ seconds }) => firstSlot + seconds)],
  ["density_real", real((time) => 0.048 + 0.004 * wave(time, 600))],
  ["txsProcessedNum_counter", every(1 / 3)],
  ["txsInMempool_int", gauge((time) => 60 * wave(time, 45))],
  ["cardano_build_info", () => ({ kind: "label", value: '{version="10.5.1",revision="ca1ec278"} 1' })],
  ["epoch_int", gauge((time) => shelley.epoch + shelleySlots(time) / shelley.slotsAnEpoch)],
  ["slotInEpoch_int", gauge((time) => shelleySlots(time) % shelley.slotsAnEpoch)],
  ["mempoolBytes_int", gauge((time) => 90_000 * wave(time, 45))],
  ["remainingKESPeriods_int", gauge(() => 41)],
  ["currentKESPeriod_int", gauge(() => 21)],
  ["Forge_forged_counter", every(60)],
  ["Forge_adopted_counter", every(60)],
  ["Forge_node_is_leader_counter", every(60)],
  ["slotsMissed_int", gauge(({ seconds }) => seconds / 900)],
  ["forging_enabled_int", gauge(() => 1)],
  ["forks_counter", every(300)],
  ["served_block_counter", every(2)],
  ["blockfetchclient_blockdelay_real", real((time) => 0.2 + 0.6 * wave(time, 97))],
  ["blockfetchclient_blockdelay_cdfOne_real", real((time) => 0.93 + 0.02 * wave(time, 300))],
  ["blockfetchclient_blockdelay_cdfThree_real", real((time) => 0.97 + 0.02 * wave(time, 300))],
  ["blockfetchclient_blockdelay_cdfFive_real", real((time) => 0.99 + 0.01 * wave(time, 300))],
  ["peerSelection_Cold_int", gauge((time) => 80 + 20 * wave(time, 120))],
  ["peerSelection_Warm_int", gauge((time) => 30 + 10 * wave(time, 90))],
  ["peerSelection_Hot_int", gauge(() => 20)],
  ["connectionManager_inboundConns_int", gauge((time) => 12 + 6 * wave(time, 75))],
  ["connectionManager_outboundConns_int", gauge((time) => 50 + 4 * wave(time, 60))],
  ["connectionManager_duplexConns_int", gauge((time) => 9 + 3 * wave(time, 150))],
  ["RTS_gcLiveBytes_int", gauge((time) => 2_900 * mebibyte + 300 * mebibyte * wave(time, 80))],
  ["RTS_gcMajorNum_int", gauge(({ seconds }) => seconds / 80)],
  ["Mem_resident_int", gauge((time) => 6_700 * mebibyte + 400 * mebibyte * wave(time, 400))],
  ["utxoSize_int", gauge(({ seconds }) => 11_250_000 + seconds)],
  ["node_start_time_int", gauge(({ startedAt }) => startedAt)],
];

/** How many metrics of its own kinds a simulated node has. */
export const knownMetrics = metrics.length;

/** Of the metrics beyond the known ones, one in this many changes at each request; a busy node has some 300 in all. */
const changingEvery = 10;

/** The metric with this index, from 0: the known ones, then numbered ones. */
export function metricAt(index: number, time: NodeTime): [string, MetricValue] {
  const known = metrics[index];
  if (known !== undefined) return [`${prefix}${known[0]}`, known[1](time)];
  const turns = index % changingEvery === 0 ? Math.floor(time.seconds) % 10 : 0;
  return [`simulated.number${index}.int`, { kind: "gauge", value: BigInt(index * 1_000 + turns) }];
}
