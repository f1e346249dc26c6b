/**
 * What runs on a client: started by the loader of src/loader/loader.ts, over within a second, nothing left running.
 *
 * Promises: the hello goes out before any probe runs; a report is on this machine's disk before it is sent, and stays
 * there until it was acknowledged; whatever the disk, the probes or an earlier agent do, what can be said is said.
 * Files are 0600 in folders that are ours alone.
 */
import { basename } from 'node:path';

import { decodeRequest } from '../src/report/agent-request.ts';
import { encodeJsonFrame } from '../src/report/frames.ts';
import { protocolVersion } from '../src/report/wire.ts';
import { monotonicMs, readBootId } from './start/clock.ts';
import { install } from './start/install.ts';
import type { UploadedAgent } from './start/install.ts';
import { agentFault, agentVersion, makeReport } from './spool/make-report.ts';
import { decodeUnderPin, mayHaveFolder, readPinned } from './spool/pinned.ts';
import { placeRoots } from './start/places.ts';
import { claimPlace, releasePlace } from './start/running.ts';
import { writeOut } from './start/stdio.ts';
import { NotKeptError, runSpool } from './spool/spool-run.ts';
import { keepSpoolScript, notKeptStatus } from './spool/spool-script.ts';
import { stream, takeAcknowledgements } from './spool/streaming.ts';
import { closeVisit, openVisit } from './spool/visit.ts';
import type { Collectors } from './spool/spool-run.ts';

/** From the agent's own deadline to its end by force. */
const graceMs = 1000;
/** How long an earlier agent may still take to end. */
const patienceMs = 1000;

/** Does all that one start of the agent has to do, and ends the process. */
export function runAgent(collectors: Collectors): void {
  answer(collectors)
    .then(() => process.exit(0))
    .catch((thrown: unknown) => {
      console.error(thrown instanceof Error ? thrown.message : thrown);
      process.exit(thrown instanceof NotKeptError ? notKeptStatus : 1);
    });
}

async function answer(collectors: Collectors): Promise<void> {
  process.umask(0o077);
  const [, script = '', text = '', guard, machineId = '', pauseSeconds] = process.argv;
  const pinned = readPinned();
  const request = pinned === null ? decodeRequest(text) : decodeUnderPin(text, pinned);
  if (guard !== 't') await startWatchdog(request.deadlineMs + graceMs);

  const roots = placeRoots(process.env, process.getuid?.() ?? 0);
  const names = { machine: /^[^./][^/]*$/.test(machineId) ? machineId : 'unknown', collector: request.collector };
  if (request.kind === 'spool') {
    await runSpool({ request, collectors, roots, names, pauseMs: Number(pauseSeconds) * 1000 });
    return;
  }
  const bootId = readBootId();
  writeOut(Buffer.from(request.marker, 'base64url'));
  writeOut(
    encodeJsonFrame('H', {
      v: protocolVersion,
      agent: agentVersion,
      wall_ms: Date.now(),
      monotonic_ms: monotonicMs(),
      boot_id: bootId,
      ...(pinned === null ? {} : { pinned: pinned.digest }),
    }),
  );

  const uploaded = (globalThis as { fleetHealthUploaded?: UploadedAgent }).fleetHealthUploaded;
  if (uploaded) install(uploaded, guard === 't' ? 't' : 'w', roots, names);

  const visit = openVisit(request, roots, names, pinned === null || mayHaveFolder(request.client, roots, names));
  const running = claimPlace(visit.dirs, bootId, { own: false, patienceMs });
  const outcome =
    running === null
      ? await makeReport(request, visit, collectors[request.kind], bootId)
      : agentFault('agent-stuck', `agent ${running.pid} of an earlier visit has not ended (state ${running.state})`);
  if (stream(request, visit, outcome)) takeAcknowledgements(visit);
  if (running === null) releasePlace(visit.dirs);
  if (request.kind === 'visit') {
    const digest = pinned?.digest ?? uploaded?.digest ?? basename(script).slice(0, 64);
    keepSpoolScript(visit, { request, digest, node: process.execPath, guard: guard === 't' ? 't' : 'w' });
  }
  closeVisit(visit);
}

/**
 * Kills this process after so many milliseconds, whatever it is doing: a timer of its own would not fire while it is
 * busy or waits for the kernel. Costs a thread, so only where the client has no `timeout`.
 */
async function startWatchdog(afterMs: number): Promise<void> {
  // Loaded here, because most clients never need it and loading it costs a tenth of a start of node.
  const { Worker } = await import('node:worker_threads');
  const source = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${afterMs})`;
  new Worker(source, { eval: true }).unref();
}
