import type { Check } from "./check.js";
import { type ListenerView, listenerCheck, type TargetView, targetCheck } from "./door-checks.js";

/** Checks a link of `muninn.links`, listening or connecting. */
export type LinkView = ListenerView | TargetView;

export function linkCheck(view: LinkView): Check {
  const name = `link:${view.where}`;
  if ("isBound" in view) return { ...listenerCheck(view), name };
  const { find, ...check } = targetCheck(view);
  const action = "Start the node, or remove the link from `muninn.links`. Muninn keeps trying.";
  return {
    ...check,
    name,
    find: () => {
      const finding = find();
      return finding.state === "ok" ? finding : { ...finding, action };
    },
  };
}
