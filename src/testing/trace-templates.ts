import type { DetailLevel, Severity } from "../protocol/trace-batch.js";

/** A kind of trace that nodes send, with the shape of its data. */
export interface TraceTemplate {
  readonly namespace: string;
  readonly severity: Severity;
  readonly details: DetailLevel;
  readonly data: Readonly<Record<string, unknown>>;
  /** The text that the node has for people; most kinds have none. */
  readonly human?: string;
}

const block = "3d6a3f1e8f4c0b7c9a5de1827364556f0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const peer = { connectionId: "10.0.0.7:3001 10.0.1.9:3001" };

/** Kinds that relays and block producers send, with the names and shapes of their data (node 10.x), and made-up values. */
export const traceTemplates: readonly TraceTemplate[] = [
  {
    namespace: "ChainDB.AddBlockEvent.AddedToCurrentChain",
    severity: "Notice",
    details: "DNormal",
    data: {
      kind: "AddedToCurrentChain",
      newTipSelectView: {
        chainLength: 11403321,
        issueNo: 7,
        issuerHash: "8f1d2c3b4a5968778695a4b3c2d1e0f0123456789abcdef012345678",
        kind: "PraosChainSelectView",
        slotNo: 148821130,
        tieBreakVRF: `${block}${block}`,
      },
      newtip: `${block}@148821130`,
    },
    human: `Chain extended, new tip: ${block} at slot 148821130`,
  },
  {
    namespace: "ChainSync.Client.DownloadedHeader",
    severity: "Info",
    details: "DNormal",
    data: { block, blockNo: 11403321, kind: "DownloadedHeader", peer, slot: 148821130 },
  },
  {
    namespace: "BlockFetch.Client.SendFetchRequest",
    severity: "Info",
    details: "DNormal",
    data: { head: block, kind: "SendFetchRequest", length: 1, peer },
  },
  {
    namespace: "BlockFetch.Client.CompletedBlockFetch",
    severity: "Info",
    details: "DNormal",
    data: { block, delay: 0.3241, kind: "CompletedBlockFetch", peer, size: 21034 },
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
    namespace: "Mempool.RemoveTxs",
    severity: "Info",
    details: "DNormal",
    data: {
      kind: "TraceMempoolRemoveTxs",
      mempoolSize: { bytes: 12480, numTxs: 7 },
      txs: [{ tx: { txid: block.slice(8, 16) } }, { tx: { txid: block.slice(16, 24) } }],
    },
  },
  {
    namespace: "Net.PeerSelection.Actions.StatusChanged",
    severity: "Info",
    details: "DNormal",
    data: {
      kind: "PeerStatusChanged",
      peerStatusChangeType: "ColdToWarm (Just 10.0.0.7:3001) 10.0.3.44:3001",
    },
  },
  {
    namespace: "Forge.Loop.StartLeadershipCheckPlus",
    severity: "Info",
    details: "DNormal",
    data: {
      chainDensity: 0.04978,
      delegMapSize: 1398112,
      kind: "TraceStartLeadershipCheck",
      slot: 148821130,
      utxoSize: 11250000,
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
      CentiBlkIO: 0,
      CentiCpu: 97512,
      CentiGC: 5100,
      CentiMut: 92100,
      FsRd: 2981888,
      FsWr: 4096000,
      GcsMajor: 43,
      GcsMinor: 8812,
      Heap: 6442450944,
      Live: 2913040104,
      NetRd: 0,
      NetWr: 0,
      RSS: 7012212736,
      Threads: 71,
      kind: "ResourceStats",
    },
  },
  {
    namespace: "Net.ConnectionManager.Remote.ConnectError",
    severity: "Info",
    details: "DNormal",
    data: {
      connectionId: {
        localAddress: { address: "0.0.0.0", port: "3001" },
        remoteAddress: { address: "10.0.8.1", port: "3001" },
      },
      kind: "ConnectError",
      reason: "Network.Socket.connect: <socket: 47>: does not exist (Connection refused)",
    },
  },
  {
    namespace: "Net.PeerSelection.Actions.ConnectionError",
    severity: "Error",
    details: "DNormal",
    data: {
      error: "Network.Socket.connect: <socket: 47>: does not exist (Connection refused)",
      kind: "AcquireConnectionError",
    },
    human: "Cannot connect to 10.0.8.1:3001\nconnection refused",
  },
];
