import { useRef } from "preact/hooks";
import { useInSight } from "./in-sight.js";
import type { MetricPast } from "./metric-past.js";

/** Size of the drawing, in no unit: it is stretched to fit. */
const width = 180;
const height = 30;
/** Room above and below, so that the line is not cut. */
const margin = 2;
const spanMs = 180_000;

/** The last three minutes of a number, as a line without scales. */
export function Trend({ name, past }: { name: string; past: MetricPast }) {
  const picture = useRef<SVGSVGElement>(null);
  const isInSight = useInSight(picture);
  return (
    <svg
      ref={picture}
      class="trend"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {isInSight && <polyline points={lineOf(past, name)} />}
    </svg>
  );
}

function lineOf(past: MetricPast, name: string): string {
  const points = past.last(name, spanMs);
  const now = past.at.value;
  const values = points.map(([, value]) => value);
  const least = Math.min(...values);
  const most = Math.max(...values);
  const scale = most === least ? 0 : (height - 2 * margin) / (most - least);
  const ground = scale === 0 ? height / 2 : height - margin;
  return points
    .map(([at, value]) => {
      const x = Math.max(0, width - ((now - at) * width) / spanMs);
      return `${x.toFixed(1)},${(ground - (value - least) * scale).toFixed(1)}`;
    })
    .join(" ");
}
