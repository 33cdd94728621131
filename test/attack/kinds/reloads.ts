import { copyFileSync } from "node:fs";
import { connect as connectTls } from "node:tls";
import { freePort, type Workplace } from "../../end-to-end/daemon.js";
import { certificateFile } from "../../transport/certificates.js";
import type { Attack } from "../attack.js";
import { withPeers } from "../hostile-peer.js";
import { expectServed } from "./http.js";
import { manyMetrics, seconds } from "./metrics.js";

const port = await freePort("127.0.0.1");
const metrics = manyMetrics(200, "some.metric.");

/** Another certificate in the place of the one that is served, and its key: for a moment they do not belong together. */
function rotated(place: Workplace, turn: number): void {
  const name = turn % 2 === 0 ? "server" : "renewed";
  copyFileSync(certificateFile(name), place.path("cert.pem"));
  copyFileSync(certificateFile(`${name}-key`), place.path("key.pem"));
}

/** Attacks during reloads of the configuration. */
export const reloads: readonly Attack[] = [
  {
    name: "endless reloads while nodes connect, send and leave",
    bounds: { logBytes: 8 * 1_048_576 },
    run: async ({ daemon, socket, pick }) => {
      let isOver = false;
      const reloading = (async () => {
        while (!isOver) {
          daemon.signal("SIGHUP");
          await seconds(0.005);
        }
      })();
      for (let round = 0; round < pick(3, 15); round += 1) {
        await withPeers(
          socket,
          pick(50, 600),
          (index) => ({ name: `reload-${index}`, metrics: () => metrics }),
          () => seconds(1),
        );
      }
      isOver = true;
      await reloading;
    },
    said: ["reloaded"],
  },
  {
    name: "certificates that are replaced during handshakes",
    prepare: (place) => {
      rotated(place, 0);
      return () => {};
    },
    config: {
      muninn: {
        links: [
          {
            listen: `tls://127.0.0.1:${port}`,
            access: "anyone",
            tls: { certificateFile: "cert.pem", certificateKeyFile: "key.pem" },
          },
        ],
      },
    },
    bounds: { logBytes: 8 * 1_048_576 },
    run: async ({ daemon, place, prometheus, pick }) => {
      const until = performance.now() + pick(4, 20) * 1_000;
      const shakeHands = async (localAddress: string) => {
        while (performance.now() < until) {
          const peer = connectTls({
            host: "127.0.0.1",
            port,
            localAddress,
            rejectUnauthorized: false,
          } as object);
          await new Promise<void>((resolve) => {
            peer
              .once("secureConnect", () => resolve())
              .on("error", () => {})
              .once("close", () => resolve());
          });
          peer.destroy();
        }
      };
      const peers = Array.from({ length: pick(8, 40) }, (_, index) => shakeHands(`127.0.4.${index + 1}`));
      for (let turn = 1; performance.now() < until; turn += 1) {
        rotated(place, turn);
        daemon.signal("SIGHUP");
        await seconds(0.02);
      }
      await Promise.all(peers);
      rotated(place, 0);
      const from = daemon.log.length;
      daemon.signal("SIGHUP");
      await daemon.logged("reloaded", (line) => daemon.log.indexOf(line) >= from);
      await expectServed(prometheus);
    },
    said: ["reloaded"],
  },
];
