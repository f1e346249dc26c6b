import path from 'node:path';

import { FleetError, messageOf } from '../../errors.ts';
import { secondMs } from '../../platform/units.ts';
import { takeLock } from '../../state/lock.ts';
import { takeKeptReport } from '../agent-program.ts';
import { pattooReport } from '../pattoo.ts';
import type { AgentSettings } from '../settings.ts';
import { openWaitingLines } from '../waiting-lines.ts';

const waitingFile = 'pattoo-waiting.jsonl';
const timeoutMs = 30 * secondMs;

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
  /** Why not all were taken; null if they were. */
  readonly failure: string | null;
}

/**
 * Takes a report and posts it in the form of pattoo-os, after those that the server has not taken before, oldest first.
 * Only an answer 200 takes one. Throws FleetError `locked` if another push is under way.
 */
export async function pushPattoo({ settings, place, to, signal }: PushPattooOptions): Promise<PattooPushed> {
  const lock = await takeLock({ file: path.join(place, 'pattoo-lock.db'), nowMs: Date.now() });
  if (lock.kind === 'taken') {
    throw new FleetError({ code: 'locked', stage: 'lock', message: 'another push is under way' });
  }
  try {
    const document = pattooReport(await takeKeptReport(settings, place));
    const waiting = openWaitingLines(place, waitingFile);
    // The report is on this disk before it is sent.
    waiting.keep([...waiting.lines, JSON.stringify(document)]);
    let acknowledged = 0;
    for (const line of waiting.lines) {
      const failure = await post(urlOf(to, line), line, signal);
      if (failure !== null) return { acknowledged, kept: waiting.lines.length, failure };
      acknowledged += 1;
      waiting.keep(waiting.lines.slice(1));
    }
    return { acknowledged, kept: 0, failure: null };
  } finally {
    lock.release();
  }
}

function urlOf(to: URL, line: string): URL {
  const { agent_id: id } = JSON.parse(line) as { readonly agent_id: string };
  return new URL(`receive/${id}`, to.href.endsWith('/') ? to : `${to.href}/`);
}

/** Posts one document. Returns why it was not taken; null if it was. */
async function post(url: URL, body: string, signal: AbortSignal): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await answer.body?.cancel();
    return answer.status === 200 ? null : `${url.origin}${url.pathname} answered ${answer.status}`;
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    return `${url.origin}${url.pathname}: ${messageOf(cause)}`;
  }
}
