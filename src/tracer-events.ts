import { dirname } from "node:path";
import type { Log } from "./daemon/log/log.js";
import type { HealthOptions } from "./health/open-health.js";
import type { ConnectionEnd, OwnEvents } from "./metrics/own/events.js";
import { remoteAddressOf } from "./nodes/remote-address.js";
import type { SessionEnd } from "./nodes/session-host.js";
import type { SessionObserver } from "./nodes/sessions.js";
import type { RegistryObserver } from "./registry/registry-observer.js";
import type { RouterObserver } from "./sinks/router.js";
import { RateLimitedLines, times } from "./text/rate-limited-lines.js";
import { formatAddress } from "./transport/address.js";
import type { ConnectorObserver } from "./transport/connectors.js";
import type { ListenOptions, Refusal } from "./transport/links/link.js";

/** Lines a minute about connects and disconnects of a node, before one line represents several events. */
const connectLineBurst = 5;

/** Logs what happens to connections, and counts it where that is useful. */
export function sessionEvents(log: Log, own: OwnEvents): SessionObserver {
  // Any peer that may connect can cause these as often as it likes.
  const faults = new RateLimitedLines();
  const connects = new RateLimitedLines({ burst: connectLineBurst });
  return {
    metricsRefused: (reason, count) => own.metricsRefused(reason, count),
    connected: ({ id, peer }) =>
      log.debug("connection_opened", `${id} completed the handshake`, { connection: id, peer }),
    named: (connection, { name, directory, slug }) => {
      const { id, peer } = connection;
      const facts = { node: name, connection: id, peer, directory, slug };
      connects.say("connected", `${remoteAddressOf(connection)} ${name}`, (count) =>
        log.info("node_connected", `node ${name} is connected${times(count)}`, facts),
      );
    },
    clashed: (connection, { name, directory, slug }, { wanted, of, holder, tracer }) => {
      const { id, peer } = connection;
      const facts = { node: name, wanted: wanted.name, connection: id, peer, directory, slug };
      const sentence =
        of === "directory"
          ? tracer === undefined
            ? `node ${wanted.name} has the name of another connected node: it is called ${name} for now`
            : `another tracer (${tracer}) already writes logs for a node ${wanted.name}: this one is called ${name} for now`
          : `the pages of node ${name} are at /${slug}: /${wanted.slug} is ${holder === undefined ? "a route of Muninn's" : `node ${holder.name}`}`;
      faults.say("clash", `${remoteAddressOf(connection)} ${wanted.name}`, (count) =>
        log.warning("names_clash", `${sentence}${times(count)}`, facts),
      );
    },
    ended: (connection, end) => {
      const { id, peer } = connection;
      const { node, fault, handshakeDone } = end;
      const reason = endReason(end);
      own.connectionEnded(reason, { handshakeDone });
      const facts = { node: node?.name, connection: id, peer, reason };
      const address = remoteAddressOf(connection);
      const who = node === undefined ? `connection ${id} at ${peer}` : `node ${node.name}`;
      if (reason === "probe") {
        log.debug("connection_probed", `${peer} connected and left without sending a byte`, facts);
      } else if (fault !== undefined) {
        const { say, more } = severityOf(reason, fault);
        faults.say(reason, address, (count) =>
          say("connection_failed", `${who} was disconnected: ${fault.message}${times(count)}`, {
            ...facts,
            ...more,
          }),
        );
      } else if (reason === "left-mid-reply") {
        faults.say(reason, address, (count) =>
          log.warning("connection_cut", `${who} left in the middle of a reply${times(count)}`, facts),
        );
      } else {
        connects.say(reason, `${address} ${node?.name}`, (count) =>
          log.info("node_disconnected", `${who} has left${times(count)}`, facts),
        );
      }
    },
  };

  function severityOf(reason: ConnectionEnd, { cause }: Error) {
    if (reason === "internal-error") return { say: log.error, more: { err: cause } };
    return { say: reason === "closed-by-us" ? log.info : log.warning, more: {} };
  }
}

