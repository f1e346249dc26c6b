import path from 'node:path';

import { isWritten, readPrivateFile } from '../../agent/start/private-file.ts';
import { messageOf, usageError } from '../errors.ts';
import { everyReport } from './agent-program.ts';
import { appendLine } from './bounded-file.ts';
import { openJudge } from './edge-judge.ts';
import type { ModeContext } from './mode-context.ts';
import { sendLines } from './send-lines.ts';

/** The most lines that wait for a socket: the oldest are dropped, and counted in the log. */
const mostWaiting = 1000;
const waitingFile = 'edge-waiting.jsonl';
const maxWaitingBytes = 4 * 1024 * 1024;

/**
 * Takes a report again and again, keeps it in the file, and judges it by the rules of `edge`. Each change of an alert is
 * logged, and told to the socket with `send`. Lines that the socket does not take are tried again with the next report.
 */
export async function runEdge({ settings, place, log, signal, send, note, ready }: ModeContext): Promise<void> {
  const { edge, client } = settings;
  if (edge === null) throw usageError('agent.json has no "edge"', 'Write "edge": {"rules": [..]} into it.');
  const to = send || edge.send ? edge.to : null;
  if ((send || edge.send) && to === null) {
    throw usageError(
      '"edge" has no "to", so nothing can be sent',
      'Write "to": "tcp://HOST:PORT" or "unix:/PATH" into it.',
    );
  }
  const file = edge.file ?? path.join(place, 'edge.jsonl');
  const judge = openJudge({ client, rules: edge.rules, everyMs: edge.everyMs, place });
  let waiting = readWaiting(place);
  const deliver = async (): Promise<void> => {
    if (to === null || waiting.length === 0) return;
    try {
      await sendLines(to, waiting);
      waiting = [];
      keepWaiting(place, waiting);
    } catch (thrown) {
      const dropped = Math.max(0, waiting.length - mostWaiting);
      waiting = waiting.slice(dropped);
      keepWaiting(place, waiting);
      log.problem('not-sent', { waiting: waiting.length, dropped, reason: messageOf(thrown) });
    }
  };
  ready();
  log.event('watching', { rules: edge.rules.length, file, every_s: edge.everyMs / 1000, sends: to !== null });
  await everyReport({
    ...{ settings, place, log, signal },
    everyMs: edge.everyMs,
    take: async ({ report }) => {
      const changes = judge(report);
      for (const { limit, ...change } of changes) log.event('alert', { ...change, limit });
      if (to !== null) waiting = [...waiting, ...changes.map((change) => JSON.stringify(change))];
      await deliver();
      note({ lastReportAtMs: Date.parse(report.datetime), queue: waiting.length });
      appendLine(file, JSON.stringify(report));
    },
  });
}

/** Returns the lines that an earlier process could not send. */
function readWaiting(place: string): readonly string[] {
  const text = readPrivateFile(path.join(place, waitingFile), maxWaitingBytes)?.toString() ?? '';
  return text.split('\n').filter((line) => line !== '');
}

/** A disk that does not take the lines changes nothing: this process goes on to try. */
function keepWaiting(place: string, lines: readonly string[]): void {
  isWritten(place, waitingFile, Buffer.from(`${lines.join('\n')}\n`), false);
}
