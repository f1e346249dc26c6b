import path from 'node:path';

import { messageOf } from '../../platform/errors/errors.ts';
import { holdLock } from '../../state-folder/lock.ts';
import { counted } from '../../text/numbers.ts';
import { takeKeptReport } from '../agent-program.ts';
import { pattooReport } from '../pattoo.ts';
import type { AgentSettings } from '../settings.ts';
import { appendLine } from '../bounded-file.ts';
import { postPattoo, refusals } from './post-pattoo.ts';
import { openWaitingLines, type WaitingLines } from '../waiting-lines.ts';

const waitingFile = 'pattoo-waiting.jsonl';
const refusedFile = 'pattoo-refused.jsonl';
/** The lock of `waitingFile`. The mode `pattoo` holds the lock of modes while it runs, and this one for each push. */
const waitingLock = 'pattoo-waiting-lock.db';
/**
 * The number of documents after which the file of waiting documents is rewritten: after a crash at most these are sent
 * again.
 */
const documentsAWrite = 100;

export interface PushPattooOptions {
  readonly settings: AgentSettings;
  readonly place: string;
  /** The address of the server; documents go to receive/AGENT_ID below it. */
  readonly to: URL;
  readonly signal: AbortSignal;
}

export interface PattooPushed {
  readonly acknowledged: number;
  readonly kept: number;
  /** The reason why not all documents were accepted; null if they were. */
  readonly failure: string | null;
}

/**
 * Takes a report and posts it in the form of pattoo-os, after the documents that the server has not accepted yet,
 * oldest first. Only an answer 200 counts as accepted. A document that the server refuses for good is set aside. Throws
 * FleetError `locked` if another push is running.
 */
export async function pushPattoo(options: PushPattooOptions): Promise<PattooPushed> {
  const { settings, place } = options;
  const file = path.join(place, waitingLock);
  const release = await holdLock({ file, message: () => 'another push is under way' });
  try {
    const document = pattooReport(await takeKeptReport(settings, place));
    const waiting = openWaitingLines(place, waitingFile);
    // The report is on this disk before it is sent.
    waiting.keep([...waiting.lines, JSON.stringify(document)]);
    return await postAll(waiting, options);
  } finally {
    release();
  }
}

/** Posts the documents in their order up to the first that has to be sent again, and keeps the others. */
async function postAll(waiting: WaitingLines, { place, to, signal }: PushPattooOptions): Promise<PattooPushed> {
  const { lines } = waiting;
  const aside: string[] = [];
  const faults: string[] = [];
  let done = 0;
  for (const line of lines) {
    const { status, fault } = await postPattoo(to, line, signal);
    const isRefused = status !== null && refusals.has(status);
    const reason = isRefused ? setAside(place, line) : fault;
    if (reason !== null) {
      faults.push(reason);
      break;
    }
    if (isRefused) aside.push(fault ?? '');
    done += 1;
    if (done % documentsAWrite === 0) waiting.keep(lines.slice(done));
  }
  const { isWritten } = waiting.keep(lines.slice(done));
  if (!isWritten) faults.push(`${path.join(place, waitingFile)} cannot be written: reports may be lost or sent again`);
  const [refusal] = aside;
  if (refusal !== undefined) faults.push(`${refusal}: ${counted(aside.length, 'report')} set aside in ${refusedFile}`);
  const failure = faults.length === 0 ? null : faults.join('; ');
  return { acknowledged: done - aside.length, kept: lines.length - done, failure };
}

/** Stores a document that is not sent again. Returns the reason if the disk cannot store it; null if it can. */
function setAside(place: string, line: string): string | null {
  try {
    appendLine(path.join(place, refusedFile), line);
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
