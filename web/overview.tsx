import { computed, signal } from "@preact/signals";
import { severities } from "../src/protocol/trace-batch.js";
import type { NodeSummary } from "../src/ui/answers.js";
import { bytes, count, counted, rate } from "./format.js";
import { Moment } from "./moment.js";
import { isNarrow } from "./narrow.js";
import { nextSorting, type OrderName, orderNames, orders, type Sorting, sorted } from "./node-order.js";
import { nodeAddress } from "./place.js";
import { SearchBox } from "./search-box.js";
import { overview } from "./tracer.js";
import { VirtualList } from "./virtual-list.js";

const words = signal("");
const sorting = signal<Sorting>({ by: "name", isDescending: false });

const shown = computed(() => {
  const wanted = words.value.toLowerCase();
  const nodes = (overview.value?.nodes ?? []).filter(
    ({ name, version = "" }) => name.toLowerCase().includes(wanted) || version.toLowerCase().includes(wanted),
  );
  return sorted(nodes, sorting.value);
});

/** All nodes, and where their objects go. */
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
        {isNarrow.value && <SortBox />}
        <span class="quiet" role="status">
          {nodes.length < value.nodes.length && `${count(nodes.length)} of `}
          {counted(value.nodes.length, "node")}
        </span>
      </div>
      {value.nodes.length === 0 ? (
        <p>No node has connected yet.</p>
      ) : (
        <VirtualList
          label="Nodes"
          className="nodes"
          rows={nodes.length}
          rowHeight={isNarrow.value ? 76 : 40}
          header={orderNames.map((by) => <ColumnHeader key={by} by={by} />)}
          row={(index) => <NodeRow node={nodes[index]!} />}
          empty="No node has that in its name or version."
          onOpen={(index) => {
            location.hash = nodeAddress(nodes[index]!.slug);
          }}
        />
      )}
      <Places />
    </>
  );
}

function titleOf(by: OrderName): string {
  return by === "severity" ? `Lines of the last ${overview.value!.minutes} min` : orders[by].title;
}

function sortBy(by: OrderName): void {
  sorting.value = nextSorting(sorting.value, by);
}

/** A column's title; a click sorts by it. */
function ColumnHeader({ by }: { by: OrderName }) {
  const { by: current, isDescending } = sorting.value;
  const isCurrent = by === current;
  return (
    <span
      role="columnheader"
      class={by}
      aria-sort={isCurrent ? (isDescending ? "descending" : "ascending") : "none"}
    >
      <button type="button" onClick={() => sortBy(by)}>
        {titleOf(by)} <span aria-hidden="true">{isCurrent ? (isDescending ? "▾" : "▴") : ""}</span>
      </button>
    </span>
  );
}

/** Sorts where there is no room for column titles. */
function SortBox() {
  return (
    <select
      aria-label="Sort nodes by"
      value={sorting.value.by}
      onChange={({ currentTarget }) => sortBy(currentTarget.value as OrderName)}
    >
      {orderNames.map((by) => (
        <option key={by} value={by}>
          {titleOf(by)}
        </option>
      ))}
    </select>
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
      <span role="gridcell" class={node.isConnected ? "state ok" : "state quiet"}>
        {node.isConnected ? "connected" : "gone"}
      </span>
      <span role="gridcell" class="version" title={node.version}>
        {node.version}
      </span>
      <span role="gridcell" class="rate number">
        {rate(node.rate)}
      </span>
      <span role="gridcell" class="lastAt">
        {node.lastAt === undefined ? "none yet" : <Moment at={node.lastAt} />}
      </span>
      <span role="gridcell" class="severity">
        <Severities counts={node.bySeverity} />
      </span>
    </>
  );
}

/** How many lines there were, and how many of them at least warnings. */
export function Severities({ counts }: { counts: readonly number[] }) {
  const worth = counts.slice(3);
  const sum = counts.reduce((all, each) => all + each, 0);
  return (
    <span class="severities">
      <span class="sum">{count(sum)}</span>
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
