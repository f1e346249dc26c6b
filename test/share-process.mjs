/**
 * Runs a test file in a process with others, in a suite of its name. Afterwards the suite fails if the file has left a
 * trace that the next file would meet: in the environment, the working folder, the umask, the globals, listeners of the
 * process, open handles, or memory. Such a file runs alone by a first line `// Runs alone: REASON`.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { after, before, describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { cpuOf } from './process-cpu.mjs';
import { serversOfProcess } from './support/end-of-process.ts';

/** More than any file keeps; a file that keeps so much makes each later one of its process slower. */
const maxKeptBytes = 64 * 2 ** 20;

/** Objects whose functions tests replace: clocks, random numbers, requests, output. */
const { crypto, console } = globalThis;
const replaceable = { globalThis, Date, Math, JSON, crypto, performance, console, stdout: process.stdout };
const exit = process.exit;

/** Returns the functions of globals by name. A getter of Node that replaces itself by its value is called first. */
function functionsOfGlobals() {
  // Clocks and output are methods that these objects inherit until somebody replaces them.
  const inherited = ['now', 'write'];
  const named = Object.entries(replaceable).flatMap(([of, object]) =>
    [...Object.getOwnPropertyNames(object), ...inherited]
      .filter((name) => !/Storage$|^process$/.test(name))
      .map((name) => [`${of}.${name}`, object[name]]),
  );
  return new Map(named.filter(([, value]) => typeof value === 'function'));
}

/** Returns what a test file may change for those after it, by name. */
function stateOf() {
  // Whoever removes folders and servers at the end of the process adds one listener for all files.
  const events = process.eventNames().filter((name) => !['exit', 'SIGTERM', 'SIGINT'].includes(name));
  return {
    environment: { ...process.env },
    'working folder': process.cwd(),
    umask: process.umask(),
    globals: Object.getOwnPropertyNames(globalThis).sort(),
    'functions of globals': functionsOfGlobals(),
    listeners: events.map((name) => `${String(name)} ${process.listenerCount(name)}`).sort(),
  };
}

/**
 * Returns how many handles and timers of each kind keep the process alive. Reads, writes and ends come to an end, and
 * servers of the process are nobody's trace.
 */
function handles() {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (!/Req|Write|Immediate|^TTYWrap|^PipeWrap/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  counts['ProcessWrap'] = (counts['ProcessWrap'] ?? 0) - serversOfProcess();
  return counts;
}

/** Returns the handles beyond those of `before`, as soon as there are none, and after five seconds. */
async function leftHandles(before) {
  for (let turn = 0; ; turn += 1) {
    // A server that is closed and a program that has been killed end a few turns later.
    await setTimeout(10);
    const left = Object.entries(handles()).filter(([kind, count]) => count > (before[kind] ?? 0));
    if (left.length === 0 || turn === 500) return left;
  }
}

/** Returns how many bytes the heap has gained since `before`; only a large gain is worth a collection of garbage. */
function gainedBytes(before) {
  const gained = () => process.memoryUsage().heapUsed - before;
  if (gained() > maxKeptBytes) globalThis.gc?.();
  return gained();
}

/** Runs the tests that `load` registers as a suite named `file`. */
export function share(file, load) {
  describe(file, () => {
    const alone = 'a file that leaves a trace begins with // Runs alone: REASON';
    const unchanged = (states) => {
      const now = stateOf();
      for (const [what, before] of Object.entries(states)) {
        assert.deepEqual(now[what], before, `${file} has changed the ${what}: ${alone}`);
      }
    };
    const unloaded = stateOf();
    load();
    unchanged(unloaded);
    let startedAt = 0;
    let startedMs = 0;
    let found = null;
    before(() => {
      startedAt = performance.now();
      startedMs = cpuOf('self')?.allMs ?? 0;
      found = { state: stateOf(), handles: handles(), bytes: process.memoryUsage().heapUsed };
      process.exit = () => {
        throw new Error(`${file} calls process.exit in a process that it shares`);
      };
    });
    after(async () => {
      process.exit = exit;
      record(file, { cpuMs: (cpuOf('self')?.allMs ?? 0) - startedMs, wallMs: performance.now() - startedAt });
      unchanged(found.state);
      assert.deepEqual(await leftHandles(found.handles), [], `${file} has left open handles: ${alone}`);
      const bytes = gainedBytes(found.bytes);
      assert.ok(bytes < maxKeptBytes, `${file} keeps ${Math.round(bytes / 2 ** 20)} MiB: ${alone}`);
    });
  });
}

/** Appends a line for the file to what FLEET_HEALTH_METER names, as test/file-meter.mjs does for a process. */
function record(file, { cpuMs, wallMs }) {
  const meter = process.env['FLEET_HEALTH_METER'];
  if (meter) appendFileSync(meter, `${[file, cpuMs, 0, Math.round(wallMs)].join('\t')}\n`);
}
