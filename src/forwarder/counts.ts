/** What a forwarder was asked for and has sent, over all its connections. */
export interface ForwarderCounts {
  /** Handshakes that succeeded. */
  connections: number;
  /** Handshakes that either side refused. */
  refusals: number;
  /** Connections that ended because the tracer broke the protocol. */
  faults: number;
  /** Requests for trace objects, and how many objects they asked for. */
  requests: number;
  objectsAsked: number;
  objectsSent: number;
  /** Bytes of replies with trace objects, without segment headers. */
  bytesSent: number;
  metricsRequests: number;
  dataPointRequests: number;
}

export function zeroCounts(): ForwarderCounts {
  return {
    connections: 0,
    refusals: 0,
    faults: 0,
    requests: 0,
    objectsAsked: 0,
    objectsSent: 0,
    bytesSent: 0,
    metricsRequests: 0,
    dataPointRequests: 0,
  };
}
