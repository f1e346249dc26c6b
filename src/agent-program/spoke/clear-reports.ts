import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { isIP } from 'node:net';

import { secondMs } from '../../platform/units.ts';
import { takeKeptReport } from '../agent-program.ts';
import { formatReport } from '../format-report.ts';
import type { ModeContext } from '../mode-context.ts';
import { plainAnswer, send } from './spoke-answer.ts';

export const clearPath = '/pattoo-os';

/** The time for which a report is shown again: rates need ten seconds, and frequent requests cost no more. */
const shownMs = 10 * secondMs;

/** Returns a function that shows the newest report in clear, only to this machine unless `clear` is set. */
export function clearReports({ settings, place, note }: ModeContext) {
  let shown: Promise<Buffer> | null = null;
  let takenAt = 0;
  const take = async (): Promise<Buffer> => {
    const taken = await takeKeptReport(settings, place);
    note({ lastReportAtMs: Date.parse(taken.report.datetime), queue: null });
    return Buffer.from(`${JSON.stringify(formatReport('pattoo', taken))}\n`);
  };
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    if (!settings.spoke.clear && !isOfThisMachine(incoming)) {
      const words =
        'The report is shown on this machine alone; "clear": true in "spoke" of agent.json shows it to all.';
      send(outgoing, plainAnswer(403, words));
      return;
    }
    if (shown === null || performance.now() - takenAt >= shownMs) {
      takenAt = performance.now();
      shown = take();
      shown.catch(() => (shown = null));
    }
    send(outgoing, { status: 200, headers: { 'Content-Type': 'application/json' }, body: await shown });
  };
}

/**
 * True if a request comes from this machine and is addressed to it. False for a page in a local browser under another
 * host name, and for a request with a proxy's header.
 */
function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  const proxied = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined);
  return !proxied && isLoopback(socket.remoteAddress ?? '') && isOwnName(headers.host ?? '');
}

function isLoopback(address: string): boolean {
  return /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
}

function isOwnName(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  return isIP(name) !== 0 || ['localhost', hostname().toLowerCase()].includes(name);
}
