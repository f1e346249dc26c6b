/**
 * Writes the script `spool.sh` in a client's folder, which the crontab line of `fleet-health spool`
 * (src/transport/loader/spool-line.ts) starts. The line makes an empty script; every visit updates the script. The line
 * therefore names no agent, no key and no options of rules, and stays the same when these change.
 */
import { lstatSync } from 'node:fs';

import { encodeRequest } from '../../src/report/agent-request.ts';
import { spoolScriptEnd } from '../../src/report/client-scripts.ts';
import { noRunId } from '../../src/report/report.ts';
import { spoolScriptName, type AgentRequest } from '../../src/report/wire.ts';
import { isWritten, readPrivateFile } from '../start/private-file.ts';
import type { Visit } from './visit.ts';

/** The exit status of an agent that could not keep its report. No other program is tried then. */
export const notKeptStatus = 4;

export interface SpoolScriptOptions {
  /** The request of this visit. */
  readonly request: AgentRequest;
  /** The SHA-256 of the program for visits on this machine, in hexadecimal digits. */
  readonly digest: string;
  /** The absolute path of node. */
  readonly node: string;
  readonly guard: 't' | 'w';
}

const maxBytes = 64 * 1024;
/** The time from the agent's own deadline to its end by force. */
const graceSeconds = 2;

/** A path without quotation marks and control characters. */
const quotable = /^[ -&(-~\u00a0-\uffff]{1,1000}$/;

/** Returns the script, or null if a script cannot hold one of the values. */
export function spoolScript({ request, digest, node, guard }: SpoolScriptOptions): string | null {
  const { collector, deadlineMs } = request;
  if (!/^[0-9a-f]{64}$/.test(digest) || !/^[\w-]{1,64}$/.test(collector)) return null;
  const own = encodeRequest({ ...request, kind: 'spool', run: noRunId, marker: '' });
  // The braces make one command of the script: a truncated file does nothing.
  return [
    '# Written by visits, for the crontab line of `fleet-health spool`.',
    '{',
    `y=$1 k=${guard} t=${Math.ceil(deadlineMs / 1000) + graceSeconds} c=${collector}`,
    `n='${quotable.test(node) ? node : '-'}'`,
    `g=${digest}`,
    `r=${own}`,
    spoolScriptEnd,
    '}\n',
  ].join('\n');
}

/** Updates the script in each folder in which the line or an earlier visit has made a script. */
export function keepSpoolScript({ dirs, formerDirs }: Visit, options: SpoolScriptOptions): void {
  const asked = [...dirs, ...formerDirs].filter(
    (dir) => lstatSync(`${dir}/${spoolScriptName}`, { throwIfNoEntry: false }) !== undefined,
  );
  const script = asked.length === 0 ? null : spoolScript(options);
  if (script === null) return;
  const content = Buffer.from(script);
  const isRight = (dir: string): boolean =>
    readPrivateFile(`${dir}/${spoolScriptName}`, maxBytes)?.equals(content) === true;
  const write = (dir: string): boolean => isWritten(dir, spoolScriptName, content, true);
  const isKept = asked.filter((dir) => isRight(dir) || write(dir)).length > 0;
  // The disk of the existing script may be full.
  if (!isKept) dirs.find((dir) => !asked.includes(dir) && write(dir));
}