function endReason({ fault, midReply }: SessionEnd): ConnectionEnd {
  if (fault === undefined) return midReply ? "left-mid-reply" : "left";
  const { fault: facts } = fault;
  return facts.code === "handshake-refused" ? `refused-by-${facts.by}` : facts.code;
}

/** Logs what happens to targets that we connect to. */
export function connectorEvents(log: Log): ConnectorObserver {
  return {
    unreachable: (address, err) =>
      log.notice(
        "target_unreachable",
        `cannot connect to ${formatAddress(address)}, retrying: ${err.message}`,
        {
          address: formatAddress(address),
          code: err.code,
        },
      ),
  };
}

/** Logs peers that a link has refused: one line a minute for each address and reason, with their number. */
export function refusalEvents(log: Log, own: OwnEvents, link: string): (refusal: Refusal) => void {
  const lines = new RateLimitedLines();
  return ({ reason, host, detail }) => {
    own.linkRefused(reason);
    const why = refusalWords[reason] + (detail === undefined ? "" : ` (${detail})`);
    lines.say(reason, host, (count) =>
      log.warning("link_refused", `${host} was refused at ${link}: ${why}${times(count)}`, {
        link,
        host,
        reason,
        detail,
        count,
      }),
    );
  };
}

const refusalWords: Readonly<Record<Refusal["reason"], string>> = {
  tls: "the TLS handshake failed",
  certificate: "its certificate matches no rule in access",
  token: "it showed no token, or a wrong one",
  path: "it asked for a wrong path",
  "not-websocket": "it does not speak WebSocket",
  timeout: "it took too long to authenticate",
  "must-wait": "its address was refused ten times within a minute, and must wait for a minute",
  "too-many": "too many connections from its address are still being authenticated",
};

/** Logs what was done for a socket file without being asked for explicitly. */
export function socketFileEvents(log: Log): Pick<ListenOptions, "onDirectoryMade" | "onModeNarrowed"> {
  return {
    onDirectoryMade: (directory) =>
      log.notice("socket_directory_made", `directory ${directory} was missing and has been created`, {
        directory,
      }),
    onModeNarrowed: (path) =>
      log.warning(
        "socket_mode_narrowed",
        `only owner and group may connect to ${path}, although the umask would allow everybody: ` +
          "set muninn.socketMode if others must connect",
        { path },
      ),
  };
}

/** Logs that there are too many connections: at once, and then at most once a minute with their number. */
export function tooManyEvents(log: Log, own: OwnEvents): (limit: number) => void {
  const lines = new RateLimitedLines();
  return (limit) => {
    own.connectionRefused();
    lines.say("too-many", "", (count) =>
      log.warning("connections_turned_away", `${count} connections refused: ${limit} are already open`, {
        count,
        limit,
      }),
    );
  };
}

