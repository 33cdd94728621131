import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { eventually } from "../../src/testing/eventually.js";
import { certificateFile } from "../transport/certificates.js";
import { freePort, type Workplace } from "./daemon.js";

const host = "127.0.0.1";

export const missingNginx = missing("nginx", "-v", "nginx-light");
export const missingTinyproxy = missing("tinyproxy", "-v", "tinyproxy");

function missing(program: string, flag: string, packageName: string): string | undefined {
  const isThere = spawnSync(program, [flag]).status === 0;
  return isThere ? undefined : `${program} is not on PATH (Debian: ${packageName})`;
}

interface Proxy extends AsyncDisposable {
  readonly port: number;
}

/** A real nginx that ends TLS and passes `/nodes` on to a port of this machine. */
export async function nginx(place: Workplace, upstream: number): Promise<Proxy> {
  const port = await freePort(host);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  await writeFile(
    place.path("nginx.conf"),
    `daemon off; master_process off; worker_processes 1; pid ${place.path("nginx.pid")}; error_log ${place.path("nginx.log")};
     events { worker_connections 256; }
     http {
       access_log off;
       ${temporary.map((name) => `${name}_temp_path ${place.path(`nginx-${name}`)};`).join("\n")}
       server {
         listen ${host}:${port} ssl;
         ssl_certificate ${certificateFile("server")};
         ssl_certificate_key ${certificateFile("server-key")};
         location /nodes {
           proxy_pass http://${host}:${upstream};
           proxy_http_version 1.1;
           proxy_set_header Upgrade $http_upgrade;
           proxy_set_header Connection upgrade;
           proxy_read_timeout 120s;
         }
       }
     }`,
  );
  return started(port, "nginx", [
    "-c",
    place.path("nginx.conf"),
    "-p",
    place.directory,
    "-e",
    place.path("nginx.log"),
  ]);
}

/** A real proxy that accepts CONNECT, and logs each one. */
export async function tinyproxy(place: Workplace): Promise<Proxy & { readonly logFile: string }> {
  const port = await freePort(host);
  const logFile = place.path("tinyproxy.log");
  await writeFile(
    place.path("tinyproxy.conf"),
    `Port ${port}\nListen ${host}\nTimeout 600\nAllow ${host}\nLogFile "${logFile}"\nLogLevel Connect\nMaxClients 20\n`,
  );
  const proxy = await started(port, "tinyproxy", ["-d", "-c", place.path("tinyproxy.conf")]);
  return Object.assign(proxy, { logFile });
}

async function started(port: number, program: string, args: readonly string[]): Promise<Proxy> {
  const child = spawn(program, args, { stdio: "ignore" });
  const over = once(child, "close");
  await eventually(async () => {
    const socket = connect(port, host);
    await once(socket, "connect");
    socket.destroy();
  });
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await over;
    },
  };
}
