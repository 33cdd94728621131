import { computed, signal } from "@preact/signals";
import { severities } from "../src/protocol/trace-batch.js";
import type { NodeSummary } from "../src/ui/answers.js";
import { bytes, count, counted, rate } from "./format.js";
import { Moment } from "./moment.js";
import { isNarrow } from "./narrow.js";
import { nodeAddress } from "./place.js";
import { SearchBox } from "./search-box.js";
import { overview } from "./tracer.js";
import { VirtualList } from "./virtual-list.js";

const words = signal("");
/** Made once: to compare by a text's own means makes it anew for each pair. */
const byName = new Intl.Collator("en", { numeric: true });

const shown = computed(() => {
  const wanted = words.value.toLowerCase();
  return (overview.value?.nodes ?? [])
    .filter(
      ({ name, version = "" }) =>
        name.toLowerCase().includes(wanted) || version.toLowerCase().includes(wanted),
    )
    .toSorted((one, other) => byName.compare(one.name, other.name));
});

/** All nodes, and where the tracer puts their objects. */
export function OverviewView() {
  const { value } = overview;
  if (value === undefined) return <p>Loading …</p>;
  const nodes = shown.value;
  return (
    <>
      <div class="bar">
        <h1>Nodes</h1>
        <SearchBox
          what="nodes"
          words={words.value}
          onWords={(typed) => {
            words.value = typed;
          }}
        />
        <span class="quiet">{counted(nodes.length, "node")}</span>
      </div>
      {value.nodes.length === 0 ? (
        <p>No node has connected yet.</p>
      ) : (
        <VirtualList
          label="Nodes"
          className="nodes"
          rows={nodes.length}
          rowHeight={isNarrow.value ? 76 : 40}
          header={[
            "Node",
            "State",
            "Version",
            "Rate",
            "Last message",
            `Lines of the last ${value.minutes} min`,
          ].map((name) => (
            <span key={name} role="columnheader">
              {name}
            </span>
          ))}
          row={(index) => <NodeRow node={nodes[index]!} />}
          onOpen={(index) => {
            location.hash = nodeAddress(nodes[index]!.slug);
          }}
        />
      )}
      <Places />
    </>
  );
}

function NodeRow({ node }: { node: NodeSummary }) {
  return (
    <>
      <span role="gridcell" class="name">
        <a href={nodeAddress(node.slug)} title={node.name} tabIndex={-1}>
          {node.name}
        </a>
      </span>
      <span role="gridcell" class={node.isConnected ? "ok" : "quiet"}>
        {node.isConnected ? "connected" : "gone"}
      </span>
      <span role="gridcell" class="version" title={node.version}>
        {node.version}
      </span>
      <span role="gridcell" class="number">
        {rate(node.rate)}
      </span>
      <span role="gridcell">{node.lastAt === undefined ? "none yet" : <Moment at={node.lastAt} />}</span>
      <span role="gridcell">
        <Severities counts={node.bySeverity} />
      </span>
    </>
  );
}

/** All lines, and those that are worth a look. */
export function Severities({ counts }: { counts: readonly number[] }) {
  const worth = counts.slice(3);
  const sum = counts.reduce((all, each) => all + each, 0);
  return (
    <span class="severities">
      {count(sum)}
      {worth.map((each, index) => {
        const severity = severities[index + 3]!;
        return (
          each > 0 && (
            <span key={severity} class={`mark ${severity}`}>
              {count(each)} {severity}
            </span>
          )
        );
      })}
    </span>
  );
}

function Places() {
  const { totals, disks } = overview.value!;
  return (
    <div class="places">
      <table>
        <caption>Where objects go</caption>
        <thead>
          <tr>
            <th scope="col">Sink</th>
            <th scope="col">Received</th>
            <th scope="col">Written</th>
            <th scope="col">Dropped</th>
          </tr>
        </thead>
        <tbody>
          {totals.map(({ sink, received, written, dropped }) => (
            <tr key={sink}>
              <th scope="row">{sink}</th>
              <td>{count(received)}</td>
              <td>{count(written)}</td>
              <td class={dropped > 0 ? "failing" : ""}>{count(dropped)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {disks.length > 0 && (
        <table>
          <caption>Disks</caption>
          <thead>
            <tr>
              <th scope="col">Path</th>
              <th scope="col">Free</th>
              <th scope="col">Size</th>
            </tr>
          </thead>
          <tbody>
            {disks.map(({ path, availableBytes, sizeBytes }) => (
              <tr key={path}>
                <th scope="row">{path}</th>
                <td>{bytes(availableBytes)}</td>
                <td>{bytes(sizeBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
