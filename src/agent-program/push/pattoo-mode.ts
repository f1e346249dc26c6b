import { usageError } from '../../platform/errors/errors.ts';
import { minuteMs, secondMs } from '../../platform/units.ts';
import { repeat } from '../agent-program.ts';
import type { ModeContext } from '../mode-context.ts';
import { pushPattoo } from './push-pattoo.ts';

const usualEveryMs = 5 * minuteMs;

/** Posts a document to a server of pattoo repeatedly until the signal aborts. Logs a post that fails. */
export async function runPattoo(context: ModeContext): Promise<void> {
  const { settings, place, everyMs: named, log, signal, note, ready } = context;
  const to = context.to ?? settings.pattoo?.to ?? null;
  if (to === null) {
    throw usageError('agent.json has no "pattoo"', 'Write "pattoo": {"to": "https://..."} into it, or give --to URL.');
  }
  const everyMs = named ?? settings.pattoo?.everyMs ?? usualEveryMs;
  ready();
  log.event('pushing', { every_s: everyMs / secondMs });
  await repeat({ everyMs, log, failedEvent: 'not-pushed', signal }, async () => {
    const { acknowledged, kept, failure } = await pushPattoo({ settings, place, to, signal });
    if (failure === null) log.event('pushed', { acknowledged, kept });
    else log.problem('not-pushed', { acknowledged, kept, reason: failure });
    note({ lastReportAtMs: Date.now(), queue: kept });
  });
}
