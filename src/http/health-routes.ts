import type { HealthReport, HealthSource } from "../health/health-report.js";
import { type Answer, jsonAnswer } from "./answer.js";

/** The paths that are always answered, under any load. */
export function isHealthPath(path: string): boolean {
  return path === "/livez" || path === "/readyz" || path === "/healthz";
}

/** `/livez`, `/readyz` and `/healthz`: the report as JSON, with status 503 if it is failing. */
export function healthRoute(path: string, source: HealthSource): Answer | undefined {
  switch (path) {
    case "/livez":
      return healthAnswer(source.live());
    case "/readyz":
      return healthAnswer(source.ready());
    case "/healthz":
      return healthAnswer(source.report());
    default:
      return undefined;
  }
}

function healthAnswer(report: HealthReport): Answer {
  return jsonAnswer(report.status === "failing" ? 503 : 200, report);
}