/** Logs what happens to files: one line when a fault begins and one when it ends, not one for each attempt. */
export function registryEvents(log: Log): RegistryObserver {
  // An unstable disk causes this for the logs of thousands of nodes, and so can anybody who may write in a root.
  const lines = new RateLimitedLines({ burst: connectLineBurst });
  return {
    faultBegan: ({ log: { directory }, severity, operation, path, error }) => {
      const facts = { directory, operation, path, code: error.code };
      lines.say(`${severity} began`, directory, (count) => {
        if (severity === "failing") {
          log.error(
            "write_failed",
            `${operation} ${path} failed, retrying: ${error.message}${times(count)}`,
            facts,
          );
        } else {
          log.warning(
            "rotation_failed",
            `no new file can be created for ${directory}, so writing continues in the full one, retrying: ${error.message}${times(count)}`,
            facts,
          );
        }
      });
    },
    faultOver: ({ log: { directory }, severity, path, since }) =>
      lines.say(`${severity} over`, directory, (count) =>
        severity === "failing"
          ? log.notice("write_recovered", `${path} is written again; nothing was lost${times(count)}`, {
              directory,
              path,
              since: new Date(since).toISOString(),
            })
          : log.notice("rotation_recovered", `a new file was created for ${directory}${times(count)}`, {
              directory,
              since: new Date(since).toISOString(),
            }),
      ),
    rotated: (_, path) => log.debug("log_rotated", `${path} is started`, { path }),
    vanished: (path, how) =>
      lines.say("vanished", dirname(path), (count) =>
        log.warning(
          "log_vanished",
          `${path} was ${how} by another process; a new file is started${times(count)}`,
          { path, how },
        ),
      ),
    tornClosed: (path) =>
      lines.say("torn", dirname(path), (count) =>
        log.warning(
          "torn_line_closed",
          `the last line of ${path} was torn when its writer was killed${times(count)}`,
          { path },
        ),
      ),
    linkBlocked: ({ directory, extension }, { code, message }) =>
      lines.say("link", directory, (count) =>
        log.warning(
          "link_blocked",
          `node.${extension} of ${directory} cannot be set: ${message}${times(count)}`,
          { directory, extension, code },
        ),
      ),
    expired: (path) => log.debug("log_expired", `${path} was too old and has been deleted`, { path }),
    expiryFailed: (root, err) =>
      log.error("expiry_failed", `old files below ${root} cannot be deleted: ${err.message}`, {
        root,
        code: err.code,
      }),
    filesFromFuture: (root, count, latest) =>
      log.warning(
        "files_from_future",
        count === 1
          ? `${latest} is from the future: check the clock`
          : `${count} files below ${root} are from the future, the latest is ${latest}: check the clock`,
        { root, count, latest },
      ),
    diskReplaced: (root) =>
      log.notice("disk_replaced", `another disk is mounted at ${root} and is used from now on`, { root }),
    claimAwaited: (root, { pid, identity, since }, milliseconds) =>
      lines.say("awaited", root, (count) =>
        log.notice(
          "claim_awaited",
          `waiting at most ${Math.ceil(milliseconds / 1_000)} s to see whether another machine's tracer (process ${pid}, since ${since}) still writes below ${root}${times(count)}`,
          { root, pid, identity, since },
        ),
      ),
    claimsCrowded: (root, files) =>
      lines.say("crowd", root, (count) =>
        log.warning(
          "claims_crowded",
          `${files} files claim to be of other tracers below ${root}: not all of them are looked at. Find out who writes in ${root}/.muninn${times(count)}`,
          { root, files },
        ),
      ),
    directoriesUnguarded: () =>
      log.warning(
        "directories_unguarded",
        "without /proc, a user who may write in a logRoot can redirect Muninn with links; let no other user write there",
      ),
    workingSetTooLarge: (maxOpenFiles) =>
      log.warning(
        "handles_short",
        `more logs are being written than the ${maxOpenFiles} files that may be open: files are constantly opened and closed. ` +
          "Raise muninn.registry.maxOpenFiles, or the process's limit of open files",
        { maxOpenFiles },
      ),
  };
}

/** Logs errors in Muninn that a sink ran into: the first with its stack, then one line a minute with their count. */
export function sinkFailureEvents(log: Log): RouterObserver["failed"] {
  const lines = new RateLimitedLines();
  return ({ name }, err) => {
    const message = err instanceof Error ? err.message : String(err);
    lines.say("sink-failed", name, (errors) =>
      log.error("sink_failed", `an error in Muninn: sink ${name} failed: ${message}`, {
        sink: name,
        errors,
        err,
      }),
    );
  };
}

/** Logs checks that change their state, except those of sinks, which have their own lines with what failed. */
export function healthEvents(log: Log): NonNullable<HealthOptions["onChange"]> {
  // Peers that connect, leave and ask for health decide how often `nodes` changes.
  const lines = new RateLimitedLines({ burst: connectLineBurst });
  return ({ name, state, reason, action }) => {
    const facts = { check: name, state, reason, action };
    lines.say(state, name, (count) => {
      if (state === "ok") log.notice("health_changed", `${name} is ok again${times(count)}`, facts);
      else if (state === "degraded")
        log.notice("health_changed", `${name} is degraded: ${reason}${times(count)}`, facts);
      else log.error("health_changed", `${name} is failing: ${reason}${times(count)}`, facts);
    });
  };
}
