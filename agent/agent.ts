/**
 * The agent on a client. The loader (src/transport/loader/run.sh) starts the agent, which ends within a second and
 * leaves nothing running.
 *
 * Guarantees: the hello is sent before any probe runs. A report is on this machine's disk before it is sent, and stays
 * there until it is acknowledged. Faults of the disk, of probes or of an earlier agent never prevent the report of the
 * rest. Files have mode 0600 in private folders.
 */
import { basename } from 'node:path';

import { decodeRequest } from '../src/report/agent-request.ts';
import { encodeJsonFrame } from '../src/report/frames.ts';
import { protocolVersion, type Hello } from '../src/report/wire.ts';
import { monotonicMs, readBootId } from './start/clock.ts';
import { install, type UploadedAgent } from './start/install.ts';
import { agentFault, agentVersion, makeReport } from './spool/make-report.ts';
import { decodeUnderPin, mayHaveFolder, readPinned } from './spool/pinned.ts';
import { placeRoots } from './start/places.ts';
import { claimPlace, releasePlace } from './start/running.ts';
import { writeOut } from './start/stdio.ts';
import { NotKeptError, runSpool, type Collectors } from './spool/spool-run.ts';
import { keepSpoolScript, notKeptStatus } from './spool/spool-script.ts';
import { stream, takeAcknowledgements } from './spool/streaming.ts';
import { closeVisit, openVisit } from './spool/visit.ts';

/** The time from the agent's own deadline to its end by force. */
const graceMs = 1000;
/** The time limit for the end of an earlier agent. A first visit takes a second and more. */
const claimTimeoutMs = 3000;

/** Answers one request, and ends the process. */
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
      // JSON leaves out what is undefined.
      pinned: pinned?.digest,
    } as Hello),
  );

  const uploaded = (globalThis as { fleetHealthUploaded?: UploadedAgent }).fleetHealthUploaded;
  if (uploaded) install(uploaded, guard === 't' ? 't' : 'w', roots, names);

  const visit = openVisit(request, roots, names, pinned === null || mayHaveFolder(request.client, roots, names));
  const running = claimPlace(visit.dirs, bootId, { own: false, timeoutMs: claimTimeoutMs });
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
 * Kills this process after the given time, even if it is busy or waits for the kernel: a timer of its own would not
 * fire then. Takes a thread, so it is only used where the client has no timeout(1).
 */
async function startWatchdog(afterMs: number): Promise<void> {
  // The module is loaded here, because most clients never need it and loading costs a tenth of a start of node.
  const { Worker } = await import('node:worker_threads');
  const source = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${afterMs})`;
  new Worker(source, { eval: true }).unref();
}
