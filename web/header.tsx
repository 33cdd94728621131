import type { HealthCheck } from "../src/health/health-report.js";
import { bytes, count, counted, rate } from "./format.js";
import { Moment } from "./moment.js";
import { place } from "./place.js";
import { droppedInAll, overview, rateOfAll, receivedInAll, trouble } from "./tracer.js";

const views = [
  { view: "overview", address: "#/", name: "Overview" },
  { view: "live", address: "#/live", name: "Live traces" },
  { view: "files", address: "#/files", name: "Files" },
] as const;

/** At the top of every view: navigation, the tracer's health, and its totals. */
export function Header() {
  const { view } = place.value;
  return (
    <header>
      <a class="brand" href="#/">
        Muninn <span class="quiet">{overview.value?.version}</span>
      </a>
      <nav aria-label="Views">
        {views.map((each) => (
          <a
            key={each.view}
            href={each.address}
            {...(each.view === view && { "aria-current": "page" as const })}
          >
            {each.name}
          </a>
        ))}
      </nav>
      <Health />
      <Totals />
      <Connection />
    </header>
  );
}

/** Whether the page is up to date. */
function Connection() {
  const { value } = overview;
  if (trouble.value === undefined)
    return (
      <p class="state quiet" role="status">
        {value === undefined ? "connecting …" : "live"}
      </p>
    );
  return (
    <p class="state failing" role="status">
      {trouble.value}
      {value !== undefined && (
        <>
          ; this is the state of <Moment at={value.at} />
        </>
      )}
    </p>
  );
}

function Health() {
  const health = overview.value?.health;
  if (health === undefined) return null;
  const problems = health.checks.filter(({ state }) => state !== "ok");
  return (
    <details class="health">
      <summary class={health.status}>
        {health.status === "ok" ? "healthy" : `${health.status}: ${counted(problems.length, "problem")}`}
      </summary>
      {problems.length === 0 ? (
        <p>All {count(health.checks.length)} checks are ok.</p>
      ) : (
        <ul>
          {problems.map((check) => (
            <li key={check.name}>
              <Problem check={check} />
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}

function Problem({ check }: { check: HealthCheck }) {
  return (
    <>
      <strong class={check.state}>
        {check.name}: {check.state}
      </strong>{" "}
      since <Moment at={check.since} />: {check.reason}. <em>{check.action}</em>
    </>
  );
}

function Totals() {
  const { value } = overview;
  if (value === undefined) return null;
  const connected = value.nodes.filter(({ isConnected }) => isConnected).length;
  const least = value.disks.toSorted((one, other) => one.availableBytes - other.availableBytes)[0];
  return (
    <dl class="totals">
      <Fact name="nodes" value={count(connected)} />
      <Fact name="rate" value={rate(rateOfAll.value)} />
      <Fact name="received" value={count(receivedInAll.value)} />
      <Fact
        name="dropped"
        value={count(droppedInAll.value)}
        {...(droppedInAll.value > 0 && { state: "failing" })}
      />
      {least !== undefined && <Fact name="disk free" value={bytes(least.availableBytes)} />}
      <Fact name="open files" value={`${count(value.handles.open)} of ${count(value.handles.most)}`} />
    </dl>
  );
}

function Fact({ name, value, state = "" }: { name: string; value: string; state?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={state}>{value}</dd>
    </div>
  );
}
