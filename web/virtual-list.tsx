import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface VirtualListProps {
  readonly label: string;
  readonly className: string;
  readonly rows: number;
  /** In pixels, the same for all rows. */
  readonly rowHeight: number;
  /** The titles of the columns, as row 1. */
  readonly header?: ComponentChildren;
  readonly row: (index: number) => ComponentChildren;
  /** Shown if there are no rows. */
  readonly empty: string;
  /** Called with the row that was clicked, or chosen by Enter. */
  readonly onOpen?: (index: number) => void;
  /** Scrolls to the last row when rows are added. */
  readonly follows?: boolean;
  /** Called when the user scrolls away from the last row. */
  readonly onLeaveEnd?: () => void;
}

/** A list of rows of the same height; only visible ones are in the document. Arrow keys select one. */
export function VirtualList(props: VirtualListProps) {
  const {
    label,
    className,
    rows,
    rowHeight,
    header,
    row,
    empty,
    onOpen,
    follows = false,
    onLeaveEnd,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(600);
  /** Where it is scrolled to; the state only draws it again. */
  const scrolledTo = useRef(0);
  const [, setScrolledTo] = useState(0);
  const [active, setActive] = useState(-1);
  const id = useRef(`list-${Math.random().toString(36).slice(2)}`).current;

  useEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = rows * rowHeight;
  });

  // At the end without waiting for the scroll event, so that each change is drawn once.
  const top = follows ? Math.max(0, rows * rowHeight - height) : scrolledTo.current;
  const first = Math.max(0, Math.floor(top / rowHeight) - 5);
  const last = Math.min(rows, Math.ceil((top + height) / rowHeight) + 5);

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
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
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
    const { scrollTop } = box.current!;
    // Only a user scrolls up: added rows scroll down.
    if (scrollTop < scrolledTo.current && scrollTop + height < (rows - 1) * rowHeight) onLeaveEnd?.();
    scrolledTo.current = scrollTop;
    if (!follows) setScrolledTo(scrollTop);
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
        {rows === 0 && (
          <div role="row" class="empty quiet">
            <span role="gridcell">{empty}</span>
          </div>
        )}
        <div class="spacer" role="presentation" style={{ height: `${rows * rowHeight}px` }}>
          {shown.map((index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys for its rows
            <div
              // Elements are used again: with many rows a second, new ones would cost more than all else.
              key={index % shown.length}
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
