/**
 * The script `spool.sh` in a client's folder: what the crontab line of `fleet-health spool` (src/loader/spool-line.ts)
 * starts. The line makes it, empty; from then on every visit keeps it right, so that the line itself need name neither an
 * agent, nor a key, nor what rules ask for, and stays as it is when these change.
 */
import { lstatSync } from 'node:fs';

import { encodeRequest } from '../../src/report/agent-request.ts';
import { findMachine, spoolScriptName, tryEveryNode } from '../../src/report/loader-text.ts';
import { noRunId } from '../../src/report/report.ts';
import type { AgentRequest } from '../../src/report/wire.ts';
import { readPrivateFile, writePrivateFile } from '../start/private-file.ts';
import type { Visit } from './visit.ts';

/** How the agent ends that was the right one and could not keep its report: no other program is tried then. */
export const notKeptStatus = 4;

export interface SpoolScriptOptions {
  /** What this visit was asked. */
  readonly request: AgentRequest;
  /** SHA-256 of the program that makes the reports of visits here, in hexadecimal digits. */
  readonly digest: string;
  /** Absolute path of node. */
  readonly node: string;
  readonly guard: 't' | 'w';
}

const maxBytes = 64 * 1024;
/** From the agent's own end to that by force. */
const graceSeconds = 2;

// What is tried, in this order: the agent of the last visit, where agents or restricted keys have theirs; then any other
// that is there, for an agent that was replaced may have left a script that could not be written.
const text = [
  'umask 077',
  'unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH NODE_V8_COVERAGE',
  'h=$HOME u=$(id -u) m= e=83',
  ...findMachine,
  'command -v timeout >/dev/null 2>&1 || k=w',
  'mine() { [ -L "$1" ] && return 1; [ $2 "$1" ] && [ -O "$1" ]; }',
  'roots() {',
  'case $XDG_STATE_HOME in /*) "$1" "$XDG_STATE_HOME/fleet-health";; esac',
  'case $h in /*) "$1" "$h/.local/state/fleet-health";; esac',
  '"$1" /var/tmp/fleet-health-$u',
  '"$1" /dev/shm/fleet-health-$u',
  '}',
  'start() {',
  'if [ $k = t ]; then timeout -s KILL $t "$1" "$b" $r t "$m" "$y"; else "$1" "$b" $r w "$m" "$y"; fi </dev/null',
  's=$?',
  '}',
  'brought() { for d in "$1" "$1/$m" "$1/$m/$c"; do mine "$d" -d || return; done; go "$d"/runtime-*/node; }',
  'attempt() {',
  // Each in a shell of its own, which its functions end.
  `( ${tryEveryNode.join('; ')}; roots brought; exit 83 )`,
  'e=$?',
  `case $e in 0|${notKeptStatus}|137) exit $e;; esac`,
  '}',
  'installed() { case $2 in x) set -- "$1"/$g.cjs;; *) set -- "$1"/*.cjs;; esac; for b do [ -f "$b" ] && attempt; done; }',
  'look() {',
  'for d in "$1" "$1/$m" "$1/$m/$c"; do mine "$d" -d || return; done',
  'for b in "$d"/$f; do mine "$b" -f && attempt; done',
  '}',
  'for f in "$g.[tw].cjs" "*.[tw].cjs"; do',
  'roots look',
  `case $f in \\**) o=;; *) o=x;; esac`,
  'installed /usr/local/lib/fleet-health "$o"',
  'installed "$h/.local/lib/fleet-health" "$o"',
  'done',
  'exit $e',
].join('\n');

/** null where something of it cannot stand in a script. */
export function spoolScript({ request, digest, node, guard }: SpoolScriptOptions): string | null {
  const { collector, deadlineMs } = request;
  if (!/^[0-9a-f]{64}$/.test(digest) || !/^[\w-]{1,64}$/.test(collector)) return null;
  const own = encodeRequest({ ...request, kind: 'spool', run: noRunId, marker: '' });
  // One group, so that a file that was cut off does nothing.
  return [
    '# Kept right by every visit of the collector; started by the crontab line of `fleet-health spool`.',
    '{',
    `y=$1 k=${guard} t=${Math.ceil(deadlineMs / 1000) + graceSeconds} c=${collector}`,
    `n='${/^[^'\p{Cc}]{1,1000}$/u.test(node) ? node : '-'}'`,
    `g=${digest}`,
    `r=${own}`,
    text,
    '}\n',
  ].join('\n');
}

/** Writes the script where the line has made one, or an earlier visit, unless it is right. */
export function keepSpoolScript({ dirs, formerDirs }: Visit, options: SpoolScriptOptions): void {
  const asked = [...dirs, ...formerDirs].filter(
    (dir) => lstatSync(`${dir}/${spoolScriptName}`, { throwIfNoEntry: false }) !== undefined,
  );
  const script = asked.length === 0 ? null : spoolScript(options);
  if (script === null) return;
  const content = Buffer.from(script);
  const isRight = (dir: string): boolean =>
    readPrivateFile(`${dir}/${spoolScriptName}`, maxBytes)?.equals(content) === true;
  const isKept = asked.filter((dir) => isRight(dir) || isWritten(dir, content)).length > 0;
  // The disk with the one that was made may be full.
  if (!isKept) dirs.find((dir) => !asked.includes(dir) && isWritten(dir, content));
}

function isWritten(dir: string, content: Uint8Array): boolean {
  try {
    writePrivateFile(dir, spoolScriptName, content, true);
    return true;
  } catch {
    return false;
  }
}
