import type { Log } from "./daemon/log/log.js";
import type { HealthOptions } from "./health/open-health.js";
import type { ConnectionEnd, OwnEvents } from "./metrics/own/events.js";
import type { SessionEnd } from "./nodes/session.js";
import type { SessionObserver } from "./nodes/sessions.js";
import type { RegistryObserver } from "./registry/registry-observer.js";
import type { RouterObserver } from "./sinks/router.js";
import { formatAddress } from "./transport/address.js";
import type { ConnectorObserver } from "./transport/connectors.js";
import type { ListenOptions } from "./transport/links/link.js";

/** What happens to connections, as lines of the log, and as counts where those are of use. */
export function sessionEvents(log: Log, own: OwnEvents): SessionObserver {
  return {
    connected: ({ id, peer }) =>
      log.debug("connection_opened", `${id} has shaken hands`, { connection: id, peer }),
    named: ({ id, peer }, { name, directory, slug }) =>
      log.info("node_connected", `node ${name} is connected`, {
        node: name,
        connection: id,
        peer,
        directory,
        slug,
      }),
    ended: ({ id, peer }, end) => {
      const { node, fault, shookHands } = end;
      const reason = endReason(end);
      own.connectionEnded(reason, { shookHands });
      const facts = { node: node?.name, connection: id, peer, reason };
      const who = node === undefined ? `connection ${id} at ${peer}` : `node ${node.name}`;
      if (fault !== undefined) {
        const say = reason === "closed-by-us" ? log.info : log.warning;
        say("connection_failed", `${who} was disconnected: ${fault.message}`, facts);
      } else if (reason === "left-mid-reply") {
        log.warning("connection_cut", `${who} left in the middle of a reply`, facts);
      } else {
        log.info("node_disconnected", `${who} has left`, facts);
      }
    },
  };
}

function endReason({ fault, midReply }: SessionEnd): ConnectionEnd {
  if (fault === undefined) return midReply ? "left-mid-reply" : "left";
  const { fault: facts } = fault;
  return facts.code === "handshake-refused" ? `refused-by-${facts.by}` : facts.code;
}

/** What happens to targets that we connect to. */
export function connectorEvents(log: Log): ConnectorObserver {
  return {
    unreachable: (address, err) =>
      log.notice(
        "target_unreachable",
        `cannot connect to ${formatAddress(address)}, trying on: ${err.message}`,
        {
          address: formatAddress(address),
          code: err.code,
        },
      ),
  };
}

/** What was done for a socket file that nobody asked for in so many words. */
export function socketFileEvents(log: Log): Pick<ListenOptions, "onDirectoryMade" | "onModeNarrowed"> {
  return {
    onDirectoryMade: (directory) =>
      log.notice("socket_directory_made", `directory ${directory} was missing and has been made`, {
        directory,
      }),
    onModeNarrowed: (path) =>
      log.warning(
        "socket_mode_narrowed",
        `only owner and group may connect to ${path}, though the umask would let everybody in: ` +
          "set muninn.socketMode where others must connect",
        { path },
      ),
  };
}

/** Says that there are too many connections: at once, and then at most once a minute with how many it were. */
export function turnedAwayEvents(log: Log, own: OwnEvents): (limit: number) => void {
  const quietMs = 60_000;
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (limit) => {
    unsaid += 1;
    own.connectionTurnedAway();
    if (performance.now() - saidAt < quietMs) return;
    saidAt = performance.now();
    log.warning("connections_turned_away", `${unsaid} connections turned away: ${limit} are there already`, {
      count: unsaid,
      limit,
    });
    unsaid = 0;
  };
}

/** What happens to files: one line when a fault begins and one when it is over, not one for each attempt. */
export function registryEvents(log: Log): RegistryObserver {
  return {
    faultBegan: ({ log: { directory }, operation, path, error }) =>
      log.error("write_failed", `${operation} ${path} failed, trying on: ${error.message}`, {
        directory,
        operation,
        path,
        code: error.code,
      }),
    faultOver: ({ log: { directory }, path, since }) =>
      log.notice("write_recovered", `${path} is written again; nothing was lost`, {
        directory,
        path,
        since: new Date(since).toISOString(),
      }),
    rotated: (_, path) => log.debug("log_rotated", `${path} is begun`, { path }),
    vanished: (path, how) =>
      log.warning("log_vanished", `${path} was ${how} by somebody else; a new file is begun`, { path, how }),
    tornClosed: (path) =>
      log.warning("torn_line_closed", `the last line of ${path} was torn when its writer was killed`, {
        path,
      }),
    linkBlocked: ({ directory, extension }, { code, message }) =>
      log.warning("link_blocked", `node.${extension} of ${directory} cannot be set: ${message}`, {
        directory,
        extension,
        code,
      }),
    expired: (path) => log.debug("log_expired", `${path} was too old and is deleted`, { path }),
    expiryFailed: (root, err) =>
      log.error("expiry_failed", `old files below ${root} cannot be deleted: ${err.message}`, {
        root,
        code: err.code,
      }),
    workingSetTooLarge: (maxOpenFiles) =>
      log.warning(
        "handles_short",
        `more logs are written than the ${maxOpenFiles} files that may be open: files are opened and closed all the time. ` +
          "Raise muninn.registry.maxOpenFiles, or the process's limit of open files",
        { maxOpenFiles },
      ),
  };
}

/** Errors in Muninn that a sink ran into: the first with its stack, then one line a minute with their count. */
export function sinkFailureEvents(log: Log): RouterObserver["failed"] {
  const quietMs = 60_000;
  const sinks = new Map<string, { saidAt: number; unsaid: number }>();
  return ({ name }, err) => {
    const state = sinks.get(name) ?? { saidAt: Number.NEGATIVE_INFINITY, unsaid: 0 };
    sinks.set(name, state);
    state.unsaid += 1;
    if (performance.now() - state.saidAt < quietMs) return;
    const message = err instanceof Error ? err.message : String(err);
    log.error("sink_failed", `an error in Muninn: sink ${name} failed and lost a batch: ${message}`, {
      sink: name,
      batches: state.unsaid,
      err,
    });
    state.saidAt = performance.now();
    state.unsaid = 0;
  };
}

/** Checks that change their state; those of sinks have lines of their own, with what failed. */
export function healthEvents(log: Log): NonNullable<HealthOptions["onChange"]> {
  return ({ name, state, reason, action }) => {
    const facts = { check: name, state, reason, action };
    if (state === "ok") log.notice("health_changed", `${name} is ok again`, facts);
    else if (state === "degraded") log.notice("health_changed", `${name} is degraded: ${reason}`, facts);
    else log.error("health_changed", `${name} is failing: ${reason}`, facts);
  };
}
