/**
 * Measures a test file's process and all that it starts, and ends it when it uses too much CPU or none at all:
 * `node --import ./test/file-meter.mjs --test FILE...`. Appends a line to the file that FLEET_HEALTH_METER names:
 * path, CPU in ms, CPU of its servers that still ran at its end in ms, wall time in ms.
 */
import asyncHooks from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';
import { isMainThread } from 'node:worker_threads';

import { cpuOf, descendantsOf } from './process-cpu.mjs';

/** An endless loop. The dearest file of the second tier has 2,100 N, which are 300 s on a slow machine. */
const maxCpuMs = 900_000;
/** A file whose processes together used less than 1 % of a core in all of it waits for what will not come. */
const idleMs = 180_000;

/** Returns the CPU in ms of this process, of its ended children and, in `serversMs`, of those that still run. */
function used() {
  const own = cpuOf('self');
  const serversMs = descendantsOf(process.pid).reduce((sum, pid) => sum + (cpuOf(pid)?.allMs ?? 0), 0);
  return { cpuMs: (own?.allMs ?? 0) + serversMs, serversMs };
}

/** Ends the file and names what it waits for: from Node 24 on `--test-timeout` limits tests, but not a file. */
function watch() {
  let last = cpuOf('self')?.allMs ?? 0;
  setInterval(() => {
    const { cpuMs } = used();
    const isIdle = cpuMs - last < idleMs / 100;
    last = cpuMs;
    if (!isIdle && cpuMs < maxCpuMs) return;
    const resources = [...new Set(process.getActiveResourcesInfo())].join(', ');
    const why = isIdle ? `has waited for ${idleMs / 1000} s` : `has used ${Math.round(cpuMs / 1000)} s of CPU`;
    console.error(`${process.argv[1]} ${why}; active: ${resources}`);
    process.exit(1);
  }, idleMs).unref();
}

/**
 * Lets node:test keep which test made which resource to the end of the process. To forget each promise when it is
 * collected costs a tenth of the CPU of the files that await much.
 */
function keepResources() {
  const { createHook } = asyncHooks;
  asyncHooks.createHook = (hooks) => {
    asyncHooks.createHook = createHook;
    return createHook({ ...hooks, destroy: undefined });
  };
}

// A child of the file inherits the environment, and the options too if it is forked.
const isFile = process.env['NODE_TEST_CONTEXT'] !== undefined && /\.test\.m?[jt]s$/.test(process.argv[1] ?? '');
if (isMainThread && isFile) {
  keepResources();
  const startedAt = performance.now();
  watch();
  process.once('exit', () => {
    const { cpuMs, serversMs } = used();
    const line = [process.argv[1], cpuMs, serversMs, Math.round(performance.now() - startedAt)].join('\t');
    if (process.env['FLEET_HEALTH_METER']) appendFileSync(process.env['FLEET_HEALTH_METER'], `${line}\n`);
  });
}
