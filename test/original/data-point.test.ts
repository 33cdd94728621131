// The group `Test.DataPoint` of cardano-tracer's own suite (Cardano.Tracer.Test.DataPoint.Tests): a node that listens has a
// data point, and a tracer that connects asks for it. Here in both directions, twice, with traces on the same connection.

import { expect, test } from "vitest";
import { eventually, ScriptedSource, simulatedNode, startTracer } from "../../src/testing/entry.js";
import { formatAddress } from "../../src/transport/address.js";
import { Workplace } from "../end-to-end/daemon.js";

const document = '{"tdpName":"Name","tdpCommit":"0123456789","tdpVersion":[1,2,3]}';

test.each(["listen", "connect"] as const)("Test.DataPoint: ask, of a node that would %s", async (mode) => {
  await using place = await Workplace.open();
  const address = { kind: "unix", path: place.socket } as const;
  const contents = formatAddress(address);
  const source = new ScriptedSource({ name: "asked", objects: ["before"] });
  source.dataPoints.set("test.data.point", Buffer.from(document));
  const startNode = () => simulatedNode({ source, network: { mode, address } });
  const tellsFirst = mode === "listen" ? await startNode() : undefined;
  await using tracer = await startTracer({
    config: {
      network: mode === "listen" ? { tag: "ConnectTo", contents: [contents] } : { tag: "AcceptAt", contents },
    },
  });
  await using _node = tellsFirst ?? (await startNode());
  await eventually(() => expect(tracer.accounts().written).toBe(1));

  const names = ["test.data.point", "no.such.point"];
  for (const line of ["between", "after"]) {
    const points = await tracer.dataPointsOf("asked", names);
    expect(
      [...(points ?? [])].map(([name, value]) => [name, value && Buffer.from(value).toString()]),
    ).toEqual([
      ["test.data.point", document],
      ["no.such.point", undefined],
    ]);
    source.send(line);
  }
  await eventually(async () => expect(await tracer.linesOf("asked")).toEqual(["before", "between", "after"]));
  expect(await tracer.dataPointsOf("nobody", names)).toBeUndefined();
});
