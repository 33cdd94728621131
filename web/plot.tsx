import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { axisTimes } from "./format.js";

const height = 160;
/** Width of a character of an axis, and what there is beside its texts. */
const characterWidth = 7.5;
const axisRoom = 18;

export interface PlotProps {
  readonly label: string;
  /** Milliseconds since 1970, ascending, and the value then. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

/** A number over time. */
export function Plot(props: PlotProps) {
  if (props.points.length < 2) return <p class="quiet">Waiting for a second value to plot.</p>;
  return <Drawing {...props} />;
}

function Drawing({ label, points }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);

  useEffect(() => {
    const element = box.current!;
    const colour = getComputedStyle(element).color;
    const axis = {
      stroke: colour,
      grid: { stroke: "#8884", width: 1 },
      ticks: { stroke: "#8884", width: 1 },
    };
    plot.current = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        series: [{}, { stroke: colour, width: 1.5, points: { show: false } }],
        axes: [
          { ...axis, space: 70, size: 36, values: (_, ticks) => axisTimes(ticks) },
          {
            ...axis,
            size: (_, texts) => axisRoom + characterWidth * longest(texts),
            values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")),
          },
        ],
      },
      [[], []],
      element,
    );
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([points.map(([at]) => at / 1_000), points.map(([, value]) => value)]);
  }, [points]);

  return <div class="plot" ref={box} role="img" aria-label={describe(label, points)} />;
}

/** There are none before the first values. */
function longest(texts: readonly string[] | null): number {
  return Math.max(0, ...(texts ?? []).map(({ length }) => length));
}

function describe(label: string, points: PlotProps["points"]): string {
  const values = points.map(([, value]) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const minutes = Math.round((points.at(-1)![0] - points[0]![0]) / 60_000);
  return `${label} over ${minutes} min: from ${least.toLocaleString("en")} to ${most.toLocaleString("en")}, now ${values.at(-1)!.toLocaleString("en")}`;
}
