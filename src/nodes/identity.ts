/** What a node is to the rest of the program; fixed for the life of its connection once the name is known. */
export interface NodeIdentity {
  /** The connection's own id, such as `unix-1`; unique among the current connections. */
  readonly connectionId: string;
  /** The sanitised name, made unique among connected nodes; the label `node_name`. */
  readonly name: string;
  /** One path component: where the node's files live below each `logRoot`. */
  readonly directory: string;
  /** The path of its pages, such as `node-1`. */
  readonly slug: string;
}
