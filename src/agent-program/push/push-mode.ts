import { repeat } from '../agent-program.ts';
import type { ModeContext } from '../mode-context.ts';
import { nowhereError, push } from './push.ts';

/** Pushes repeatedly until the signal aborts. Logs a push that fails, and keeps its reports. */
export async function runPush({ settings, everyMs: named, log, signal, note, ready }: ModeContext): Promise<void> {
  const { enrolment } = settings;
  if (enrolment === null || enrolment.to === null) throw nowhereError();
  const everyMs = named ?? enrolment.everyMs;
  ready();
  log.event('pushing', { every_s: everyMs / 1000 });
  await repeat({ everyMs, log, failedEvent: 'not-pushed', signal }, async () => {
    const pushed = await push({ settings, enrolment, atOnce: false, signal });
    const { acknowledged, kept, fault, failure, advice, pausedUntilMs } = pushed;
    const reason = failure ?? fault?.message ?? null;
    if (reason === null) log.event(pausedUntilMs === null ? 'pushed' : 'paused', { acknowledged, kept });
    else log.problem('not-pushed', { acknowledged, kept, reason, advice: advice ?? undefined });
    note({ lastReportAtMs: Date.now(), queue: kept });
  });
}
