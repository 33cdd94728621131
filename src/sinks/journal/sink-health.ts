import type { SinkHealth } from "../sink.js";
import type { SendFault } from "./journal-sender.js";
import type { RateLimit } from "./rate-limit.js";

const nothingLost =
  "Nothing is lost: batches are kept, their nodes are not asked for more, and sending is retried.";

const faults = {
  full: {
    reason: "does not read: its socket is full",
    action: "Check journald (systemctl status systemd-journald) and the disk below /var/log/journal.",
  },
  absent: {
    reason: "is absent",
    action: "Start journald (systemctl start systemd-journald).",
  },
  refused: {
    reason: "cannot be sent to",
    action:
      "Check the limits of this process: memory, open files, and its confinement (systemd, SELinux, AppArmor).",
  },
} as const satisfies Record<SendFault["kind"], { reason: string; action: string }>;

export function faultHealth({ kind, code, since }: SendFault, socketPath: string): SinkHealth {
  const { reason, action } = faults[kind];
  return {
    state: "failing",
    since,
    reason: `journald at ${socketPath} ${reason} (${code})`,
    action: `${action} ${nothingLost}`,
  };
}

export function rateLimitHealth({ unit, entries, intervalMs }: RateLimit, since: number): SinkHealth {
  return {
    state: "degraded",
    since,
    reason: `journald silently drops what ${unit} sends above about ${entries} entries in ${intervalMs / 1_000} s`,
    action: `Put LogRateLimitIntervalSec=1s and LogRateLimitBurst=1000000000 in ${unit} and restart it; 0 does not lift the limit.`,
  };
}
