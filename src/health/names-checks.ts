import { type Check, ok } from "./check.js";
import { someOf } from "./some-of.js";

/** A connected node, and, if it did not get the names it asked for, the reason. */
export interface NamedNode {
  readonly node: { readonly name: string; readonly slug: string };
  readonly clash?:
    | {
        /** Whether all its names have a suffix, or only its slug. */
        readonly of: "directory" | "slug";
        /** The node that has the names; absent if the slug is the path of one of our own pages. */
        readonly holder?: { readonly name: string } | undefined;
        /** Another tracer that writes its logs already, in words. */
        readonly tracer?: string | undefined;
      }
    | undefined;
}

/** Nodes that ask for the same name get a suffix, which dashboards and scripts do not expect. */
export function clashingNamesCheck(nodes: () => Iterable<NamedNode>): Check {
  return {
    name: "node-names",
    pages: "none",
    find: () => {
      const clashes: string[] = [];
      for (const { node, clash } of nodes()) {
        if (clash === undefined) continue;
        const { of, holder, tracer } = clash;
        const subject = of === "slug" ? `${node.name} is at /${node.slug}` : `a node is called ${node.name}`;
        clashes.push(`${subject}: ${causeOf(holder, tracer)}`);
      }
      if (clashes.length === 0) return ok;
      return {
        state: "degraded",
        reason: someOf(clashes),
        action: "Give each node a name of its own: `TraceOptionNodeName` in the node's configuration.",
      };
    },
  };
}

function causeOf(holder: { readonly name: string } | undefined, tracer: string | undefined): string {
  if (tracer !== undefined) return `another tracer (${tracer}) already writes logs under its name`;
  return holder === undefined ? "its path is one of Muninn's own" : `${holder.name} already has its name`;
}

/** An address that keeps bringing new names causes a directory for each. */
export function newNamesCheck(addresses: () => readonly string[]): Check {
  return {
    name: "new-names",
    pages: "none",
    find: () => {
      const found = addresses();
      if (found.length === 0) return ok;
      return {
        state: "degraded",
        reason: `too many nodes with new names connect from ${someOf(found)}; more are refused`,
        action: "Check who connects from there. Nodes whose directories exist are still accepted.",
      };
    },
  };
}
