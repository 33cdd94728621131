import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface VirtualListProps {
  readonly label: string;
  readonly className: string;
  readonly rows: number;
  /** In pixels, the same for all. */
  readonly rowHeight: number;
  /** Of columns, for screen readers; as row 1. */
  readonly header?: ComponentChildren;
  readonly row: (index: number) => ComponentChildren;
  /** The row that Enter or a click opens. */
  readonly onOpen?: (index: number) => void;
  /** Scrolls to the last row when rows come. */
  readonly follows?: boolean;
  /** The user scrolled away from the last row. */
  readonly onLeaveEnd?: () => void;
}

/** Rows of one height, of which only those in sight are in the page. Arrow keys choose one. */
export function VirtualList(props: VirtualListProps) {
  const { label, className, rows, rowHeight, header, row, onOpen, follows = false, onLeaveEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [active, setActive] = useState(-1);
  const id = useRef(`list-${Math.random().toString(36).slice(2)}`).current;

  useEffect(() => {
    const element = box.current!;
    const look = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = rows * rowHeight;
  });

  const first = Math.max(0, Math.floor(view.top / rowHeight) - 5);
  const last = Math.min(rows, Math.ceil((view.top + view.height) / rowHeight) + 5);

  const choose = (index: number) => {
    const chosen = Math.max(0, Math.min(rows - 1, index));
    setActive(chosen);
    const element = box.current!;
    const top = chosen * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows,
      End: rows,
    };
    const step = steps[event.key];
    if (step !== undefined && rows > 0) {
      event.preventDefault();
      if (step < 0) onLeaveEnd?.();
      choose((active === -1 ? first : active) + step);
    } else if (event.key === "Enter" && active >= 0 && active < rows) onOpen?.(active);
  };
  const onScroll = () => {
    const { scrollTop: top, clientHeight: height } = box.current!;
    // Who scrolls up wants to read; rows that come do not scroll up.
    if (top < view.top && top + height < (rows - 1) * rowHeight) onLeaveEnd?.();
    setView({ top, height });
  };

  const offset = header === undefined ? 1 : 2;
  const shown = Array.from({ length: Math.max(0, last - first) }, (_, place) => first + place);
  return (
    <div
      class={`list ${className}`}
      role="grid"
      aria-label={label}
      aria-rowcount={rows + offset - 1}
      aria-readonly="true"
    >
      {header !== undefined && (
        <div role="row" aria-rowindex={1} class="head">
          {header}
        </div>
      )}
      <div
        ref={box}
        class="rows"
        role="rowgroup"
        tabIndex={0}
        aria-label={label}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
        {...(active >= first && active < last && { "aria-activedescendant": `${id}-${active}` })}
      >
        <div class="spacer" role="presentation" style={{ height: `${rows * rowHeight}px` }}>
          {shown.map((index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys for its rows
            <div
              key={index}
              id={`${id}-${index}`}
              role="row"
              aria-rowindex={index + offset}
              aria-selected={index === active}
              class={index === active ? "row active" : "row"}
              style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
              onClick={() => {
                setActive(index);
                onOpen?.(index);
              }}
            >
              {row(index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
