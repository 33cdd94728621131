import { useState } from "preact/hooks";
import type { FilesOverview, LogSummary } from "../src/ui/answers.js";
import { bytes, count, counted, duration } from "./format.js";
import { Moment } from "./moment.js";
import { byName } from "./node-order.js";
import { usePolled } from "./polling.js";
import { SearchBox } from "./search-box.js";

const everyMs = 10_000;

/** The log files of all nodes, and when they are rotated and deleted. */
export function FilesView() {
  const files = usePolled<FilesOverview>("/api/files", everyMs);
  const [words, setWords] = useState("");
  const { value } = files.answer;
  if (value === undefined) return <p role="status">{files.trouble.value ?? "Loading …"}</p>;
  const { logs, rotation, left } = value;
  const shown = logs
    .filter(({ directory }) => directory.toLowerCase().includes(words.toLowerCase()))
    .toSorted((one, other) => byName.compare(one.directory, other.directory));
  const sum = shown.reduce((all, log) => all + log.bytes, 0);
  return (
    <>
      <div class="bar">
        <h1>Files</h1>
        <SearchBox what="logs" words={words} onWords={setWords} />
        <span class="quiet" role="status">
          {shown.length < logs.length && `${count(shown.length)} of `}
          {counted(logs.length, "log")}, {bytes(sum)}
        </span>
      </div>
      <p>
        {rotation === undefined
          ? "Logs are not rotated: each stays in one file."
          : `A file is full at ${bytes(rotation.limitBytes)}; files are deleted after ${duration(rotation.maxAgeMs)}, but the newest ${count(rotation.keepFiles)} stay. Checked every ${duration(rotation.frequencyMs)}.`}
      </p>
      {logs.length === 0 && <p>There are no log files.</p>}
      {logs.length > 0 && shown.length === 0 && <p class="quiet">No log has that in its name.</p>}
      {shown.map((log) => (
        <Log key={`${log.root}/${log.directory}`} log={log} />
      ))}
      {left > 0 && <p>{counted(left, "further directory", "further directories")}</p>}
    </>
  );
}

function Log({ log }: { log: LogSummary }) {
  const { root, directory, files, left } = log;
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="log" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {directory} <span class="quiet">{root}</span>{" "}
        <span class="number">
          {counted(files.length + left, "file")}, {bytes(log.bytes)}
        </span>
      </summary>
      {isOpen && <FileTable files={files} />}
      {left > 0 && <p>{counted(left, "older file")}</p>}
    </details>
  );
}

function FileTable({ files }: Pick<LogSummary, "files">) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col">Size</th>
          <th scope="col">Last change</th>
        </tr>
      </thead>
      <tbody>
        {files.map(({ name, bytes: size, changedAt }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{bytes(size)}</td>
            <td>
              <Moment at={changedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
