import type { DetailLevel, Severity } from "../protocol/trace-batch.js";

/** A kind of trace that nodes send, with the shape of its data. */
export interface TraceTemplate {
  readonly namespace: string;
  readonly severity: Severity;
  readonly details: DetailLevel;
  readonly data: Readonly<Record<string, unknown>>;
  /** What the node would print for people; most kinds have nothing. */
  readonly human?: string;
}

const block = "3d6a3f1e8f4c0b7c9a5de1827364556f0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/** The kinds seen most on a syncing relay and a block producer, with made-up data of the usual size. */
export const traceTemplates: readonly TraceTemplate[] = [
  {
    namespace: "ChainDB.AddBlockEvent.AddedToCurrentChain",
    severity: "Notice",
    details: "DNormal",
    data: {
      headers: [{ blockNo: "11403321", hash: block, kind: "ShelleyBlock", slotNo: "148821130" }],
      kind: "AddedToCurrentChain",
      newTipSelectView: { chainLength: 11403321, issueNo: 7, kind: "PraosChainSelectView" },
      newtip: `${block}@148821130`,
    },
    human: `Chain extended, new tip: ${block} at slot 148821130`,
  },
  {
    namespace: "BlockFetch.Client.CompletedBlockFetch",
    severity: "Info",
    details: "DNormal",
    data: {
      block,
      delay: 0.3241,
      kind: "CompletedBlockFetch",
      peer: { connectionId: "10.0.0.7:3001 10.0.1.9:3001" },
      size: 21034,
    },
  },
  {
    namespace: "ChainSync.Client.DownloadedHeader",
    severity: "Info",
    details: "DNormal",
    data: {
      block,
      blockNo: 11403321,
      kind: "DownloadedHeader",
      peer: { connectionId: "10.0.0.7:3001 10.0.1.9:3001" },
      slot: 148821130,
    },
  },
  {
    namespace: "Mempool.AddedTx",
    severity: "Info",
    details: "DNormal",
    data: {
      kind: "TraceMempoolAddedTx",
      mempoolSize: { bytes: 16132, numTxs: 9 },
      tx: { txid: block.slice(0, 8) },
    },
  },
  {
    namespace: "Net.PeerSelection.Selection.PromoteWarmDone",
    severity: "Info",
    details: "DNormal",
    data: {
      active: 19,
      kind: "PromoteWarmDone",
      remotePeer: { address: "10.0.3.44", port: "3001" },
      targetActive: 20,
    },
  },
  {
    namespace: "Forge.Loop.NodeNotLeader",
    severity: "Info",
    details: "DNormal",
    data: { kind: "TraceNodeNotLeader", slot: 148821130 },
  },
  {
    namespace: "Resources",
    severity: "Info",
    details: "DDetailed",
    data: {
      Alloc: 8331312312,
      CentiCpu: 97512,
      FsRd: 2981888,
      GcsMajor: 43,
      GcsMinor: 8812,
      Heap: 6442450944,
      Live: 2913040104,
      RSS: 7012212736,
      Threads: 71,
      kind: "ResourceStats",
    },
  },
  {
    namespace: "Net.ConnectionManager.Remote.ConnectError",
    severity: "Error",
    details: "DNormal",
    data: {
      kind: "ConnectError",
      reason: "Network.Socket.connect: <socket: 47>: does not exist (Connection refused)",
      remoteAddress: { address: "10.0.8.1", port: "3001" },
    },
    human: "Cannot connect to 10.0.8.1:3001\nconnection refused",
  },
];
