import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

const shown = new WeakMap<Element, (isInSight: boolean) => void>();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) shown.get(target)?.(isIntersecting);
});

/** Whether any part of an element is in the window. Of thousands, most are not. */
export function useInSight(element: RefObject<Element | null>): boolean {
  const [isInSight, setInSight] = useState(false);
  useEffect(() => {
    const target = element.current!;
    shown.set(target, setInSight);
    observer.observe(target);
    return () => observer.unobserve(target);
  }, []);
  return isInSight;
}
